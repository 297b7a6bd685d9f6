/** Segments of indexes as rows that can be moved. */
import type { NovelSegment, VectorBatch } from '../passage-index.ts'
import type { RowTransfer, SegmentRow } from '../transfer.ts'
import { putSegment, putVectors, shardIdsOf } from './index-rows.ts'
import { pagesByOrder } from './pages.ts'
import { bytesOf, type SegmentDocument, vectorBatchOf } from './schema.ts'
import type { LibrarySession } from './session.ts'

/** The segments of the indexes that answer. */
export function segmentsTransfer(library: LibrarySession): RowTransfer<SegmentRow> {
  return {
    async *read() {
      for await (const page of pagesByOrder(library, library.novels)) {
        for (const { _id: novelId, index } of page) {
          const generation = index.answering?.generation
          if (generation !== undefined) yield* readSegments(library, { novelId, generation })
        }
      }
    },
    async write(rows) {
      for (const { novelId, generation, segment, vectors } of rows) {
        const owner = { novelId, generation }
        await library.database.transaction('write segment', session =>
          putSegment(library, session, owner, { segment, parts: vectors.length }),
        )
        for (const batch of vectors)
          await library.database.transaction('write vectors', session =>
            putVectors(library, session, owner, batch),
          )
      }
    },
  }
}

/** One at a time: a segment has hundreds of rows. */
async function* readSegments(
  library: LibrarySession,
  build: { novelId: string; generation: number },
): AsyncGenerator<readonly SegmentRow[]> {
  let after = -1
  for (;;) {
    const found = await library.database.run('read segment', () =>
      library.segments.findOne({ ...build, number: { $gt: after } }, { sort: { number: 1 } }),
    )
    if (found === null) return
    yield [{ ...build, segment: await segmentOf(library, found), vectors: await vectorsOf(library, found) }]
    after = found.number
  }
}

async function vectorsOf(
  { database, vectors }: LibrarySession,
  { novelId, generation, number }: SegmentDocument,
): Promise<VectorBatch[]> {
  const found = await database.run('read vectors', () =>
    vectors.find({ novelId, generation, number }).sort({ part: 1 }).toArray(),
  )
  return found.map(vectorBatchOf)
}

async function segmentOf(
  { database, shards, indexedScenes, passages }: LibrarySession,
  head: SegmentDocument,
): Promise<NovelSegment> {
  const { novelId, generation, number } = head
  const ofSegment = { novelId, generation, number }
  const [postings, scenes, places] = await Promise.all([
    database.run('read postings', () => shards.find({ _id: { $in: shardIdsOf(ofSegment) } }).toArray()),
    database.run('read indexed scenes', () => indexedScenes.find(ofSegment).toArray()),
    database.run('read passages', () => passages.find(ofSegment).sort({ passage: 1 }).toArray()),
  ])
  return {
    number,
    scenes: scenes.map(({ sceneId, textVersion }) => ({ sceneId, textVersion })),
    passages: places.map(({ passage: id, sceneId, start, end }) => ({ id, sceneId, start, end })),
    postings: {
      passages: head.passages,
      totalLength: head.totalLength,
      documents: bytesOf(head.documents),
      shards: new Map(postings.map(({ shard, bytes }) => [shard, bytesOf(bytes)])),
    },
  }
}
