/** The search index of a novel: its builds and its state, which are a part of the novel's document. */
import type { ClientSession, Filter } from 'mongodb'
import { type Discarded, discardStep } from '../drafts.ts'
import {
  areSameKind,
  type IndexBuild,
  type IndexState,
  type IndexWriter,
  type NovelSearch,
  type PassageIndex,
  type SearchAnswer,
  type VectorKind,
} from '../passage-index.ts'
import { novelNotFound } from '../refusal.ts'
import { answerSearch, searchLimit } from '../search-answer.ts'
import { indexRowId, indexStep, putSegment, putVectors } from './index-rows.ts'
import { removeRows } from './removal.ts'
import type { BuildDocument, NovelDocument } from './schema.ts'
import { searchSource } from './search-source.ts'
import { type LibrarySession, lockNovel } from './session.ts'

/** The search indices of a database. */
export function mongoPassageIndex(library: LibrarySession): PassageIndex {
  return {
    state: async (userId, novelId) => stateOf(library, await ownNovel(library, userId, novelId)),
    begin: (userId, novelId, builder, vectors) => begin(library, { userId, novelId }, { builder, vectors }),
    put: (build, segment, parts = 0) =>
      put(library, build, session => putSegment(library, session, ownerOf(build), { segment, parts })),
    putVectors: (build, batch) =>
      put(library, build, session => putVectors(library, session, ownerOf(build), batch)),
    finish: (build, segments) => finish(library, build, segments),
    clean: (novelId, limit = discardStep) => clean(library, novelId, limit),
    search: (userId, novelId, search) => answer(library, userId, novelId, search),
  }
}

/** Throws NOVEL_NOT_FOUND. */
async function ownNovel(library: LibrarySession, userId: string, novelId: string): Promise<NovelDocument> {
  const novel = await publishedNovel(library, novelId)
  if (novel?.userId !== userId) throw novelNotFound(novelId)
  return novel
}

function publishedNovel(
  { database, novels }: LibrarySession,
  novelId: string,
): Promise<NovelDocument | null> {
  return database.run('find novel', () => novels.findOne({ _id: novelId, status: 'published' }))
}

async function stateOf(library: LibrarySession, novel: NovelDocument): Promise<IndexState> {
  const { answering, building: built } = novel.index
  const building = built !== undefined
  if (answering === undefined) return { kind: 'none', building, passages: 0, outOfDateScenes: 0 }
  const { vectors } = answering
  return {
    kind: vectors === undefined ? 'lexical' : 'hybrid',
    building,
    builtAt: answering.builtAt,
    passages: answering.passages,
    ...(vectors === undefined ? {} : { vectors }),
    outOfDateScenes:
      answering.textVersion === novel.textVersion ? 0 : await changedScenes(library, novel._id, answering),
  }
}

/**
 * Scenes of which another text was indexed, and scenes with a text that came since; only those of which the text ever changed are looked
 * at, since a scene that is added has none.
 */
async function changedScenes(
  { database, scenes, indexedScenes }: LibrarySession,
  novelId: string,
  { generation }: BuildDocument,
): Promise<number> {
  const edited = await database.run('find edited scenes', () =>
    scenes
      .find({ novelId, textVersion: { $gt: 1 } }, { projection: { textVersion: 1, characters: 1 } })
      .toArray(),
  )
  const idOf = (sceneId: string) => indexRowId({ novelId, generation }, sceneId)
  const indexed = await database.run('find indexed scenes', () =>
    indexedScenes
      .find({ _id: { $in: edited.map(({ _id }) => idOf(_id)) } }, { projection: { textVersion: 1 } })
      .toArray(),
  )
  const indexedVersions = new Map(indexed.map(({ _id, textVersion }) => [_id, textVersion]))
  return edited.filter(({ _id, textVersion, characters }) => {
    const indexedVersion = indexedVersions.get(idOf(_id))
    return indexedVersion === undefined ? characters > 0 : indexedVersion !== textVersion
  }).length
}

/** A build is begun by a write that finds the index as it was read; sent again, it is found by its builder. */
async function begin(
  library: LibrarySession,
  { userId, novelId }: { userId: string; novelId: string },
  { builder, vectors }: { builder: string; vectors: VectorKind | undefined },
): Promise<IndexBuild> {
  for (;;) {
    const { index, textVersion } = await ownNovel(library, userId, novelId)
    const { building, answering, lastGeneration } = index
    const isSame = areSameKind(building?.vectors, vectors)
    const held = [isSame ? building : undefined, answering].find(build => build?.builder === builder)
    if (held !== undefined) {
      return {
        novelId,
        generation: held.generation,
        textVersion: held.textVersion,
        segments: await writtenSegments(library, { novelId, generation: held.generation }),
        finished: held === answering,
      }
    }
    const generation = lastGeneration + 1
    const { modifiedCount } = await library.database.run('begin index', () =>
      library.novels.updateOne(
        { _id: novelId, status: 'published', 'index.lastGeneration': lastGeneration },
        {
          $set: {
            'index.lastGeneration': generation,
            'index.building': {
              generation,
              builder,
              textVersion,
              ...(vectors === undefined ? {} : { vectors }),
            },
          },
        },
      ),
    )
    if (modifiedCount > 0) return { novelId, generation, textVersion, segments: 0, finished: false }
  }
}

/** Numbers are written in order, so that the first gap is the end. */
async function writtenSegments(
  { database, segments }: LibrarySession,
  { novelId, generation }: IndexWriter,
): Promise<number> {
  const found = await database.run('list segments', () =>
    segments
      .find({ novelId, generation }, { projection: { number: 1 } })
      .sort({ number: 1 })
      .toArray(),
  )
  const gap = found.findIndex(({ number }, place) => number !== place)
  return gap === -1 ? found.length : gap
}

function isBuilding({ novelId, generation }: IndexWriter): Filter<NovelDocument> {
  return { _id: novelId, status: 'published', 'index.building.generation': generation }
}

function ownerOf({ novelId, generation }: IndexWriter): IndexWriter {
  return { novelId, generation }
}

function put(
  library: LibrarySession,
  build: IndexWriter,
  write: (session: ClientSession) => Promise<void>,
): Promise<'written' | 'stale'> {
  return library.database.transaction('write index', async session => {
    if ((await lockNovel(library, session, isBuilding(build))) === null) return 'stale'
    await write(session)
    return 'written'
  })
}

async function finish(
  library: LibrarySession,
  build: IndexWriter,
  segments: number,
): Promise<'finished' | 'incomplete' | 'stale'> {
  const { database, novels, now } = library
  const index = (await publishedNovel(library, build.novelId))?.index
  if (index?.answering?.generation === build.generation) return 'finished'
  if (index?.building?.generation !== build.generation) return 'stale'
  if ((await writtenSegments(library, build)) !== segments) return 'incomplete'
  const passages = await countPassages(library, build)
  const answering = { ...index.building, builtAt: now(), passages }
  await database.run('finish index', () =>
    novels.updateOne(isBuilding(build), {
      $set: { 'index.answering': answering },
      $unset: { 'index.building': 1 },
    }),
  )
  const after = (await publishedNovel(library, build.novelId))?.index
  return after?.answering?.generation === build.generation ? 'finished' : 'stale'
}

async function countPassages(
  { database, segments }: LibrarySession,
  { novelId, generation }: IndexWriter,
): Promise<number> {
  const [sum] = await database.run('count passages', () =>
    segments
      .aggregate<{ passages: number }>([
        { $match: { novelId, generation } },
        { $group: { _id: null, passages: { $sum: '$passages' } } },
      ])
      .toArray(),
  )
  return sum?.passages ?? 0
}

/** Builds that began after the index was looked at are left alone. */
async function clean(library: LibrarySession, novelId: string, limit: number): Promise<Discarded> {
  const novel = await publishedNovel(library, novelId)
  if (novel === null) return 'kept'
  const { lastGeneration, answering, building } = novel.index
  const live = [answering, building].flatMap(build => build?.generation ?? [])
  const rows = await indexStep(
    library,
    { novelId, generation: { $lt: lastGeneration + 1, $nin: live } },
    limit,
  )
  if (rows === undefined) return 'done'
  // The number tells this novel from one that was imported anew under its id.
  await removeRows(library, { _id: novelId, order: novel.order, status: 'published' }, rows)
  return 'more'
}

async function answer(
  library: LibrarySession,
  userId: string,
  novelId: string,
  search: NovelSearch,
): Promise<SearchAnswer> {
  searchLimit(search)
  for (;;) {
    const novel = await ownNovel(library, userId, novelId)
    const generation = novel.index.answering?.generation
    const state = await stateOf(library, novel)
    const found = await answerSearch(searchSource(library, state, { novelId, generation }), search)
    // A build that was finished meanwhile may have taken rows away: then the new one answers.
    const now = await ownNovel(library, userId, novelId)
    if (now.index.answering?.generation === generation) return found
  }
}
