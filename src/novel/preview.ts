import { setImmediate } from 'node:timers/promises'
import { createSharedWork, type SharedWork } from '../runtime/shared-work.ts'
import { defined } from '../task/defined.ts'
import { encodingName } from './import/decoder.ts'
import { isSurveyOf, readChapters } from './import/read-chapters.ts'
import type { TextSource } from './import/source.ts'
import { surveyText, type TextSurvey } from './import/survey.ts'
import type { Upload } from './library/uploads.ts'
import type { NovelServices } from './services.ts'
import { openUpload } from './upload-files.ts'

/** The content of an upload, for a person to choose from: encoding, title, volumes and chapters, warnings. */
export type Preview = Omit<TextSurvey, 'plan'>

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
  const { plan: _plan, isForced: _isForced, ...preview } = await surveyOf(services, upload, request)
  return preview
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
 * Returns a survey as JSON. Of many thousand chapters, what is shown and the plan take a turn of their own each: a line end, which JSON has nowhere
 * else, parts them.
 */
async function surveyToText({ plan, ...shown }: KeptSurvey): Promise<string> {
  await setImmediate()
  const half = JSON.stringify(shown).slice(0, -1)
  await setImmediate()
  return `${half}\n,"plan":${JSON.stringify(plan)}}`
}

/** Returns the survey of what `surveyToText` returned, in this or in an earlier build, which parted nothing. */
async function surveyFromText(text: string): Promise<KeptSurvey> {
  const middle = text.indexOf('\n')
  if (middle === -1) return JSON.parse(text) as KeptSurvey
  const shown = JSON.parse(`${text.slice(0, middle)}}`) as Omit<KeptSurvey, 'plan'>
  await setImmediate()
  return { ...shown, ...(JSON.parse(`{${text.slice(middle + 2)}`) as Pick<KeptSurvey, 'plan'>) }
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

/** The characters of the scenes with a text that an import makes of a file, by chapter of the preview. */
type SceneSizes = readonly (readonly number[])[]

/** Uploads whose scene sizes are cached: each choice of chapters asks for them again. */
const mostRemembered = 8
/** Texts that are read at the same time for clients that wait. */
const readAtOnce = 2

interface Reading {
  readonly surveys: SharedWork<KeptSurvey>
  readonly sizes: SharedWork<SceneSizes>
  readonly remembered: Map<string, SceneSizes>
}

const readings = new WeakMap<NovelServices, Reading>()

function readingOf(services: NovelServices): Reading {
  const known = readings.get(services)
  if (known !== undefined) return known
  const [surveys, sizes] = [
    createSharedWork<KeptSurvey>(readAtOnce),
    createSharedWork<SceneSizes>(readAtOnce),
  ]
  const reading = { surveys, sizes, remembered: new Map<string, SceneSizes>() }
  readings.set(services, reading)
  return reading
}

/**
 * Returns the sizes of the scenes of an upload. Reads the upload, or uses the cached sizes. Throws TEXT_UNREADABLE, what reading the text
 * throws, and the signal's reason.
 */
export async function sceneSizes(
  services: NovelServices,
  { upload, survey, signal }: { upload: Upload; survey: TextSurvey; signal?: AbortSignal | undefined },
): Promise<SceneSizes> {
  const { sizes, remembered } = readingOf(services)
  const key = `${upload.id} ${survey.encoding.name}`
  const read = (ended: AbortSignal) => readSizes(services, { upload, survey, signal: ended })
  const found = remembered.get(key) ?? (await sizes.join(key, read, signal))
  remembered.delete(key)
  remembered.set(key, found)
  const [oldest] = remembered.keys()
  if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest)
  return found
}

async function readSizes(
  services: NovelServices,
  { upload, survey, signal }: { upload: Upload; survey: TextSurvey; signal: AbortSignal },
): Promise<SceneSizes> {
  const sizes: number[][] = survey.volumes.flatMap(({ chapters }) => chapters.map(() => []))
  for await (const piece of readChapters(await openUpload(services, upload), survey, { signal }))
    if (piece.kind === 'scene' && piece.characters > 0) sizes[piece.chapter]?.push(piece.characters)
  return sizes
}
