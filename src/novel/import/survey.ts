import { cooperate, type Steps } from '../../runtime/cooperate.ts'
import { defined } from '../../task/defined.ts'
import { readNovelArchive } from '../archive/read.ts'
import type { RowName } from '../archive/rows.ts'
import { measure } from '../words.ts'
import { chooseHeadings } from './choose.ts'
import { contentsBefore } from './contents.ts'
import type { Encoding } from './encoding.ts'
import { type ExportedBook, type ExportedFrontMatter, exportedParts } from './exported.ts'
import type { Chosen } from './heading-candidate.ts'
import { type CharacterFaults, inSteps, noFaults } from './lines.ts'
import { type OpenOptions, openText } from './open-text.ts'
import { type FileKind, factsOf, type LeftOut, nothingLeftOut, type OpenedText } from './opened.ts'
import { type Outline, outlineOf, type Span } from './outline.ts'
import { FrequentLines, type RepeatedLine, repeatedLines } from './repeated-lines.ts'
import { type Place, TextScan } from './scan.ts'
import type { TextSource } from './source.ts'
import { titleOf, titleOfExported } from './title.ts'
import { emptyText, encodingWarnings, type SurveyWarning, warningsOf } from './warnings.ts'

/** A chapter as the preview shows it. Chapters are numbered from 0 over all volumes, in reading order. */
export interface SurveyChapter {
  readonly title: string
  /** Characters that can be seen: code points without white space. */
  readonly characters: number
  /** Each Han, kana or hangul character is a word; elsewhere, each run of letters and digits. */
  readonly words: number
}

/** A volume as the preview shows it. A book without volumes has one with the title ''. */
export interface SurveyVolume {
  readonly title: string
  readonly chapters: readonly SurveyChapter[]
}

/** The content of a text for the preview, and the plan by which `readChapters` reads it. Plain data. */
export interface TextSurvey {
  readonly title: string
  readonly author?: string
  /** BCP 47 tag, where the file declares it. */
  readonly language?: string
  /** The kind of the file, by its bytes. */
  readonly kind: FileKind
  readonly encoding: Encoding
  readonly volumes: readonly SurveyVolume[]
  readonly warnings: readonly SurveyWarning[]
  /** Lines that stand in most chapters, the commonest first. */
  readonly repeated: readonly RepeatedLine[]
  /** What else is in the archive of a novel, how many of each. */
  readonly archive?: Readonly<Record<ArchivedPart, number>>
  readonly plan: ReadingPlan
}

/** What is in the archive of a novel beside its texts. */
const archivedParts = [
  'summaries',
  'versions',
  'candidates',
  'entries',
  'threads',
  'snapshots',
  'binned',
] as const
type ArchivedPart = (typeof archivedParts)[number]

/** The places of the chapters in the text. Valid for the same bytes, read into lines in the same way. */
export interface ReadingPlan {
  /** The `linesVersion` of the survey. */
  readonly lines: number
  /** Number of bytes of the source. */
  readonly size: number
  readonly spans: readonly Span[]
  /** By chapter: the line of its heading, else its first one. */
  readonly headings: readonly number[]
  /** Lines at which a new scene starts. */
  readonly sections: readonly number[]
  /** Blank lines that separate scenes; 0 where none do. */
  readonly blankLines: number
  /** Of a file that Quillwork exported, whose marks are its plan. */
  readonly exported?: ExportedBook
}

/**
 * Raised whenever a release reads a packed file or a page into other lines: a stored plan is valid for the lines of its version only. The lines of
 * plain text never change.
 */
export const linesVersion = 2

/**
 * Returns the content of a text after reading it: encoding, title, volumes and chapters with their sizes, warnings, repeated lines. It is read
 * once, and once more where lines may be repeated in most chapters. Memory is bounded by the number of headings, not by the size of the text. Throws what `openText` throws, such as ENCODING_UNKNOWN for an encoding
 * that does not exist.
 */
export async function surveyText(source: TextSource, options: OpenOptions = {}): Promise<TextSurvey> {
  const opened = await openText(source, options)
  if (opened.kind === 'archive') return surveyArchive(source, opened, options.signal)
  if (opened.exported !== undefined) return surveyExported(source, opened, opened.exported, options.signal)
  const faults = noFaults()
  const leftOut = nothingLeftOut()
  const scan = new TextScan(source.name, opened.kind === 'text')
  const frequent = new FrequentLines()
  for await (const lines of inSteps(opened.lines(faults, leftOut), options.signal))
    for (const line of lines) {
      scan.add(line)
      // A heading has a number that rises in most chapters, and is no text.
      if (scan.candidates.at(-1)?.line !== line.number) frequent.add(line)
    }
  const survey = await cooperate(surveySteps(source, opened, { scan, faults, leftOut }), options.signal)
  const repeated = await repeatedLines(opened, { survey, frequent, signal: options.signal })
  return { ...survey, repeated }
}

/** Returns the survey of a text that was read to its end, without its repeated lines. Yields in between, for a text may have many thousand headings. */
function* surveySteps(
  source: TextSource,
  opened: OpenedText,
  { scan, faults, leftOut }: { scan: TextScan; faults: CharacterFaults; leftOut: LeftOut },
): Steps<Omit<TextSurvey, 'repeated'>> {
  const { kind, encoding, facts } = opened
  const last = scan.end
  const end = scan.bodyEnd ?? last
  const chosen = yield* chosenHeadings(scan, opened, end)
  yield
  const { title, author } = titleOf(scan, chosen, { fileName: source.name, facts })
  const chinese = scan.ideographs * 2 > last.before.words
  const outline = yield* outlineOf(chosen, {
    start: scan.bodyStart,
    end,
    gaps: scan.gaps,
    last,
    contents: contentsBefore(chosen, scan),
    usesBlanks: usesBlankLines(scan),
    frontTitle: chinese ? '前言' : 'Front matter',
    title,
  })
  const warnings = yield* warningsOf(encoding, faults, leftOut, outline)
  yield
  return {
    title,
    ...defined({ author, language: facts.language }),
    kind,
    encoding: { ...encoding },
    volumes: volumesOf(outline),
    warnings,
    plan: {
      lines: linesVersion,
      size: source.size,
      spans: outline.spans,
      headings: outline.chapters.map(({ line }) => line),
      sections: outline.sections,
      blankLines: separatingBlanks(scan),
    },
  }
}

/** The lines of a plan whose marks divide the file. */
const noLines = { spans: [], headings: [], sections: [], blankLines: 0 }

/** Returns the survey of a file that Quillwork exported. No line of it is taken for an advertisement. */
async function surveyExported(
  source: TextSource,
  { kind, encoding, lines }: OpenedText,
  frontMatter: ExportedFrontMatter,
  signal: AbortSignal | undefined,
): Promise<TextSurvey> {
  const { title, author } = titleOfExported(frontMatter, source.name)
  const { language } = factsOf(frontMatter)
  const exported = { ...frontMatter, title }
  const faults = noFaults()
  const volumes: { title: string; chapters: { title: string; characters: number; words: number }[] }[] = []
  let allWords = 0
  for await (const part of exportedParts(lines(faults, nothingLeftOut()), exported, signal)) {
    const volume = volumes.at(-1)
    const chapter = volume?.chapters.at(-1)
    if (part.kind === 'volume') volumes.push({ title: part.title, chapters: [] })
    else if (part.kind === 'chapter') volume?.chapters.push({ title: part.title, characters: 0, words: 0 })
    else if (chapter !== undefined) {
      const { characters, words } = measure(part.content)
      chapter.characters += characters
      chapter.words += words
      allWords += words
    }
  }
  const warnings = [...encodingWarnings(encoding, faults), ...(allWords === 0 ? [emptyText] : [])]
  const plan = { lines: linesVersion, size: source.size, ...noLines, exported }
  const facts = defined({ author, language })
  return { title, ...facts, kind, encoding: { ...encoding }, volumes, warnings, repeated: [], plan }
}

/** Rows of an archive that are counted as a part of it. */
const partsOfRows: Readonly<Partial<Record<RowName, ArchivedPart>>> = {
  ...{ history: 'versions', entry: 'entries', thread: 'threads', snapshot: 'snapshots', binned: 'binned' },
}

/** Returns the survey of the archive of a novel. All of its rows are checked. What is in the bin is no part of the book. */
async function surveyArchive(
  source: TextSource,
  { kind, encoding }: OpenedText,
  signal: AbortSignal | undefined,
): Promise<TextSurvey> {
  const facts: { title: string; author?: string | undefined; language?: string | undefined } = { title: '' }
  const volumes: { title: string; chapters: { title: string; characters: number; words: number }[] }[] = []
  const chapters: { characters: number; words: number }[] = []
  const archive = Object.fromEntries(archivedParts.map(part => [part, 0])) as Record<ArchivedPart, number>
  for await (const placed of readNovelArchive(source, { signal })) {
    const { of, row, bin, position } = placed
    const part = partsOfRows[of]
    if (part !== undefined) archive[part] += 1
    if (of === 'novel') Object.assign(facts, row)
    if (of === 'candidate' && row.status === 'open') archive.candidates += 1
    if (of === 'summary' && row.text !== '') archive.summaries += 1
    if (of === 'volume' && bin === 0) volumes.push({ title: row.title, chapters: [] })
    if (of === 'chapter' && bin === 0) {
      const chapter = { title: row.title, characters: 0, words: 0 }
      chapters.push(chapter)
      volumes[row.volumeId - 1]?.chapters.push(chapter)
    }
    if (of !== 'scene') continue
    if (row.summary !== undefined) archive.summaries += 1
    const chapter = bin === 0 ? chapters[position] : undefined
    if (chapter === undefined) continue
    const { characters, words } = measure(row.content)
    chapter.characters += characters
    chapter.words += words
  }
  const { title, author, language } = facts
  const plan = { lines: linesVersion, size: source.size, ...noLines }
  const about = { title, ...defined({ author, language }), kind, encoding: { ...encoding } }
  return { ...about, volumes, warnings: [], repeated: [], archive, plan }
}

function chosenHeadings(scan: TextScan, { kind, declared }: OpenedText, end: Place): Steps<Chosen[]> {
  const { before } = scan.bodyStart
  return chooseHeadings(scan.candidates, {
    characters: Math.max(1, end.before.characters - before.characters),
    charactersBefore: before.characters,
    usesBlanks: usesBlankLines(scan),
    declared: declared || scan.markdown.declared,
    structured: kind !== 'text',
  })
}

/** Whether blank lines separate the paragraphs. */
function usesBlankLines({ blankRuns: [none = 0, one = 0, two = 0, more = 0] }: TextScan): boolean {
  return one + two + more > 0.05 * (none + one + two + more)
}

function volumesOf(outline: Outline): SurveyVolume[] {
  const volumes = outline.volumes.map(title => ({ title, chapters: [] as SurveyChapter[] }))
  for (const { volume, title, characters, words } of outline.chapters) {
    volumes[volume]?.chapters.push({ title, characters, words })
  }
  return volumes
}

/** Returns the number of blank lines that separate scenes: only where no marks do, where paragraphs have fewer, and where they are rare. */
function separatingBlanks({ separators, blankRuns }: TextScan): number {
  const [none = 0, one = 0, two = 0, more = 0] = blankRuns
  const all = none + one + two + more
  if (separators > 2 || all < 20) return 0
  const isRare = two + more > 0 && two + more <= 0.05 * all
  return isRare && Math.max(none, one) > 0.9 * (none + one) ? 2 : 0
}
