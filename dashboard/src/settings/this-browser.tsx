import {
  SegmentedControl,
  type SegmentedControlProps,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  useMantineColorScheme,
} from '@mantine/core'
import { useId } from 'react'
import { useTranslations } from 'use-intl'
import { currentToken } from '../api/token.ts'
import { setPreferences, usePreferences } from '../browser/preferences.ts'
import { SignOut } from '../parts/sign-out.tsx'
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
        {currentToken() !== undefined && <LeaveServer />}
      </SimpleGrid>
    </Section>
  )
}

/** The way out, and what it takes along. */
function LeaveServer() {
  const t = useTranslations('settings.browser')
  return (
    <Stack gap={4}>
      <SignOut variant="default" w="fit-content" />
      <Text size="xs" c="dimmed">
        {t('signOutHint')}
      </Text>
    </Stack>
  )
}

interface ChoiceProps<Value extends string>
  extends Pick<SegmentedControlProps<Value>, 'value' | 'onChange' | 'data'> {
  name: string
}

/** A choice with its name above it. */
function Choice<Value extends string>({ name, ...choice }: ChoiceProps<Value>) {
  const id = useId()
  return (
    <Stack gap={4}>
      <Text size="sm" fw={500} id={id}>
        {name}
      </Text>
      <SegmentedControl aria-labelledby={id} w="fit-content" {...choice} />
    </Stack>
  )
}

function Language() {
  const t = useTranslations('settings.browser')
  const { language } = usePreferences()
  return (
    <Choice
      name={t('language')}
      value={language}
      onChange={value => setPreferences({ language: value })}
      data={[
        { value: 'auto', label: t('asBrowser') },
        { value: 'en', label: 'English' },
        { value: 'zh', label: '简体中文' },
      ]}
    />
  )
}

function Scheme() {
  const t = useTranslations('settings.browser')
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Choice
      name={t('scheme')}
      value={colorScheme}
      onChange={setColorScheme}
      data={[
        { value: 'auto', label: t('asSystem') },
        { value: 'light', label: t('light') },
        { value: 'dark', label: t('dark') },
      ]}
    />
  )
}

function Zone() {
  const t = useTranslations('settings.browser')
  const { zone } = usePreferences()
  return (
    <Choice
      name={t('zone')}
      value={zone}
      onChange={value => setPreferences({ zone: value })}
      data={[
        { value: 'local', label: t('local', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone }) },
        { value: 'utc', label: 'UTC' },
      ]}
    />
  )
}
