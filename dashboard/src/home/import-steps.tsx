import { Group, Loader, Stack, Text } from '@mantine/core'
import { IconCircle, IconCircleCheck } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { ProgressBar } from '../parts/progress-bar.tsx'
import classes from './home.module.css'
import { type ImportStep, shareOf, useImportSteps } from './import-progress.ts'

/** The steps of an import with the counts of the one that runs, and a bar over all. */
export function ImportSteps({ task }: { task: Task }) {
  const t = useTranslations('home')
  const steps = useImportSteps(task)
  return (
    <Stack gap="xs">
      <ProgressBar done={shareOf(steps) * 100} total={100} label={t('importProgress')} />
      <Group component="ol" gap="lg" className={classes['plain'] ?? ''}>
        {steps.map(step => (
          <Group key={step.name} component="li" gap={6} wrap="nowrap" data-step={step.state}>
            <StepIcon state={step.state} />
            <StepText step={step} />
          </Group>
        ))}
      </Group>
    </Stack>
  )
}

/** The same, for a card on the shelf: the bar, and what is being done. */
export function ImportLine({ task }: { task: Task }) {
  const t = useTranslations('home')
  const steps = useImportSteps(task)
  const now = steps.find(({ state }) => state === 'now')
  return (
    <Stack gap={4}>
      <ProgressBar done={shareOf(steps) * 100} total={100} label={t('importProgress')} isSlim />
      {now !== undefined && <StepText step={now} />}
    </Stack>
  )
}

function StepIcon({ state }: Pick<ImportStep, 'state'>) {
  const t = useTranslations('home.steps')
  if (state === 'now') return <Loader size={16} aria-label={t('now')} role="img" />
  if (state === 'done')
    return (
      <IconCircleCheck
        size={18}
        color="var(--mantine-color-green-filled)"
        aria-label={t('done')}
        role="img"
      />
    )
  return <IconCircle size={18} color="var(--mantine-color-dimmed)" aria-label={t('ahead')} role="img" />
}

function StepText({ step: { name, state, done, total } }: { step: ImportStep }) {
  const t = useTranslations('home.steps')
  const counted = state === 'now' && total > 0
  return (
    <Text size="sm" className="numbers" {...(state === 'ahead' ? { c: 'dimmed' } : {})}>
      {counted ? t(`${name}Counted`, { done, total }) : t(name)}
    </Text>
  )
}
