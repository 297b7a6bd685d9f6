/**
 * Collections that earlier versions kept a library in, and how their documents become records. A page of documents is converted and deleted in
 * one transaction: what was cut off goes on where it was, and of two processes one converts a page.
 */
import type { ClientSession, Document } from 'mongodb'
import type { AnyKind, Identified } from '../../records/records.ts'
import type { SharedDatabase } from '../../store/mongodb/database.ts'
import { type UploadRecord, uploads } from '../library/file-kinds.ts'
import { entryIdOf, type KeptEntry } from '../library/history.ts'
import {
  type BuildRecord,
  chapters,
  counters,
  type HistoryRecord,
  history,
  type IndexRecord,
  indexes,
  type NovelRecord,
  novels,
  type SceneRecord,
  type SegmentRecord,
  scenes,
  segments,
  shards,
  type TextRecord,
  texts,
  vectors,
  volumes,
} from '../library/kinds.ts'
import { passagesPerSegment } from '../library/novel-segment.ts'
import type { IndexWriter } from '../library/passage-index.ts'

/** What a document becomes. */
type Converted = readonly (readonly [kind: AnyKind, record: Identified])[]

/** A document of an earlier version; its fields are those of that version. */
type Earlier<Fields> = Omit<Fields, 'id'> & { _id: string }

/** How many documents of a collection are converted at a time, and what of each. */
interface Conversion {
  collection: string
  page: number
  convert(document: never, related: Related): Converted | Promise<Converted>
}

/** Takes documents of another collection that go along. */
type Related = (collection: string, filter: Document) => Promise<Document[]>

const plain = (kind: AnyKind) => (document: Earlier<Identified>) => {
  const { _id: id, ...fields } = document
  return [[kind, { ...fields, id }]] as const
}

type EarlierNovel = Earlier<Omit<NovelRecord, 'author' | 'language'>> & {
  author: string | null
  language: string | null
  index: Omit<IndexRecord, 'id'> & { building?: BuildRecord }
  takenUpBy?: string
  locks?: number
}

function novelRecords(document: EarlierNovel): Converted {
  const { _id: id, author, language, index, takenUpBy: _, locks: __, ...fields } = document
  const { status, publishedAt } = fields
  const novel: NovelRecord = {
    ...fields,
    id,
    ...(author === null ? {} : { author }),
    ...(language === null ? {} : { language }),
    ...(status === 'published' ? { shelvedAt: publishedAt ?? 0 } : { pending: 1 }),
  }
  const isKnown = status === 'published' && index.lastGeneration > 0
  return [[novels, novel], ...(isKnown ? ([[indexes, { ...index, id }]] as const) : [])]
}

type EarlierScene = Earlier<SceneRecord> & {
  content: string
  textOrigin?: TextRecord['origin'] & object
  ideographs?: number
  locks?: number
}

function sceneRecords(document: EarlierScene): Converted {
  const { _id: id, content, textOrigin, ideographs: _, locks: __, ...fields } = document
  const scene: SceneRecord = {
    ...fields,
    id,
    ...(fields.summary === undefined ? {} : { summarised: 1 }),
    ...(fields.textVersion > 1 ? { edited: 1 } : {}),
  }
  const text = { id, content, ...(textOrigin === undefined ? {} : { origin: textOrigin }) }
  return [
    [scenes, scene],
    [texts, text],
  ]
}

type EarlierEntry = Earlier<Omit<HistoryRecord, 'why' | 'keptAt'>> & {
  novelId: string
  why?: KeptEntry['why']
  keptAt?: number
  overwrittenAt?: number
}

function historyRecord(document: EarlierEntry): Converted {
  const { _id: _, novelId: __, overwrittenAt = 0, ...fields } = document
  const entry = { ...fields, why: fields.why ?? 'overwritten', keptAt: fields.keptAt ?? overwrittenAt }
  return [[history, { ...entry, id: entryIdOf(entry.sceneId, entry) }]]
}

interface OfSegment {
  sceneId: string
  textVersion: number
}

async function segmentRecord(
  { _id, ...fields }: Earlier<Omit<SegmentRecord, 'scenes' | 'places'>>,
  related: Related,
): Promise<Converted> {
  const { novelId, generation, number } = fields
  const own = { novelId, generation, number }
  const found = (await related('search_scenes', own)) as unknown as OfSegment[]
  const passages = (await related('search_passages', own)) as unknown as (OfSegment & {
    passage: number
    start: number
    end: number
  })[]
  const numbers = new Map(found.map(({ sceneId }, place) => [sceneId, place]))
  const segment: SegmentRecord = {
    ...fields,
    id: _id,
    scenes: found.map(({ sceneId, textVersion }) => [sceneId, textVersion]),
    places: passages
      .map(({ passage, sceneId, start, end }) => [passage, numbers.get(sceneId) ?? 0, start, end] as const)
      .sort(([one], [other]) => one - other)
      .map(([passage, ...place]) => [passage - number * passagesPerSegment, ...place] as const),
  }
  return [[segments, segment]]
}

type EarlierShard = Earlier<IndexWriter & { number: number; shard: number; bytes: Uint8Array }>

function shardRecord({ novelId, generation, number, shard, bytes }: EarlierShard): Converted {
  return [[shards, { id: [novelId, generation, shard, number].join(' '), postings: bytes } as Identified]]
}

/** In this order: what an index has goes before the novel, by which it is found. */
const conversions: readonly Conversion[] = [
  { collection: 'search_shards', page: 500, convert: shardRecord },
  { collection: 'search_segments', page: 4, convert: segmentRecord },
  { collection: 'search_vectors', page: 4, convert: plain(vectors) },
  { collection: 'scene_history', page: 50, convert: historyRecord },
  { collection: 'scenes', page: 50, convert: sceneRecords },
  { collection: 'chapters', page: 500, convert: plain(chapters) },
  { collection: 'volumes', page: 500, convert: plain(volumes) },
  { collection: 'novels', page: 100, convert: novelRecords },
  {
    collection: 'uploads',
    page: 20,
    convert: plain(uploads) as (upload: Earlier<UploadRecord>) => Converted,
  },
  { collection: 'library_counters', page: 2, convert: plain(counters) },
]

/** Converts what an earlier version left, to its end. */
export async function convertEarlier(database: SharedDatabase): Promise<void> {
  for (const conversion of conversions) {
    const earlier = database.collection(conversion.collection)
    while (await database.run('look for earlier documents', () => earlier.findOne(ofEarlier)))
      await database.transaction('convert library', session => convertPage(database, conversion, session))
  }
}

/** A record of the collection of the same name has a revision. */
const ofEarlier = { revision: { $exists: false } }

async function convertPage(
  database: SharedDatabase,
  { collection, page, convert }: Conversion,
  session: ClientSession,
): Promise<void> {
  const take = async (name: string, filter: Document, limit: number) => {
    const earlier = database.collection<Document & { _id: string }>(name)
    const found = await earlier.find(filter, { session, limit, promoteBuffers: true }).toArray()
    const ids = found.map(({ _id }) => _id)
    if (ids.length > 0) await earlier.deleteMany({ _id: { $in: ids } }, { session })
    return found
  }
  const found = await take(collection, ofEarlier, page)
  for (const document of found) {
    const converted = await convert(document as never, (name, filter) => take(name, filter, 0))
    for (const [kind, { id, ...record }] of converted) {
      await database
        .collection<Document & { _id: string }>(kind.name)
        .replaceOne({ _id: id }, { revision: 'earlier', ...record }, { session, upsert: true })
    }
  }
}
