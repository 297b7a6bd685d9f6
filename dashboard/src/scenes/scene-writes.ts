import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { keys } from '../api/keys.ts'
import { useRequestKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import type { Task } from '../api/task.ts'
import { type Scene, useReadScene } from '../queries/novel-queries.ts'
import { cancelTask, retryTask, submitTask, useAddTask } from '../queries/task-queries.ts'
import { overNewest } from '../queries/versioned-edit.ts'
import type { Draft, SceneEdit } from './draft.ts'
import { isRefusal, saveDraft, saveEdit } from './save-draft.ts'

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
    mutationFn: ({ edit, seen }: { edit: SceneEdit; seen: Pick<Scene, 'version'> }) =>
      saveEdit(queries, { sceneId, edit, seen }),
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

/** What a save ends with, for the editor. */
interface SaveEnds {
  onSaved: (sent: Draft, saved: Scene) => void
  /** The server could not be reached. Returns whether the edit is kept to be sent later. */
  onUnreachable: (sent: Draft) => boolean
}

/**
 * Saves what a person typed. Where somebody else changed the same, `theirs` is there until the person has decided. One save at a time: a second
 * one would be of a version that the first makes old.
 */
export function useSaveDraft({ onSaved, onUnreachable }: SaveEnds) {
  const queries = useQueryClient()
  const [theirs, setTheirs] = useState<Scene>()
  const [error, setError] = useState<unknown>(null)
  const [isPending, setIsPending] = useState(false)

  const send = async (draft: Draft): Promise<void> => {
    if (isPending) return
    setTheirs(undefined)
    setError(null)
    setIsPending(true)
    try {
      const saving = await saveDraft(queries, draft)
      if ('theirs' in saving) setTheirs(saving.theirs)
      else onSaved(draft, saving.saved)
    } catch (failure) {
      if (isRefusal(failure) || !onUnreachable(draft)) setError(failure)
    }
    setIsPending(false)
  }

  return {
    error,
    theirs,
    isPending,
    send: (draft: Draft) => void send(draft),
    back: () => setTheirs(undefined),
  }
}
