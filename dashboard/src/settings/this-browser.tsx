import { SegmentedControl, SimpleGrid, Stack, Switch, Text, useMantineColorScheme } from '@mantine/core'
import { type ReactNode, useId } from 'react'
import { useTranslations } from 'use-intl'
import { setPreferences, usePreferences } from '../browser/preferences.ts'
import { Section } from './section.tsx'

/** What a person chose for this browser; it holds at once. */
export function ThisBrowser() {
  const t = useTranslations('settings.browser')
  const { shortcuts } = usePreferences()
  return (
    <Section id="browser" title={t('title')} text={t('text')}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
        <Language />
        <Scheme />
        <Zone />
        <Stack gap={4}>
          <Switch
            label={t('shortcuts')}
            description={t('shortcutsHint')}
            checked={shortcuts}
            onChange={({ currentTarget }) => setPreferences({ shortcuts: currentTarget.checked })}
          />
        </Stack>
      </SimpleGrid>
    </Section>
  )
}

/** A choice with its name above it. */
function Choice({ name, children }: { name: string; children: (id: string) => ReactNode }) {
  const id = useId()
  return (
    <Stack gap={4}>
      <Text size="sm" fw={500} id={id}>
        {name}
      </Text>
      {children(id)}
    </Stack>
  )
}

function Language() {
  const t = useTranslations('settings.browser')
  const { language } = usePreferences()
  return (
    <Choice name={t('language')}>
      {id => (
        <SegmentedControl
          aria-labelledby={id}
          w="fit-content"
          value={language}
          onChange={value => setPreferences({ language: value })}
          data={[
            { value: 'auto', label: t('asBrowser') },
            { value: 'en', label: 'English' },
            { value: 'zh', label: '简体中文' },
          ]}
        />
      )}
    </Choice>
  )
}

function Scheme() {
  const t = useTranslations('settings.browser')
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Choice name={t('scheme')}>
      {id => (
        <SegmentedControl
          aria-labelledby={id}
          w="fit-content"
          value={colorScheme}
          onChange={setColorScheme}
          data={[
            { value: 'auto', label: t('asSystem') },
            { value: 'light', label: t('light') },
            { value: 'dark', label: t('dark') },
          ]}
        />
      )}
    </Choice>
  )
}

function Zone() {
  const t = useTranslations('settings.browser')
  const { zone } = usePreferences()
  return (
    <Choice name={t('zone')}>
      {id => (
        <SegmentedControl
          aria-labelledby={id}
          w="fit-content"
          value={zone}
          onChange={value => setPreferences({ zone: value })}
          data={[
            { value: 'local', label: t('local', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone }) },
            { value: 'utc', label: 'UTC' },
          ]}
        />
      )}
    </Choice>
  )
}
