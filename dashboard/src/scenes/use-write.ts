import { useMutation, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import type { Task } from '../api/task.ts'
import { ifMatch, type Scene, useAddSceneTask } from '../queries/scene-queries.ts'
import { useWishKey } from '../queries/wish-key.ts'

/** A task that is about a scene, as it is submitted. */
type Submission = components['schemas']['TaskSubmission']

/**
 * Submits tasks of a scene, where a person waits for them. The same wish, sent once more because no answer came, finds the task of the
 * first time.
 */
export function useSubmit(sceneId: string) {
  const add = useAddSceneTask(sceneId)
  const key = useWishKey()
  return useMutation({
    mutationFn: (submission: Submission): Promise<Task> =>
      dataOf(
        api.POST('/v1/tasks', {
          params: { header: { 'idempotency-key': key.of(submission) } },
          body: { lane: 'default', ...submission },
        }),
      ),
    onSuccess(task) {
      key.answered()
      add(task)
    },
  })
}

/** What of a scene a person changes. */
export type SceneEdit = components['schemas']['SceneEdit']

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
      void queries.invalidateQueries({ queryKey: keys.sceneHistory(sceneId) })
      void queries.invalidateQueries({ queryKey: keys.novel(scene.novelId) })
      void queries.invalidateQueries({ queryKey: keys.chapter(scene.novelId, scene.chapterId) })
    },
  })
}

/** Stops a task, or runs it again. What it answers is shown at once. */
export function useTaskAction(taskId: string) {
  const queries = useQueryClient()
  const path = { path: { taskId } }
  const show = (task: Task) => {
    queries.setQueryData(keys.task(taskId), task)
    return queries.invalidateQueries({ queryKey: keys.taskLists })
  }
  const stop = useMutation({
    mutationFn: () => dataOf(api.POST('/v1/tasks/{taskId}:cancel', { params: path })),
    onSuccess: show,
  })
  const again = useMutation({
    mutationFn: async () => (await dataOf(api.POST('/v1/tasks/{taskId}:retry', { params: path }))).task,
    onSuccess: show,
  })
  return { stop, again }
}
