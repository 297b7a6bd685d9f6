import { QuillworkError } from '../../index.ts'
import type { TextSource } from '../import/source.ts'

/** A file that was written. */
export interface StoredFile {
  /** Where it is, in the words of whoever keeps it: a fresh plain name, never part of what a person sent. */
  location: string
  /** Its length. */
  bytes: number
}

/**
 * Where the bytes of uploads are. Each process that receives, previews or imports uploads must reach the same files: a folder is for
 * one machine.
 */
export interface UploadFiles {
  /**
   * Writes a file from beginning to end, durably: when it resolves, the file survives a crash. When it does not (it throws what the
   * content or the store throws), nothing is left behind, or what is left is found by `removeUnfinished`.
   */
  write(content: AsyncIterable<Uint8Array>): Promise<StoredFile>
  /** A written file, to be read as a text of that name; undefined when there is none. Reading throws TEXT_UNREADABLE when it vanished. */
  open(location: string, name: string): Promise<TextSource | undefined>
  /** Deletes a file; one that is not there is deleted already. */
  remove(location: string): Promise<void>
  /** Deletes what writes that never ended left behind, once they began that many milliseconds ago. Answers how many. */
  removeUnfinished(olderThanMs: number): Promise<number>
}

/** The error of a file that was there and is not any more. */
export function vanished(): QuillworkError {
  return new QuillworkError('TEXT_UNREADABLE', 'The file was deleted while it was in use; upload it again.')
}
