import { Alert } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/problem.ts'
import type { Task } from '../api/task.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'

const worded = ['TASK_ALREADY_ENDED', 'TASK_NOT_RETRYABLE', 'TASK_CHANGED', 'TASK_NOT_FOUND'] as const

/** Why something was not done to a task: in words where it moved on meanwhile. `task`: as it is now. */
export function Refusal({ error, task }: { error: unknown; task: Task }) {
  const t = useTranslations('task.refusals')
  const status = useTranslations('status')
  const known = worded.find(code => code === codeOf(error))
  if (known === undefined) return <ErrorNotice error={error} />
  return (
    <Alert color="yellow" variant="light" icon={<IconInfoCircle aria-hidden />} role="alert">
      {t(known, { status: status(task.status) })}
    </Alert>
  )
}
