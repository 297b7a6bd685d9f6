import { Alert, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { DeadLetterNote } from '../parts/dead-letter-note.tsx'
import { TextLink } from '../parts/links.tsx'
import { belowOf } from './below.ts'
import { Fact } from './facts.tsx'
import classes from './task.module.css'

type ErrorInfo = NonNullable<Task['errorInfo']>

/** The task was not attempted, because one before it did not complete. */
const isNotAttempted = ({ code }: ErrorInfo) => code === 'PREDECESSOR_NOT_COMPLETED'

/** Returns whether something failed. A wait for a limit or for the budget has its own notice, and a cancel is no failure. */
function isFailure({ status, errorInfo, waitingFor }: Task): boolean {
  if (errorInfo === undefined || status === 'COMPLETED') return false
  return status === 'CANCELLED' ? isNotAttempted(errorInfo) : waitingFor === undefined
}

/** What went wrong: in plain words, then whether trying again can help, then as the program says it. */
export function FailureNotice({ task }: { task: Task }) {
  const { errorInfo, done } = task
  const t = useTranslations('task.failure')
  if (errorInfo === undefined || !isFailure(task)) return <SomeFailed task={task} />
  return (
    <Alert
      variant="default"
      className={classes['notice']}
      data-tone={done ? 'bad' : 'uneasy'}
      icon={<IconAlertTriangle aria-hidden />}
      title={done ? t('title') : t('lastTitle')}
    >
      <Stack gap="xs">
        <PlainWords error={errorInfo} />
        <Advice task={task} error={errorInfo} />
        {task.deadLetter !== undefined && <DeadLetterNote letter={task.deadLetter} />}
        <Details error={errorInfo} />
      </Stack>
    </Alert>
  )
}

function PlainWords({ error }: { error: ErrorInfo }) {
  const t = useTranslations('task.failure.plain')
  if (error.authorMessage !== undefined) return <Text>{error.authorMessage}</Text>
  return <Text>{error.code === 'SUBTASKS_FAILED' ? t('subTasks') : t(error.errorClass)}</Text>
}

function Advice({ task, error }: { task: Task; error: ErrorInfo }) {
  const t = useTranslations('task.failure.advice')
  if (!task.done) return task.status === 'RETRYING' ? <Text size="sm">{t('itself')}</Text> : null
  if (isNotAttempted(error)) return null
  const advice = error.code === 'SUBTASKS_FAILED' ? 'below' : error.retryable ? 'again' : 'change'
  return <Text size="sm">{t(advice)}</Text>
}

/** For the developer: code, kind, and the message, which is in English. */
function Details({ error }: { error: ErrorInfo }) {
  const t = useTranslations('task.failure')
  const { code, errorClass, message, causes = [] } = error
  return (
    <>
      <dl className={classes['facts']}>
        <Fact name={t('code')}>
          <Text span inherit ff="monospace">
            {code}
          </Text>
        </Fact>
        <Fact name={t('class')}>{t(`classes.${errorClass}`)}</Fact>
        <Fact name={t('message')}>
          <Text span inherit lang="en" style={{ whiteSpace: 'pre-wrap' }}>
            {message}
          </Text>
        </Fact>
      </dl>
      {causes.length > 0 && (
        <Text size="sm" component="div">
          {t('causes')}
          <ul className={classes['causes']}>
            {causes.map(cause => (
              <li key={cause}>{cause}</li>
            ))}
          </ul>
        </Text>
      )}
    </>
  )
}

/** Of a task that goes on, or completed, though some of its sub-tasks did not. */
function SomeFailed({ task }: { task: Task }) {
  const t = useTranslations('task.failure')
  const { failed } = belowOf(task)
  if (failed === 0) return null
  return (
    <Alert
      variant="default"
      className={classes['notice']}
      data-tone="uneasy"
      icon={<IconAlertTriangle aria-hidden />}
    >
      <Group gap="sm">
        <Text size="sm">{t('someFailed', { count: failed })}</Text>
        <TextLink
          size="sm"
          to="/tasks/$taskId"
          params={{ taskId: task.id }}
          search={{ part: 'sub-tasks', status: ['FAILED', 'DEAD_LETTER'] }}
          resetScroll={false}
        >
          {t('showThem')}
        </TextLink>
      </Group>
    </Alert>
  )
}
