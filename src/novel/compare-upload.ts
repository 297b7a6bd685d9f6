/** Comparing an upload with a novel that is there: which chapters of the file it has, which are others now, and which are new. */
import { QuillworkError } from '../index.ts'
import { cooperate, mapped, type Steps, yieldWhenDue } from '../runtime/cooperate.ts'
import { createSharedWork, type SharedWork } from '../runtime/shared-work.ts'
import { defined } from '../task/defined.ts'
import { everyItem } from '../task/page.ts'
import {
  alignChapters,
  type ChapterMatch,
  type PrintedChapter,
  TextPrinter,
} from './import/align-chapters.ts'
import { readChapters } from './import/read-chapters.ts'
import type { TextSurvey } from './import/survey.ts'
import { surveyOf } from './preview.ts'
import type { NovelServices } from './services.ts'
import { openUpload } from './upload-files.ts'

/** Whether a novel has a chapter of a file. */
export const comparedStatuses = ['known', 'changed', 'new'] as const

/** A chapter of the file. */
export interface FileChapter {
  /** Number in the preview, from 0. */
  index: number
  title: string
  /** Title of its volume; empty for none. */
  volume: string
  words: number
  /** `known`: the novel has its text. `changed`: the novel has another text for it. */
  status: (typeof comparedStatuses)[number]
  /** The chapter of the novel; absent for a new one. */
  chapterId?: string
  /** Number of that chapter, from 0. */
  position?: number
  /** Words that it has there. */
  wordsInNovel?: number
  /** Its text is in the novel, at another place than in the file. */
  isMoved?: true
  /** Of one that is not known: the chapter of the novel behind which it would be added; absent for the beginning. */
  behind?: string
}

/** A chapter that the file does not have. */
export interface MissingChapter {
  chapterId: string
  position: number
  title: string
  words: number
}

/** What a file has that a novel does not have, and the other way round. */
export interface Comparison {
  novelId: string
  counts: Record<FileChapter['status'] | 'missing', number>
  chapters: readonly FileChapter[]
  missing: readonly MissingChapter[]
}

/** A comparison, with what an addition needs. */
export interface FullComparison extends Comparison {
  survey: TextSurvey
  /** Of each chapter that is changed, by its index: the digest of the text that the novel has. */
  digests: ReadonlyMap<number, string>
}

/** What is compared. */
export interface CompareRequest {
  userId: string
  uploadId: string
  novelId: string
  /** Encoding of the file; default: the detected one. */
  encoding?: string | undefined
  signal?: AbortSignal | undefined
}

/** Files and novels that are read at the same time for clients that wait. */
const readAtOnce = 2

const comparing = new WeakMap<NovelServices, SharedWork<FullComparison>>()

/**
 * Compares an upload with a novel, reading both once: memory depends on their chapters, not on their texts. Throws NOVEL_NOT_FOUND, OPTION_INVALID for the
 * archive of a novel, and what `previewUpload` throws.
 */
export function compareUpload(services: NovelServices, request: CompareRequest): Promise<FullComparison> {
  const { userId, uploadId, novelId, encoding, signal } = request
  const work = comparing.get(services) ?? createSharedWork<FullComparison>(readAtOnce)
  comparing.set(services, work)
  const key = JSON.stringify([userId, uploadId, novelId, encoding])
  return work.join(key, ended => compare(services, { ...request, signal: ended }), signal)
}

async function compare(services: NovelServices, request: CompareRequest): Promise<FullComparison> {
  const { userId, uploadId, signal } = request
  const novel = await novelChapters(services, request)
  const upload = await services.library.uploads.upload(userId, uploadId)
  const survey = await surveyOf(services, upload, request)
  if (survey.kind === 'archive')
    throw new QuillworkError(
      'OPTION_INVALID',
      'The archive of a novel is a novel of its own: import it. To add chapters, upload a text or a document.',
    )
  const prints = await printsOf(services, { upload, survey, signal })
  const file = survey.volumes.flatMap(({ title: volume, chapters }) =>
    chapters.map(({ title, words }) => ({ title, volume, words })),
  )
  const printed = file.map((chapter, at) => ({ ...chapter, print: prints[at] ?? noPrint }))
  return cooperate(comparisonSteps({ novelId: request.novelId, survey, file: printed, novel }), signal)
}

const noPrint = { digest: '', sketch: [] }

/** A chapter of the novel, and what tells its text from others. */
interface OwnChapter extends MissingChapter, Pick<PrintedChapter, 'volume' | 'print'> {}

async function novelChapters(
  { library: { shelf } }: NovelServices,
  { userId, novelId, signal }: CompareRequest,
): Promise<OwnChapter[]> {
  const titles = new Map((await shelf.volumes(userId, novelId)).map(({ id, title }) => [id, title]))
  const due = yieldWhenDue(signal)
  const printers = new Map<string, TextPrinter>()
  for await (const { chapterId, content } of everyItem(200, page => shelf.texts(userId, { novelId }, page))) {
    const printer = printers.get(chapterId) ?? new TextPrinter()
    printers.set(chapterId, printer)
    printer.add(content)
    await due()
  }
  const found: OwnChapter[] = []
  for await (const chapter of everyItem(200, page => shelf.chapters(userId, { novelId }, page))) {
    const { id: chapterId, title, volumeId, position, words } = chapter
    const print = printers.get(chapterId)?.print() ?? noPrint
    found.push({ chapterId, title, position, words, volume: titles.get(volumeId) ?? '', print })
  }
  return found
}

async function printsOf(
  services: NovelServices,
  {
    upload,
    survey,
    signal,
  }: { upload: Parameters<typeof openUpload>[1]; survey: TextSurvey; signal?: AbortSignal | undefined },
) {
  const due = yieldWhenDue(signal)
  const printers = survey.volumes.flatMap(({ chapters }) => chapters.map(() => new TextPrinter()))
  for await (const piece of readChapters(await openUpload(services, upload), survey, defined({ signal }))) {
    if (piece.kind === 'scene') printers[piece.chapter]?.add(piece.text)
    await due()
  }
  return printers.map(printer => printer.print())
}

interface Compared {
  novelId: string
  survey: TextSurvey
  file: readonly (PrintedChapter & { words: number })[]
  novel: readonly OwnChapter[]
}

function* comparisonSteps({ novelId, survey, file, novel }: Compared): Steps<FullComparison> {
  const matches = yield* alignChapters(file, novel)
  const behind = behindOf(matches, novel.length)
  const digests = new Map<number, string>()
  const counts = { known: 0, changed: 0, new: 0, missing: 0 }
  const chapters = yield* mapped(file, ({ title, volume, words, print }, index): FileChapter => {
    const match = matches[index]
    const own = match && novel[match.at]
    const place = defined({ behind: novel[behind[index] ?? -1]?.chapterId })
    const status: FileChapter['status'] =
      own === undefined ? 'new' : own.print.digest === print.digest ? 'known' : 'changed'
    counts[status] += 1
    const about = { index, title, volume, words, status }
    if (own === undefined) return { ...about, ...place }
    if (status === 'changed') digests.set(index, own.print.digest)
    return {
      ...about,
      ...{ chapterId: own.chapterId, position: own.position, wordsInNovel: own.words },
      ...(match?.isMoved === true && { isMoved: true }),
      ...(status === 'changed' && place),
    }
  })
  const there = new Set(chapters.map(({ chapterId }) => chapterId))
  const missing = novel
    .filter(({ chapterId }) => !there.has(chapterId))
    .map(({ chapterId, position, title, words }) => ({ chapterId, position, title, words }))
  counts.missing = missing.length
  return { novelId, counts, chapters, missing, survey, digests }
}

/** Returns the index in the novel behind which each chapter of the file would be added; -1 for the beginning. */
function behindOf(matches: readonly ChapterMatch[], length: number): number[] {
  const first = matches.find(match => match?.isMoved === false)
  // A file of new chapters alone continues the novel.
  let behind = (first?.at ?? length) - 1
  return matches.map(match => {
    if (match?.isMoved === false) behind = match.at
    return behind
  })
}
