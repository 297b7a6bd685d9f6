import { useTranslations } from 'use-intl'
import { statuses } from '../api/statuses.ts'
import type { Below } from './counts-below.ts'
import classes from './sub-tasks.module.css'

/** What is done first, what is still to come last. */
const order = [...statuses].sort((a, b) => rankOf(a) - rankOf(b))

function rankOf(status: (typeof statuses)[number]): number {
  return [
    'COMPLETED',
    'COMPLETED_WITH_ERRORS',
    'FAILED',
    'DEAD_LETTER',
    'CANCELLED',
    'RUNNING',
    'RETRYING',
    'QUEUED',
  ].indexOf(status)
}

/** All sub-tasks as one slim bar. */
export function SubTaskBar({ below: { counts, total } }: { below: Below }) {
  const t = useTranslations('task.children')
  const status = useTranslations('status')
  if (total === 0) return null
  const shown = order.filter(each => (counts[each] ?? 0) > 0)
  const text = shown.map(each => t('barPart', { status: status(each), count: counts[each] ?? 0 })).join(', ')
  return (
    <div className={classes['bar']} role="img" aria-label={t('bar', { text })} title={text}>
      {shown.map(each => (
        <div key={each} data-status={each} style={{ flexGrow: counts[each] ?? 0 }} />
      ))}
    </div>
  )
}
