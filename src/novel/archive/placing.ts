/**
 * Places the rows of an archive in the novel, and holds them to what a novel is: an archive is from anywhere. Positions follow from the order of the rows, so that they
 * have no gaps. Memory is bounded by the number of volumes, chapters and scenes.
 */
import { codexBounds, codexFields } from '../codex/entry.ts'
import { type Bounds, checkBound, damaged } from '../import/bounds.ts'
import { mostDismissals } from '../library/codex.ts'
import { longestImportedScene } from '../library/drafts.ts'
import { mostSnapshots } from '../library/snapshots.ts'
import { threadBounds, threadFields } from '../threads/thread.ts'
import type { PlacedRow } from './archives.ts'
import { historyNameOf } from './names.ts'
import { rewritten, type Target } from './references.ts'
import { type ArchivedRow, archivedRows, type RowName, type RowOf } from './rows.ts'

type Place = Pick<PlacedRow, 'number' | 'bin' | 'position' | 'inChapter'>

/** Rows of a kind that a novel has at most. */
const most: Readonly<Partial<Record<RowName, number>>> = {
  ...{ novel: 1, narration: 1, prompts: 1 },
  ...{ entry: codexBounds.entries, thread: threadBounds.threads },
  ...{ dismissal: mostDismissals, snapshot: mostSnapshots },
}

/** Candidates of a scene. */
const mostCandidates = 100

/** The order of what hangs on a scene. */
const ranks: Readonly<Partial<Record<RowName, number>>> = { candidate: 1, reading: 2, history: 3 }

/** Something in the bin, and how many rows of it came. */
type Binned = RowOf<'binned'> & { volumes: number; chapters: number; scenes: number; volume: number }

/** The scene of which rows come. */
interface OpenScene {
  version: number
  rank: number
  /** Numbers of its candidates, and those that are named. */
  orders: Set<number>
  named: Set<number>
  readings: Set<string>
  /** Names of the entries of its history, with the length of those that have a whole text. */
  entries: Map<string, number | undefined>
}

/** Places rows, one after the other. */
export class Placing {
  readonly counts: Record<RowName, number>
  readonly #bounds: Bounds
  readonly #bins: Binned[] = []
  readonly #volumeBins: number[] = []
  readonly #chapters: { bin: number; position: number; scenes: number }[] = []
  readonly #highest = new Map<Target, number>()
  readonly #unique = new Set<string>()
  /** Of the snapshot of which chapters come. */
  readonly #chaptersThen = new Set<string>()
  readonly #last = { volumeBin: 0, chapterBin: 0, sceneBin: 0, volume: 0, chapter: 0 }
  #volumes = 0
  #inNovel = 0
  #rows = 0
  #scene: OpenScene | undefined

  constructor(bounds: Bounds) {
    this.#bounds = bounds
    this.counts = Object.fromEntries(Object.keys(archivedRows).map(name => [name, 0])) as Record<
      RowName,
      number
    >
  }

  /** Throws FILE_DAMAGED for a row that cannot be there, and FILE_LIMIT_EXCEEDED. */
  place(given: ArchivedRow): PlacedRow {
    const { of } = given
    checkBound(this.#bounds, 'rows', ++this.#rows)
    this.counts[of] += 1
    if (this.counts.novel === 0) throw damaged('does not begin with a novel')
    if (this.counts[of] > (most[of] ?? Number.POSITIVE_INFINITY))
      throw damaged(`has more rows of the kind ${of} than a novel has`)
    if (of !== 'candidate' && of !== 'reading' && of !== 'history') this.#endScene()
    this.#noteReferences(given)
    return { ...given, ...this.#placeOf(given) }
  }

  /** Throws FILE_DAMAGED where rows are missing. */
  end(): void {
    this.#endScene()
    if (this.counts.novel === 0) throw damaged('holds no novel')
    for (const [target, highest] of this.#highest)
      if (highest > (this.counts[target as RowName] ?? 0))
        throw damaged(`names the ${target} ${highest}, which is not in it`)
    for (const [at, { what, volumes, chapters, scenes }] of this.#bins.entries())
      if ({ volume: volumes, chapter: chapters, scene: scenes }[what] === 0)
        throw damaged(`has an entry of the bin without its ${what}: ${at + 1}`)
  }

  /** Of a candidate and of an entry of a history, what is named is in the same scene. */
  #noteReferences({ of, row }: ArchivedRow): void {
    rewritten(row, archivedRows[of].refs, (target, value) => {
      if (typeof value !== 'number' || value < 0) return value
      if (target === 'candidate') this.#scene?.named.add(value)
      else if (target === 'history') throw damaged('names an entry of a history by a number')
      else this.#highest.set(target, Math.max(value, this.#highest.get(target) ?? 0))
      return value
    })
  }

  #placeOf(given: ArchivedRow): Place {
    const number = this.counts[given.of]
    const here = { number, bin: 0, position: 0, inChapter: 0 }
    switch (given.of) {
      case 'binned':
        this.#bins.push({ ...given.row, volumes: 0, chapters: 0, scenes: 0, volume: 0 })
        return here
      case 'volume':
        return { ...here, ...this.#placeVolume(given.row) }
      case 'chapter':
        return { ...here, ...this.#placeChapter(given.row) }
      case 'scene':
        return { ...here, ...this.#placeScene(given.row) }
      case 'candidate':
      case 'reading':
      case 'history':
        this.#placeBeside(given)
        return { ...here, number: this.counts.scene }
      case 'chapterThen':
        if (this.counts.snapshot === 0) throw damaged('has a chapter of no snapshot')
        this.#requireNew(`chapter ${given.row.chapterId}`, this.#chaptersThen)
        return { ...here, number: this.counts.snapshot }
      case 'snapshot':
        this.#chaptersThen.clear()
        return here
      case 'entry':
        requireFields(codexFields, given)
        return here
      case 'thread':
        requireFields(threadFields, given)
        this.#requireNew(`thread ${given.row.threadId}`)
        return here
      case 'dismissal': {
        const { what, key, finding } = given.row
        if ((key === undefined) === (finding === undefined)) throw damaged('has a dismissal of nothing')
        this.#requireNew(`dismissal ${what} ${key ?? JSON.stringify(finding)}`)
        return here
      }
      case 'summary': {
        const { chapterId = 0, volumeId = 0, stretch = '' } = given.row
        this.#requireNew(`summary ${chapterId} ${volumeId} ${stretch}`)
        return here
      }
      default:
        return here
    }
  }

  #requireNew(key: string, known = this.#unique): void {
    if (known.has(key)) throw damaged(`has two rows of the same thing: ${key}`)
    known.add(key)
  }

  /** Returns the entry of the bin that a row is in; those of the novel come first. */
  #binOf(bin: number | undefined, last: 'volumeBin' | 'chapterBin' | 'sceneBin'): Binned | undefined {
    const number = bin ?? 0
    if (number < this.#last[last] || number > this.#bins.length)
      throw damaged('has rows of its bin in another order than the entries of the bin')
    this.#last[last] = number
    return this.#bins[number - 1]
  }

  #placeVolume({ bin = 0 }: RowOf<'volume'>): Partial<Place> {
    const binned = this.#binOf(bin, 'volumeBin')
    this.#volumeBins.push(bin)
    if (binned === undefined) return { position: this.#volumes++ }
    binned.volumes += 1
    binned.volume = this.#volumeBins.length
    const { volume: position } = binned.place
    if (binned.what !== 'volume' || binned.volumes > 1 || position === undefined)
      throw damaged('has a volume in an entry of the bin that is of none')
    return { bin, position }
  }

  #placeChapter({ bin = 0, volumeId }: RowOf<'chapter'>): Partial<Place> {
    const binned = this.#binOf(bin, 'chapterBin')
    const add = (position: number) => {
      this.#chapters.push({ bin, position, scenes: 0 })
      return { bin, position }
    }
    if (binned === undefined) {
      if (this.#volumeBins[volumeId - 1] !== 0 || volumeId < this.#last.volume)
        throw damaged('has chapters that are not in the order of its volumes')
      this.#last.volume = volumeId
      return add(this.#inNovel++)
    }
    const isOwn = binned.what === 'volume' && volumeId === binned.volume
    const isAlone = binned.what === 'chapter' && binned.chapters === 0
    if (!isOwn && !isAlone) throw damaged('has a chapter in an entry of the bin that is not of it')
    return add(binned.place.chapter + binned.chapters++)
  }

  #placeScene(row: RowOf<'scene'>): Partial<Place> {
    const { bin = 0, chapterId } = row
    const binned = this.#binOf(bin, 'sceneBin')
    requireVersions(row)
    const { version } = row
    this.#scene = {
      ...{ version, rank: 0, orders: new Set(), named: new Set(), readings: new Set(), entries: new Map() },
    }
    this.#noteReferences({ of: 'scene', row })
    if (binned !== undefined) binned.scenes += 1
    if (binned?.what === 'scene') {
      const { chapter, position = 0 } = binned.place
      if (binned.scenes > 1) throw damaged('has several scenes in an entry of the bin that is of one')
      return { bin, position: chapter, inChapter: position }
    }
    const chapter = this.#chapters[chapterId - 1]
    if (chapter?.bin !== bin || chapterId < this.#last.chapter)
      throw damaged('has scenes that are not in the order of its chapters')
    this.#last.chapter = chapterId
    return { bin, position: chapter.position, inChapter: chapter.scenes++ }
  }

  #placeBeside(given: Extract<ArchivedRow, { of: 'candidate' | 'reading' | 'history' }>): void {
    const scene = this.#scene
    const rank = ranks[given.of] ?? 0
    if (scene === undefined || rank < scene.rank)
      throw damaged(`has a ${given.of} that is not behind its scene`)
    scene.rank = rank
    if (given.of === 'history') {
      placeHistory(scene, given.row)
      return
    }
    if (given.of === 'reading') {
      const { what, items } = given.row
      const isOfKind = items.every(item => 'entryId' in item === (what === 'contradictions'))
      if (!isOfKind) throw damaged(`has a reading for ${what} that found something else`)
      if (scene.readings.has(what)) throw damaged('has two readings of a scene')
      scene.readings.add(what)
      return
    }
    const { order } = given.row
    if (order <= Math.max(0, ...scene.orders))
      throw damaged('has candidates of a scene that are not in their order')
    scene.orders.add(order)
    if (scene.orders.size > mostCandidates) throw damaged('has more candidates of a scene than one has')
  }

  #endScene(): void {
    const scene = this.#scene
    if (scene === undefined) return
    for (const order of scene.named)
      if (!scene.orders.has(order)) throw damaged(`names the candidate ${order} of a scene that has none`)
    this.#scene = undefined
  }
}

/** Throws FILE_DAMAGED for fields that no author may write. */
function requireFields(
  schema: typeof codexFields | typeof threadFields,
  given: Extract<ArchivedRow, { of: 'entry' | 'thread' }>,
): void {
  const row = rewritten(given.row, archivedRows[given.of].refs, (_, value) => String(value))
  const fields = Object.fromEntries(Object.keys(schema.shape).map(field => [field, Reflect.get(row, field)]))
  const [issue] = schema.safeParse(fields).error?.issues ?? []
  if (issue !== undefined)
    throw damaged(
      `has a row of the kind ${given.of} that is not taken: ${issue.path.join('.')}: ${issue.message}`,
    )
}

/** No field was changed at a version that the scene has yet to reach. */
function requireVersions(scene: RowOf<'scene'>): void {
  const { version, textVersion, titleVersion, summaryVersion, summary } = scene
  const { narrationVersion = 0, codexVersion = 0 } = scene
  const all = [textVersion, titleVersion, summaryVersion, narrationVersion, codexVersion]
  if (Math.max(...all, summary?.ofTextVersion ?? 0) > version)
    throw damaged('has a scene with versions that it never had')
}

/** Throws FILE_DAMAGED for an entry that is there already, or a difference that cannot be read, and FILE_LIMIT_EXCEEDED for one that is too long. */
function placeHistory(scene: OpenScene, row: RowOf<'history'>): void {
  const { text, difference } = row
  const note = { what: row.what, why: row.why, version: row.version }
  const writtenBy = row.writtenBy === 'person' ? undefined : row.writtenBy
  const name = historyNameOf({ ...note, ...(writtenBy && { writtenBy }) })
  if (scene.entries.has(name)) throw damaged('has two entries of a history with the same name')
  if ((text === undefined) === (difference === undefined))
    throw damaged('has an entry of a history without a text')
  scene.entries.set(name, text?.length)
  if (difference === undefined) return
  const base = scene.entries.get(String(difference.base))
  if (base === undefined) throw damaged('has a version of a text without the one that it differs from')
  let length = 0
  for (const piece of difference.delta) {
    const [start, end] = typeof piece === 'string' ? [0, piece.length] : piece
    if (typeof piece !== 'string' && (start > end || end > base))
      throw damaged('has a version of a text that is not made of the one that it differs from')
    length += end - start
  }
  if (length > longestImportedScene)
    throw damaged('has a version of a text that is longer than a scene may be')
}
