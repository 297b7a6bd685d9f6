import { QuillworkError } from '../../index.ts'
import { cooperate, mapped, type Steps } from '../../runtime/cooperate.ts'
import {
  type EditedChapter,
  type EditedVolume,
  editedSteps,
  type ImportEdit,
  isTaken,
} from './edited-outline.ts'
import { perStep } from './heading-candidate.ts'
import type { Span } from './outline.ts'
import { lineKey } from './repeated-lines.ts'
import type { SurveyVolume, TextSurvey } from './survey.ts'

/** The choice of a person among what a preview shows. */
export interface Choice {
  /** Indexes of the chapters to import, over all volumes. Default: all. */
  readonly chapters?: readonly number[] | undefined
  readonly edits?: readonly ImportEdit[] | undefined
  /** Lines that are left out wherever they stand alone: those that the preview lists as repeated. */
  readonly removeLines?: readonly string[] | undefined
}

/**
 * Throws CHAPTER_NOT_FOUND for an index beyond the survey; OPTION_INVALID for edits that cannot be made of it, and for lines that it does not
 * list as repeated.
 */
export function checkChoice(survey: TextSurvey, { chapters, edits = [], removeLines = [] }: Choice): void {
  const count = survey.volumes.reduce((sum, volume) => sum + volume.chapters.length, 0)
  for (const index of chapters ?? []) checkIndex(index, count)
  for (const { index } of edits) checkIndex(index, count)
  if (edits.length > 0 && survey.plan.exported !== undefined)
    throw invalid(
      'Quillwork exported this file, which is read as it is. Import it without edits, and shape the novel.',
    )
  for (const edit of edits) checkEdit(survey, edit)
  checkLines(survey, removeLines)
}

/** Throws OPTION_INVALID where nothing is left to import, and for a chapter that is named although it continues one that is left out. */
export async function checkTaken(
  { volumes }: Pick<TextSurvey, 'volumes'>,
  { chapters, edits = [] }: Choice,
): Promise<void> {
  const taken = chapters && new Set(chapters)
  const outline = edits.length === 0 ? [] : (await cooperate(editedSteps(volumes, edits))).flatMap(chaptersOf)
  if (taken !== undefined) checkMerged(outline, taken)
  const isAny = edits.length === 0 ? taken?.size !== 0 : outline.some(chapter => isTaken(chapter, taken))
  if (!isAny) throw invalid('Every chapter is left out. Take one at least.')
}

function chaptersOf({ chapters }: EditedVolume): EditedChapter[] {
  return chapters
}

function checkIndex(index: number, count: number): void {
  if (Number.isInteger(index) && index >= 0 && index < count) return
  throw new QuillworkError(
    'CHAPTER_NOT_FOUND',
    `There is no chapter ${index}: the file has ${count}. Name indexes from 0 to ${count - 1}.`,
  )
}

function checkEdit({ plan: { spans } }: TextSurvey, { index, line, merge }: ImportEdit): void {
  if (merge === true && index === 0)
    throw invalid('Chapter 0 cannot be merged into the chapter before it: it is the first one.')
  if (line === undefined) return
  const at = line - 1
  const span = spanAfter(spans, at)
  if (span !== undefined && span.from <= at && span.chapter === index) return
  throw invalid(
    `Line ${line} is not in the text of chapter ${index}. GET /v1/uploads/ID/chapters/${index} tells its lines.`,
  )
}

/** Refuses chapters that are named alone, but continue one that is not. */
function checkMerged(outline: readonly EditedChapter[], taken: ReadonlySet<number>): void {
  for (const chapter of outline) {
    if (isTaken(chapter, taken)) continue
    const named = chapter.merged.find(index => taken.has(index))
    if (named === undefined) continue
    throw invalid(
      `Chapter ${named} is merged into chapter ${chapter.index}, which is left out. Take both, or none.`,
    )
  }
}

function checkLines({ repeated }: TextSurvey, lines: readonly string[]): void {
  if (lines.length === 0) return
  const known = new Set(repeated.map(({ line }) => lineKey(line)))
  const unknown = lines.find(line => !known.has(lineKey(line)))
  if (unknown === undefined) return
  throw invalid(
    `The preview does not list ${JSON.stringify(unknown)} as a repeated line. Take lines of \`repeated\`.`,
  )
}

function invalid(message: string): QuillworkError {
  return new QuillworkError('OPTION_INVALID', message)
}

/** A survey as its edits make it, and the indexes of its chapters that are taken; undefined: all. */
export interface ChosenSurvey {
  readonly survey: TextSurvey
  readonly chapters: ReadonlySet<number> | undefined
}

/** Returns the survey as its edits make it. Throws what `checkChoice` does, and the signal's reason. */
export async function chosenSurvey(
  survey: TextSurvey,
  choice: Choice,
  signal?: AbortSignal,
): Promise<ChosenSurvey> {
  checkChoice(survey, choice)
  const { chapters, edits = [] } = choice
  const taken = chapters && new Set(chapters)
  if (edits.length === 0) return { survey, chapters: taken }
  return cooperate(editedSurvey(survey, edits, taken), signal)
}

function* editedSurvey(
  survey: TextSurvey,
  edits: readonly ImportEdit[],
  taken: ReadonlySet<number> | undefined,
): Steps<ChosenSurvey> {
  const edited = yield* editedSteps(survey.volumes, edits)
  yield
  const outline = edited.flatMap(chaptersOf)
  const flags = yield* mapped(outline, chapter => isTaken(chapter, taken))
  const spans = yield* editedSpans(survey, outline)
  const volumes: SurveyVolume[] = []
  for (const { title, chapters } of edited) {
    // Sizes are of no use to a reading.
    const own = yield* mapped(chapters, chapter => ({ title: chapter.title, characters: 0, words: 0 }))
    volumes.push({ title, chapters: own })
  }
  yield
  return {
    survey: { ...survey, volumes, plan: { ...survey.plan, spans } },
    chapters: flags.every(Boolean) ? undefined : new Set([...flags.keys()].filter(at => flags[at])),
  }
}

/** A place in a chapter of the file, and the chapter that begins or goes on there. */
interface Turn {
  /** Line from 0. */
  readonly line: number
  readonly chapter: number
  /** The line after which its text begins. */
  readonly heading?: number
}

/** Returns the spans of the edited chapters: those of the file, cut at the lines where chapters begin, and the headings that are text now. */
function* editedSpans(survey: TextSurvey, outline: readonly EditedChapter[]): Steps<Span[]> {
  const turns = yield* turnsOf(outline)
  const restored = outline
    .flatMap(({ merged }, chapter) => merged.map(index => ({ ...headingSpan(survey, index), chapter })))
    .filter(({ from, to }) => from < to)
  yield
  const spans: Span[] = []
  let next = 0
  for (const [at, span] of survey.plan.spans.entries()) {
    if (at % perStep === 0) yield
    for (let own = restored[next]; own !== undefined && own.from < span.from; own = restored[++next])
      spans.push(own)
    if (span.chapter < 0) spans.push(span)
    else spans.push(...cutSpan(span, turns.get(span.chapter) ?? []))
  }
  return [...spans, ...restored.slice(next)]
}

/** Returns by chapter of the file where its text goes, ascending by line. */
function* turnsOf(outline: readonly EditedChapter[]): Steps<Map<number, Turn[]>> {
  const turns = new Map<number, Turn[]>()
  for (const [chapter, { index, line, headingLine, merged }] of outline.entries()) {
    if (chapter % perStep === 0) yield
    if (line === undefined) turns.set(index, [{ line: 0, chapter }])
    else {
      const heading = headingLine === undefined ? {} : { heading: headingLine }
      turns.get(index)?.push({ line: line - 1, chapter, ...heading })
    }
    for (const other of merged) turns.set(other, [{ line: 0, chapter }])
  }
  return turns
}

function cutSpan({ from, to }: Span, turns: readonly Turn[]): Span[] {
  return turns.flatMap((turn, at) => {
    const begin = Math.max(from, turn.heading ?? turn.line)
    const end = Math.min(to, turns[at + 1]?.line ?? to)
    return begin < end ? [{ from: begin, to: end, chapter: turn.chapter }] : []
  })
}

/** Returns the lines of the heading of a chapter: up to the next text, or to the next heading. */
function headingSpan({ plan: { spans, headings } }: TextSurvey, index: number) {
  const from = headings[index] ?? 0
  const next = headings[index + 1] ?? from
  const text = spanAfter(spans, from)?.from ?? from + 1
  return { from, to: next > from ? Math.min(text, next) : text }
}

/** Returns the span that a line is in, else the next one. */
function spanAfter(spans: readonly Span[], line: number): Span | undefined {
  let [low, high] = [0, spans.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((spans[middle]?.to ?? 0) > line) high = middle
    else low = middle + 1
  }
  return spans[low]
}
