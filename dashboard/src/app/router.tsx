import { Button, Center, Stack, Text, Title } from '@mantine/core'
import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import { useTranslations } from 'use-intl'
import { lazyPart } from '../browser/lazy-part.ts'
import { HomePage } from '../home/home-page.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { Loading } from '../parts/states.tsx'
import {
  type AppendSearch,
  type AuditSearch,
  type ChapterSearch,
  type DeadLettersSearch,
  type EventsSearch,
  type LimitsSearch,
  type NovelSearch,
  type OverviewSearch,
  type SceneSearch,
  searchOf,
  type TaskSearch,
  type TasksSearch,
  type UsageSearch,
} from '../queries/search.ts'
import { loadRestOfTexts } from '../text/language.tsx'
import { Shell } from './shell.tsx'

/** Returns a page that needs more than the first texts: the rest of them is loaded beside it. */
function withAllTexts<Name extends string>(
  load: () => Promise<{ [Key in Name]: ComponentType }>,
  name: Name,
): ReturnType<typeof lazyPart<Name>> {
  return lazyPart(async () => {
    const [page] = await Promise.all([load(), loadRestOfTexts()])
    return page
  }, name)
}

/** Every address of the pages. Each page is loaded when it is opened first. */
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: HomePage,
})

const importing = createRoute({
  getParentRoute: () => root,
  path: '/import/$uploadId',
  component: withAllTexts(() => import('../imports/import-page.tsx'), 'ImportPage'),
})

const tasks = createRoute({
  getParentRoute: () => root,
  path: '/tasks',
  validateSearch: (search): TasksSearch => searchOf.tasks(search),
  component: lazyPart(() => import('../tasks/tasks-page.tsx'), 'TasksPage'),
})

const task = createRoute({
  getParentRoute: () => root,
  path: '/tasks/$taskId',
  validateSearch: (search): TaskSearch => searchOf.task(search),
  component: lazyPart(() => import('../task/task-page.tsx'), 'TaskPage'),
})

const deadLetters = createRoute({
  getParentRoute: () => root,
  path: '/dead-letters',
  validateSearch: (search): DeadLettersSearch => searchOf.deadLetters(search),
  component: lazyPart(() => import('../dead-letters/dead-letters-page.tsx'), 'DeadLettersPage'),
})

const novel = createRoute({
  getParentRoute: () => root,
  path: '/novels/$novelId',
  validateSearch: (search): NovelSearch => searchOf.novel(search),
  component: withAllTexts(() => import('../novels/novel-page.tsx'), 'NovelPage'),
})

const chapter = createRoute({
  getParentRoute: () => root,
  path: '/novels/$novelId/chapters/$chapterId',
  validateSearch: (search): ChapterSearch => searchOf.chapter(search),
  component: withAllTexts(() => import('../novels/chapter-page.tsx'), 'ChapterPage'),
})

const codex = createRoute({
  getParentRoute: () => root,
  path: '/novels/$novelId/codex',
  component: withAllTexts(() => import('../codex/codex-page.tsx'), 'CodexPage'),
})

const prompts = createRoute({
  getParentRoute: () => root,
  path: '/novels/$novelId/prompts',
  component: withAllTexts(() => import('../codex/prompts-page.tsx'), 'PromptsPage'),
})

const threads = createRoute({
  getParentRoute: () => root,
  path: '/novels/$novelId/threads',
  component: withAllTexts(() => import('../threads/threads-page.tsx'), 'ThreadsPage'),
})

const style = createRoute({
  getParentRoute: () => root,
  path: '/novels/$novelId/style',
  component: withAllTexts(() => import('../novels/style-page.tsx'), 'StylePage'),
})

const append = createRoute({
  getParentRoute: () => root,
  path: '/novels/$novelId/append',
  validateSearch: (search): AppendSearch => searchOf.append(search),
  component: withAllTexts(() => import('../additions/append-page.tsx'), 'AppendPage'),
})

const scene = createRoute({
  getParentRoute: () => root,
  path: '/novels/$novelId/scenes/$sceneId',
  validateSearch: (search): SceneSearch => searchOf.scene(search),
  component: withAllTexts(() => import('../scenes/scene-page.tsx'), 'ScenePage'),
})

const overview = createRoute({
  getParentRoute: () => root,
  path: '/overview',
  validateSearch: (search): OverviewSearch => searchOf.overview(search),
  component: lazyPart(() => import('../overview/overview-page.tsx'), 'OverviewPage'),
})

const lanes = createRoute({
  getParentRoute: () => root,
  path: '/lanes',
  component: withAllTexts(() => import('../lanes/lanes-page.tsx'), 'LanesPage'),
})

const schedules = createRoute({
  getParentRoute: () => root,
  path: '/schedules',
  component: withAllTexts(() => import('../schedules/schedules-page.tsx'), 'SchedulesPage'),
})

const workers = createRoute({
  getParentRoute: () => root,
  path: '/workers',
  component: withAllTexts(() => import('../workers/workers-page.tsx'), 'WorkersPage'),
})

const events = createRoute({
  getParentRoute: () => root,
  path: '/events',
  validateSearch: (search): EventsSearch => searchOf.events(search),
  component: withAllTexts(() => import('../events/events-page.tsx'), 'EventsPage'),
})

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (search): AuditSearch => searchOf.audit(search),
  component: withAllTexts(() => import('../audit/audit-page.tsx'), 'AuditPage'),
})

const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: (search): UsageSearch => searchOf.usage(search),
  component: withAllTexts(() => import('../usage/usage-page.tsx'), 'UsagePage'),
})

const limits = createRoute({
  getParentRoute: () => root,
  path: '/limits',
  validateSearch: (search): LimitsSearch => searchOf.limits(search),
  component: withAllTexts(() => import('../limits/limits-page.tsx'), 'LimitsPage'),
})

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: withAllTexts(() => import('../settings/settings-page.tsx'), 'SettingsPage'),
})

const routeTree = root.addChildren([
  home,
  importing,
  tasks,
  task,
  deadLetters,
  novel,
  chapter,
  codex,
  prompts,
  threads,
  style,
  append,
  scene,
  overview,
  lanes,
  schedules,
  workers,
  events,
  audit,
  usage,
  limits,
  settings,
])

/** The router of the pages. */
export const router = createRouter({
  routeTree,
  defaultPreload: 'intent',
  defaultPendingComponent: Loading,
  defaultPendingMs: 300,
  defaultErrorComponent: Broken,
  scrollRestoration: true,
})

/** Loads the page of the address before it is drawn. Resolves once it is there. */
export async function loadPage(): Promise<void> {
  const matches: readonly { routeId: keyof typeof router.routesById }[] = router.matchRoutes(
    router.latestLocation,
  )
  const pages = matches.map(({ routeId }) => router.routesById[routeId])
  await Promise.all(
    pages.map(({ options: { component } }) =>
      component !== undefined && 'ready' in component && typeof component.ready === 'function'
        ? component.ready()
        : undefined,
    ),
  )
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

/** In place of a page whose program failed, or could not be loaded after an update of the server. */
function Broken() {
  const t = useTranslations('shell')
  return (
    <Center mih="50vh">
      <Stack align="center" maw="30rem" ta="center" role="alert">
        <Title order={1}>{t('brokenTitle')}</Title>
        <Text>{t('brokenText')}</Text>
        <Button onClick={() => window.location.reload()}>{t('reload')}</Button>
      </Stack>
    </Center>
  )
}

/** In place of a page that does not exist. */
function NotFound() {
  const t = useTranslations('shell')
  return (
    <Center mih="50vh">
      <Stack align="center" maw="30rem" ta="center">
        <Title order={1}>{t('notFoundTitle')}</Title>
        <Text>{t('notFoundText')}</Text>
        <ButtonLink to="/">{t('toShelf')}</ButtonLink>
      </Stack>
    </Center>
  )
}
