/**
 * Writing the rows of an archive into a draft. What a row is made of names its ids, so that an attempt that runs again replaces what one before it wrote; what hangs
 * on a scene is never written before the scene, by which a deletion finds it.
 */
import { type Change, getOne, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { findingIdOf } from '../codex/check-scene.ts'
import { binnedFor } from '../library/bin.ts'
import type { CandidateRecord } from '../library/candidates.ts'
import type { DraftRow } from '../library/draft-pieces.ts'
import type { DraftWriter, DraftWritten } from '../library/drafts.ts'
import { archivedIdOf } from '../library/ids.ts'
import { dismissalIdOf } from '../library/keep-dismissals.ts'
import { wholeOutline } from '../library/keep-levels.ts'
import { readingIdOf } from '../library/keep-readings.ts'
import { threadRecordId } from '../library/keep-threads.ts'
import {
  type BinRecord,
  bin,
  candidates,
  chapters,
  codex,
  type DismissalRecord,
  dismissals,
  type HistoryRecord,
  history,
  type LibraryParts,
  levelSummaries,
  narrations,
  novelPrompts,
  novels,
  type ReadingRecord,
  readings,
  type SceneRecord,
  scenes,
  type TextRecord,
  texts,
  threads,
  volumes,
} from '../library/kinds.ts'
import { stretchIdOf } from '../library/levels.ts'
import { snapshotChapters, snapshotRowId, snapshots } from '../library/snapshot-kinds.ts'
import { writePiece } from '../library/write-draft.ts'
import { measure } from '../words.ts'
import type { PlacedRow } from './archives.ts'
import { candidateIdOf, historyIdOf, historyNameOf, withIds } from './names.ts'
import type { Target } from './references.ts'

/** Code units, and rows, of a piece that one transaction writes. */
const pieceUnits = 300_000
const pieceRows = 500

type Draft = DraftWriter & { userId: string }

/** Writes all rows. `stale`, `published`: the draft is another attempt's, or complete. */
export async function unpackNovel(
  library: LibraryParts,
  draft: Draft,
  rows: AsyncIterable<PlacedRow>,
): Promise<DraftWritten> {
  const unpacking = new Unpacking(library, draft)
  const pieces = new Pieces(library, draft)
  for await (const row of rows) {
    await pieces.add(unpacking.recordsOf(row))
    if (pieces.outcome !== 'written') return pieces.outcome
  }
  await pieces.add(unpacking.rest())
  await pieces.flush()
  if (pieces.outcome !== 'written') return pieces.outcome
  for await (const described of describedNow(library, draft, unpacking.current)) await pieces.add(described)
  await pieces.flush()
  return pieces.outcome
}

/** Records that wait to be written together. */
class Pieces {
  outcome: DraftWritten = 'written'
  readonly #library: LibraryParts
  readonly #draft: Draft
  #rows: DraftRow[] = []
  #units = 0

  constructor(library: LibraryParts, draft: Draft) {
    this.#library = library
    this.#draft = draft
  }

  async add(rows: readonly DraftRow[]): Promise<void> {
    for (const row of rows) {
      this.#rows.push(row)
      this.#units += row.units
      if (this.#rows.length >= pieceRows || this.#units >= pieceUnits) await this.flush()
    }
  }

  async flush(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    this.#units = 0
    if (rows.length > 0 && this.outcome === 'written')
      this.outcome = await writePiece(this.#library, this.#draft, rows)
  }
}

function rowOf(id: string, changes: readonly Change[], units = 0): DraftRow {
  return { id, changes, units }
}

type Row<Of extends PlacedRow['of']> = Extract<PlacedRow, { of: Of }>

/** A scene that waits for its candidates. */
interface OpenScene {
  scene: SceneRecord
  text: TextRecord
  candidates: CandidateRecord[]
}

/** Makes records of rows, one after the other. */
class Unpacking {
  /** Ids of the units whose summaries describe them as they are. */
  readonly current: string[] = []
  readonly #library: LibraryParts
  readonly #draft: Draft
  readonly #bins = new Map<number, BinRecord>()
  #open: OpenScene | undefined
  #sceneId = ''
  #place: Pick<SceneRecord, 'novelId' | 'chapter' | 'position'> = { novelId: '', chapter: 0, position: 0 }

  constructor(library: LibraryParts, draft: Draft) {
    this.#library = library
    this.#draft = draft
  }

  /** Returns the records of a row, and of a scene that is whole now. */
  recordsOf(given: PlacedRow): DraftRow[] {
    if (given.of === 'scene') return this.#begin(given)
    if (given.of === 'candidate') {
      this.#addCandidate(given)
      return []
    }
    return [...this.#endScene(), ...this.#others(given)]
  }

  /** Returns what is known when all rows were read: the last scene, and how much there is in the bin. */
  rest(): DraftRow[] {
    return [
      ...this.#endScene(),
      ...[...this.#bins.values()].map(entry => rowOf(entry.id, write(bin, [entry]))),
    ]
  }

  #idOf(target: Target | 'snapshot', number: number): string {
    return archivedIdOf(this.#draft.novelId, target, number)
  }

  /** The novel of what is in it, the entry of the bin of what is there. */
  #ownerOf({ bin: number }: PlacedRow): string {
    return number === 0 ? this.#draft.novelId : this.#idOf('binned', number)
  }

  #fieldsOf<Fields>(given: PlacedRow): Fields {
    return withIds(given, this.#draft, this.#sceneId) as Fields
  }

  #begin(given: Row<'scene'>): DraftRow[] {
    const before = this.#endScene()
    this.#sceneId = this.#idOf('scene', given.number)
    const {
      content,
      origin,
      bin: _,
      ...fields
    } = this.#fieldsOf<SceneRecord & TextRecord & { bin?: number }>(given)
    const { words, characters } = measure(content)
    this.#place = { novelId: this.#ownerOf(given), chapter: given.position, position: given.inChapter }
    const { summary } = fields
    const scene: SceneRecord = defined({
      ...fields,
      ...{ id: this.#sceneId, ...this.#place, generation: this.#draft.generation, words, characters },
      ...{ summaryOf: summary?.ofTextVersion, summarised: summary && 1 },
      edited: fields.textVersion > 1 ? 1 : undefined,
    })
    this.#open = { scene, text: defined({ id: this.#sceneId, content, origin }), candidates: [] }
    this.#count(given, { scenes: 1, words, characters, unitId: this.#sceneId })
    return before
  }

  #addCandidate(given: Row<'candidate'>): void {
    const fields = this.#fieldsOf<CandidateRecord>(given)
    const { novelId } = this.#draft
    const id = candidateIdOf(novelId, this.#sceneId, fields.order)
    const size = fields.text === undefined ? {} : measure(fields.text)
    const { words, characters } = { ...fields, ...size }
    this.#open?.candidates.push({ ...fields, id, novelId, sceneId: this.#sceneId, words, characters })
  }

  #endScene(): DraftRow[] {
    const open = this.#open
    if (open === undefined) return []
    this.#open = undefined
    const { scene, text, candidates: beside } = open
    const openCandidates = beside.filter(({ status }) => status === 'open').length || undefined
    const whole = defined({ ...scene, openCandidates })
    return [
      rowOf(scene.id, [...write(scenes, [whole]), ...write(texts, [text])], text.content.length),
      ...beside.map(each => rowOf(each.id, write(candidates, [each]), each.text?.length)),
    ]
  }

  /** Adds to an entry of the bin what it has. */
  #count(
    { bin: number }: PlacedRow,
    {
      unitId,
      ...by
    }: { chapters?: number; scenes?: number; words?: number; characters?: number; unitId: string },
  ): void {
    const entry = this.#bins.get(number)
    if (entry === undefined) return
    const sum = { ...entry }
    for (const field of ['chapters', 'scenes', 'words', 'characters'] as const) sum[field] += by[field] ?? 0
    this.#bins.set(number, { ...sum, unitId: entry.unitId === '' ? unitId : entry.unitId })
  }

  #others(given: Exclude<PlacedRow, { of: 'scene' | 'candidate' }>): DraftRow[] {
    const { novelId, generation } = this.#draft
    const { number, position } = given
    const ofNovel = { id: novelId }
    switch (given.of) {
      case 'novel':
        return []
      case 'narration':
        return [rowOf(novelId, write(narrations, [{ ...defined(given.row), ...ofNovel }]))]
      case 'prompts':
        return [rowOf(novelId, write(novelPrompts, [{ ...given.row, ...ofNovel }]))]
      case 'binned':
        return this.#begun(given)
      case 'volume': {
        const id = this.#idOf('volume', number)
        const record = { id, novelId: this.#ownerOf(given), generation, position, title: given.row.title }
        this.#count(given, { unitId: id })
        return [rowOf(id, write(volumes, [record]))]
      }
      case 'chapter': {
        const id = this.#idOf('chapter', number)
        const { bin: _, ...fields } = this.#fieldsOf<Row<'chapter'>['row'] & { volumeId: string }>(given)
        const record = { ...defined(fields), id, novelId: this.#ownerOf(given), generation, position }
        this.#count(given, { chapters: 1, unitId: id })
        return [rowOf(id, write(chapters, [record]))]
      }
      case 'reading': {
        const record = { ...this.#fieldsOf<ReadingRecord>(given), sceneId: this.#sceneId, ...this.#place }
        const id = readingIdOf(record)
        return [rowOf(id, write(readings, [{ ...record, id }]))]
      }
      case 'history': {
        const fields = this.#fieldsOf<HistoryRecord>(given)
        const id = historyIdOf(this.#sceneId, historyNameOf(fields))
        const units = given.row.text?.length ?? JSON.stringify(given.row.difference).length
        return [rowOf(id, write(history, [{ ...fields, id, sceneId: this.#sceneId }]), units)]
      }
      case 'entry': {
        const id = this.#idOf('entry', number)
        return [rowOf(id, write(codex, [{ ...this.#fieldsOf(given), id, novelId }]), 10_000)]
      }
      default:
        return this.#hanging(given)
    }
  }

  /** The entry before its rows: a deletion finds them by it. How much it has is written when that is known. */
  #begun({ row, number }: Row<'binned'>): DraftRow[] {
    const id = this.#idOf('binned', number)
    const given = { of: 'binned', row } as const
    const { place, mergedInto } = withIds(given, this.#draft, '') as Pick<BinRecord, 'place' | 'mergedInto'>
    const entry: BinRecord = {
      ...{ id, novelId: this.#draft.novelId, what: row.what, unitId: '', title: row.title, place },
      ...defined({ mergedInto }),
      ...{ chapters: 0, scenes: 0, words: 0, characters: 0, binnedAt: row.binnedAt },
      // Not at once, however old the archive is; one after the other, as they are listed.
      expiresAt: this.#library.now() + binnedFor + number,
    }
    this.#bins.set(number, entry)
    return [rowOf(id, write(bin, [entry]))]
  }

  #hanging(given: Row<'thread' | 'dismissal' | 'summary' | 'snapshot' | 'chapterThen'>): DraftRow[] {
    const { novelId } = this.#draft
    switch (given.of) {
      case 'thread': {
        const id = threadRecordId(novelId, given.row.threadId)
        return [rowOf(id, write(threads, [{ ...this.#fieldsOf(given), id, novelId }]), 10_000)]
      }
      case 'dismissal': {
        const record = this.#dismissal(given)
        return [rowOf(record.id, write(dismissals, [record]))]
      }
      case 'summary':
        return this.#summary(given)
      case 'snapshot': {
        const id = this.#idOf('snapshot', given.number)
        return [rowOf(id, write(snapshots, [{ ...defined(given.row), id, novelId }]))]
      }
      case 'chapterThen': {
        const snapshotId = this.#idOf('snapshot', given.number)
        const fields = this.#fieldsOf<{ chapterId: string; chapter: number; scenes: [] }>(given)
        const id = snapshotRowId(snapshotId, fields.chapterId)
        const units = 100 * fields.scenes.length
        return [rowOf(id, write(snapshotChapters, [{ ...fields, id, snapshotId, novelId }]), units)]
      }
    }
  }

  #dismissal(given: Row<'dismissal'>): DismissalRecord {
    const { novelId } = this.#draft
    const { what, reason, at } = given.row
    const { finding } = this.#fieldsOf<{ finding?: Parameters<typeof findingIdOf>[0] }>(given)
    const key = finding === undefined ? (given.row.key ?? '') : findingIdOf(finding)
    return { id: dismissalIdOf(novelId, { what, key }), novelId, what, key, reason, at }
  }

  /** Which parts it was made of is known when all of them are there. */
  #summary(given: Row<'summary'>): DraftRow[] {
    const { novelId } = this.#draft
    const { chapterId, volumeId, stretch, isCurrent, ...fields } = this.#fieldsOf<
      Row<'summary'>['row'] & { chapterId?: string; volumeId?: string }
    >(given)
    const ofVolume =
      volumeId !== undefined && stretch !== undefined ? stretchIdOf(volumeId, stretch) : volumeId
    const id = chapterId ?? ofVolume ?? novelId
    if (isCurrent === true) this.current.push(id)
    const record = { ...fields, id, novelId, of: '' }
    return [rowOf(id, write(levelSummaries, [record as never]), fields.text.length)]
  }
}

/** Units whose summaries are read at a time. */
const perPage = 100

/** Yields summaries that describe what is there now, and say so. */
async function* describedNow(
  library: LibraryParts,
  { novelId }: Draft,
  current: readonly string[],
): AsyncGenerator<DraftRow[]> {
  const { records } = library
  const novel = await getOne(records, novels, novelId)
  if (novel === undefined || current.length === 0) return
  const { units } = await wholeOutline(library, novel)
  const digests = new Map(units.map(({ id, digest }) => [id, digest]))
  for (let from = 0; from < current.length; from += perPage) {
    const held = await records.get(levelSummaries, current.slice(from, from + perPage))
    yield [...held.values()].map(({ revision: _, ...summary }) => {
      const described = { ...summary, of: digests.get(summary.id) ?? '' }
      return rowOf(summary.id, write(levelSummaries, [described]), summary.text.length)
    })
  }
}
