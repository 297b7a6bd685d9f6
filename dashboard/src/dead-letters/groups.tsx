import { Group, Select, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty, Loading } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-type.ts'
import { GroupCard } from './group-card.tsx'
import type { LetterActions } from './letter-actions.ts'
import { type LetterGroup, useGroups } from './letter-queries.ts'

/** The most groups that the API tells of. */
const mostGroups = 200

/** The groups of equal failures. `type`: those of one task type alone. */
export function Groups({ type, actions }: { type?: string; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  const groups = useGroups({})
  const all = groups.data?.items ?? []
  const count = all.reduce((sum, group) => sum + group.count, 0)
  return (
    <>
      <PageTitle title={t('title')} {...(count > 0 ? { below: t('intro', { count }) } : {})}>
        <TypeChoice groups={all} chosen={type} />
      </PageTitle>
      {groups.isPending && groups.error === null && <Loading lines={6} />}
      {groups.error !== null && <ErrorNotice error={groups.error} onRetry={() => void groups.refetch()} />}
      {groups.data !== undefined && <Listed groups={all} type={type} actions={actions} />}
    </>
  )
}

function Listed({
  groups,
  type,
  actions,
}: {
  groups: readonly LetterGroup[]
  type: string | undefined
  actions: LetterActions
}) {
  const t = useTranslations('deadLetters')
  const shown = groups.filter(({ taskType }) => type === undefined || taskType === type)
  if (shown.length === 0) return <Empty title={t('noneTitle')} text={t('noneText')} />
  return (
    <Stack gap="sm">
      {shown.map(group => (
        <GroupCard key={group.fingerprint} group={group} actions={actions} />
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
