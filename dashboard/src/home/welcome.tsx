import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { IconBook2, IconListSearch, IconNotes, IconSitemap } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { ChooseFiles } from './choose-files.tsx'
import classes from './home.module.css'
import { ModelNote } from './model-note.tsx'
import { SampleCards } from './samples.tsx'

/** What an empty shelf says: what this is, and what to do. */
export function Welcome() {
  const t = useTranslations('home.welcome')
  return (
    <Stack gap="xl">
      <Paper className={classes['zone'] ?? ''} p={{ base: 'lg', sm: 48 }} data-zone>
        <Stack align="center" ta="center" gap="md">
          <IconBook2 size={56} stroke={1.25} aria-hidden color="var(--mantine-primary-color-filled)" />
          <Title order={2} className={classes['hero'] ?? ''}>
            {t('title')}
          </Title>
          <Text maw="36rem" size="lg">
            {t('text')}
          </Text>
          <WhatComesOut />
          <ChooseFiles size="md" mt="xs" />
          <Text size="sm" c="dimmed">
            {t('formats')}
          </Text>
        </Stack>
      </Paper>
      <SampleCards />
      <ModelNote />
    </Stack>
  )
}

const outcomes = [
  { name: 'structure', icon: IconSitemap },
  { name: 'summaries', icon: IconNotes },
  { name: 'search', icon: IconListSearch },
] as const

/** What one has afterwards, at a glance. */
function WhatComesOut() {
  const t = useTranslations('home.welcome')
  return (
    <Group component="ul" gap="lg" justify="center" className={classes['plain'] ?? ''}>
      {outcomes.map(({ name, icon: Icon }) => (
        <Group key={name} component="li" gap={6} wrap="nowrap">
          <Icon size={20} stroke={1.5} aria-hidden color="var(--mantine-primary-color-filled)" />
          <Text size="sm">{t(name)}</Text>
        </Group>
      ))}
    </Group>
  )
}
