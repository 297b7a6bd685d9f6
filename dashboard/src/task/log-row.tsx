import { memo } from 'react'
import { useTranslations } from 'use-intl'
import { useWriting } from '../text/format.ts'
import classes from './log.module.css'
import type { LogLine } from './log-query.ts'

/** Longest fields, in characters, that stand behind a line. */
const longestFields = 400

/** One line of a log: when, in which attempt, and what. */
export const LogRow = memo(function LogRow({ line }: { line: LogLine }) {
  const t = useTranslations('task.log')
  const writing = useWriting()
  const { at, attempt, level, message, fields } = line
  return (
    <div className={classes['line']} data-level={level}>
      <time dateTime={at} title={writing.dateTime(at)}>
        {writing.time(at)}
      </time>
      <span className={classes['attempt']} title={t('attempt', { attempt })}>
        {attempt}
      </span>
      <span className={classes['message']}>
        {level === 'error' && <b>{t('error')} </b>}
        {message}
        {fields !== undefined && <span className={classes['fields']}> {shortened(fields)}</span>}
      </span>
    </div>
  )
})

function shortened(fields: unknown): string {
  const text = typeof fields === 'string' ? fields : (JSON.stringify(fields) ?? '')
  return text.length <= longestFields ? text : `${text.slice(0, longestFields)}…`
}
