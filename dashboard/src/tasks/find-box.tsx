import { TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { ApiError, api, dataOf } from '../api/client.ts'
import type { Task } from '../api/task.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { Form } from '../parts/form.tsx'
import { useErrorText } from '../parts/states.tsx'
import { readTask } from '../queries/task-queries.ts'

/** Opens the task whose id, or its beginning, is typed. */
export function FindBox({ shown }: { shown: readonly Task[] }) {
  const t = useTranslations('tasks')
  const errorText = useErrorText()
  const navigate = useNavigate()
  const input = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState('')
  const find = useMutation({
    mutationFn: (beginning: string) => findTasks(beginning, shown),
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
/** Shorter beginnings are those of too many. */
const fewestCharacters = 4

/** The ids that begin with a text: of the rows that are shown, else of all tasks. Empty where there is none, or too little was given. Throws ApiError. */
async function findTasks(beginning: string, shown: readonly Task[]): Promise<string[]> {
  const given = beginning.trim().toLowerCase()
  if (given.length >= idLength) return taskWithId(given)
  const rows = shown.filter(({ id }) => given !== '' && id.startsWith(given))
  if (rows.length > 0) return rows.map(({ id }) => id)
  if (given.length < fewestCharacters || !/^[\w-]+$/.test(given)) return []
  const { items } = await dataOf(api.GET('/v1/tasks:find', { params: { query: { idPrefix: given } } }))
  return items.map(({ id }) => id)
}

async function taskWithId(taskId: string): Promise<string[]> {
  try {
    return [(await readTask(taskId)).id]
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) return []
    throw error
  }
}
