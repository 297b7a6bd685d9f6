import { Button, Group, Paper, Select, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconCircleMinus, IconRefresh } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { useMayActOnAll } from '../api/me.ts'
import { type Task, wordsOf } from '../api/task.ts'
import { ButtonLink } from '../parts/links.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { RowOrder } from '../parts/row-order.ts'
import { Empty, Pending } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { Ago } from '../parts/time.tsx'
import { useTask } from '../queries/task-queries.ts'
import {
  countOf,
  filterOfGroup,
  type LetterActions,
  type LetterGroup,
  mostGroups,
  useGroups,
} from './letter-queries.ts'

/** The groups of equal failures. `type`: those of one task type alone. */
export function Groups({ type, actions }: { type?: string; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  const all = useGroups({}).data?.items ?? []
  // There may be more groups than the answer for all types has.
  const groups = useGroups(defined({ type }))
  const count = countOf(all)
  const intro = all.length < mostGroups ? 'intro' : 'introMore'
  return (
    <>
      <PageTitle title={t('title')} {...(count > 0 ? { below: t(intro, { count }) } : {})}>
        <TypeChoice groups={all} chosen={type} />
      </PageTitle>
      {(groups.error !== null || groups.isPending) && (
        <Pending error={groups.error} onRetry={groups.refetch} lines={6} />
      )}
      {groups.data !== undefined && <Listed key={type ?? ''} groups={groups.data.items} actions={actions} />}
    </>
  )
}

function Listed({ groups, actions }: { groups: readonly LetterGroup[]; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  // Counts change while they are shown: no group moves under the pointer.
  const [order] = useState(() => new RowOrder())
  const shown = order.arrange(groups.map(group => ({ id: group.fingerprint, group })))
  if (groups.length === 0) return <Empty title={t('noneTitle')} text={t('noneText')} />
  return (
    <Stack gap="sm">
      {shown.map(({ id, group }) => (
        <GroupCard key={id} group={group} actions={actions} />
      ))}
      {groups.length >= mostGroups && (
        <Text size="sm" c="dimmed">
          {t('mostGroups', { count: mostGroups })}
        </Text>
      )}
    </Stack>
  )
}

/** Only where there is something to choose from. */
function TypeChoice({ groups, chosen }: { groups: readonly LetterGroup[]; chosen: string | undefined }) {
  const t = useTranslations('deadLetters')
  const nameOf = useTaskTypeName()
  const navigate = useNavigate()
  const types = [...new Set(groups.map(({ taskType }) => taskType))]
  if (types.length < 2 && chosen === undefined) return null
  return (
    <Group gap="xs">
      <Select
        aria-label={t('type')}
        placeholder={t('anyType')}
        clearable
        clearButtonProps={{ 'aria-label': t('anyType') }}
        data={[...new Set([...types, ...(chosen === undefined ? [] : [chosen])])].map(type => ({
          value: type,
          label: nameOf(type),
        }))}
        value={chosen ?? null}
        onChange={type => navigate({ to: '/dead-letters', search: type === null ? {} : { type } })}
      />
    </Group>
  )
}

/** Equal failures as one: what failed, how often, since when, and what can be done. */
function GroupCard({ group, actions }: { group: LetterGroup; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  const failure = useGroupFailure(group)
  return (
    <Paper withBorder p="md" component="article" data-fingerprint={group.fingerprint}>
      <Stack gap="sm">
        {failure === undefined ? (
          <Skeleton height="1.5rem" width="70%" />
        ) : (
          <Title order={2} size="h3" lineClamp={3}>
            {failure}
          </Title>
        )}
        <Group justify="space-between" gap="sm">
          <Text component="div" size="sm" c="dimmed">
            <GroupFacts group={group} />
          </Text>
          <Group gap="xs">
            <ButtonLink
              size="sm"
              variant="default"
              to="/dead-letters"
              search={{ fingerprint: group.fingerprint }}
            >
              {t('show', { count: group.count })}
            </ButtonLink>
            <GroupActions group={group} actions={actions} />
          </Group>
        </Group>
      </Stack>
    </Paper>
  )
}

/** What kind of task it is, how many failed so, since when, and under which code. */
export function GroupFacts({ group }: { group: LetterGroup }) {
  const t = useTranslations('deadLetters')
  const nameOf = useTaskTypeName()
  const { taskType, count, firstAt, lastAt, code } = group
  return (
    <Group gap="md" component="span">
      <span>{nameOf(taskType)}</span>
      <Text span inherit fw={600} c="var(--mantine-color-text)" className="numbers">
        {t('tasks', { count })}
      </Text>
      <span>
        {t.rich(count === 1 ? 'failedOnce' : 'failedSince', {
          first: () => <Ago key="first" at={firstAt} />,
          last: () => <Ago key="last" at={lastAt} />,
        })}
      </span>
      <span>{code}</span>
    </Group>
  )
}

/** What can be done to all tasks of a group. */
export function GroupActions({ group, actions }: { group: LetterGroup; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  const type = useTaskTypeName()(group.taskType)
  const failure = useGroupFailure(group) ?? group.code
  const ask = (action: 'retry' | 'purge') =>
    actions.onBulk({
      action,
      filter: filterOfGroup(group),
      count: group.count,
      subject: `${type} · ${failure}`,
    })
  if (!useMayActOnAll()) return null
  return (
    <>
      <Button
        size="sm"
        variant="light"
        leftSection={<IconRefresh size={16} aria-hidden />}
        onClick={() => ask('retry')}
      >
        {t('retryAll', { count: group.count })}
      </Button>
      <Button
        size="sm"
        variant="subtle"
        color="gray"
        leftSection={<IconCircleMinus size={16} aria-hidden />}
        onClick={() => ask('purge')}
      >
        {t('purgeAll', { count: group.count })}
      </Button>
    </>
  )
}

/** Returns what failed, in the words for authors where there are any. */
export function failureOf({ deadLetter, errorInfo }: Task): string {
  const error = deadLetter?.error ?? errorInfo
  return wordsOf(error) ?? ''
}

/** Returns what failed in a group, by one of its tasks; undefined until that is read. Where it cannot be, the code has to do. */
export function useGroupFailure({ sampleTaskId, code }: LetterGroup): string | undefined {
  const { data, error } = useTask(sampleTaskId)
  if (data !== undefined) return failureOf(data) || code
  return error === null ? undefined : code
}
