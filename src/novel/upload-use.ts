/** The use of an upload: one upload makes one novel, or adds to one. */
import { type Engine, QuillworkError } from '../index.ts'
import type { Confirmation, Upload } from './library/uploads.ts'
import { type NovelServices, unlessFailed } from './services.ts'
import { keptUntil } from './upload-files.ts'

/** Confirms an upload for the task that runs. Throws UPLOAD_CONFIRMED where another one has used it. */
export async function holdUpload(
  { taskId, userId, services }: { taskId: string; userId: string; services: NovelServices },
  { uploadId, novelId }: { uploadId: string; novelId: string },
): Promise<void> {
  const confirmation = { novelId, taskId, expiresAt: keptUntil(services) }
  const held = await services.library.uploads.confirm(userId, uploadId, confirmation)
  if (held.taskId !== taskId) throw uploadUsed(uploadId, held)
}

function uploadUsed(uploadId: string, held: Confirmation): QuillworkError {
  return new QuillworkError(
    'UPLOAD_CONFIRMED',
    `Upload ${uploadId} was used by task ${held.taskId}; retry that task, or upload the file again.`,
    { details: { ...held } },
  )
}

/**
 * Submits the task that uses an upload, and confirms the upload for it. A repeated request finds the first task. Throws UPLOAD_CONFIRMED where the upload was
 * used for another novel.
 */
export async function useUpload(
  engine: { tasks: Pick<Engine['tasks'], 'get'> },
  services: NovelServices,
  {
    upload,
    novelId,
    submit,
  }: { upload: Upload; novelId: string; submit: (idempotencyKey: string) => Promise<{ taskId: string }> },
): Promise<Confirmation> {
  const { id: uploadId, userId, confirmation: earlier } = upload
  const idempotencyKey = `upload ${uploadId}`
  if (earlier !== undefined) {
    if (earlier.novelId !== novelId) throw uploadUsed(uploadId, earlier)
    // After the retention of the task, and where it was not submitted here, only the confirmation shows that the upload was used.
    const task = await unlessFailed('TASK_NOT_FOUND', () => engine.tasks.get(earlier.taskId))
    if (task?.idempotencyKey !== idempotencyKey) return earlier
  }
  const { taskId } = await submit(idempotencyKey)
  const confirmation = { novelId, taskId, expiresAt: keptUntil(services) }
  return services.library.uploads.confirm(userId, uploadId, confirmation)
}
