import {
  ActionIcon,
  Alert,
  AppShell,
  Badge,
  Burger,
  Group,
  SegmentedControl,
  Stack,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconActivity,
  IconAlertTriangle,
  IconBooks,
  IconChartBar,
  IconClock,
  IconCpu,
  IconGauge,
  IconHistory,
  IconKeyboard,
  IconListCheck,
  IconMoon,
  IconPlugConnectedX,
  IconRss,
  IconSettings,
  IconStack2,
  IconSun,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { Suspense, useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import { type Need, useMe } from '../api/me.ts'
import { currentToken, useTokenIsWanted } from '../api/token.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { setPreferences, shownLanguage, usePreferences } from '../browser/preferences.ts'
import { useNavigationKeys, useShortcuts } from '../browser/shortcuts.tsx'
import { useAttentionCount } from '../dead-letters/letter-queries.ts'
import { useLive } from '../live/live.tsx'
import { EntryLink } from '../parts/links.tsx'
import { SignOut } from '../parts/sign-out.tsx'
import { useNow } from '../parts/time.tsx'
import { useTaskCounts } from '../queries/task-queries.ts'
import { UnsentEdits } from '../scenes/unsent-edits.tsx'
import { useWriting } from '../text/format.ts'

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

/** Comes when it is asked for first. */
const ShortcutList = lazyPart<'ShortcutList', { onClose: () => void }>(
  () => import('./shortcut-list.tsx'),
  'ShortcutList',
)

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
        <Group h="100%" px={{ base: 'xs', sm: 'md' }} gap={6} justify="space-between" wrap="nowrap">
          <Group gap={6} wrap="nowrap">
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
              fz={{ base: 'md', sm: 'lg' }}
              style={{ whiteSpace: 'nowrap' }}
              c="var(--mantine-primary-color-light-color)"
              td="none"
            >
              Quillwork
            </Text>
          </Group>
          <Group gap={6} wrap="nowrap">
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
        <SignedIn />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <div className="frame">
          <OfflineBanner />
          <UnsentEdits />
          <Outlet />
        </div>
      </AppShell.Main>
      <Suspense>{showsKeys && <ShortcutList onClose={keyList.close} />}</Suspense>
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

interface Entry {
  readonly to: string
  readonly name: string
  readonly icon: typeof IconBooks
  /** Offered to those alone who may do that. */
  readonly need?: Need
  /** Of all users together: nothing for who sees one. */
  readonly ofAll?: true
}

const entries = [
  { to: '/', name: 'shelf', icon: IconBooks },
  { to: '/overview', name: 'overview', icon: IconActivity, ofAll: true },
  { to: '/tasks', name: 'tasks', icon: IconListCheck },
  { to: '/dead-letters', name: 'deadLetters', icon: IconAlertTriangle },
  { to: '/lanes', name: 'lanes', icon: IconStack2 },
  { to: '/schedules', name: 'schedules', icon: IconClock },
  { to: '/workers', name: 'workers', icon: IconCpu, need: 'operate', ofAll: true },
  { to: '/events', name: 'events', icon: IconRss, need: 'operate' },
  { to: '/audit', name: 'audit', icon: IconHistory, need: 'administer' },
  { to: '/usage', name: 'usage', icon: IconChartBar },
  { to: '/limits', name: 'limits', icon: IconGauge },
  { to: '/settings', name: 'settings', icon: IconSettings },
] as const satisfies readonly Entry[]

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
  const { data: me } = useMe()
  const isOffered = ({ need, ofAll }: Entry) =>
    (need === undefined || me?.may.includes(need) === true) && (ofAll !== true || me?.sees !== 'own')
  const shown = entries.filter(isOffered)
  return shown.map(({ to, name, icon: Icon }) => (
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

/** Whom nobody has to be told: who has the token of the server, or needs none. */
const unnamed = ['token', 'local']

/** Who is signed in, as what, and the way out. Nothing on a server of one's own. */
function SignedIn() {
  const t = useTranslations('roles')
  const { data: me } = useMe()
  if (me === undefined || unnamed.includes(me.id)) return null
  return (
    <Stack gap={4} mt="auto" pt="sm" px={6} component="section" aria-label={t('signedIn')} data-me={me.role}>
      <Text size="sm" fw={600} truncate title={me.name}>
        {me.name}
      </Text>
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed">
          {t(me.role)}
        </Text>
        {currentToken() !== undefined && <SignOut size="compact-xs" variant="default" />}
      </Group>
    </Stack>
  )
}

const colors = { starting: 'gray', live: 'green', stale: 'yellow', refused: 'red' } as const

/** Whether what is shown follows the server. */
function LiveBadge() {
  const t = useTranslations('shell')
  const { state, since } = useLive()
  const writing = useWriting()
  const whole = state === 'stale' ? t('stale', { time: writing.time(since) }) : t(state)
  return (
    <Badge
      variant="dot"
      color={colors[state]}
      role="status"
      aria-label={whole}
      title={whole}
      data-live={state}
    >
      {state === 'live' ? t('live') : state === 'refused' ? t('notLive') : t('starting')}
    </Badge>
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
