import { Group, Progress, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useWriting } from '../text/format.ts'

/** How far something is. */
export interface ProgressBarProps {
  done: number
  /** 0: not known yet; then only the words are shown. */
  total: number
  /** What is being measured, for those who do not see the bar. */
  label: string
  /** What is done right now, beside the bar. */
  step?: ReactNode
  /** In a row of a list: the bar and the percentage alone. */
  isSlim?: boolean
  color?: string
}

/** A bar with its percentage, and what is done right now. It never claims to be full before it is. */
export function ProgressBar({ done, total, label, step, isSlim = false, color = 'ink' }: ProgressBarProps) {
  const writing = useWriting()
  const share = shareOf(done, total)
  if (total <= 0) return step === undefined ? null : <Text size="sm">{step}</Text>
  const bar = (
    <Progress
      value={share * 100}
      color={color}
      size={isSlim ? 'sm' : 'md'}
      flex={1}
      miw={0}
      aria-label={label}
    />
  )
  const percent = (
    <Text size={isSlim ? 'xs' : 'sm'} c="dimmed" className="numbers" w="3rem" ta="right">
      {writing.percent(share)}
    </Text>
  )
  if (isSlim)
    return (
      <Group gap={4} wrap="nowrap" w="100%">
        {bar}
        {percent}
      </Group>
    )
  return (
    <Stack gap={4}>
      <Group gap="xs" wrap="nowrap">
        {bar}
        {percent}
      </Group>
      {step !== undefined && (
        <Text size="sm" c="dimmed">
          {step}
        </Text>
      )}
    </Stack>
  )
}

/** Rounded down to whole percents, so that 100 % means all of it. */
function shareOf(done: number, total: number): number {
  if (total <= 0) return 0
  return Math.floor((Math.min(Math.max(done, 0), total) / total) * 100) / 100
}
