import { Button } from '@mantine/core'
import { IconCircleMinus, IconRefresh } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { LetterActions } from './letter-actions.ts'
import { filterOfGroup, type LetterGroup } from './letter-queries.ts'

/** What can be done to all tasks of a group. */
export function GroupActions({ group, actions }: { group: LetterGroup; actions: LetterActions }) {
  const t = useTranslations('deadLetters')
  const ask = (action: 'retry' | 'purge') =>
    actions.onBulk({ action, filter: filterOfGroup(group), count: group.count })
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
