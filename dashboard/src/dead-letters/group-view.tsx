import { Button, Center, Group, Stack, Text } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { NovelTitles } from '../parts/concern.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty, Loading } from '../parts/states.tsx'
import { useGroupFailure } from './failure-text.ts'
import { GroupActions } from './group-actions.tsx'
import { GroupFacts } from './group-facts.tsx'
import type { LetterActions } from './letter-actions.ts'
import { type LetterGroup, useGroups, useLetters } from './letter-queries.ts'
import { LetterRow } from './letter-row.tsx'

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
      {groups.isPending && groups.error === null && <Loading lines={6} />}
      {groups.error !== null && <ErrorNotice error={groups.error} onRetry={() => void groups.refetch()} />}
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
      <Letters group={group} actions={actions} />
    </>
  )
}

function Letters({ group, actions }: { group: LetterGroup; actions: LetterActions }) {
  const t = useTranslations()
  const letters = useLetters(group.fingerprint)
  const tasks = letters.data?.pages.flatMap(({ items }) => items) ?? []
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
            <Button
              variant="default"
              loading={letters.isFetchingNextPage}
              onClick={() => void letters.fetchNextPage()}
            >
              {t('actions.more')}
            </Button>
          )}
        </Stack>
      </Center>
    </NovelTitles>
  )
}
