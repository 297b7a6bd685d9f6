import { Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { ButtonLink } from '../parts/links.tsx'
import { useGroupFailure } from './failure-text.ts'
import { GroupActions } from './group-actions.tsx'
import { GroupFacts } from './group-facts.tsx'
import type { LetterActions } from './letter-actions.ts'
import type { LetterGroup } from './letter-queries.ts'

/** Equal failures as one: what failed, how often, since when, and what can be done. */
export function GroupCard({ group, actions }: { group: LetterGroup; actions: LetterActions }) {
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
              {t('look', { count: group.count })}
            </ButtonLink>
            <GroupActions group={group} actions={actions} />
          </Group>
        </Group>
      </Stack>
    </Paper>
  )
}
