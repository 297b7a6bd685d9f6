import type { QueryClient } from '@tanstack/react-query'
import { ApiError, api, codeOf, dataOf } from '../api/client.ts'
import { keys, ofNovel } from '../api/keys.ts'
import { sceneOfDraft } from '../browser/state.ts'
import { answeredWithinMs, ifMatch, readNewestScene, type Scene } from '../queries/novel-queries.ts'
import { collides, type Draft, editOf, isSavedIn, type SceneEdit } from './draft.ts'

interface SavedEdit {
  sceneId: string
  edit: SceneEdit
  /** The version that the person saw. */
  seen: Pick<Scene, 'version'>
}

/** Saves an edit of the version that the person saw, and shows it. Rejects with SCENE_CHANGED (412) where there is a newer one. */
export async function saveEdit(queries: QueryClient, { sceneId, edit, seen }: SavedEdit): Promise<Scene> {
  const scene = await dataOf(
    api.PATCH('/v1/scenes/{sceneId}', {
      params: { path: { sceneId }, header: ifMatch(seen) },
      body: edit,
      signal: AbortSignal.timeout(answeredWithinMs),
    }),
  )
  queries.setQueryData(keys.scene(sceneId), scene)
  // A reading that is under way may bring the scene of before the save.
  void queries.refetchQueries({ queryKey: keys.scene(sceneId), fetchStatus: 'fetching' })
  void queries.invalidateQueries({ queryKey: keys.sceneHistory(sceneId) })
  // Summaries above the scene, threads that quote it and comparisons with snapshots depend on it too.
  void queries.invalidateQueries(ofNovel(scene.novelId))
  return scene
}

/** What became of a save: the scene as it is now, or what somebody else made of the same. */
type Saving = { saved: Scene } | { theirs: Scene }

/**
 * Saves what a person typed. What somebody else did to another part of the scene does not stand in the way; where both changed the same,
 * nothing is overwritten. What is in the novel already, since the answer of an earlier try was lost, is not written again. `over`: the version that
 * is written over; by default the one that the person saw. Throws ApiError.
 */
export async function saveDraft(
  queries: QueryClient,
  draft: Draft,
  over: Pick<Scene, 'version'> = draft,
): Promise<Saving> {
  const sceneId = sceneOfDraft(draft.name)
  try {
    return { saved: await saveEdit(queries, { sceneId, edit: editOf(draft), seen: over }) }
  } catch (failure) {
    if (codeOf(failure) !== 'SCENE_CHANGED') throw failure
    const newest = await readNewestScene(queries, sceneId)
    if (isSavedIn(draft, newest)) return { saved: newest }
    return collides(draft, newest) ? { theirs: newest } : saveDraft(queries, draft, newest)
  }
}

/** A token is wanted, the client was too slow, or asks too often: the same request is taken later. */
const takenLater: readonly number[] = [401, 408, 429]

/** Returns whether the server itself said that it does not take a save. Anything else passes: no answer, a server that stops, a proxy before it. */
export function isRefusal(failure: unknown): boolean {
  if (!(failure instanceof ApiError) || failure.problem === undefined) return false
  return failure.status < 500 && !takenLater.includes(failure.status)
}
