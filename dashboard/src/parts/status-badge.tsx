import { Badge } from '@mantine/core'
import {
  IconAlertTriangle,
  IconBan,
  IconCheck,
  IconChecks,
  IconClock,
  IconLoader2,
  IconRefresh,
  IconX,
} from '@tabler/icons-react'
import type { ComponentType } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'

interface Appearance {
  color: string
  icon: ComponentType<{ size?: number; 'aria-hidden'?: boolean }>
}

/** A status has an icon and a word; the colour only helps. */
const appearances: Record<Task['status'], Appearance> = {
  QUEUED: { color: 'gray', icon: IconClock },
  RUNNING: { color: 'ink', icon: IconLoader2 },
  RETRYING: { color: 'yellow', icon: IconRefresh },
  COMPLETED: { color: 'green', icon: IconCheck },
  COMPLETED_WITH_ERRORS: { color: 'orange', icon: IconChecks },
  FAILED: { color: 'red', icon: IconX },
  DEAD_LETTER: { color: 'red', icon: IconAlertTriangle },
  CANCELLED: { color: 'gray', icon: IconBan },
}

/** Where a task is in its life. */
export function StatusBadge({ status, phase, waitingFor }: Partial<Task> & Pick<Task, 'status'>) {
  const t = useTranslations('status')
  const isAsleep = waitingFor?.kind === 'signal' || waitingFor?.kind === 'time'
  const { color, icon: Icon } = appearances[isAsleep ? 'QUEUED' : status]
  const isWaiting = status === 'RUNNING' && phase === 'awaiting-subtasks'
  return (
    <Badge color={color} variant="light" leftSection={<Icon size={12} aria-hidden />} data-status={status}>
      {isWaiting
        ? t('waitingForSubTasks')
        : waitingFor?.kind === 'signal'
          ? t('waitingForSignal')
          : t(isAsleep ? 'QUEUED' : status)}
    </Badge>
  )
}
