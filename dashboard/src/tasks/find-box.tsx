import { TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { ApiError } from '../api/client.ts'
import type { Task } from '../api/task.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { Form } from '../parts/form.tsx'
import { useErrorText } from '../parts/states.tsx'
import { readTask, type TaskQuery } from '../queries/task-queries.ts'
import { mostPerPage, readTasks } from './task-list.ts'

/** Opens the task whose id, or its beginning, is typed. */
export function FindBox({ shown }: { shown: readonly Task[] }) {
  const t = useTranslations('tasks')
  const errorText = useErrorText()
  const navigate = useNavigate()
  const input = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState('')
  const find = useMutation({
    mutationFn: (beginning: string) => findTasks(beginning, shown, new AbortController().signal),
    onSuccess(found) {
      const [taskId] = found
      if (taskId !== undefined && found.length === 1) navigate({ to: '/tasks/$taskId', params: { taskId } })
    },
  })
  useShortcuts({ '/': () => input.current?.focus() })
  const count = find.data?.length
  const problem =
    find.error !== null
      ? errorText(find.error)
      : count === undefined || count === 1
        ? undefined
        : t('found', { count })
  return (
    <Form
      onSubmit={() => {
        if (typed.trim() !== '' && !find.isPending) find.mutate(typed)
      }}
    >
      <TextInput
        ref={input}
        w={{ base: '100%', xs: '19rem' }}
        aria-label={t('find')}
        placeholder={t('find')}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={typed}
        onChange={({ currentTarget }) => {
          setTyped(currentTarget.value)
          if (!find.isIdle) find.reset()
        }}
        error={problem}
        readOnly={find.isPending}
        aria-busy={find.isPending}
        autoComplete="off"
        spellCheck={false}
      />
    </Form>
  )
}

/** Characters of an id after which it is whole. */
const idLength = 36
/** Hexadecimal digits at the beginning of an id (UUID of version 7, RFC 9562) that encode when the task was submitted, in milliseconds. */
const timeDigits = 12
/** Fewer of them stand for more tasks than can be searched. */
const fewestDigits = 8
/** The id is made when a task is submitted; on a busy machine it is stored a while later. Milliseconds. */
const storedWithinMs = 30_000
/** Pages that are searched. */
const mostPages = 5

/**
 * The tasks whose id begins with a text: one of the rows that are shown, the task of a whole id, or, since the ids of tasks without a parent
 * begin with the time of their submission, one that was submitted then. Empty where there is none, or too little was given. Throws ApiError.
 */
async function findTasks(beginning: string, shown: readonly Task[], signal: AbortSignal): Promise<string[]> {
  const given = beginning.trim().toLowerCase()
  if (given.length >= idLength) return taskWithId(given, signal)
  const rows = shown.filter(({ id }) => given !== '' && id.startsWith(given))
  if (rows.length > 0) return rows.map(({ id }) => id)
  const times = timesOf(given)
  return times === undefined ? [] : idsSubmitted(times, given, signal)
}

type Times = Required<Pick<TaskQuery, 'createdAfter' | 'createdBefore'>>

/** Returns the ids, of those submitted in a time, that begin so; the oldest are searched first. */
async function idsSubmitted(times: Times, beginning: string, signal: AbortSignal): Promise<string[]> {
  const query = { ...times, rootsOnly: 'true', order: 'oldest' } as const
  const found: string[] = []
  let pageToken: string | undefined
  for (let pages = 0; pages < mostPages; pages++) {
    const page = await readTasks(query, { pageToken, pageSize: mostPerPage }, signal)
    found.push(...page.items.map(({ id }) => id).filter(id => id.startsWith(beginning)))
    pageToken = page.nextPageToken
    if (pageToken === undefined) break
  }
  return found
}

async function taskWithId(taskId: string, signal: AbortSignal): Promise<string[]> {
  try {
    return [(await readTask(taskId, signal)).id]
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) return []
    throw error
  }
}

/** Between which times tasks with such ids were stored. */
function timesOf(beginning: string): Times | undefined {
  const digits = beginning.replaceAll('-', '').slice(0, timeDigits)
  if (digits.length < fewestDigits || !/^[\da-f]+$/.test(digits)) return undefined
  const [from, to] = ['0', 'f'].map(digit => Number.parseInt(digits.padEnd(timeDigits, digit), 16))
  if (from === undefined || to === undefined || to > lastTime) return undefined
  return { createdAfter: timeText(from - 1_000), createdBefore: timeText(to + storedWithinMs) }
}

/** The end of the year 9999: times after it are written in another way. */
const lastTime = Date.parse('9999-12-31T00:00:00Z')

function timeText(at: number): string {
  return new Date(Math.max(at, 0)).toISOString()
}
