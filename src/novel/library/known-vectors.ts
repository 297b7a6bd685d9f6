/** The vectors of the index that answers, for another build: what was paid once need not be paid again. */
import { getOne } from '../../records/records.ts'
import { decodeVectors } from '../search/vectors.ts'
import { indexes, type LibraryParts, segments, vectors } from './kinds.ts'
import { passagesPerSegment } from './novel-segment.ts'
import { areSameKind, type IndexWriter, type KnownVectors, type VectorKind } from './passage-index.ts'

/** Segments that one reading takes. */
const segmentsPerRead = 64

/** Returns what finds the vectors of a kind. It knows where each scene is, and reads the vectors of a segment when they are asked for. */
export async function knownVectors(
  library: LibraryParts,
  novelId: string,
  kind: VectorKind,
): Promise<KnownVectors> {
  const answering = (await getOne(library.records, indexes, novelId))?.answering
  if (answering === undefined || !areSameKind(answering.vectors, kind)) return async () => new Map()
  const build = { novelId, generation: answering.generation }
  const places = await scenePlaces(library, build)
  return async ({ scenes, passages }) => {
    const same = scenes.filter(({ sceneId, textVersion }) => places.get(sceneId)?.textVersion === textVersion)
    const numbers = new Set(same.map(({ sceneId }) => places.get(sceneId)?.number ?? 0))
    const found = new Map<string, Float32Array>()
    for (const number of numbers)
      for (const [place, vector] of await segmentVectors(library, { ...build, number }, kind))
        found.set(place, vector)
    const unchanged = new Set(same.map(({ sceneId }) => sceneId))
    return new Map(
      passages.flatMap(({ id, sceneId, start, end }) => {
        const vector = unchanged.has(sceneId) ? found.get(placeOf(sceneId, start, end)) : undefined
        return vector === undefined ? [] : [[id, vector] as const]
      }),
    )
  }
}

function placeOf(sceneId: string, start: number, end: number): string {
  return `${sceneId} ${start} ${end}`
}

/** Where the scenes of a build are, and at which version. */
async function scenePlaces({ records }: LibraryParts, { novelId, generation }: IndexWriter) {
  const places = new Map<string, { number: number; textVersion: number }>()
  for (let after = -1; ; ) {
    const inOrder = { equal: { novelId, generation }, order: ['number'] as const }
    const query = { ...inOrder, after: [after], limit: segmentsPerRead }
    const found = await records.find(segments, query, ['documents', 'places'])
    for (const { number, scenes } of found)
      for (const [sceneId, textVersion] of scenes) places.set(sceneId, { number, textVersion })
    if (found.length < segmentsPerRead) return places
    after = found.at(-1)?.number ?? after
  }
}

/** Returns the vectors of a segment by the places of their passages. */
async function segmentVectors(
  { records }: LibraryParts,
  of: IndexWriter & { number: number },
  { dimensions }: VectorKind,
): Promise<ReadonlyMap<string, Float32Array>> {
  const [[segment], batches] = await Promise.all([
    records.find(segments, { equal: { ...of } }, ['documents']),
    records.find(vectors, { equal: { ...of }, order: ['part'] }),
  ])
  const byPassage = new Map<number, Float32Array>()
  for (const { first, vectors: bytes } of batches) {
    const decoded = decodeVectors(bytes, dimensions)
    for (let at = 0; at * dimensions < decoded.length; at++)
      byPassage.set(first + at, decoded.subarray(at * dimensions, (at + 1) * dimensions))
  }
  return new Map(
    (segment?.places ?? []).flatMap(([passage, scene, start, end]) => {
      const vector = byPassage.get(of.number * passagesPerSegment + passage)
      const [sceneId] = segment?.scenes[scene] ?? []
      return vector === undefined || sceneId === undefined
        ? []
        : [[placeOf(sceneId, start, end), vector] as const]
    }),
  )
}
