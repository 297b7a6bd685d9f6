import { Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** A part of the settings. `id`: what an address points at. */
export function Section({
  id,
  title,
  text,
  children,
}: {
  id: string
  title: string
  text?: string
  children: ReactNode
}) {
  return (
    <Stack gap="md" component="section" id={id} aria-labelledby={`${id}-title`}>
      <Stack gap={4}>
        <Title order={2} id={`${id}-title`}>
          {title}
        </Title>
        {text !== undefined && (
          <Text size="sm" c="dimmed">
            {text}
          </Text>
        )}
      </Stack>
      {children}
    </Stack>
  )
}
