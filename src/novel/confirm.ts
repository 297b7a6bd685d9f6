import { type Budget, type Engine, type In, QuillworkError, type SubmitOptions } from '../index.ts'
import { importNovel } from './import-novel.ts'
import { novelIdOf } from './library/ids.ts'
import type { Confirmation, Upload } from './library/uploads.ts'
import { chaptersOf, keptSurvey } from './preview.ts'
import { type NovelServices, nowOf } from './services.ts'
import { keepConfirmedMs } from './upload-files.ts'

/** What a person chose after the preview of an upload. */
export type ImportChoice = In<typeof importNovel.parameters> & {
  userId: string
  /** W3C trace context of whoever confirms. */
  traceparent?: string
  /** What the import may spend on models; default without end. */
  budget?: Budget
  /** Of the task of the import. */
  tags?: readonly string[]
}

/**
 * Starts the import of an upload. Confirming again answers the same task and novel. Throws UPLOAD_NOT_FOUND, CHAPTER_NOT_FOUND for a
 * chapter that the preview does not have, IDEMPOTENCY_KEY_REUSED when it was confirmed with another choice.
 */
export async function confirmUpload(
  engine: Pick<Engine, 'submit' | 'find'>,
  services: NovelServices,
  { userId, traceparent, budget, tags, ...choice }: ImportChoice,
): Promise<Confirmation> {
  const { uploads } = services.library
  const upload = await uploads.upload(userId, choice.uploadId)
  const earlier = upload.confirmation
  // Once the task's own time is over, its record no longer tells that the upload was used.
  if (earlier !== undefined && (await engine.find(importNovel, earlier.taskId)) === undefined) return earlier
  const parameters = normalised(choice, upload)
  const idempotencyKey = `upload ${choice.uploadId}`
  const options = stated({ userId, idempotencyKey, traceparent, budget, tags }) as SubmitOptions
  const task = await engine.submit(importNovel, parameters, options)
  const confirmation = { novelId: novelIdOf(choice.uploadId), taskId: task.taskId }
  const expiresAt = nowOf(services) + keepConfirmedMs
  return uploads.confirm(userId, choice.uploadId, { ...confirmation, expiresAt })
}

type Parameters = In<typeof importNovel.parameters>

/** The same choice in the same words, so that confirming again is seen to be the same. What is not valid is left to the submission. */
function normalised(choice: Parameters, upload: Upload): Parameters {
  const { success, data } = importNovel.parameters.safeParse(choice)
  if (!success) return choice
  const { chapters, ...rest } = stated(data)
  const survey = keptSurvey(upload)
  // In another encoding, the file may have other chapters.
  const isOther = rest.encoding !== undefined || survey?.isForced === true
  const known = survey === undefined || isOther ? undefined : chaptersOf(survey)
  const wanted = [...new Set(chapters)].sort((a, b) => a - b)
  if (known !== undefined) checkChapters(wanted, known)
  return chapters === undefined || wanted.length === known ? rest : { ...rest, chapters: wanted }
}

/** Without the fields that are there and undefined. */
function stated<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

function checkChapters(chapters: readonly number[], count: number): void {
  const unknown = chapters.find(index => index >= count)
  if (unknown === undefined) return
  throw new QuillworkError(
    'CHAPTER_NOT_FOUND',
    `There is no chapter ${unknown}: the file has ${count}. Name indexes from 0 to ${count - 1}.`,
  )
}
