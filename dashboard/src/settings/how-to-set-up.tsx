import { Code, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { CopyButton } from '../parts/copy-button.tsx'
import { modelCommands } from '../parts/model-commands.ts'

/** How a model is set up: by whoever runs the server, in its environment or its configuration. */
export function HowToSetUp() {
  const t = useTranslations('settings.setUp')
  return (
    <Paper withBorder p="md" data-set-up>
      <Stack gap="md">
        <Title order={3}>{t('title')}</Title>
        <Text size="sm">{t('text')}</Text>
        <Commands title={t('own')} commands={modelCommands.own} />
        <Commands title={t('provider')} commands={modelCommands.provider} />
        <Text size="sm">{t('several')}</Text>
        <Text size="sm" c="dimmed">
          {t('keys')}
        </Text>
      </Stack>
    </Paper>
  )
}

function Commands({ title, commands }: { title: string; commands: string }) {
  const t = useTranslations('settings.setUp')
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm" fw={500}>
          {title}
        </Text>
        <CopyButton text={commands} label={t('copy')} />
      </Group>
      <Code block tabIndex={0} aria-label={title}>
        {commands}
      </Code>
    </Stack>
  )
}
