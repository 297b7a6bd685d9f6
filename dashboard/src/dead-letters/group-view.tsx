import { Anchor, Center, Group, Paper, Stack, Text } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { itemsOf } from '../api/pages.ts'
import type { Task } from '../api/task.ts'
import { ButtonLink } from '../parts/links.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { RowOrder } from '../parts/row-order.ts'
import { Empty, ErrorNotice, Loading, MoreButton, Pending } from '../parts/states.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { NovelTitles, useSubjectLine, useTaskTypeName } from '../parts/task-name.tsx'
import { Ago } from '../parts/time.tsx'
import { failureOf, GroupActions, GroupFacts, useGroupFailure } from './groups.tsx'
import { LetterButtons } from './letter-buttons.tsx'
import { type LetterActions, type LetterGroup, useGroups, useLetters } from './letter-queries.ts'

/** The tasks that failed in one way. */
export function GroupView({ fingerprint, actions }: { fingerprint: string; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  const groups = useGroups({ fingerprint })
  const group = groups.data?.items[0]
  return (
    <>
      <Group>
        <ButtonLink
          to="/dead-letters"
          size="sm"
          variant="subtle"
          leftSection={<IconArrowLeft size={16} aria-hidden />}
        >
          {t('back')}
        </ButtonLink>
      </Group>
      {(groups.error !== null || groups.isPending) && (
        <Pending error={groups.error} onRetry={groups.refetch} lines={6} />
      )}
      {groups.data !== undefined && group === undefined && (
        <>
          <PageTitle title={t('title')} />
          <Empty title={t('noneOfThisTitle')} text={t('noneOfThisText')} />
        </>
      )}
      {group !== undefined && <Known group={group} actions={actions} />}
    </>
  )
}

function Known({ group, actions }: { group: LetterGroup; actions: LetterActions }) {
  const failure = useGroupFailure(group)
  return (
    <>
      <PageTitle title={failure ?? group.code} below={<GroupFacts group={group} />}>
        <GroupActions group={group} actions={actions} />
      </PageTitle>
      <Letters key={group.fingerprint} group={group} actions={actions} />
    </>
  )
}

function Letters({ group, actions }: { group: LetterGroup; actions: LetterActions }) {
  const t = useTranslations()
  const letters = useLetters(group.fingerprint)
  // A button acts at once: what fails meanwhile moves no row under the pointer.
  const [order] = useState(() => new RowOrder())
  const tasks = order.arrange(itemsOf(letters.data))
  if (letters.isPending && letters.error === null) return <Loading lines={6} />
  return (
    <NovelTitles tasks={tasks}>
      <Stack gap="xs" role="list">
        {tasks.map(task => (
          <LetterRow key={task.id} task={task} actions={actions} />
        ))}
      </Stack>
      {letters.error !== null && (
        <ErrorNotice
          error={letters.error}
          onRetry={() => void (letters.isFetchNextPageError ? letters.fetchNextPage() : letters.refetch())}
        />
      )}
      <Center>
        <Stack align="center" gap="xs">
          <Text size="sm" c="dimmed" className="numbers">
            {t('deadLetters.shown', { shown: tasks.length, count: group.count })}
          </Text>
          {letters.hasNextPage && (
            <MoreButton isBusy={letters.isFetchingNextPage} onMore={letters.fetchNextPage} />
          )}
        </Stack>
      </Center>
    </NovelTitles>
  )
}

/** A task of a group: what it is, when it was given up, and what can be done. */
function LetterRow({ task, actions }: { task: Task; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  const name = useTaskTypeName()(task.taskType)
  const subject = useSubjectLine()(task)
  const openedAt = task.deadLetter?.openedAt
  return (
    <Paper withBorder p="sm" role="listitem" data-task-id={task.id}>
      <Group justify="space-between" gap="sm">
        <Stack gap={4} miw={0} flex="1 1 18rem">
          <Group gap="sm">
            <StatusBadge status={task.status} />
            <Anchor component="button" type="button" fw={600} onClick={() => actions.onInspect(task.id)}>
              {subject === '' ? name : `${name} · ${subject}`}
            </Anchor>
          </Group>
          <Text size="sm" c="dimmed" lineClamp={2}>
            {failureOf(task)}
          </Text>
          <Group gap="md" fz="xs" c="dimmed">
            {openedAt !== undefined && <Ago at={openedAt} />}
            <span>{t('attempts', { count: task.attempt })}</span>
            <span>{t('user', { user: task.userId })}</span>
          </Group>
        </Stack>
        <LetterButtons task={task} actions={actions} />
      </Group>
    </Paper>
  )
}
