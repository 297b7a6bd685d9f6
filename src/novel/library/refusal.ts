/** The library's refusals: what was not found, and what makes no sense. */
import { QuillworkError } from '../../index.ts'

/** NOVEL_NOT_FOUND. */
export function novelNotFound(novelId: string): QuillworkError {
  return new QuillworkError('NOVEL_NOT_FOUND', `There is no novel ${novelId}.`, { details: { novelId } })
}

/** CHAPTER_NOT_FOUND. */
export function chapterNotFound(chapterId: string): QuillworkError {
  return new QuillworkError('CHAPTER_NOT_FOUND', `There is no chapter ${chapterId} in the novel.`, {
    details: { chapterId },
  })
}

/** SCENE_NOT_FOUND. */
export function sceneNotFound(sceneId: string): QuillworkError {
  return new QuillworkError('SCENE_NOT_FOUND', `There is no scene ${sceneId}; it may have been deleted.`, {
    details: { sceneId },
  })
}

/** HISTORY_ENTRY_NOT_FOUND. */
export function entryNotFound({ sceneId, entryId }: { sceneId: string; entryId: string }): QuillworkError {
  return new QuillworkError(
    'HISTORY_ENTRY_NOT_FOUND',
    `There is no entry ${entryId} in the history of scene ${sceneId}; newer ones may have pushed it out.`,
    { details: { sceneId, entryId } },
  )
}

/** CHAPTER_FULL. */
export function chapterFull(chapterId: string, most: number): QuillworkError {
  return new QuillworkError(
    'CHAPTER_FULL',
    `Chapter ${chapterId} has ${most} scenes already; go on in another chapter.`,
    { details: { chapterId } },
  )
}

/** OPTION_INVALID: a new scene cannot have the id of one that is elsewhere. */
export function idOfOtherChapter(id: string): QuillworkError {
  return notTaken(`The id ${id} belongs to a scene of another chapter; choose another one.`)
}

/** UPLOAD_NOT_FOUND. */
export function uploadNotFound(uploadId: string): QuillworkError {
  return new QuillworkError(
    'UPLOAD_NOT_FOUND',
    `There is no upload ${uploadId}, or it has expired; upload the file again.`,
    {
      details: { uploadId },
    },
  )
}

/** OPTION_INVALID: a value outside what the library takes; the message says which. */
export function notTaken(message: string): QuillworkError {
  return new QuillworkError('OPTION_INVALID', message)
}

/** PAGE_TOKEN_INVALID. */
export function pageTokenInvalid(listing: string): QuillworkError {
  return new QuillworkError(
    'PAGE_TOKEN_INVALID',
    `The page token is not one that this listing (${listing}) gave out; start again without one.`,
  )
}
