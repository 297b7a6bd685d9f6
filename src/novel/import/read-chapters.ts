import { QuillworkError } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import type { BookPart } from '../export/book.ts'
import { measure } from '../words.ts'
import { type Choice, chosenSurvey } from './edits.ts'
import { exportedParts } from './exported.ts'
import { type Line, noFaults } from './lines.ts'
import { openText } from './open-text.ts'
import { nothingLeftOut } from './opened.ts'
import { BACK, FRONT, type Span } from './outline.ts'
import { lineKey } from './repeated-lines.ts'
import { SceneSplitter, type SceneText } from './scene-splitter.ts'
import type { TextSource } from './source.ts'
import { linesVersion, type TextSurvey } from './survey.ts'

/**
 * A piece of the book, in reading order. A volume starts, with its index in the survey; a chapter starts, with its index over all volumes,
 * in the order of the survey (one without text has no scenes); a scene of the chapter before it, with its index within the chapter; text
 * around the book: title page, table of contents, licence, at most 50,000 UTF-16 units each. Of a file that Quillwork exported, scenes have their
 * titles and any length, and there may be scenes without a text.
 */
export type Piece =
  | { readonly kind: 'volume'; readonly index: number; readonly title: string }
  | { readonly kind: 'chapter'; readonly index: number; readonly volume: number; readonly title: string }
  | (SceneText & {
      readonly kind: 'scene'
      readonly chapter: number
      readonly index: number
      readonly title?: string
    })
  | (SceneText & { readonly kind: 'matter'; readonly place: 'front' | 'back' })

/** What is read of a text, and what stops the reading. */
export interface ReadOptions extends Choice {
  readonly signal?: AbortSignal | undefined
}

/**
 * Yields the volumes, chapters and scenes of a surveyed text, in reading order, as the choice has them: with its edits, the indexes of volumes
 * and chapters are those of `editedOutline`. The same source, survey and choice always give the same pieces, so that an interrupted read
 * continues with the missing chapters. Text before and after the book comes only when all chapters are read. Memory is bounded by a scene.
 * `signal` stops reading. Throws TEXT_UNREADABLE when the source is not the surveyed one, what `checkChoice` throws, the signal's reason,
 * what `openText` throws.
 */
export async function* readChapters(
  source: TextSource,
  surveyed: TextSurvey,
  options: ReadOptions = {},
): AsyncGenerator<Piece> {
  checkSurvey(source, surveyed)
  const { signal, removeLines = [] } = options
  const { survey, chapters: wanted } = await chosenSurvey(surveyed, options, signal)
  const opened = await openText(source, { encoding: survey.encoding.name, signal })
  const content = opened.lines(noFaults(), nothingLeftOut())
  const { exported } = survey.plan
  if (exported !== undefined) {
    yield* exportedPieces(exportedParts(content, exported, signal), wanted)
    return
  }
  const reader = new ChapterReader(survey, wanted, new Set(removeLines.map(lineKey)))
  for await (const lines of content) {
    signal?.throwIfAborted()
    for (const line of lines) reader.add(line)
    yield* reader.take()
    if (reader.done) break
  }
  reader.finish()
  yield* reader.take()
}

/** Yields the wanted pieces of a file that Quillwork exported: of some chapters, with the volumes that they are in. */
async function* exportedPieces(
  parts: AsyncIterable<BookPart>,
  wanted: ReadonlySet<number> | undefined,
): AsyncGenerator<Piece> {
  const last = wanted === undefined ? Number.POSITIVE_INFINITY : Math.max(...wanted)
  let opened: Extract<Piece, { kind: 'volume' }> | undefined
  let volume = -1
  let chapter = -1
  let index = 0
  for await (const part of parts) {
    if (part.kind === 'volume') {
      const piece = { kind: part.kind, index: ++volume, title: part.title } as const
      if (wanted === undefined) yield piece
      else opened = piece
      continue
    }
    if (part.kind === 'chapter') {
      index = 0
      if (++chapter > last) return
    }
    if (wanted !== undefined && !wanted.has(chapter)) continue
    if (opened !== undefined) yield opened
    opened = undefined
    if (part.kind === 'chapter') yield { kind: part.kind, index: chapter, volume, title: part.title }
    else yield scenePiece(part, chapter, index++)
  }
}

function scenePiece(
  { kind, title, content }: Extract<BookPart, { kind: 'scene' }>,
  chapter: number,
  index: number,
): Piece {
  const { characters, words } = measure(content)
  return { kind, chapter, index, ...defined({ title }), text: content, characters, words }
}

/** Whether a survey is valid for a source. */
export function isSurveyOf({ kind, plan }: TextSurvey, source: TextSource): boolean {
  return plan.size === source.size && (kind === 'text' || plan.lines === linesVersion)
}

/** Throws TEXT_UNREADABLE when a survey is not valid for a source. */
export function checkSurvey(source: TextSource, survey: TextSurvey): void {
  if (isSurveyOf(survey, source)) return
  throw new QuillworkError(
    'TEXT_UNREADABLE',
    `${source.name} (${source.size} bytes) is not what was surveyed (${survey.plan.size} bytes), or not in this way. Survey it again.`,
  )
}

class ChapterReader {
  readonly #survey: TextSurvey
  readonly #wanted: ReadonlySet<number> | undefined
  readonly #chapters: readonly { readonly title: string; readonly volume: number }[]
  readonly #sections: ReadonlySet<number>
  readonly #pieces: Piece[] = []
  #span = 0
  #volume = -1
  #opened = -1
  #current: number | undefined
  #scene = 0
  #splitter: SceneSplitter
  readonly #lastSpan: number

  constructor(
    survey: TextSurvey,
    wanted: ReadonlySet<number> | undefined,
    removed: ReadonlySet<string | undefined>,
  ) {
    this.#survey = survey
    this.#wanted = wanted
    this.#chapters = survey.volumes.flatMap((volume, v) =>
      volume.chapters.map(({ title }) => ({ title, volume: v })),
    )
    this.#sections = new Set(survey.plan.sections)
    this.#splitter = new SceneSplitter(survey.plan.blankLines, removed)
    this.#lastSpan = survey.plan.spans.findLastIndex(span => this.#wants(span))
  }

  /** No wanted text is left. */
  get done(): boolean {
    return this.#span > this.#lastSpan
  }

  add(line: Line): void {
    const span = this.#spanAt(line.number)
    if (span === undefined || !this.#wants(span)) return
    if (span.chapter !== this.#current) this.#open(span.chapter)
    if (this.#sections.has(line.number)) this.#splitter.part()
    this.#splitter.add(line)
    this.#takeScenes()
  }

  finish(): void {
    this.#close()
    this.#openUpTo(this.#chapters.length - 1)
    if (this.#wanted === undefined) this.#openVolumes(this.#survey.volumes.length - 1)
  }

  take(): Piece[] {
    return this.#pieces.splice(0)
  }

  #wants(span: Span): boolean {
    return this.#wanted === undefined || this.#wanted.has(span.chapter)
  }

  #spanAt(line: number): Span | undefined {
    const { spans } = this.#survey.plan
    for (let span = spans[this.#span]; span !== undefined && span.to <= line; span = spans[this.#span])
      this.#span++
    const span = spans[this.#span]
    return span !== undefined && span.from <= line ? span : undefined
  }

  #open(chapter: number): void {
    this.#close()
    this.#current = chapter
    this.#scene = 0
    if (chapter >= 0) this.#openUpTo(chapter)
    else if (chapter === BACK) this.#openUpTo(this.#chapters.length - 1)
  }

  /** Adds the chapters up to one, including those without text. */
  #openUpTo(chapter: number): void {
    while (this.#opened < chapter) {
      this.#opened++
      const opened = this.#chapters[this.#opened]
      if (opened === undefined || !(this.#wanted?.has(this.#opened) ?? true)) continue
      this.#openVolumes(opened.volume)
      this.#pieces.push({ kind: 'chapter', index: this.#opened, ...opened })
    }
  }

  /** Adds the volumes up to one: those without chapters only when all chapters are read. */
  #openVolumes(last: number): void {
    while (this.#volume < last) {
      const index = ++this.#volume
      const volume = this.#survey.volumes[index]
      if (volume === undefined || (this.#wanted !== undefined && index !== last)) continue
      this.#pieces.push({ kind: 'volume', index, title: volume.title })
    }
  }

  #close(): void {
    this.#splitter.end()
    this.#takeScenes()
  }

  #takeScenes(): void {
    for (const scene of this.#splitter.take()) {
      const chapter = this.#current ?? FRONT
      if (chapter >= 0) this.#pieces.push({ kind: 'scene', chapter, index: this.#scene++, ...scene })
      else this.#pieces.push({ kind: 'matter', place: chapter === BACK ? 'back' : 'front', ...scene })
    }
  }
}
