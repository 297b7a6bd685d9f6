import { Group, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'

/** The heading of a page, which is also the title of the tab. `children`: what can be done here. */
export function PageTitle({
  title,
  below,
  children,
}: {
  title: string
  below?: ReactNode
  children?: ReactNode
}) {
  useDocumentTitle(`${title} · Quillwork`)
  return (
    <Group justify="space-between" align="flex-start" wrap="wrap" gap="md">
      <Stack gap={2} miw={0} flex={1}>
        <Title order={1}>{title}</Title>
        {below !== undefined && (
          <Text component="div" c="dimmed" size="sm">
            {below}
          </Text>
        )}
      </Stack>
      {children !== undefined && <Group gap="xs">{children}</Group>}
    </Group>
  )
}
