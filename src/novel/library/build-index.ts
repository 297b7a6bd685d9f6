/** The search index of a novel: its builds, its state, and the search. */
import { type Change, getOne, insert, replace, type Stored } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { type Discarded, discardStep } from './drafts.ts'
import { inBytes, indexStep, segmentRows, vectorRows } from './index-rows.ts'
import {
  type BuildRecord,
  type IndexRecord,
  indexes,
  type LibraryParts,
  type NovelRecord,
  novels,
  scenes,
  segments,
  shelvedNovel,
  vectors,
} from './kinds.ts'
import { knownVectors } from './known-vectors.ts'
import {
  areSameKind,
  type IndexBuild,
  type IndexState,
  type IndexWriter,
  type PassageIndex,
} from './passage-index.ts'
import { novelNotFound } from './refusal.ts'
import { answerSearch, searchSpan } from './search-answer.ts'

/** The search indices of a library. */
export function passageIndex(library: LibraryParts): PassageIndex {
  return {
    async state(userId, novelId) {
      const { novel, index } = await ownIndex(library, userId, novelId)
      return stateOf(library, novel, index)
    },
    // A build is begun by a write that finds novel and index as they were read; sent again, it is found by its builder.
    async begin(userId, novelId, builder, kind) {
      for (;;) {
        const { novel, index } = await ownIndex(library, userId, novelId)
        const isSame = areSameKind(index?.building?.vectors, kind)
        const held = [isSame ? index?.building : undefined, index?.answering].find(
          build => build?.builder === builder,
        )
        if (held !== undefined) return found(library, novelId, held, held === index?.answering)
        const { textVersion } = novel
        const generation = (index?.lastGeneration ?? 0) + 1
        const building = { generation, builder, textVersion, ...defined({ vectors: kind }) }
        const begun = { id: novelId, lastGeneration: generation, building }
        const change = index === undefined ? insert(indexes, begun) : replace(indexes, { ...index, ...begun })
        if ((await library.records.commit([replace(novels, novel), change])) === 'applied')
          return { novelId, generation, textVersion, segments: 0, finished: false }
      }
    },
    known: (novelId, kind) => knownVectors(library, novelId, kind),
    put: (build, segment, parts = 0) =>
      put(library, build, () => segmentRows(library, build, segment, parts)),
    putVectors: (build, batch) => put(library, build, async () => vectorRows(build, batch)),
    finish: (build, count) => finish(library, build, count),
    clean: (novelId, limit = discardStep) => clean(library, novelId, limit),
    async search(userId, novelId, search) {
      searchSpan(search)
      for (;;) {
        const { novel, index } = await ownIndex(library, userId, novelId)
        const generation = index?.answering?.generation ?? 0
        const state = await stateOf(library, novel, index)
        const isChanged = index?.answering?.textVersion !== novel.textVersion
        const searched = { library, build: { novelId, generation }, state, isChanged }
        const found = await answerSearch(searched, search)
        // A build that was finished meanwhile may have taken records away: then the new one answers.
        const now = await ownIndex(library, userId, novelId)
        if ((now.index?.answering?.generation ?? 0) === generation) return found
      }
    },
  }
}

interface NovelIndex {
  novel: Stored<NovelRecord>
  index: Stored<IndexRecord> | undefined
}

/** The novel and what is known of its index. Throws NOVEL_NOT_FOUND. */
async function ownIndex({ records }: LibraryParts, userId: string, novelId: string): Promise<NovelIndex> {
  const [novel, index] = await Promise.all([
    shelvedNovel(records, userId, novelId),
    getOne(records, indexes, novelId),
  ])
  if (novel === undefined) throw novelNotFound(novelId)
  return { novel, index }
}

async function stateOf(
  library: LibraryParts,
  { id: novelId, textVersion }: NovelRecord,
  index: IndexRecord | undefined,
): Promise<IndexState> {
  const building = index?.building !== undefined
  const answering = index?.answering
  if (answering === undefined) return { kind: 'none', building, passages: 0, outOfDateScenes: 0 }
  const { vectors: ofKind, builtAt, passages, generation } = answering
  const kind = ofKind === undefined ? 'lexical' : 'hybrid'
  const isSame = answering.textVersion === textVersion
  const outOfDateScenes = isSame ? 0 : await changedScenes(library, { novelId, generation })
  return { kind, building, builtAt, passages, ...defined({ vectors: ofKind }), outOfDateScenes }
}

/**
 * Scenes of which another text was indexed, and scenes with a text that came since; only those of which the text ever changed are looked
 * at: a scene that is added has none, and one that was cut off another counts as changed.
 */
async function changedScenes(
  { records }: LibraryParts,
  { novelId, generation }: IndexWriter,
): Promise<number> {
  const edited = await records.find(scenes, { equal: { novelId, edited: 1 } }, ['summary'])
  if (edited.length === 0) return 0
  const ofBuild = { equal: { novelId, generation } }
  const held = await records.find(segments, ofBuild, ['documents', 'places'])
  const indexed = new Map(held.flatMap(segment => segment.scenes))
  return edited.filter(({ id, textVersion, characters }) => {
    const version = indexed.get(id)
    return version === undefined ? characters > 0 : version !== textVersion
  }).length
}

async function found(
  library: LibraryParts,
  novelId: string,
  { generation, textVersion }: BuildRecord,
  finished: boolean,
): Promise<IndexBuild> {
  const written = await writtenSegments(library, { novelId, generation })
  return { novelId, generation, textVersion, segments: written, finished }
}

/** Numbers are written in order, so that the first gap is the end. */
async function writtenSegments(
  { records }: LibraryParts,
  { novelId, generation }: IndexWriter,
): Promise<number> {
  const inOrder = { equal: { novelId, generation }, order: ['number'] } as const
  const there = await records.find(segments, inOrder, inBytes)
  const gap = there.findIndex(({ number }, place) => number !== place)
  return gap === -1 ? there.length : gap
}

/** Writes records of a build, if it is still the one that is being built. */
async function put(
  { records }: LibraryParts,
  { novelId, generation }: IndexWriter,
  rows: () => Promise<Change[]>,
): Promise<'written' | 'stale'> {
  for (;;) {
    const index = await getOne(records, indexes, novelId)
    if (index?.building?.generation !== generation) return 'stale'
    const changes = [replace(indexes, index), ...(await rows())]
    if ((await records.commit(changes)) === 'applied') return 'written'
  }
}

async function finish(
  library: LibraryParts,
  build: IndexWriter,
  count: number,
): Promise<'finished' | 'incomplete' | 'stale'> {
  const { records, now } = library
  const { novelId, generation } = build
  for (;;) {
    const index = await getOne(records, indexes, novelId)
    if (index?.answering?.generation === generation) return 'finished'
    if (index?.building?.generation !== generation) return 'stale'
    if ((await writtenSegments(library, build)) !== count) return 'incomplete'
    const ofBuild = { equal: { novelId, generation }, by: 'novelId', of: ['passages'] } as const
    const sums = await records.sum(segments, ofBuild)
    const { building, ...rest } = index
    const answering = { ...building, builtAt: now(), passages: sums.get(novelId)?.passages ?? 0 }
    if ((await records.commit([replace(indexes, { ...rest, answering })])) === 'applied') return 'finished'
  }
}

/** A build that began after the index was read makes the step stale. */
async function clean(library: LibraryParts, novelId: string, limit: number): Promise<Discarded> {
  const { records } = library
  const [novel, index] = await Promise.all([
    getOne(records, novels, novelId),
    getOne(records, indexes, novelId),
  ])
  if (novel?.status !== 'published') return 'kept'
  if (index === undefined) return 'done'
  const live = [index.answering?.generation, index.building?.generation]
  const byGeneration = { equal: { novelId }, by: 'generation' } as const
  const there = await Promise.all([records.sum(segments, byGeneration), records.sum(vectors, byGeneration)])
  const generation = there.flatMap(sums => [...sums.keys()]).find(each => !live.includes(Number(each)))
  if (generation === undefined) return 'done'
  const rows = await indexStep(library, { equal: { novelId, generation } }, limit)
  await records.commit([replace(indexes, index), ...rows])
  return 'more'
}
