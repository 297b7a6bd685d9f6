import { TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { useErrorText } from '../parts/error-notice.tsx'
import { findTasks } from './find-task.ts'

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
    <form
      onSubmit={event => {
        event.preventDefault()
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
    </form>
  )
}
