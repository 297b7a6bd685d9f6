import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import type { SceneEntry } from './novel.ts'
import type { SummaryTask } from './summary-task.ts'

/** How far the making of a summary is, what became of it where that was not a summary, and the way to its task. */
export function SummaryProgress({ scene, making }: { scene: SceneEntry; making: SummaryTask }) {
  const { task, isBusy } = making
  return (
    <div aria-live="polite">
      {isBusy && <Making task={task} onCancel={making.cancel} />}
      {task?.done === true && !isBusy && <Outcome scene={scene} task={task} />}
    </div>
  )
}

function Making({ task, onCancel }: { task: Task | undefined; onCancel: () => void }) {
  const t = useTranslations('novels.summary')
  const actions = useTranslations('actions')
  return (
    <Stack gap="xs" mt="sm" data-making={task?.status ?? 'QUEUED'}>
      <Group gap="xs">
        <StatusBadge status={task?.status ?? 'QUEUED'} />
        {task !== undefined && <ToTask task={task} />}
      </Group>
      {task?.waitingFor?.kind === 'limit' && <Text size="sm">{t('waitsForLimit')}</Text>}
      {task?.waitingFor?.kind === 'budget' && <Text size="sm">{t('waitsForBudget')}</Text>}
      {task?.status === 'RETRYING' && task.errorInfo?.authorMessage !== undefined && (
        <Text size="sm">{task.errorInfo.authorMessage}</Text>
      )}
      {task !== undefined && (
        <Group>
          <Button
            variant="subtle"
            size="compact-sm"
            onClick={onCancel}
            loading={task.cancelRequestedAt !== undefined}
          >
            {actions('stop')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

function ToTask({ task }: { task: Task }) {
  const t = useTranslations('novels.summary')
  return (
    <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} size="sm">
      {t('toTask')}
    </TextLink>
  )
}

/** A summary that came speaks for itself; everything else is said. */
function Outcome({ scene, task }: { scene: SceneEntry; task: Task }) {
  const t = useTranslations('novels.summary')
  if (isConflict(task.result))
    return (
      <Alert mt="sm" variant="light" color="gray" icon={<IconInfoCircle aria-hidden />}>
        <Text size="sm">{t('conflict')}</Text>
        <TextLink
          to="/novels/$novelId/scenes/$sceneId"
          params={{ novelId: scene.novelId, sceneId: scene.id }}
          size="sm"
        >
          {t('toHistory')}
        </TextLink>
      </Alert>
    )
  if (task.status === 'CANCELLED')
    return (
      <Text mt="sm" size="sm">
        {t('cancelled')}
      </Text>
    )
  if (task.errorInfo === undefined || task.status === 'COMPLETED') return null
  return (
    <Alert mt="sm" variant="light" color="red" icon={<IconAlertTriangle aria-hidden />} title={t('failed')}>
      <Text size="sm">{task.errorInfo.authorMessage ?? task.errorInfo.message}</Text>
      <ToTask task={task} />
    </Alert>
  )
}

function isConflict(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'conflict' in result && result.conflict === true
}
