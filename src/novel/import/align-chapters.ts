/**
 * Comparing the chapters of a file with those of a novel, without their texts: by digests, which tell that two texts are the same, and by
 * sketches, which tell that two texts share lines. Time and memory are linear in the number of chapters.
 */
import { createHash } from 'node:crypto'
import { mapped, type Steps } from '../../runtime/cooperate.ts'
import { readHeading } from './read-heading.ts'

/** What tells the text of a chapter from others. */
export interface TextPrint {
  /** Of its lines without the white space around them. Blank lines, and where scenes begin, do not count. Empty for a text without a line. */
  readonly digest: string
  /** The lowest hashes of its longer lines, rising: two texts share about as many of them as they share lines. */
  readonly sketch: readonly number[]
}

/** Hashes of a sketch. */
const sketchSize = 16
/** Code units of a line that is long enough to be of one text only. */
const longLine = 8

/** Makes the print of a text that arrives scene by scene. */
export class TextPrinter {
  readonly #hash = createHash('sha256')
  readonly #sketch: number[] = []
  #isEmpty = true

  /** Adds the text of the next scene. */
  add(text: string): void {
    for (const line of text.split('\n')) {
      const words = line.trim()
      if (words === '') continue
      this.#isEmpty = false
      this.#hash.update(`${words}\n`)
      if (words.length >= longLine) this.#keep(hashOf(words))
    }
  }

  /** Returns the print of all that was added, once. */
  print(): TextPrint {
    return { digest: this.#isEmpty ? '' : this.#hash.digest('base64url'), sketch: this.#sketch }
  }

  #keep(hash: number): void {
    const kept = this.#sketch
    if (kept.length === sketchSize && hash >= (kept.at(-1) ?? 0)) return
    const at = kept.findIndex(each => each >= hash)
    if (kept[at] === hash) return
    kept.splice(at === -1 ? kept.length : at, 0, hash)
    if (kept.length > sketchSize) kept.pop()
  }
}

/** Returns the print of the texts of scenes. */
export function printOf(contents: Iterable<string>): TextPrint {
  const printer = new TextPrinter()
  for (const content of contents) printer.add(content)
  return printer.print()
}

/** FNV-1a, 32 bits. */
function hashOf(words: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < words.length; at++) hash = Math.imul(hash ^ words.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** A chapter of the file, or of the novel. */
export interface PrintedChapter {
  readonly title: string
  /** Title of its volume. */
  readonly volume: string
  readonly print: TextPrint
}

/** Where a chapter of the file is in the novel: the index there. `isMoved`: its text is there, in another order. */
export type ChapterMatch = { readonly at: number; readonly isMoved: boolean } | undefined

/** Pairs of an index in the file and one in the novel, rising in the first. */
type Pairs = readonly (readonly [inFile: number, inNovel: number])[]

/** Chapters of the file, and of the novel, between which nothing is matched yet. */
interface Gap {
  file: readonly number[]
  novel: readonly number[]
}

/**
 * Returns the match of each chapter of the file, by its index. Equal texts are matched first, in the longest order that both have. Between
 * these, in the order of both: texts that share a quarter of their lines, equal titles, equal numbers of which not both have a name.
 */
export function* alignChapters(
  file: readonly PrintedChapter[],
  novel: readonly PrintedChapter[],
): Steps<ChapterMatch[]> {
  const matches: ChapterMatch[] = file.map(() => undefined)
  const whole = { file: [...file.keys()], novel: [...novel.keys()] }
  const digest = ({ print }: PrintedChapter) => print.digest || undefined
  yield
  const equal = paired(whole, at => digest(at), { file, novel })
  yield
  const inOrder = new Set(risingOf(equal))
  for (const pair of equal) matches[pair[0]] = { at: pair[1], isMoved: !inOrder.has(pair) }
  yield
  const hasVolumes = [file, novel].every(side => side.some(({ volume }) => volume.trim() !== ''))
  const titles = {
    file: yield* mapped(file, titleOf),
    novel: yield* mapped(novel, titleOf),
  }
  const volumeOf = (title: Title) => (hasVolumes ? title.volume : '')
  const byTitle = (title: Title) => title.words && `${title.isBare ? volumeOf(title) : ''}\n${title.words}`
  const byNumber = (title: Title) => title.number && `${volumeOf(title)}\n${title.number}`
  const passes: ((gap: Gap) => Pairs)[] = [
    gap => similar(gap, { file, novel }),
    gap => paired(gap, byTitle, titles),
    gap =>
      paired(gap, byNumber, titles).filter(
        ([one, other]) => titles.file[one]?.isBare || titles.novel[other]?.isBare,
      ),
  ]
  for (const pass of passes)
    for (const gap of gapsOf(matches, novel.length)) {
      yield
      for (const [at, to] of risingOf(pass(gap))) matches[at] = { at: to, isMoved: false }
    }
  return matches
}

/** Pairs the chapters of a gap that have the same key, the first with the first. */
function paired<Item>(
  gap: Gap,
  keyOf: (item: Item) => string | undefined,
  items: { file: readonly Item[]; novel: readonly Item[] },
): Pairs {
  const waiting = new Map<string, number[]>()
  const keyAt = (side: readonly Item[], at: number) => {
    const item = side[at]
    return item === undefined ? undefined : keyOf(item)
  }
  for (const at of gap.novel.toReversed()) {
    const key = keyAt(items.novel, at)
    if (key === undefined || key === '') continue
    const known = waiting.get(key)
    if (known === undefined) waiting.set(key, [at])
    else known.push(at)
  }
  return gap.file.flatMap(at => {
    const to = waiting.get(keyAt(items.file, at) ?? '')?.pop()
    return to === undefined ? [] : [[at, to] as const]
  })
}

/** Lines that more chapters have than these tell nothing. */
const mostSharing = 4

/** Pairs the chapters of a gap of which the texts share a quarter of their longer lines at least, each with the one that shares most. */
function similar(gap: Gap, { file, novel }: Record<'file' | 'novel', readonly PrintedChapter[]>): Pairs {
  const having = new Map<number, number[]>()
  for (const at of gap.novel)
    for (const hash of novel[at]?.print.sketch ?? []) {
      const known = having.get(hash)
      if (known === undefined) having.set(hash, [at])
      else known.push(at)
    }
  const taken = new Set<number>()
  return gap.file.flatMap(at => {
    const sketch = file[at]?.print.sketch ?? []
    const shared = new Map<number, number>()
    for (const hash of sketch) {
      const found = having.get(hash) ?? []
      if (found.length <= mostSharing) for (const to of found) shared.set(to, (shared.get(to) ?? 0) + 1)
    }
    const [best] = [...shared].filter(([to]) => !taken.has(to)).sort(([, one], [, other]) => other - one)
    if (best === undefined) return []
    const [to, lines] = best
    if (lines * 4 < Math.min(sketch.length, novel[to]?.print.sketch.length ?? 0)) return []
    taken.add(to)
    return [[at, to] as const]
  })
}

/** Returns the longest choice of pairs that rises in the novel too. */
export function risingOf(pairs: Pairs): Pairs {
  /** Of each length: the pair that ends a choice of it with the lowest index in the novel. */
  const ends: number[] = []
  const before: (number | undefined)[] = []
  for (const [index, [, to]] of pairs.entries()) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((pairs[ends[middle] ?? 0]?.[1] ?? 0) < to) low = middle + 1
      else high = middle
    }
    before[index] = ends[low - 1]
    ends[low] = index
  }
  const chosen: Pairs[number][] = []
  for (let index = ends.at(-1); index !== undefined; index = before[index]) {
    const pair = pairs[index]
    if (pair !== undefined) chosen.push(pair)
  }
  return chosen.reverse()
}

/** Yields the gaps between the matches that are in order; without those that have nothing on one side. */
function* gapsOf(matches: readonly ChapterMatch[], length: number): Generator<Gap> {
  const taken = new Set(matches.map(match => match?.at))
  let file: number[] = []
  let from = 0
  for (let at = 0; at <= matches.length; at++) {
    const match = at === matches.length ? { at: length, isMoved: false } : matches[at]
    if (match === undefined) file.push(at)
    if (match === undefined || match.isMoved) continue
    const novel: number[] = []
    for (let to = from; to < match.at; to++) if (!taken.has(to)) novel.push(to)
    if (file.length > 0 && novel.length > 0) yield { file, novel }
    file = []
    from = match.at + 1
  }
}

/** What the title of a chapter says. */
interface Title {
  volume: string
  /** Letters and digits, in lower case. */
  words: string
  number: string
  /** There is a number, and no name. */
  isBare: boolean
}

function titleOf({ title, volume }: PrintedChapter): Title {
  const heading = readHeading(title.trim())
  const number = heading?.number
  return {
    volume: plainWords(volume),
    words: plainWords(title),
    number: number === undefined ? '' : String(number),
    isBare: number !== undefined && plainWords(heading?.name ?? '') === '',
  }
}

/** Returns the letters and digits of a title, in lower case. */
function plainWords(title: string): string {
  return title
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
}
