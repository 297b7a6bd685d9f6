import { List, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { api } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { ApiError } from '../api/problem.ts'
import { Confirm } from '../parts/confirm.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.ts'
import { useLiveTasks } from './live-tasks.ts'
import type { NovelOutline } from './novel.ts'
import { forgetPlace } from './reading-place.ts'

/** Asks before a novel is deleted, says what is lost, and has the title typed. */
export function DeleteNovel({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.delete')
  const working = useLiveTasks(novel.id)
  const { mutate, isPending } = useDelete(
    novel,
    working.map(({ id }) => id),
  )
  const title = novel.title.trim()
  const { chapters, scenes, words, summaries } = novel
  return (
    <Confirm
      title={t('title')}
      action={t('action')}
      isDangerous
      isBusy={isPending}
      typed={{ text: title, label: t('typed', { title }) }}
      onConfirm={mutate}
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text>{t('text')}</Text>
        <List>
          <List.Item>{t('texts', { chapters, scenes, words })}</List.Item>
          <List.Item>{t('summaries', { count: summaries })}</List.Item>
          <List.Item>{t('history')}</List.Item>
        </List>
        {working.length > 0 && <Text>{t('working', { count: working.length })}</Text>}
        <Text c="dimmed" size="sm">
          {t('kept')}
        </Text>
      </Stack>
    </Confirm>
  )
}

/** Stops what works on the novel, then deletes it. */
function useDelete(novel: NovelOutline, working: readonly string[]) {
  const t = useTranslations('novels.delete')
  const queries = useQueryClient()
  const navigate = useNavigate()
  const notifyError = useNotifyError()
  return useMutation({
    async mutationFn() {
      for (const taskId of working) await stop(taskId)
      await api.DELETE('/v1/novels/{novelId}', { params: { path: { novelId: novel.id } } })
    },
    onError: notifyError,
    async onSuccess() {
      forgetPlace(novel.id)
      notifyDone(t('done', { title: novel.title }))
      await navigate({ to: '/' })
      queries.removeQueries({
        predicate: ({ queryKey }) => queryKey[0] === 'novels' && queryKey[2] === novel.id,
      })
      void queries.invalidateQueries({ queryKey: keys.novels })
    },
  })
}

/** A task that ended meanwhile is no obstacle. */
async function stop(taskId: string): Promise<void> {
  try {
    await api.POST('/v1/tasks/{taskId}:cancel', { params: { path: { taskId } } })
  } catch (error) {
    if (!(error instanceof ApiError) || ![404, 409].includes(error.status)) throw error
  }
}
