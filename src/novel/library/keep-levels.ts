/** The summaries of the levels: one record for each unit that ever had one. */
import { add, getOne, insert, replace, type Stored, touch } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { checkLength } from './draft-pieces.ts'
import { idsOf } from './ids.ts'
import {
  chapters,
  type LevelSummaryRecord,
  type LibraryParts,
  levelSummaries,
  type NovelRecord,
  novels,
  ownNovel,
  scenes,
  shelvedNovel,
  volumes,
} from './kinds.ts'
import {
  type LevelSummary,
  type LevelUnit,
  type LevelWritten,
  type OutlineSource,
  outlineOf,
  type PartSummary,
  partOf,
  type ScenePart,
  type StoryOutline,
  type SummaryLevels,
} from './levels.ts'
import { type Listing, readPage } from './page-token.ts'
import { provenanceOf } from './provenance.ts'
import { overviewOf } from './read-scenes.ts'
import { chapterNotFound } from './refusal.ts'

/** The summaries of the levels of a library. */
export function summaryLevels(library: LibraryParts): SummaryLevels {
  const { records, now } = library
  return {
    novels(page) {
      const query: Listing<NovelRecord>['query'] = { order: ['id'] }
      return readPage(
        records,
        novels,
        { listing: { name: 'novels to keep', filter: [], query }, page },
        found => found.filter(({ status }) => status === 'published'),
      )
    },
    async outline(userId, novelId) {
      return wholeOutline(library, await ownNovel(library, userId, novelId))
    },
    unit: (userId, wanted) => readUnit(library, userId, wanted),
    async summaries(userId, novelId, unitIds) {
      await ownNovel(library, userId, novelId)
      const found = [...(await records.get(levelSummaries, unitIds)).values()]
      const own = found.filter(summary => summary.novelId === novelId && summary.text !== '')
      return new Map(own.map(summary => [summary.id, shown(summary)]))
    },
    async parts(userId, novelId, ids) {
      await ownNovel(library, userId, novelId)
      const [above, below] = await Promise.all([records.get(levelSummaries, ids), records.get(scenes, ids)])
      const parts: [string, PartSummary][] = []
      for (const { id, novelId: of, summary } of below.values())
        if (of === novelId && summary !== undefined) parts.push([id, partOf(summary)])
      for (const summary of above.values())
        if (summary.novelId === novelId && summary.text !== '') parts.push([summary.id, partOf(summary)])
      return new Map(parts)
    },
    async write(userId, { novelId, unitId, digest, expectedVersion, writer, summary: text, ...made }) {
      for (;;) {
        const [novel, held] = await Promise.all([
          shelvedNovel(records, userId, novelId),
          getOne(records, levelSummaries, unitId),
        ])
        if (novel === undefined) return 'missing'
        const isOwn =
          held !== undefined && 'taskId' in held.writtenBy && held.writtenBy.taskId === writer.taskId
        if (isOwn && held.of === digest && held.text === text) return 'applied'
        if ((held?.version ?? 0) !== expectedVersion || (held !== undefined && isByPerson(held)))
          return 'conflict'
        const origin = { ...provenanceOf(made), writtenBy: writer, writtenAt: now() }
        const next = {
          ...origin,
          text,
          of: digest,
          version: expectedVersion + 1,
          ...defined({ language: made.language }),
        }
        // The novel as a companion: a summary does not outlive it.
        const beside = touch(novels, novelId)
        const put = changeOf({ id: unitId, novelId, ...next }, held)
        if ((await records.commit([put, beside])) === 'applied') return 'applied'
      }
    },
    edit: (userId, edit) => editSummary(library, userId, edit),
  }
}

function changeOf(record: LevelSummaryRecord, held: Stored<LevelSummaryRecord> | undefined) {
  return held === undefined
    ? insert(levelSummaries, record)
    : replace(levelSummaries, { ...record, revision: held.revision })
}

function isByPerson({ writtenBy, isEmpty }: Pick<LevelSummaryRecord, 'writtenBy' | 'isEmpty'>): boolean {
  return isEmpty !== true && 'userId' in writtenBy
}

function shown({
  revision: _,
  id: __,
  novelId: ___,
  of: ____,
  isEmpty: _____,
  ...summary
}: Stored<LevelSummaryRecord>): LevelSummary {
  return summary
}

/** Returns the outline of a novel of any status. */
export async function wholeOutline(library: LibraryParts, novel: NovelRecord): Promise<StoryOutline> {
  const frame = await frameOf(library, novel)
  const ofNovel = { equal: { novelId: novel.id } }
  return readOutline(library, frame, await library.records.find(levelSummaries, ofNovel, ['text']))
}

/** A novel without its scenes and summaries. */
type Frame = Pick<OutlineSource, 'novel' | 'volumes' | 'chapters'>

async function frameOf({ records }: LibraryParts, novel: NovelRecord): Promise<Frame> {
  const inOrder = { equal: { novelId: novel.id }, order: ['position'] as const }
  const [inVolumes, inChapters] = await Promise.all([
    records.find(volumes, inOrder),
    records.find(chapters, inOrder),
  ])
  return { novel, volumes: inVolumes, chapters: inChapters }
}

/** Throws CHAPTER_NOT_FOUND. */
async function readUnit(
  library: LibraryParts,
  userId: string,
  { novelId, unitId }: { novelId: string; unitId: string },
): Promise<LevelUnit> {
  const { records } = library
  const [novel, chapter] = await Promise.all([
    ownNovel(library, userId, novelId),
    getOne(records, chapters, unitId),
  ])
  const isChapter = chapter?.novelId === novelId
  // A chapter is what it is without those beside it.
  const frame: Frame = isChapter
    ? { novel, volumes: [{ id: chapter.volumeId, title: '' }], chapters: [chapter] }
    : await frameOf(library, novel)
  const { units } = outlineOf({ ...frame, scenes: [], summaries: new Map() })
  const place = units.find(({ id }) => id === unitId)
  if (place === undefined) throw chapterNotFound(unitId)
  const isWithin = ({ firstChapter, lastChapter }: LevelUnit) =>
    firstChapter >= place.firstChapter && lastChapter <= place.lastChapter
  const held = await records.get(levelSummaries, idsOf(units.filter(isWithin)), ['text'])
  const outline = await readOutline(library, frame, [...held.values()], place)
  return outline.units.find(({ id }) => id === unitId) ?? place
}

/** Returns the units with what is known of their summaries and scenes; `span`: those of some chapters alone are read. */
async function readOutline(
  library: LibraryParts,
  frame: Frame,
  held: readonly Omit<LevelSummaryRecord, 'text'>[],
  span?: Pick<LevelUnit, 'firstChapter' | 'lastChapter'>,
): Promise<StoryOutline> {
  const found = await library.records.find(
    scenes,
    {
      equal: { novelId: frame.novel.id },
      ...(span && { above: { chapter: span.firstChapter - 1 }, most: { chapter: span.lastChapter } }),
      order: ['chapter', 'position'],
    },
    ['summary'],
  )
  const parts = found.flatMap(scene => {
    const { id, chapterId, characters, words, hasSummary, summaryOutOfDate } = overviewOf(scene)
    const isBlank = characters === 0 || words === 0
    if (!hasSummary && isBlank) return []
    // Where the text was deleted the summary is the plan of the scene, as it is where none was written yet.
    const outOfDate = summaryOutOfDate && !isBlank
    const { summaryVersion } = scene
    return [{ id, chapterId, characters, summaryVersion, hasSummary, outOfDate, isKept: false }]
  })
  const summaries = held.map(each => {
    const { of, version, isEmpty = false } = each
    return [each.id, { of, version, isByPerson: isByPerson(each), isEmpty }] as const
  })
  return outlineOf({
    ...frame,
    scenes: await withKept(library, parts),
    summaries: new Map(summaries),
  })
}

/** Says which summaries are out of date and were written by a person. */
async function withKept(
  { records }: LibraryParts,
  parts: readonly ScenePart[],
): Promise<readonly ScenePart[]> {
  const stale = parts.filter(({ outOfDate }) => outOfDate).map(({ id }) => id)
  if (stale.length === 0) return parts
  const read = await records.get(scenes, stale)
  return parts.map(part => {
    const writtenBy = read.get(part.id)?.summary?.writtenBy
    return { ...part, isKept: part.outOfDate && writtenBy !== undefined && 'userId' in writtenBy }
  })
}

/** What a person says is made of what the novel is now: saving it again says that it is right. */
async function editSummary(
  library: LibraryParts,
  userId: string,
  edit: { novelId: string; unitId: string; text: string; expectedVersion: number },
): Promise<LevelWritten> {
  const { records, now } = library
  const { novelId, unitId, text, expectedVersion } = edit
  checkLength(text)
  for (;;) {
    const unit = await readUnit(library, userId, edit)
    const held = await getOne(records, levelSummaries, unitId)
    const version = held?.version ?? 0
    // Sent again, because its answer was lost, an edit finds itself.
    const isThere =
      held !== undefined && held.text === text && 'userId' in held.writtenBy && held.of === unit.digest
    if (isThere || (held === undefined && text === '')) return { outcome: 'applied', version }
    if (version !== expectedVersion) return { outcome: 'conflict', version }
    const origin = { method: 'person', writtenBy: { userId }, writtenAt: now() } as const
    const next = {
      ...{ ...origin, id: unitId, novelId, text, of: unit.digest, version: version + 1 },
      ...(text === '' && { isEmpty: true as const }),
    }
    const beside = add(novels, novelId, { raise: { updatedAt: now() } })
    if ((await records.commit([changeOf(next, held), beside])) === 'applied')
      return { outcome: 'applied', version: next.version }
  }
}
