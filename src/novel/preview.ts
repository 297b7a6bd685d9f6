import { setImmediate } from 'node:timers/promises'
import { cooperate } from '../runtime/cooperate.ts'
import { createSharedWork, type SharedWork } from '../runtime/shared-work.ts'
import { defined } from '../task/defined.ts'
import { readNovelArchive } from './archive/read.ts'
import { type ChapterText, readChapterText } from './import/chapter-text.ts'
import { encodingName } from './import/decoder.ts'
import { editedSteps } from './import/edited-outline.ts'
import type { Choice } from './import/edits.ts'
import { isSurveyOf, readChapters } from './import/read-chapters.ts'
import type { TextSource } from './import/source.ts'
import { surveyText, type TextSurvey } from './import/survey.ts'
import type { Upload } from './library/uploads.ts'
import type { NovelServices } from './services.ts'
import { openUpload } from './upload-files.ts'
import { measure } from './words.ts'

/** The content of an upload, for a person to choose from: encoding, title, volumes and chapters, warnings. */
export interface Preview extends Omit<TextSurvey, 'plan'> {
  /** Quillwork exported the file, which is read as it is. */
  readonly isExported?: true
}

/** A survey as it is stored with an upload. */
interface KeptSurvey extends TextSurvey {
  /** The user named its encoding; otherwise it was detected. */
  readonly isForced?: true
}

/** A request for a preview. */
export interface PreviewRequest {
  userId: string
  uploadId: string
  /** Encoding of the file; default: the detected one. */
  encoding?: string
  signal?: AbortSignal
}

/**
 * Returns the preview of an upload. The survey is stored with the upload, so that the same request later costs nothing and the import reads
 * the chapters that were shown. Throws UPLOAD_NOT_FOUND, TEXT_UNREADABLE, what `openText` throws, the signal's reason.
 */
export async function previewUpload(services: NovelServices, request: PreviewRequest): Promise<Preview> {
  const upload = await services.library.uploads.upload(request.userId, request.uploadId)
  const { plan, isForced: _isForced, ...preview } = await surveyOf(services, upload, request)
  return plan.exported === undefined ? preview : { ...preview, isExported: true }
}

/** Returns the survey of an upload: the stored one, or a new one, which it stores. Two are made at a time. */
export async function surveyOf(
  services: NovelServices,
  upload: Upload,
  options: { encoding?: string | undefined; signal?: AbortSignal | undefined },
): Promise<KeptSurvey> {
  const source = await openUpload(services, upload)
  const kept = await keptSurvey(upload)
  const { encoding, signal } = options
  if (kept !== undefined && isOf(kept, source, encoding)) return kept
  return readingOf(services).surveys.join(
    `${upload.id} ${encoding ?? ''}`,
    ended => makeSurvey(services, { upload, source, encoding, signal: ended }),
    signal,
  )
}

interface Survey {
  upload: Upload
  source: TextSource
  encoding: string | undefined
  signal: AbortSignal
}

async function makeSurvey(services: NovelServices, { upload, source, encoding, signal }: Survey) {
  const made = await surveyText(source, defined({ encoding, signal }))
  const survey: KeptSurvey = encoding === undefined ? made : { ...made, isForced: true }
  await services.library.uploads.saveSurvey(upload.userId, upload.id, await surveyToText(survey))
  return survey
}

/** Returns the survey that is stored with an upload, if any. */
export async function keptSurvey({ survey }: Upload): Promise<KeptSurvey | undefined> {
  return survey === undefined ? undefined : await surveyFromText(survey)
}

/**
 * Returns a survey as JSON. Of many thousand chapters, what is shown, the plan and the headings take a turn of their own each: a line end, which
 * JSON has nowhere else, parts them.
 */
async function surveyToText({ plan: { headings, ...plan }, ...shown }: KeptSurvey): Promise<string> {
  const parts: string[] = []
  for (const part of [shown, plan, headings]) {
    await setImmediate()
    parts.push(JSON.stringify(part))
  }
  return parts.join('\n')
}

/** Returns the survey of what `surveyToText` returned; undefined for what an earlier build stored. */
async function surveyFromText(text: string): Promise<KeptSurvey | undefined> {
  const texts = text.split('\n')
  if (texts.length !== 3) return undefined
  const parts: unknown[] = []
  for (const part of texts) {
    await setImmediate()
    parts.push(JSON.parse(part))
  }
  const [shown, plan, headings] = parts
  return { ...(shown as object), plan: { ...(plan as object), headings } } as KeptSurvey
}

/** Returns the number of chapters in a survey. */
export function chaptersOf(survey: Preview): number {
  return survey.volumes.reduce((sum, volume) => sum + volume.chapters.length, 0)
}

function isOf(survey: KeptSurvey, source: TextSource, encoding: string | undefined): boolean {
  const asAsked =
    encoding === undefined ? survey.isForced !== true : encodingName(encoding) === survey.encoding.name
  return asAsked && isSurveyOf(survey, source)
}

/** The characters of the scenes with a text and no summary that an import makes of a file, by chapter as its edits make them. */
type SceneSizes = readonly (readonly number[])[]

/** Uploads whose scene sizes are cached: each choice of chapters asks for them again. */
const mostRemembered = 8
/** Texts that are read at the same time for clients that wait. */
const readAtOnce = 2

interface Reading {
  readonly surveys: SharedWork<KeptSurvey>
  readonly sizes: SharedWork<SceneSizes>
  readonly texts: SharedWork<ChapterText>
  readonly remembered: Map<string, SceneSizes>
}

const readings = new WeakMap<NovelServices, Reading>()

function readingOf(services: NovelServices): Reading {
  const known = readings.get(services)
  if (known !== undefined) return known
  const reading = {
    surveys: createSharedWork<KeptSurvey>(readAtOnce),
    sizes: createSharedWork<SceneSizes>(readAtOnce),
    texts: createSharedWork<ChapterText>(readAtOnce),
    remembered: new Map<string, SceneSizes>(),
  }
  readings.set(services, reading)
  return reading
}

/** A request for the text of a chapter of an upload, without edits. */
export interface ChapterTextRequest extends PreviewRequest {
  /** Index of the chapter in the preview. */
  index: number
  /** Number of its lines before the first one that is wanted. */
  from: number
}

/**
 * Returns lines of a chapter of an upload, about 20,000 characters at most. Two chapters are read at a time. Throws UPLOAD_NOT_FOUND, what
 * `readChapterText` throws, the signal's reason.
 */
export async function chapterText(
  services: NovelServices,
  { userId, uploadId, encoding, index, from, signal }: ChapterTextRequest,
): Promise<ChapterText> {
  const upload = await services.library.uploads.upload(userId, uploadId)
  const survey = await surveyOf(services, upload, { encoding, signal })
  const read = async (ended: AbortSignal) =>
    readChapterText(await openUpload(services, upload), survey, { index, from, signal: ended })
  const key = JSON.stringify([upload.id, survey.encoding.name, index, from])
  return readingOf(services).texts.join(key, read, signal)
}

/** What scene sizes are asked of. */
interface Sized extends Omit<Choice, 'chapters'> {
  upload: Upload
  survey: TextSurvey
  signal?: AbortSignal | undefined
}

/**
 * Returns the sizes of the scenes of an upload. Reads the upload, or uses the cached sizes. Throws TEXT_UNREADABLE, what reading the text
 * throws, and the signal's reason.
 */
export async function sceneSizes(services: NovelServices, sized: Sized): Promise<SceneSizes> {
  const { upload, survey, edits = [], removeLines = [], signal } = sized
  const { sizes, remembered } = readingOf(services)
  // Titles change no size.
  const cuts = edits.map(({ index, line, merge, heading }) => [index, line, merge, heading])
  const key = JSON.stringify([upload.id, survey.encoding.name, cuts, removeLines])
  const read = (ended: AbortSignal) => readSizes(services, { ...sized, signal: ended })
  const found = remembered.get(key) ?? (await sizes.join(key, read, signal))
  remembered.delete(key)
  remembered.set(key, found)
  const [oldest] = remembered.keys()
  if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest)
  return found
}

async function readSizes(
  services: NovelServices,
  { upload, survey, edits = [], removeLines, signal }: Sized,
): Promise<SceneSizes> {
  const source = await openUpload(services, upload)
  if (survey.kind === 'archive') return archivedSizes(source, survey, signal)
  // Chapters that are left out are sized as well: what is taken changes without a reading.
  const all = edits.map(({ leftOut: _, ...edit }) => edit)
  const edited = await cooperate(editedSteps(survey.volumes, all), signal)
  const outline = edited.flatMap(volume => volume.chapters)
  const sizes: number[][] = outline.map(() => [])
  for await (const piece of readChapters(source, survey, { edits: all, removeLines, signal }))
    if (piece.kind === 'scene' && piece.characters > 0) sizes[piece.chapter]?.push(piece.characters)
  return sizes
}

/** Returns the sizes of the scenes of an archive that have no summary. */
async function archivedSizes(
  source: TextSource,
  survey: TextSurvey,
  signal: AbortSignal | undefined,
): Promise<SceneSizes> {
  const sizes: number[][] = survey.volumes.flatMap(({ chapters }) => chapters.map(() => []))
  for await (const { of, row, bin, position } of readNovelArchive(source, { signal })) {
    if (of !== 'scene' || bin !== 0 || row.summary !== undefined) continue
    const { characters } = measure(row.content)
    if (characters > 0) sizes[position]?.push(characters)
  }
  return sizes
}
