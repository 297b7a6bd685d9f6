import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { useNotifyError } from '../parts/notify.ts'
import { useReadAgainAfterTasks } from '../queries/scene-queries.ts'
import { useWishKey } from '../queries/wish-key.ts'
import { summaryType, useLiveSummaries } from './live-tasks.ts'
import type { SceneEntry } from './novel.ts'

/** How a summary is to be made. Nothing: as the server does by default. */
export interface SummaryWishes {
  /** The id of a model; `extractive` picks it from the text. */
  model?: string
  style?: string
}

/** A task as it is submitted to summarise a scene. */
export function plannedSummary({ id, novelId }: Pick<SceneEntry, 'id' | 'novelId'>, wishes: SummaryWishes) {
  return { taskType: summaryType, parameters: { novelId, sceneId: id, ...wishes } }
}

/** The making of a scene's summary. */
export interface SummaryTask {
  /** The task that makes it, or made it while this page was open. */
  readonly task: Task | undefined
  readonly isBusy: boolean
  readonly submit: (wishes: SummaryWishes) => void
  readonly cancel: () => void
}

/** Has a scene summarised, and follows the task: the one that was begun here, or by anybody else. */
export function useSummaryTask(scene: SceneEntry): SummaryTask {
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const key = useWishKey()
  const [begun, setBegun] = useState<string>()
  const live = useLiveSummaries(scene.novelId).find(task => isAbout(task, scene.id))
  const { data: own } = useQuery({
    queryKey: keys.task(begun ?? ''),
    queryFn: () => dataOf(api.GET('/v1/tasks/{taskId}', { params: { path: { taskId: begun ?? '' } } })),
    enabled: begun !== undefined,
  })
  const task = own?.done === false ? own : (live ?? own)
  useReadAgainAfterTasks(scene, [own])
  const submitting = useMutation({
    mutationFn: (wishes: SummaryWishes) => {
      // A person waits for it: it goes in the lane for those.
      const body = { ...plannedSummary(scene, wishes), lane: 'default' }
      const header = { 'idempotency-key': key.of(body) }
      return dataOf(api.POST('/v1/tasks', { body, params: { header } }))
    },
    onError: notifyError,
    onSuccess({ id }) {
      key.answered()
      setBegun(id)
      void queries.invalidateQueries({ queryKey: keys.taskLists })
    },
  })
  const cancelling = useMutation({
    mutationFn: async (taskId: string) => {
      await api.POST('/v1/tasks/{taskId}:cancel', { params: { path: { taskId } } })
    },
    onError: notifyError,
  })
  return {
    task,
    isBusy: submitting.isPending || (begun !== undefined && own === undefined) || task?.done === false,
    submit: submitting.mutate,
    cancel: () => task && cancelling.mutate(task.id),
  }
}

function isAbout({ parameters }: Task, sceneId: string): boolean {
  if (typeof parameters !== 'object' || parameters === null) return false
  return (parameters as { sceneId?: unknown }).sceneId === sceneId
}
