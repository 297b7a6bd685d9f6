import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Dialog } from '../parts/dialog.tsx'
import { notifyDone } from '../parts/notify.ts'
import { useRetry } from './act.ts'
import { Refusal } from './refusal.tsx'

/** What a person wrote, as a value or as the reason why it is none. */
function read(text: string): { value: unknown } | { reason: string } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : '' }
  }
}

/** Lets the parameters of a task that failed be changed, and has it run again with them. */
export function EditDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations('task')
  const actions = useTranslations('actions')
  const retry = useRetry(task)
  const [text, setText] = useState(() => JSON.stringify(task.parameters ?? {}, null, 2))
  const given = read(text)
  const submit = () => {
    if (!('value' in given)) return
    retry.mutate(
      { parameters: given.value },
      {
        onSuccess({ retried }) {
          notifyDone(t('retry.done', { count: retried }))
          onClose()
        },
      },
    )
  }
  return (
    <Dialog onClose={onClose} title={t('edit.title')} size="lg">
      <form
        onSubmit={event => {
          event.preventDefault()
          submit()
        }}
      >
        <Stack>
          <Text>{t('edit.text')}</Text>
          <Textarea
            label={t('edit.label')}
            value={text}
            onChange={({ currentTarget }) => setText(currentTarget.value)}
            error={'reason' in given ? t('edit.invalid', { reason: given.reason }) : undefined}
            autosize
            minRows={6}
            maxRows={20}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            data-autofocus
          />
          {retry.error !== null && <Refusal error={retry.error} task={task} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {actions('back')}
            </Button>
            <Button type="submit" loading={retry.isPending} disabled={'reason' in given}>
              {t('edit.action')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
