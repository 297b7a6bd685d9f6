import { Box, Text, UnstyledButton } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { statuses } from '../api/statuses.ts'
import { useTaskCounts } from '../api/task-counts.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import type { TasksSearch } from '../queries/search.ts'
import { useWriting } from '../text/format.ts'
import classes from './tasks.module.css'

/**
 * How many tasks there are by status, sub-tasks included. A tile shows what it counts: the tasks of that status, sub-tasks too; pressed
 * again, it shows all again.
 */
export function StatusTiles({
  search,
  onSearch,
}: {
  search: TasksSearch
  onSearch: (search: TasksSearch) => void
}) {
  const t = useTranslations('tasks')
  const { counts, isKnown } = useTaskCounts()
  const { status: shown, all: _all, ...others } = search
  return (
    <Box className={classes['tiles'] ?? ''} role="group" aria-label={t('counts')}>
      {statuses.map(status => {
        const isShown = shown?.length === 1 && shown[0] === status
        return (
          <UnstyledButton
            key={status}
            className={classes['tile']}
            aria-pressed={isShown}
            onClick={() => onSearch(isShown ? others : { ...others, status: [status], all: true })}
          >
            <Count value={isKnown ? (counts[status] ?? 0) : undefined} />
            <StatusBadge status={status} />
          </UnstyledButton>
        )
      })}
    </Box>
  )
}

/** A dash until the server has said, so that nothing jumps. */
function Count({ value }: { value: number | undefined }) {
  const writing = useWriting()
  return (
    <Text fw={650} size="lg" className="numbers" {...(value === 0 ? { c: 'dimmed' } : {})}>
      {value === undefined ? '–' : writing.number(value)}
    </Text>
  )
}
