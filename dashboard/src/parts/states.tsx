import { Center, Paper, Skeleton, Stack, Text, Title, VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'

/** Uneven, as lines of text are. */
const widths = ['96%', '84%', '91%', '72%', '88%', '79%', '94%', '67%']

/** While an answer is on its way: lines (at most eight) where it will stand. */
export function Loading({ lines = 4 }: { lines?: number }) {
  const t = useTranslations('parts')
  return (
    <Stack gap="sm" role="status" data-awaited>
      <VisuallyHidden>{t('loading')}</VisuallyHidden>
      {widths.slice(0, lines).map(width => (
        <Skeleton key={width} height="1.5rem" width={width} aria-hidden />
      ))}
    </Stack>
  )
}

/** Where there is nothing: what would be here, and how it comes here. */
export function Empty({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <Paper withBorder p="xl">
      <Center>
        <Stack align="center" gap="xs" maw="32rem" ta="center">
          <Title order={2}>{title}</Title>
          <Text c="dimmed">{text}</Text>
          {children}
        </Stack>
      </Center>
    </Paper>
  )
}
