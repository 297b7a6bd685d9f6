import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, api, dataOf } from '../api/client.ts'
import { keys, ofNovel } from '../api/keys.ts'
import { useRequestKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import type { Task } from '../api/task.ts'
import { ifMatch, type Scene, useReadScene } from '../queries/novel-queries.ts'
import { cancelTask, retryTask, submitTask, useAddTask } from '../queries/task-queries.ts'
import { overNewest } from '../queries/versioned-edit.ts'
import { collides, type Draft, editOf, type SceneEdit } from './draft.ts'

/** A task that is about a scene, as it is submitted. */
type Submission = components['schemas']['TaskSubmission']

/**
 * Submits tasks of a scene, where a person waits for them. The same request, sent once more because no answer came, finds the task of the
 * first time.
 */
export function useSubmit(sceneId: string) {
  const add = useAddTask(keys.sceneTasks(sceneId))
  const key = useRequestKey()
  return useMutation({
    mutationFn: (submission: Submission) =>
      submitTask({ lane: 'default', ...submission }, key.of(submission)),
    onSuccess(task) {
      key.answered()
      add(task)
    },
  })
}

/** Saves an edit of the version that the person saw. Rejects with SCENE_CHANGED (412) where there is a newer one. */
export function useEdit(sceneId: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ edit, seen }: { edit: SceneEdit; seen: Pick<Scene, 'version'> }): Promise<Scene> =>
      dataOf(
        api.PATCH('/v1/scenes/{sceneId}', {
          params: { path: { sceneId }, header: ifMatch(seen) },
          body: edit,
        }),
      ),
    onSuccess(scene) {
      queries.setQueryData(keys.scene(sceneId), scene)
      // A reading that is under way may bring the scene of before the save.
      void queries.refetchQueries({ queryKey: keys.scene(sceneId), fetchStatus: 'fetching' })
      void queries.invalidateQueries({ queryKey: keys.sceneHistory(sceneId) })
      // Summaries above the scene, threads that quote it and comparisons with snapshots depend on it too.
      void queries.invalidateQueries(ofNovel(scene.novelId))
    },
  })
}

/** Saves a change of the newest version of a scene. Where that is not the one on the page, `change` is made anew of it; `undefined`: nothing is saved. */
export function useEditNewest(scene: Scene) {
  const edit = useEdit(scene.id)
  const read = useReadScene(scene.id)
  return useMutation({
    mutationFn: (change: (seen: Scene) => SceneEdit | undefined) =>
      overNewest(
        scene,
        seen => {
          const made = change(seen)
          return made && edit.mutateAsync({ edit: made, seen })
        },
        read,
      ),
  })
}

/** Stops a task, or runs it again. The answer is shown at once. */
export function useTaskAction(taskId: string) {
  const queries = useQueryClient()
  const show = (task: Task) => {
    queries.setQueryData(keys.task(taskId), task)
    return queries.invalidateQueries({ queryKey: keys.taskLists })
  }
  const stop = useMutation({
    mutationFn: () => cancelTask(taskId),
    onSuccess: show,
  })
  const again = useMutation({
    mutationFn: async () => (await retryTask(taskId)).task,
    onSuccess: show,
  })
  return { stop, again }
}

/**
 * Saves what a person typed. What somebody else did to another part of the scene does not stand in the way; where both changed the same,
 * nothing is overwritten: `theirs` is there then, until the person has decided. One save at a time: a second one would be of a version that the
 * first makes old.
 */
export function useSaveDraft(sceneId: string, onSaved: (sent: Draft, saved: Scene) => void) {
  const edit = useEdit(sceneId)
  const readScene = useReadScene(sceneId)
  const [theirs, setTheirs] = useState<Scene>()
  const [error, setError] = useState<unknown>(null)
  const [isPending, setIsPending] = useState(false)

  /** `outrunBy`: the version that the person accepts to write over. */
  const send = async (draft: Draft, outrunBy?: Scene): Promise<void> => {
    setError(null)
    try {
      onSaved(draft, await edit.mutateAsync({ edit: editOf(draft), seen: outrunBy ?? draft }))
    } catch (failure) {
      if (!(failure instanceof ApiError) || failure.code !== 'SCENE_CHANGED') return setError(failure)
      await meet(draft)
    }
  }
  const meet = async (draft: Draft): Promise<void> => {
    try {
      const newest = await readScene()
      if (collides(draft, newest)) setTheirs(newest)
      else await send(draft, newest)
    } catch (failure) {
      setError(failure)
    }
  }
  const begin = async (draft: Draft, outrunBy?: Scene): Promise<void> => {
    if (isPending) return
    setIsPending(true)
    await send(draft, outrunBy)
    setIsPending(false)
  }

  return {
    error,
    theirs,
    isPending,
    send: (draft: Draft) => void begin(draft),
    keepMine(draft: Draft) {
      setTheirs(undefined)
      void begin(draft, theirs)
    },
    back: () => setTheirs(undefined),
  }
}
