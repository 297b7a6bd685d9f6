import { ActionIcon, Button, Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import {
  IconArrowBackUp,
  IconArrowsExchange,
  IconBan,
  IconDots,
  IconEdit,
  IconRefresh,
  IconRepeat,
  IconTags,
  IconTerminal2,
} from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useMay, useMayAct } from '../api/me.ts'
import { retryableStatuses, type Task } from '../api/task.ts'
import { currentToken } from '../api/token.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { copyText } from '../parts/export-text.tsx'
import { May } from '../parts/may.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { belowOf } from './below.ts'
import { curlToRead, curlToSubmit } from './curl.ts'
import type { RelabelDialogProps } from './relabel-dialogs.tsx'
import { CancelDialog, EditDialog, RerunDialog, RetryDialog, UndoDialog } from './task-dialogs.tsx'

/** Comes with the first change of tags or of the lane. */
const RelabelDialog = lazyPart<'RelabelDialog', RelabelDialogProps>(
  () => import('./relabel-dialogs.tsx'),
  'RelabelDialog',
)

/** The task types that write texts of scenes. */
const writers = [
  'GenerateScene',
  'BatchGenerateScene',
  'ContinueWriting',
  'RewriteSelection',
  'RenameInNovel',
  'ReplaceInNovel',
]

/** Those of a task that waits for an attempt; one that runs keeps the lane of its slot. */
const movableStatuses: readonly Task['status'][] = ['QUEUED', 'RETRYING']

/** What can be done to a task in its status; with the keys `c` and `r`, which ask first as well. */
export function TaskActions({ task }: { task: Task }) {
  const t = useTranslations('task.actions')
  const [asked, setAsked] = useState<'cancel' | 'retry' | 'edit' | 'rerun' | 'undo' | 'tags' | 'move'>()
  const mayAct = useMayAct()(task)
  const canWrite = useMay('write')
  const canCancel = mayAct && !task.done && task.cancelRequestedAt === undefined
  const canRetry = mayAct && retryableStatuses.some(status => status === task.status)
  // Only a dead letter without sub-tasks takes other parameters.
  const canEdit = mayAct && task.deadLetter !== undefined && belowOf(task).total === 0
  useShortcuts({
    c: () => canCancel && setAsked('cancel'),
    r: () => canRetry && setAsked('retry'),
  })
  const close = () => setAsked(undefined)
  return (
    <>
      {mayAct && !task.done && (
        <Button
          variant="default"
          leftSection={<IconBan size={16} aria-hidden />}
          disabled={!canCancel}
          onClick={() => setAsked('cancel')}
        >
          {canCancel ? t('cancel') : t('cancelling')}
        </Button>
      )}
      {canRetry && (
        <Button leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => setAsked('retry')}>
          {t('retry')}
        </Button>
      )}
      {canEdit && (
        <Button
          variant="default"
          leftSection={<IconEdit size={16} aria-hidden />}
          onClick={() => setAsked('edit')}
        >
          {t('edit')}
        </Button>
      )}
      {canWrite && task.done && !retryableStatuses.some(status => status === task.status) && (
        <Button
          variant="default"
          leftSection={<IconRepeat size={16} aria-hidden />}
          onClick={() => setAsked('rerun')}
        >
          {t('rerun')}
        </Button>
      )}
      {mayAct && task.done && task.parentTaskId === undefined && writers.includes(task.taskType) && (
        <Button
          variant="default"
          leftSection={<IconArrowBackUp size={16} aria-hidden />}
          onClick={() => setAsked('undo')}
        >
          {t('undo')}
        </Button>
      )}
      <MoreMenu task={task} onRelabel={mayAct ? setAsked : undefined} />
      {asked === 'cancel' && <CancelDialog task={task} onClose={close} />}
      {asked === 'retry' && <RetryDialog task={task} onClose={close} />}
      {asked === 'edit' && <EditDialog task={task} onClose={close} />}
      {asked === 'rerun' && <RerunDialog task={task} onClose={close} />}
      {asked === 'undo' && <UndoDialog task={task} onClose={close} />}
      {(asked === 'tags' || asked === 'move') && (
        <RelabelDialog relabel={asked} task={task} onClose={close} />
      )}
    </>
  )
}

/** What is seldom done. `onRelabel`: the person may change what the task is found by and where it waits. */
function MoreMenu(props: { task: Task; onRelabel: ((relabel: 'tags' | 'move') => void) | undefined }) {
  const { task, onRelabel } = props
  const t = useTranslations('task')
  const place = { origin: window.location.origin, wantsToken: currentToken() !== undefined }
  const copy = async (text: string) => {
    if (await copyText(text)) notifyDone(t('actions.copied'))
    else notifications.show({ message: t('copyFailed'), color: 'red' })
  }
  const icon = <IconTerminal2 size={16} aria-hidden />
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={t('actions.more')}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {onRelabel && (
          <>
            <Menu.Item leftSection={<IconTags size={16} aria-hidden />} onClick={() => onRelabel('tags')}>
              {t('actions.retag')}
            </Menu.Item>
            <Menu.Item
              leftSection={<IconArrowsExchange size={16} aria-hidden />}
              disabled={!movableStatuses.some(status => status === task.status)}
              onClick={() => onRelabel('move')}
            >
              {t('actions.move')}
            </Menu.Item>
          </>
        )}
        <Menu.Item leftSection={icon} onClick={() => copy(curlToRead(task, place))}>
          {t('actions.copyRead')}
        </Menu.Item>
        <May need="write">
          <Menu.Item leftSection={icon} onClick={() => copy(curlToSubmit(task, place))}>
            {t('actions.copySubmit')}
          </Menu.Item>
        </May>
      </Menu.Dropdown>
    </Menu>
  )
}
