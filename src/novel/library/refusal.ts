/** The library's refusals: what was not found, and what makes no sense. */
import { type ErrorCode, QuillworkError } from '../../index.ts'

function refusal(code: ErrorCode, message: string, details: Record<string, string>): QuillworkError {
  return new QuillworkError(code, message, { details })
}

/** NOVEL_NOT_FOUND. */
export function novelNotFound(novelId: string): QuillworkError {
  return refusal('NOVEL_NOT_FOUND', `There is no novel ${novelId}.`, { novelId })
}

/** NOVEL_IS_REFERENCE; the message says what follows from it. */
export function novelIsReference(novelId: string, consequence: string): QuillworkError {
  const message = `The novel ${novelId} is a reference, which gives voice and facts to other novels, ${consequence}. Mark it as no reference first.`
  return refusal('NOVEL_IS_REFERENCE', message, { novelId })
}

/** VOLUME_NOT_FOUND. */
export function volumeNotFound(volumeId: string): QuillworkError {
  return refusal('VOLUME_NOT_FOUND', `There is no volume ${volumeId} in the novel.`, { volumeId })
}

/** NOVEL_CHANGED, VOLUME_CHANGED or CHAPTER_CHANGED; the details name the version that is there. */
export function unitChanged(
  what: 'novel' | 'volume' | 'chapter',
  id: string,
  version: number,
): QuillworkError {
  const code = ({ novel: 'NOVEL_CHANGED', volume: 'VOLUME_CHANGED', chapter: 'CHAPTER_CHANGED' } as const)[
    what
  ]
  const message = `The ${what} ${id} was changed since you read it and is now at version ${version}. Read it again.`
  return new QuillworkError(code, message, { details: { version } })
}

/** BIN_ENTRY_NOT_FOUND. */
export function binEntryNotFound(entryId: string): QuillworkError {
  const message = `The bin of the novel has no entry ${entryId}; it was put back, deleted, or has expired.`
  return refusal('BIN_ENTRY_NOT_FOUND', message, { entryId })
}

/** CHAPTER_NOT_FOUND. */
export function chapterNotFound(chapterId: string): QuillworkError {
  return refusal('CHAPTER_NOT_FOUND', `There is no chapter ${chapterId} in the novel.`, { chapterId })
}

/** SCENE_NOT_FOUND. */
export function sceneNotFound(sceneId: string): QuillworkError {
  const message = `There is no scene ${sceneId}; it may have been deleted.`
  return refusal('SCENE_NOT_FOUND', message, { sceneId })
}

/** HISTORY_ENTRY_NOT_FOUND. */
export function entryNotFound({ sceneId, entryId }: { sceneId: string; entryId: string }): QuillworkError {
  const message = `There is no entry ${entryId} in the history of scene ${sceneId}; newer ones may have pushed it out.`
  return refusal('HISTORY_ENTRY_NOT_FOUND', message, { sceneId, entryId })
}

/** CANDIDATE_NOT_FOUND. */
export function candidateNotFound(wanted: { sceneId: string; candidateId: string }): QuillworkError {
  const { sceneId, candidateId } = wanted
  const message = `Scene ${sceneId} has no candidate ${candidateId}; newer ones may have displaced it.`
  return refusal('CANDIDATE_NOT_FOUND', message, { sceneId, candidateId })
}

/** SELECTION_NOT_FOUND. */
export function passageNotPlaced({
  id: candidateId,
  sceneId,
}: {
  id: string
  sceneId: string
}): QuillworkError {
  const message = `The text of the scene changed, and has no single place for the passage of candidate ${candidateId}. Send the text that you make of both.`
  return refusal('SELECTION_NOT_FOUND', message, { sceneId, candidateId })
}

/** CHAPTER_FULL. */
export function chapterFull(chapterId: string, most: number): QuillworkError {
  const message = `Chapter ${chapterId} has ${most} scenes already; go on in another chapter.`
  return refusal('CHAPTER_FULL', message, { chapterId })
}

/** SNAPSHOT_NOT_FOUND. */
export function snapshotNotFound(novelId: string, snapshotId: string): QuillworkError {
  const message = `Novel ${novelId} has no snapshot ${snapshotId}; it may have been deleted.`
  return refusal('SNAPSHOT_NOT_FOUND', message, { novelId, snapshotId })
}

/** SNAPSHOTS_FULL. */
export function snapshotsFull(novelId: string, most: number): QuillworkError {
  const message = `Novel ${novelId} has ${most} snapshots already; delete one that is not needed any more.`
  return refusal('SNAPSHOTS_FULL', message, { novelId })
}

/** CODEX_ENTRY_NOT_FOUND. */
export function codexEntryNotFound(entryId: string): QuillworkError {
  const message = `There is no entry ${entryId} in the codex of the novel; it may have been deleted.`
  return refusal('CODEX_ENTRY_NOT_FOUND', message, { entryId })
}

/** CODEX_FULL. */
export function codexFull(novelId: string, most: number): QuillworkError {
  const message = `The codex of a novel has at most ${most} entries; delete some first, or put several into one.`
  return refusal('CODEX_FULL', message, { novelId })
}

/** THREAD_NOT_FOUND. */
export function threadNotFound(threadId: string): QuillworkError {
  const message = `The novel has no thread ${threadId}; it may have been deleted.`
  return refusal('THREAD_NOT_FOUND', message, { threadId })
}

/** THREADS_FULL. */
export function threadsFull(novelId: string, most: number): QuillworkError {
  const message = `A novel has at most ${most} threads; delete some first, or put several into one.`
  return refusal('THREADS_FULL', message, { novelId })
}

/** QUOTATION_NOT_FOUND. */
export function quotationNotFound({
  scene,
  quotation,
}: {
  scene: string
  quotation: string
}): QuillworkError {
  const message = `The text of scene ${scene} has no words ${JSON.stringify(quotation)}; quote them as they stand there.`
  return refusal('QUOTATION_NOT_FOUND', message, { sceneId: scene })
}

/** UPLOAD_NOT_FOUND. */
export function uploadNotFound(uploadId: string): QuillworkError {
  const message = `There is no upload ${uploadId}, or it has expired; upload the file again.`
  return refusal('UPLOAD_NOT_FOUND', message, { uploadId })
}

/** EXPORT_NOT_FOUND. */
export function exportNotFound(exportId: string): QuillworkError {
  const message = `There is no export ${exportId}: it is not finished, was deleted, or has expired. Export the novel again.`
  return refusal('EXPORT_NOT_FOUND', message, { exportId })
}

/** ATTEMPT_STALE. */
export function attemptStale({ taskId, attempt }: { taskId: string; attempt: number }): QuillworkError {
  const message = `A later attempt than ${attempt} of task ${taskId} has begun the same work.`
  return refusal('ATTEMPT_STALE', message, { taskId })
}

/** OPTION_INVALID: a value outside what the library takes; the message says which. */
export function notTaken(message: string): QuillworkError {
  return new QuillworkError('OPTION_INVALID', message)
}

/** PAGE_TOKEN_INVALID. */
export function pageTokenInvalid(listing: string): QuillworkError {
  const message = `The page token is not one that this listing (${listing}) gave out; start again without one.`
  return new QuillworkError('PAGE_TOKEN_INVALID', message)
}
