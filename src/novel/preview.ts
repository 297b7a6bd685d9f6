import { encodingName } from './import/decoder.ts'
import { isSurveyOf } from './import/read-chapters.ts'
import type { TextSource } from './import/source.ts'
import { surveyText, type TextSurvey } from './import/survey.ts'
import type { Upload } from './library/uploads.ts'
import type { NovelServices } from './services.ts'
import { openUpload } from './upload-files.ts'

/** What an upload holds, for a person to choose from: encoding, title, volumes and chapters, warnings. */
export type Preview = Omit<TextSurvey, 'plan'>

/** A survey as it is kept with an upload. */
interface KeptSurvey extends TextSurvey {
  /** It was made in an encoding that somebody named; without one, the file is read in the detected one. */
  readonly isForced?: true
}

/** Which upload is looked at, and how. */
export interface PreviewRequest {
  userId: string
  uploadId: string
  /** Encoding to read it in; default: the detected one. */
  encoding?: string
  signal?: AbortSignal
}

/**
 * Reads an upload once and tells what it holds. The answer is kept with the upload, so that asking again in the same way costs nothing and
 * the import reads the chapters that were shown. Throws UPLOAD_NOT_FOUND, TEXT_UNREADABLE, what `openText` throws, the signal's reason.
 */
export async function previewUpload(services: NovelServices, request: PreviewRequest): Promise<Preview> {
  const upload = await services.library.uploads.upload(request.userId, request.uploadId)
  const { plan: _plan, isForced: _isForced, ...preview } = await surveyOf(services, upload, request)
  return preview
}

/** The survey of an upload: the kept one, or a new one that is kept from now on. */
export async function surveyOf(
  services: NovelServices,
  upload: Upload,
  options: { encoding?: string | undefined; signal?: AbortSignal | undefined },
): Promise<KeptSurvey> {
  const source = await openUpload(services, upload)
  const kept = keptSurvey(upload)
  if (kept !== undefined && isOf(kept, source, options.encoding)) return kept
  const made = await surveyText(source, {
    ...(options.encoding === undefined ? {} : { encoding: options.encoding }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const survey: KeptSurvey = options.encoding === undefined ? made : { ...made, isForced: true }
  await services.library.uploads.saveSurvey(upload.userId, upload.id, JSON.stringify(survey))
  return survey
}

/** The survey that is kept with an upload, if there is one. */
export function keptSurvey(upload: Upload): KeptSurvey | undefined {
  return upload.survey === undefined ? undefined : (JSON.parse(upload.survey) as KeptSurvey)
}

/** How many chapters a survey found. */
export function chaptersOf(survey: Preview): number {
  return survey.volumes.reduce((sum, volume) => sum + volume.chapters.length, 0)
}

function isOf(survey: KeptSurvey, source: TextSource, encoding: string | undefined): boolean {
  const asAsked =
    encoding === undefined ? survey.isForced !== true : encodingName(encoding) === survey.encoding.name
  return asAsked && isSurveyOf(survey, source)
}
