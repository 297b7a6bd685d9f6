import { QuillworkError } from '../../index.ts'
import type { TextSource } from '../import/source.ts'

/** A file in the storage of uploads and exports. */
export interface StoredFile {
  /** Its name in the storage: a fresh plain name, independent of the user's input. */
  location: string
  bytes: number
}

/**
 * The storage of uploaded files, and of exported ones. All processes that receive, preview or import uploads, or write and send exports, must reach the same
 * storage: a folder is for one machine.
 */
export interface UploadFiles {
  /**
   * Writes a file durably: after it resolves, the file survives a crash. Throws what the content or the store throws, TEXT_UNREADABLE when the file was
   * deleted meanwhile; then nothing is left behind, or `removeUnfinished` finds the remains.
   *
   * @param begun Called with the location before the first byte is written; the write waits for it, and throws what it throws.
   */
  write(content: AsyncIterable<Uint8Array>, begun?: (location: string) => Promise<void>): Promise<StoredFile>
  /**
   * Returns a file as a text source of that name; undefined when it is missing. Reading throws TEXT_UNREADABLE when the file was deleted. Both throw
   * STORE_FAILED when the storage cannot be read now.
   */
  open(location: string, name: string): Promise<TextSource | undefined>
  /** Deletes a file, if it exists, or what is written of it so far. */
  remove(location: string): Promise<void>
  /** Returns the locations of the files whose write began, or of which the last byte came, at least that many milliseconds ago: by that all rows are there. */
  stored(olderThanMs: number): Promise<readonly string[]>
  /** Deletes the remains of unfinished writes that began at least that many milliseconds ago. Returns the number of deletions. */
  removeUnfinished(olderThanMs: number): Promise<number>
}

/** Returns the error of a file that was deleted while it was read. */
export function vanished(): QuillworkError {
  return new QuillworkError('TEXT_UNREADABLE', 'The file was deleted while it was in use; upload it again.')
}
