import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  SegmentedControl,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKeyboard, IconMoon, IconSun } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { Suspense, useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import { useTokenIsWanted } from '../api/token.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { setPreferences, shownLanguage, usePreferences } from '../browser/preferences.ts'
import { useNavigationKeys, useShortcuts } from '../browser/shortcuts.tsx'
import { LiveBadge } from './live-badge.tsx'
import { Navigation } from './navigation.tsx'
import { OfflineBanner } from './offline-banner.tsx'
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
