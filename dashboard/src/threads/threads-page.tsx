import { Badge, Blockquote, Button, Group, Paper, Stack, Text, Title, VisuallyHidden } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useMay } from '../api/me.ts'
import { TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { NovelPageTitle } from '../parts/page-title.tsx'
import { Empty, Pending } from '../parts/states.tsx'
import { useOutline } from '../queries/novel-queries.ts'
import { ThreadDialog } from './thread-dialog.tsx'
import { type Thread, useThreads } from './thread-queries.ts'

const route = getRouteApi('/novels/$novelId/threads')

/** The threads of a novel: what is planned, planted, advanced and resolved; first what is overdue. */
export function ThreadsPage() {
  const { novelId } = route.useParams()
  return <ThreadsOf key={novelId} novelId={novelId} />
}

function ThreadsOf({ novelId }: { novelId: string }) {
  const t = useTranslations('threads')
  const { data: novel } = useOutline(novelId)
  const { data: threads, error, refetch } = useThreads(novelId)
  const [opened, setOpened] = useState<Thread | 'new'>()
  return (
    <Page>
      <NovelPageTitle title={t('title')} novelId={novelId} novel={novel}>
        <May need="write">
          <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setOpened('new')}>
            {t('add')}
          </Button>
        </May>
      </NovelPageTitle>
      {threads === undefined ? (
        <Pending error={error} onRetry={refetch} lines={6} />
      ) : threads.length === 0 ? (
        <Empty title={t('emptyTitle')} text={t('emptyText')} />
      ) : (
        <>
          <Text size="sm" c="dimmed">
            {t('hint')}
          </Text>
          {groups.map(group => (
            <OfGroup
              key={group}
              group={group}
              threads={threads.filter(each => groupOf(each) === group)}
              onOpen={setOpened}
            />
          ))}
        </>
      )}
      {opened !== undefined && (
        <ThreadDialog
          novelId={novelId}
          thread={opened === 'new' ? undefined : opened}
          onClose={() => setOpened(undefined)}
        />
      )}
    </Page>
  )
}

/** The groups of threads, in the order in which they are shown. */
const groups = ['overdue', 'open', 'planned', 'resolved'] as const

function groupOf({ overdue, state }: Thread): (typeof groups)[number] {
  return overdue ? 'overdue' : state
}

interface OfGroupProps {
  group: (typeof groups)[number]
  threads: readonly Thread[]
  onOpen: (thread: Thread) => void
}

/** The threads of a group. Nothing where there are none. */
function OfGroup({ group, threads, onOpen }: OfGroupProps) {
  const t = useTranslations('threads.groups')
  if (threads.length === 0) return null
  return (
    <Stack gap="xs" component="section" aria-labelledby={`threads-${group}`} data-group={group}>
      <Title order={2} id={`threads-${group}`}>
        {t(group)}
      </Title>
      {threads.map(thread => (
        <ShownThread key={thread.id} thread={thread} onOpen={() => onOpen(thread)} />
      ))}
    </Stack>
  )
}

function ShownThread({ thread, onOpen }: { thread: Thread; onOpen: () => void }) {
  const t = useTranslations('threads')
  const { title, plan, state, overdue, events, novelId } = thread
  const canWrite = useMay('write')
  const due = [
    ['plantBy', thread.plantBy],
    ['resolveBy', thread.resolveBy],
  ] as const
  return (
    <Paper withBorder p="sm" data-thread={title}>
      <Group justify="space-between" gap="xs">
        <Text fw={600}>{title}</Text>
        <Group gap="xs">
          <Badge variant="light" tt="none">
            {t(`states.${state}`)}
          </Badge>
          {overdue && (
            <Badge variant="light" color="red" tt="none">
              {t('overdue')}
            </Badge>
          )}
          {canWrite && (
            <Button size="compact-sm" variant="default" onClick={onOpen}>
              {t('edit')}
              <VisuallyHidden> {title}</VisuallyHidden>
            </Button>
          )}
        </Group>
      </Group>
      <Text size="sm" style={{ whiteSpace: 'pre-wrap' }} {...(canWrite && { lineClamp: 4 })}>
        {plan}
      </Text>
      <Group gap="md">
        {due.map(([what, sceneId]) =>
          sceneId === '' ? null : (
            <TextLink
              key={what}
              to="/novels/$novelId/scenes/$sceneId"
              params={{ novelId, sceneId }}
              size="sm"
            >
              {t(`fields.${what}`)}
            </TextLink>
          ),
        )}
      </Group>
      {events.map((event, at) => (
        // An event has no name of its own, and none moves.
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is shown as it came
        <ShownEvent key={at} novelId={novelId} event={event} />
      ))}
    </Paper>
  )
}

function ShownEvent({ novelId, event }: { novelId: string; event: Thread['events'][number] }) {
  const t = useTranslations('threads')
  const { kind, scene: sceneId, quotation, outOfDate } = event
  return (
    <Stack gap={4} mt="xs" data-event={kind}>
      <TextLink to="/novels/$novelId/scenes/$sceneId" params={{ novelId, sceneId }} size="sm">
        {t(`kinds.${kind}`)}
      </TextLink>
      <Blockquote p="xs" my={0} fz="sm">
        {quotation}
      </Blockquote>
      {outOfDate && (
        <Text size="sm" c="red">
          {t('outOfDate')}
        </Text>
      )}
    </Stack>
  )
}
