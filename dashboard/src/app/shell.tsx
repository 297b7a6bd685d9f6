import {
  ActionIcon,
  Alert,
  AppShell,
  Badge,
  Burger,
  Group,
  SegmentedControl,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconAlertTriangle,
  IconBooks,
  IconChartBar,
  IconGauge,
  IconKeyboard,
  IconListCheck,
  IconMoon,
  IconPlugConnectedX,
  IconSettings,
  IconSun,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { Suspense, useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import { useTokenIsWanted } from '../api/token.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { setPreferences, shownLanguage, usePreferences } from '../browser/preferences.ts'
import { useNavigationKeys, useShortcuts } from '../browser/shortcuts.tsx'
import { useAttentionCount } from '../dead-letters/letter-queries.ts'
import { useLive } from '../live/live.tsx'
import { EntryLink } from '../parts/links.tsx'
import { useNow } from '../parts/time.tsx'
import { useTaskCounts } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import { ShortcutList } from './shortcut-list.tsx'

/** Some answers are worded by the server, in the language of the request: in another one they are asked for again. */
function useAnswersInLanguage(): void {
  const language = shownLanguage(usePreferences())
  const queries = useQueryClient()
  const worded = useRef(language)
  useEffect(() => {
    if (worded.current === language) return
    worded.current = language
    void queries.invalidateQueries()
  }, [language, queries])
}

/** Most servers ask for no token. */
const TokenPage = lazyPart(() => import('./token-page.tsx'), 'TokenPage')

/** What is around every page. */
export function Shell() {
  const t = useTranslations('shell')
  const [isMenuOpen, menu] = useDisclosure()
  const [showsKeys, keyList] = useDisclosure()
  const { toggleColorScheme } = useMantineColorScheme()
  useNavigationKeys()
  useAnswersInLanguage()
  useShortcuts({ 'Shift+?': keyList.open, t: toggleColorScheme })
  if (useTokenIsWanted())
    return (
      <Suspense>
        <TokenPage />
      </Suspense>
    )
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 224, breakpoint: 'sm', collapsed: { mobile: !isMenuOpen } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <a href="#content" className="skip">
        {t('skip')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isMenuOpen}
              onClick={menu.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={isMenuOpen ? t('closeMenu') : t('menu')}
            />
            <Text
              component={Link}
              to="/"
              fw={700}
              size="lg"
              c="var(--mantine-primary-color-light-color)"
              td="none"
            >
              Quillwork
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <LiveBadge />
            <LanguageSwitch />
            <ThemeSwitch />
            <ActionIcon
              variant="subtle"
              color="gray"
              onClick={keyList.open}
              aria-label={t('help')}
              title={t('help')}
              visibleFrom="sm"
            >
              <IconKeyboard size={20} aria-hidden />
            </ActionIcon>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm">
        <Navigation onGo={menu.close} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <OfflineBanner />
        <Outlet />
      </AppShell.Main>
      {showsKeys && <ShortcutList onClose={keyList.close} />}
    </AppShell>
  )
}

function LanguageSwitch() {
  const t = useTranslations('shell')
  const preferences = usePreferences()
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('language')}
      value={shownLanguage(preferences)}
      onChange={value => setPreferences({ language: value === 'zh' ? 'zh' : 'en' })}
      data={[
        { value: 'en', label: 'EN' },
        { value: 'zh', label: '中文' },
      ]}
    />
  )
}

function ThemeSwitch() {
  const t = useTranslations('shell')
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  const Icon = isDark ? IconSun : IconMoon
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
      aria-label={t('theme')}
      title={t('theme')}
    >
      <Icon size={20} aria-hidden />
    </ActionIcon>
  )
}

const entries = [
  { to: '/', name: 'shelf', icon: IconBooks },
  { to: '/tasks', name: 'tasks', icon: IconListCheck },
  { to: '/dead-letters', name: 'deadLetters', icon: IconAlertTriangle },
  { to: '/usage', name: 'usage', icon: IconChartBar },
  { to: '/limits', name: 'limits', icon: IconGauge },
  { to: '/settings', name: 'settings', icon: IconSettings },
] as const

type EntryName = (typeof entries)[number]['name']

/** The places one can go to. `onGo`: a place was chosen. */
function Navigation({ onGo }: { onGo: () => void }) {
  const t = useTranslations('shell')
  const writing = useWriting()
  const { live, isMoreLive } = useTaskCounts()
  const counts: Partial<Record<EntryName, { count: number; isMore: boolean }>> = {
    tasks: { count: live, isMore: isMoreLive },
    deadLetters: useAttentionCount(),
  }
  return entries.map(({ to, name, icon: Icon }) => (
    <EntryLink
      key={to}
      to={to}
      label={t(name)}
      px="calc(var(--mantine-spacing-xs) / 2)"
      onClick={onGo}
      activeOptions={{ exact: to === '/', includeSearch: false }}
      activeProps={{ active: true }}
      leftSection={<Icon size={18} aria-hidden />}
      rightSection={
        (counts[name]?.count ?? 0) > 0 ? (
          <Badge
            size="xs"
            variant="light"
            className="numbers"
            {...(name === 'deadLetters' ? { color: 'red' } : {})}
          >
            {writing.number(counts[name]?.count ?? 0)}
            {counts[name]?.isMore === true && '+'}
          </Badge>
        ) : undefined
      }
    />
  ))
}

const colors = { starting: 'gray', live: 'green', stale: 'yellow', refused: 'red' } as const

/** Whether what is shown follows the server. */
function LiveBadge() {
  const t = useTranslations('shell')
  const { state, since } = useLive()
  const writing = useWriting()
  const whole = state === 'stale' ? t('stale', { time: writing.time(since) }) : t(state)
  return (
    <Tooltip label={whole} events={{ hover: true, focus: true, touch: true }}>
      <Badge
        variant="dot"
        color={colors[state]}
        role="status"
        aria-label={whole}
        data-live={state}
        tabIndex={0}
      >
        {state === 'live' ? t('live') : state === 'refused' ? t('notLive') : t('starting')}
      </Badge>
    </Tooltip>
  )
}

/** Milliseconds: a shorter break is not shown. */
const saidAfterMs = 4_000

/** Shows that the server does not answer, or refuses the stream of events. */
function OfflineBanner() {
  const t = useTranslations('shell')
  const { state, since } = useLive()
  const now = useNow()
  if ((state !== 'stale' && state !== 'refused') || now - since < saidAfterMs) return null
  return (
    <Alert
      color="yellow"
      mb="md"
      icon={<IconPlugConnectedX aria-hidden />}
      title={t(state === 'refused' ? 'refusedTitle' : 'offlineTitle')}
      role="status"
    >
      {t(state === 'refused' ? 'refusedText' : 'offlineText')}
    </Alert>
  )
}
