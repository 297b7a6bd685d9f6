/** The library's refusals: what was not found, and what makes no sense. */
import { type ErrorCode, QuillworkError } from '../../index.ts'

function refusal(code: ErrorCode, message: string, details: Record<string, string>): QuillworkError {
  return new QuillworkError(code, message, { details })
}

/** NOVEL_NOT_FOUND. */
export function novelNotFound(novelId: string): QuillworkError {
  return refusal('NOVEL_NOT_FOUND', `There is no novel ${novelId}.`, { novelId })
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

/** CHAPTER_FULL. */
export function chapterFull(chapterId: string, most: number): QuillworkError {
  const message = `Chapter ${chapterId} has ${most} scenes already; go on in another chapter.`
  return refusal('CHAPTER_FULL', message, { chapterId })
}

/** UPLOAD_NOT_FOUND. */
export function uploadNotFound(uploadId: string): QuillworkError {
  const message = `There is no upload ${uploadId}, or it has expired; upload the file again.`
  return refusal('UPLOAD_NOT_FOUND', message, { uploadId })
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
