/** Undoing a run: the texts of a tree of tasks leave their scenes, which get those back that they had before. */
import { replace } from '../../records/records.ts'
import type { CandidateRecord, UndoneRun } from './candidates.ts'
import { overwrittenTextId } from './history.ts'
import { idsOf } from './ids.ts'
import { entryAt } from './keep-history.ts'
import { candidates, type LibraryParts, type SceneRecord } from './kinds.ts'
import type { Writer } from './provenance.ts'
import { type Decided, type FullScene, findFullScene, putBack, writing } from './write-scene.ts'

/** Those of a scene without their texts, oldest first: a bounded number. */
export function ofScene({ records }: LibraryParts, sceneId: string) {
  return records.find(candidates, { equal: { sceneId }, order: ['order'] }, ['text'])
}

/** Closes a candidate. */
export function closedAs(status: 'accepted' | 'discarded', by: Writer, at: number) {
  return { status, closedBy: by, closedAt: at }
}

/** Whether the summary of a scene was there when a candidate was made, which one that was written since does not describe. */
export function isOlderSummary(
  { summaryVersion }: Pick<SceneRecord, 'summaryVersion'>,
  { baseVersion }: Pick<CandidateRecord, 'baseVersion'>,
): boolean {
  return summaryVersion <= baseVersion
}

/** Candidates of a run that are read at a time. */
const perPage = 100
/** Scenes left as they were that are named. */
const mostNamed = 100

/** Undoes a tree, a scene at a time: see `CandidateStore`. */
export async function undoRun(library: LibraryParts, userId: string, rootTaskId: string): Promise<UndoneRun> {
  const done = new Map<string, { sceneId: string; novelId: string; isUndone: boolean }>()
  let after: [string] | undefined
  do {
    const run = { equal: { rootTaskId, status: 'accepted' }, order: ['id'] as const, after, limit: perPage }
    const found = await library.records.find(candidates, run, ['text'])
    for (const { sceneId, novelId, replaced } of found) {
      if (replaced === undefined || done.get(sceneId)?.isUndone) continue
      const find = () => findFullScene(library, sceneId, userId)
      const { outcome } = await writing(library, find, (scene, at) =>
        undone(library, scene, { rootTaskId, userId, at }),
      )
      if (outcome !== 'missing') done.set(sceneId, { sceneId, novelId, isUndone: outcome === 'applied' })
    }
    const last = found.at(-1)
    after = last && [last.id]
  } while (after !== undefined)
  const left = [...done.values()].filter(({ isUndone }) => !isUndone)
  return {
    undone: done.size - left.length,
    left: left.slice(0, mostNamed).map(({ sceneId, novelId }) => ({ sceneId, novelId })),
    leftScenes: left.length,
  }
}

/** A scene gets the text back that it had before a tree; a conflict where its text is not of the tree, or the one before it is not kept. */
async function undone(
  library: LibraryParts,
  found: FullScene,
  { rootTaskId, userId, at }: { rootTaskId: string; userId: string; at: number },
): Promise<Decided> {
  const { records } = library
  const { scene, text } = found
  const ofRun = (await ofScene(library, scene.id)).filter(
    each => each.rootTaskId === rootTaskId && each.status === 'accepted',
  )
  // Its text is there, or there again: a later run was undone, or somebody put it back.
  const there = ofRun.find(({ id }) => id === text.origin?.accepted?.candidateId)
  const replaced = there?.replaced
  if (there === undefined || replaced === undefined) return 'conflict'
  const entryId = overwrittenTextId(scene.id, replaced.textVersion)
  const entry = replaced.isEmpty ? undefined : await entryAt(library, { sceneId: scene.id, entryId })
  if (entry === undefined && !replaced.isEmpty) return 'conflict'
  const { summary } = scene
  // One that was written since is of the text that goes.
  const isOfBoth = replaced.isSummarised && isOlderSummary(scene, there)
  const isDescribed = isOfBoth && summary?.ofTextVersion === scene.textVersion
  const closed = await records.get(candidates, idsOf(ofRun))
  const back = putBack(found, entry, { userId, at })
  const version = scene.version + 1
  return {
    ...back,
    fields: {
      ...back.fields,
      ...(isDescribed && { summary: { ...summary, ofTextVersion: version }, summaryOf: version }),
    },
    also: [...closed.values()].map(({ replaced: _, ...each }) =>
      replace(candidates, { ...each, ...closedAs('discarded', { userId }, at) }),
    ),
  }
}
