import { Badge, Group, TagsInput, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { isSubjectTag } from '../../../src/novel/subject-tag.ts'
import type { Task } from '../api/task.ts'
import { LaneField, mostTags } from '../parts/bulk-operand.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { moveTask, tagTask } from '../queries/task-queries.ts'
import { Refusal, useLearn } from './task-dialogs.tsx'

export interface RelabelDialogProps {
  relabel: 'tags' | 'move'
  task: Task
  onClose: () => void
}

/** Changes what a task is found by, or where it waits. */
export function RelabelDialog({ relabel, ...props }: RelabelDialogProps) {
  return relabel === 'tags' ? <TagsDialog {...props} /> : <MoveDialog {...props} />
}

interface DialogProps {
  task: Task
  onClose: () => void
}

/** Adds and removes tags: those alone that the person added or removed, so that what others changed meanwhile stays. */
function TagsDialog({ task, onClose }: DialogProps) {
  const t = useTranslations('task.retag')
  const [before] = useState(() => task.tags.filter(tag => !isSubjectTag(tag)))
  const [tags, setTags] = useState(before)
  const subjects = task.tags.filter(isSubjectTag)
  const add = tags.filter(tag => !before.includes(tag))
  const remove = before.filter(tag => !tags.includes(tag))
  const isChanged = add.length + remove.length > 0
  const change = useChange(() => tagTask(task.id, add, remove), task, { said: t('done'), onClose })
  return (
    <Dialog onClose={onClose} title={t('title')} isUnsaved={isChanged}>
      <DialogForm
        onSubmit={() => (isChanged ? change.mutate() : onClose())}
        action={t('action')}
        isBusy={change.isPending}
        isDisabled={false}
      >
        <TagsInput
          label={t('label')}
          description={t('text')}
          maxTags={mostTags - subjects.length}
          acceptValueOnBlur
          value={tags}
          onChange={setTags}
          data-autofocus
        />
        {subjects.length > 0 && (
          <Group gap={4}>
            <Text size="sm" c="dimmed">
              {t('subjects')}
            </Text>
            {subjects.map(tag => (
              <Badge key={tag} variant="default" size="sm" maw="16rem">
                {tag}
              </Badge>
            ))}
          </Group>
        )}
        {change.error !== null && <Refusal error={change.error} task={task} />}
      </DialogForm>
    </Dialog>
  )
}

/** Has a task wait in another lane. */
function MoveDialog({ task, onClose }: DialogProps) {
  const t = useTranslations('task.move')
  const [lane, setLane] = useState<string | null>(task.lane)
  const change = useChange(() => moveTask(task.id, lane ?? task.lane), task, {
    said: t('done', { lane: lane ?? task.lane }),
    onClose,
  })
  return (
    <Dialog onClose={onClose} title={t('title')}>
      <DialogForm
        onSubmit={() => (lane === task.lane ? onClose() : change.mutate())}
        action={t('action')}
        isBusy={change.isPending}
        isDisabled={lane === null}
      >
        <LaneField lane={lane} error={undefined} onChange={setLane} />
        {change.error !== null && <Refusal error={change.error} task={task} />}
      </DialogForm>
    </Dialog>
  )
}

/** Changes a task, shows it as it then is, says so, and closes the dialog. */
function useChange(
  change: () => Promise<Task>,
  task: Task,
  { said, onClose }: { said: string; onClose: () => void },
) {
  const learn = useLearn()
  return useMutation({
    mutationFn: change,
    onSuccess(changed) {
      learn(changed)
      notifyDone(said)
      onClose()
    },
    onError: () => learn(undefined, task.id),
  })
}
