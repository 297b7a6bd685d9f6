import { type Engine, type In, QuillworkError } from '../index.ts'
import { importNovel } from './import-novel.ts'
import { novelIdOf } from './library/ids.ts'
import type { Confirmation } from './library/uploads.ts'
import { chaptersOf, keptSurvey } from './preview.ts'
import { type NovelServices, nowOf } from './services.ts'
import { keepConfirmedMs } from './upload-files.ts'

/** What a person chose after the preview of an upload. */
export type ImportChoice = In<typeof importNovel.parameters> & { userId: string }

/**
 * Starts the import of an upload. Confirming again answers the same task and novel. Throws UPLOAD_NOT_FOUND, CHAPTER_NOT_FOUND for a
 * chapter that the preview does not have, IDEMPOTENCY_KEY_REUSED when it was confirmed with another choice.
 */
export async function confirmUpload(
  engine: Pick<Engine, 'submit' | 'find'>,
  services: NovelServices,
  { userId, ...choice }: ImportChoice,
): Promise<Confirmation> {
  const { uploads } = services.library
  const upload = await uploads.upload(userId, choice.uploadId)
  const earlier = upload.confirmation
  // Once the task's own time is over, its record no longer tells that the upload was used.
  if (earlier !== undefined && (await engine.find(importNovel, earlier.taskId)) === undefined) return earlier
  const survey = keptSurvey(upload)
  if (survey !== undefined && choice.encoding === undefined)
    checkChapters(choice.chapters ?? [], chaptersOf(survey))
  const task = await engine.submit(importNovel, choice, {
    userId,
    idempotencyKey: `upload ${choice.uploadId}`,
  })
  const confirmation = { novelId: novelIdOf(choice.uploadId), taskId: task.taskId }
  const expiresAt = nowOf(services) + keepConfirmedMs
  return uploads.confirm(userId, choice.uploadId, { ...confirmation, expiresAt })
}

function checkChapters(chapters: readonly number[], count: number): void {
  const unknown = chapters.find(index => index >= count)
  if (unknown === undefined) return
  throw new QuillworkError(
    'CHAPTER_NOT_FOUND',
    `There is no chapter ${unknown}: the file has ${count}. Name indexes from 0 to ${count - 1}.`,
  )
}
