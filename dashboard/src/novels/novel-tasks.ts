import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { isPaid, keys, ofNovel } from '../api/keys.ts'
import { useRequestKey } from '../api/request-key.ts'
import { liveStatuses, type Task } from '../api/task.ts'
import { useNotifyError } from '../parts/notify.tsx'
import { textField } from '../parts/subject.ts'
import { useReadAgainAfterTasks } from '../queries/novel-queries.ts'
import { cancelTask, submitTask, useTask, useTasks } from '../queries/task-queries.ts'
import type { SceneEntry } from './novel.ts'

/** Tasks that are shown; the list of tasks has all. */
const shown = 100

/** Returns the tag of every task that is about a novel. */
export const novelTag = (novelId: string): string => `novel:${novelId}`

/**
 * Reads the tasks without a parent that work on a novel and have not ended: a batch or an import has as many below it as the novel has
 * scenes, and each stands for all of its own.
 */
function useLiveTasksQuery(novelId: string) {
  return useTasks(
    { tag: novelTag(novelId), status: [...liveStatuses], rootsOnly: 'true', pageSize: shown },
    { queryKey: [...keys.taskLists, { ofNovel: novelId }] },
  )
}

/** Returns the tasks without a parent that work on a novel now, newest first. Kept up to date by the live stream. */
export function useLiveTasks(novelId: string): readonly Task[] {
  return (useLiveTasksQuery(novelId).data ?? []).filter(({ done }) => !done)
}

/** The task that summarises one scene. */
const summaryType = 'GenerateSummary'

/** Running summaries that are read: those that were requested first, which are made first. */
const summariesShown = 200

/** Returns what summarises a scene of the novel and has not ended, also for a batch or an import. One request for all scenes of a page. */
function useLiveSummaries(novelId: string): readonly Task[] {
  const { data = [] } = useTasks(
    {
      tag: novelTag(novelId),
      taskType: [summaryType],
      status: [...liveStatuses],
      order: 'oldest',
      pageSize: summariesShown,
    },
    { queryKey: [...keys.taskLists, { summariesOf: novelId }] },
  )
  return data.filter(({ done }) => !done)
}

/** Milliseconds between two readings of a novel that is being worked on: its outline may be long. */
const readAgainAfter = 2_000

/**
 * Keeps what is shown of a novel up to date while tasks work on it. The live stream reports tasks alone, so the novel is read again when
 * those that work on it were, at most every two seconds: one that was quick began and ended between two readings of the list. What may cost
 * a call of a model is not.
 */
export function useFollowNovel(novelId: string): void {
  const queries = useQueryClient()
  const { dataUpdatedAt: readAt } = useLiveTasksQuery(novelId)
  const seen = useRef(readAt)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    if (readAt === seen.current) return
    const isFirst = seen.current === 0
    seen.current = readAt
    if (isFirst) return
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      const { predicate } = ofNovel(novelId)
      void queries.invalidateQueries({ predicate: query => predicate(query) && !isPaid(query.queryKey) })
    }, readAgainAfter)
  }, [readAt, queries, novelId])
  useEffect(() => () => clearTimeout(timer.current), [])
}

/** How a summary is to be made. Nothing: as the server does by default. */
export interface SummaryInstructions {
  /** The id of a model; `extractive` picks it from the text. */
  model?: string
  style?: string
}

/** Returns a task as it is submitted to summarise a scene. */
export function plannedSummary(
  { id, novelId }: Pick<SceneEntry, 'id' | 'novelId'>,
  instructions: SummaryInstructions,
) {
  return { taskType: summaryType, parameters: { novelId, sceneId: id, ...instructions } }
}

/** The making of a scene's summary. */
export interface SummaryTask {
  /** The task that makes it, or made it while this page was open. */
  readonly task: Task | undefined
  readonly isBusy: boolean
  readonly submit: (instructions: SummaryInstructions) => void
  readonly cancel: () => void
}

/** Has a scene summarised, and follows the task: the one that was begun here, or by anybody else. */
export function useSummaryTask(scene: SceneEntry): SummaryTask {
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const key = useRequestKey()
  const [begun, setBegun] = useState<string>()
  const live = useLiveSummaries(scene.novelId).find(
    ({ parameters }) => textField(parameters, 'sceneId') === scene.id,
  )
  const { data: own } = useTask(begun ?? '', begun !== undefined)
  const task = own?.done === false ? own : (live ?? own)
  useReadAgainAfterTasks(scene, [own])
  const submitting = useMutation({
    mutationFn: (instructions: SummaryInstructions) => {
      // A person waits for it: it goes in the lane for those.
      const body = { ...plannedSummary(scene, instructions), lane: 'default' }
      return submitTask(body, key.of(body))
    },
    onError: notifyError,
    onSuccess({ id }) {
      key.answered()
      setBegun(id)
      void queries.invalidateQueries({ queryKey: keys.taskLists })
    },
  })
  const cancelling = useMutation({
    mutationFn: (taskId: string) => cancelTask(taskId),
    onError: notifyError,
  })
  return {
    task,
    isBusy: submitting.isPending || (begun !== undefined && own === undefined) || task?.done === false,
    submit: submitting.mutate,
    cancel: () => task && cancelling.mutate(task.id),
  }
}
