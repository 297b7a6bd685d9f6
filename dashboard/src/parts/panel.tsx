import { Paper, Stack, type StackProps, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

interface PanelProps extends Pick<StackProps, 'gap'> {
  title: string
  hint?: ReactNode
  children: ReactNode
}

/** A framed part of a page under a heading. Further attributes, such as `data-…`, are those of its section. */
export function Panel({ title, hint, gap = 'sm', children, ...section }: PanelProps) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title} {...section}>
      <Stack gap={gap}>
        <Title order={2}>{title}</Title>
        {hint !== undefined && (
          <Text size="sm" c="dimmed">
            {hint}
          </Text>
        )}
        {children}
      </Stack>
    </Paper>
  )
}
