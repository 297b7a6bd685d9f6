/** Snapshots of novels: a row for each chapter, written with the snapshot in one commit that the novel guards. */
import { erase, getOne, insert, replace, type Stored, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { overwrittenTextId } from './history.ts'
import { idsOf } from './ids.ts'
import { entryAt } from './keep-history.ts'
import { type LibraryParts, novels, ownNovel, type SceneRecord, scenes, texts } from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { notTaken, snapshotNotFound, snapshotsFull } from './refusal.ts'
import {
  type SnapshotChapterRecord,
  type SnapshotRecord,
  type SnapshotScene,
  snapshotChapters,
  snapshotRowId,
  snapshots,
} from './snapshot-kinds.ts'
import {
  type ChangedScene,
  type Comparison,
  mostSnapshots,
  type NewSnapshot,
  type SceneRestored,
  type Snapshot,
  type SnapshotChoice,
  type SnapshotStore,
} from './snapshots.ts'
import { type Decided, findFullScene, putBack, writing } from './write-scene.ts'

/** The snapshots of a library. */
export function snapshotStore(library: LibraryParts): SnapshotStore {
  const { records } = library
  return {
    create: (userId, snapshot) => create(library, userId, snapshot),
    async snapshots(userId, novelId, page) {
      await ownNovel(library, userId, novelId)
      const query: Listing<SnapshotRecord>['query'] = { equal: { novelId }, order: ['order'], reverse: true }
      const listing = { name: 'snapshots', filter: [novelId], query }
      return readPage(records, snapshots, { listing, page }, found => found.map(shown))
    },
    snapshot: async (userId, choice) => shown(await ownSnapshot(library, userId, choice)),
    async compare(userId, choice) {
      await ownSnapshot(library, userId, choice)
      return compare(library, choice)
    },
    async sceneIds(userId, choice) {
      await ownSnapshot(library, userId, choice)
      return [...(await scenesThen(library, choice.snapshotId)).keys()]
    },
    async restore(userId, { novelId, snapshotId, beforeId, sceneIds }) {
      await ownSnapshot(library, userId, { novelId, snapshotId })
      await ownSnapshot(library, userId, { novelId, snapshotId: beforeId })
      // One after the other, and what is asked for alone: a snapshot of a long book has megabytes.
      const then = await scenesThen(library, snapshotId, new Set(sceneIds))
      const before = await scenesThen(library, beforeId, new Set(sceneIds))
      const restored = new Map<string, SceneRestored>()
      for (const sceneId of sceneIds) {
        const [wanted, known] = [then.get(sceneId), before.get(sceneId)]
        if (wanted === undefined || known === undefined) restored.set(sceneId, 'left')
        else restored.set(sceneId, await restoreScene(library, userId, { wanted, known }))
      }
      return restored
    },
    async remove(userId, choice) {
      const snapshot = await ownSnapshot(library, userId, choice)
      const rows = await records.find(snapshotChapters, { equal: { snapshotId: snapshot.id } }, ['scenes'])
      await records.commit([...erase(snapshots, [snapshot.id]), ...erase(snapshotChapters, idsOf(rows))])
    },
  }
}

function shown({ order: _, revision: __, ...snapshot }: Stored<SnapshotRecord>): Snapshot {
  return snapshot
}

async function ownSnapshot(
  library: LibraryParts,
  userId: string,
  { novelId, snapshotId }: SnapshotChoice,
): Promise<Stored<SnapshotRecord>> {
  await ownNovel(library, userId, novelId)
  const found = await getOne(library.records, snapshots, snapshotId)
  if (found?.novelId !== novelId) throw snapshotNotFound(novelId, snapshotId)
  return found
}

/** Begins again where somebody wrote to the novel meanwhile, so that a snapshot is of one moment. */
async function create(
  library: LibraryParts,
  userId: string,
  { id, novelId, name, isBeforeRestoring, isBeforeAppending }: NewSnapshot,
): Promise<Snapshot> {
  const { records, now } = library
  for (;;) {
    const novel = await ownNovel(library, userId, novelId)
    const known = await getOne(records, snapshots, id)
    if (known?.novelId === novelId) return shown(known)
    if (known !== undefined)
      throw notTaken(`The id ${id} belongs to a snapshot of another novel; choose another one.`)
    const newest = { equal: { novelId }, order: ['order'], reverse: true, limit: mostSnapshots } as const
    const others = await records.find(snapshots, newest)
    if (others.length === mostSnapshots) throw snapshotsFull(novelId, mostSnapshots)
    const rows = new Map<string, SnapshotChapterRecord>()
    for await (const scene of everyScene(library, novelId)) {
      const { chapterId, chapter, textVersion, words, characters, title } = scene
      const row = rows.get(chapterId) ?? {
        id: snapshotRowId(id, chapterId),
        snapshotId: id,
        novelId,
        chapterId,
        chapter,
        scenes: [],
      }
      const kept = { id: scene.id, textVersion, words, characters, ...defined({ title }) }
      rows.set(chapterId, { ...row, scenes: [...row.scenes, kept] })
    }
    const { scenes: count, words, characters } = novel
    const snapshot = {
      ...{ id, novelId, name, scenes: count, words, characters, createdAt: now() },
      ...{ ...defined({ isBeforeRestoring, isBeforeAppending }), order: (others[0]?.order ?? 0) + 1 },
    }
    const committed = await records.commit([
      replace(novels, novel),
      insert(snapshots, snapshot),
      ...write(snapshotChapters, [...rows.values()]),
    ])
    if (committed === 'applied') return shown({ ...snapshot, revision: '' })
  }
}

/** Scenes that are read at a time. */
const perPage = 500

async function* everyScene({ records }: LibraryParts, novelId: string) {
  const query = { equal: { novelId }, order: ['chapter', 'position'] as const, limit: perPage }
  for (let after: readonly number[] | undefined; ; ) {
    const found = await records.find(scenes, { ...query, after }, ['summary'])
    yield* found
    const last = found.at(-1)
    if (last === undefined || found.length < perPage) return
    after = [last.chapter, last.position]
  }
}

/** A scene of a snapshot, and where it was. */
type SceneThen = SnapshotScene & Pick<SnapshotChapterRecord, 'chapterId'> & { position: number }

/** The scenes of a snapshot by id, in reading order; `wanted`: these alone. */
async function scenesThen(
  { records }: LibraryParts,
  snapshotId: string,
  wanted?: ReadonlySet<string>,
): Promise<ReadonlyMap<string, SceneThen>> {
  const rows = await records.find(snapshotChapters, { equal: { snapshotId }, order: ['chapter'] })
  const found = new Map<string, SceneThen>()
  for (const { chapterId, scenes: kept } of rows)
    for (const [position, scene] of kept.entries())
      if (wanted?.has(scene.id) !== false) found.set(scene.id, { ...scene, chapterId, position })
  return found
}

/** Scenes of a comparison that are named. */
const mostNamed = 1_000

async function compare(library: LibraryParts, { novelId, snapshotId }: SnapshotChoice): Promise<Comparison> {
  const then = new Map(await scenesThen(library, snapshotId))
  const found: ChangedScene[] = []
  let unchanged = 0
  for await (const scene of everyScene(library, novelId)) {
    const { id: sceneId, chapterId, position, title, words: wordsNow, characters: charactersNow } = scene
    const was = then.get(sceneId)
    then.delete(sceneId)
    if (was !== undefined && (await isSame(library, scene, was))) {
      unchanged += 1
      continue
    }
    found.push({
      ...{ sceneId, chapterId, position, ...defined({ title }) },
      ...{ wordsNow, wordsThen: was?.words ?? 0 },
      ...{ charactersNow, charactersThen: was?.characters ?? 0 },
      ...(was === undefined
        ? { change: 'added' }
        : {
            change: 'changed',
            ...(!isBlank(was) && { entryId: overwrittenTextId(sceneId, was.textVersion) }),
          }),
    })
  }
  for (const { id: sceneId, chapterId, position, title, words, characters } of then.values())
    found.push({
      ...{ sceneId, chapterId, position, ...defined({ title }), change: 'deleted' },
      ...{ wordsThen: words, wordsNow: 0, charactersThen: characters, charactersNow: 0 },
    })
  const count = (what: ChangedScene['change']) => found.filter(({ change }) => change === what).length
  return {
    ...{ unchanged, changed: count('changed'), added: count('added'), deleted: count('deleted') },
    scenes: found.slice(0, mostNamed),
  }
}

/** Whether nothing can be seen of a text. An empty one has no entry. */
function isBlank({ words, characters }: Pick<SnapshotScene, 'words' | 'characters'>): boolean {
  return words === 0 && characters === 0
}

/** Whether the text of a scene is that of a snapshot: it never changed, or was put back. */
async function isSame(
  library: LibraryParts,
  { id, textVersion, words, characters }: Pick<SceneRecord, 'id' | 'textVersion' | 'words' | 'characters'>,
  was: SceneThen,
): Promise<boolean> {
  if (textVersion === was.textVersion || (isBlank(was) && isBlank({ words, characters }))) return true
  if (words !== was.words || characters !== was.characters) return false
  const entryId = overwrittenTextId(id, was.textVersion)
  const text = await getOne(library.records, texts, id)
  if (text?.origin?.restored?.entryId === entryId) return true
  return text?.content === (await entryAt(library, { sceneId: id, entryId }))?.text
}

/** Gives a scene the text of a snapshot, unless somebody wrote it since the snapshot that was made before. */
async function restoreScene(
  library: LibraryParts,
  userId: string,
  { wanted, known }: { wanted: SceneThen; known: SceneThen },
): Promise<SceneRestored> {
  let restored: SceneRestored = 'left'
  const find = () => findFullScene(library, wanted.id, userId)
  await writing(library, find, async (found, at): Promise<Decided> => {
    const { scene, text } = found
    const isThere = scene.textVersion === wanted.textVersion
    const wantedEntry = { sceneId: scene.id, entryId: overwrittenTextId(scene.id, wanted.textVersion) }
    const entry = isThere ? undefined : await entryAt(library, wantedEntry)
    const content = isThere ? text.content : (entry?.text ?? (isBlank(wanted) ? '' : undefined))
    restored = content === text.content ? 'unchanged' : 'left'
    if (content === text.content) return 'unchanged'
    if (content === undefined || scene.textVersion !== known.textVersion) return 'conflict'
    restored = 'restored'
    return putBack(found, entry, { userId, at })
  })
  return restored
}
