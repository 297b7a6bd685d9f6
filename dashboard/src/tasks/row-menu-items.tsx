import { ActionIcon, Menu } from '@mantine/core'
import { IconBan, IconCopy, IconDots, IconRefresh } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { useMayAct } from '../api/me.ts'
import type { Task } from '../api/task.ts'
import { copyText } from '../parts/export-text.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { hindranceOf, type TaskAction } from './task-actions.ts'

export interface RowMenuProps {
  task: Task
  /** What the row is called. */
  name: string
  /** Asks before it is done. */
  onAct: (action: TaskAction) => void
}

/** The menu of a row, opened. */
export function RowMenuItems({ task, name, onAct }: RowMenuProps) {
  const t = useTranslations()
  const mayAct = useMayAct()(task)
  const copyId = async () => {
    if (await copyText(task.id)) notifyDone(t('actions.copied'))
  }
  return (
    <Menu defaultOpened position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('tasks.actionsOf', { name })}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {mayAct && (
          <>
            <Menu.Item
              leftSection={<IconBan size={16} aria-hidden />}
              disabled={hindranceOf('cancel', task) !== undefined}
              onClick={() => onAct('cancel')}
            >
              {t('tasks.cancel')}
            </Menu.Item>
            <Menu.Item
              leftSection={<IconRefresh size={16} aria-hidden />}
              disabled={hindranceOf('retry', task) !== undefined}
              onClick={() => onAct('retry')}
            >
              {t('tasks.retry')}
            </Menu.Item>
          </>
        )}
        <Menu.Item leftSection={<IconCopy size={16} aria-hidden />} onClick={copyId}>
          {t('tasks.copyId')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
