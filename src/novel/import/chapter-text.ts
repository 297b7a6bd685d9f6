import { QuillworkError } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import { measure } from '../words.ts'
import { cutPieces, inSteps, type Line, noFaults } from './lines.ts'
import { openText } from './open-text.ts'
import { nothingLeftOut } from './opened.ts'
import { checkSurvey, readChapters } from './read-chapters.ts'
import { lineKey } from './repeated-lines.ts'
import { SceneSplitter } from './scene-splitter.ts'
import type { TextSource } from './source.ts'
import type { TextSurvey } from './survey.ts'

/** A line of a chapter as the file has it, or a piece of one that is too long. */
export interface TextLine {
  /** Line of the file, from 1, at which an edit may begin a chapter; of a file that Quillwork exported, a number within the chapter. */
  readonly line: number
  readonly text: string
  readonly words: number
  /** Index of the scene that it becomes a part of, within the chapter as it is without edits. */
  readonly scene: number
  /** A blank line stands before it. */
  readonly isAfterBlank: boolean
  /** Its index among the repeated lines of the preview. */
  readonly repeated?: number
}

/** Lines of a chapter, before it is imported. */
export interface ChapterText {
  /** Index of the chapter. */
  readonly index: number
  readonly title: string
  readonly lines: readonly TextLine[]
  /** Number of lines up to the next ones; absent at the end of the chapter. */
  readonly next?: number
}

/** UTF-16 units after which an answer ends. The last line is whole. */
const unitsOfPage = 20_000
const linesOfPage = 500

/**
 * Returns lines of a chapter without edits, from a number of lines on. Reads the text up to them. Throws CHAPTER_NOT_FOUND, TEXT_UNREADABLE when
 * the source is not the surveyed one, the signal's reason, what `openText` throws.
 */
export async function readChapterText(
  source: TextSource,
  survey: TextSurvey,
  { index, from, signal }: { index: number; from: number; signal?: AbortSignal | undefined },
): Promise<ChapterText> {
  const chapter = survey.volumes.flatMap(volume => volume.chapters)[index]
  if (chapter === undefined)
    throw new QuillworkError('CHAPTER_NOT_FOUND', `There is no chapter ${index} in ${source.name}.`)
  const lines: TextLine[] = []
  let units = 0
  let at = 0
  let next: number | undefined
  for await (const line of chapterLines(source, survey, index, signal)) {
    if (at++ < from) continue
    if (lines.length >= linesOfPage || units >= unitsOfPage) {
      next = at - 1
      break
    }
    lines.push(line)
    units += line.text.length
  }
  return { index, title: chapter.title, lines, ...defined({ next }) }
}

function chapterLines(
  source: TextSource,
  survey: TextSurvey,
  index: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<TextLine> {
  return survey.plan.exported === undefined
    ? plannedLines(source, survey, index, signal)
    : exportedLines(source, survey, index, signal)
}

async function* plannedLines(
  source: TextSource,
  survey: TextSurvey,
  index: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<TextLine> {
  checkSurvey(source, survey)
  const { plan, encoding, repeated } = survey
  const spans = plan.spans.filter(({ chapter }) => chapter === index)
  const end = spans.at(-1)?.to ?? 0
  if (end === 0) return
  const opened = await openText(source, { encoding: encoding.name, signal })
  const known = new Map(repeated.map(({ line }, place) => [lineKey(line), place]))
  const reader = new SceneLines(plan)
  for await (const lines of inSteps(opened.lines(noFaults(), nothingLeftOut()), signal))
    for (const line of lines) {
      if (line.number >= end) return
      if (!spans.some(({ from, to }) => from <= line.number && line.number < to)) continue
      const shown = reader.add(line)
      if (shown !== undefined) yield { ...shown, ...defined({ repeated: known.get(lineKey(line.text)) }) }
    }
}

/** Tells of each line with text the scene that it becomes a part of. */
class SceneLines {
  readonly #splitter: SceneSplitter
  readonly #sections: ReadonlySet<number>
  #scene = 0
  #isAfterBlank = false

  constructor({ blankLines, sections }: TextSurvey['plan']) {
    this.#splitter = new SceneSplitter(blankLines, new Set())
    this.#sections = new Set(sections)
  }

  add(line: Line): TextLine | undefined {
    if (this.#sections.has(line.number)) this.#splitter.part()
    const use = this.#splitter.add(line)
    this.#scene += this.#splitter.take().length
    if (use !== 'text') {
      this.#isAfterBlank = true
      return undefined
    }
    const isAfterBlank = this.#isAfterBlank
    this.#isAfterBlank = false
    return textLine(line, this.#scene, isAfterBlank)
  }
}

async function* exportedLines(
  source: TextSource,
  survey: TextSurvey,
  index: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<TextLine> {
  let number = 0
  for await (const piece of readChapters(source, survey, { chapters: [index], signal })) {
    if (piece.kind !== 'scene') continue
    let isAfterBlank = false
    for (const text of piece.text.split('\n')) {
      const isBlank = text.trim() === ''
      const pieces: Line[] = []
      const rest = { number, text: cutPieces(text, number, pieces), partial: false }
      if (!isBlank) for (const line of [...pieces, rest]) yield textLine(line, piece.index, isAfterBlank)
      isAfterBlank = isBlank
      number++
    }
  }
}

function textLine({ number, text }: Line, scene: number, isAfterBlank: boolean): TextLine {
  return { line: number + 1, text, words: measure(text).words, scene, isAfterBlank }
}
