/**
 * Exported novels, and archives of all that a user has. The bytes are elsewhere (`uploads/files.ts`); this is what is known of them. An export is noted before
 * its first byte is written, so that whoever deletes a novel finds what is being written of it too. It belongs to a user, survives a restart, and expires.
 */

/** An export of which the file is about to be written. */
export interface BegunExport {
  id: string
  userId: string
  /** Absent: of all that the user has. */
  novelId?: string
  /** The task that writes it, and the attempt. */
  taskId: string
  attempt: number
  /** Where the bytes are, in the words of whoever stores files. */
  location: string
  /** Epoch milliseconds. */
  expiresAt: number
}

/** What is known of a file that is whole. */
export interface ExportedFile {
  format: string
  /** The title of the novel, or the user and the day, as the name of a file. */
  fileName: string
  mediaType: string
  bytes: number
  chapters: number
  scenes: number
  words: number
  /** Of an archive of all that a user has. */
  archive?: UserArchiveCounts
}

/** What is in an archive of all that a user has, beside chapters, scenes and words. */
export interface UserArchiveCounts {
  /** With those of the bin. */
  novels: number
  uploads: number
  tasks: number
  /** Novels and uploads that could not be read; the manifest says why. */
  missing: number
}

/** An export, with its file once that is whole. */
export interface KeptExport extends BegunExport {
  createdAt: number
  file?: ExportedFile
}

/** An export of which the file is whole. */
export interface WholeExport extends BegunExport, ExportedFile {
  createdAt: number
}

/** The exports. */
export interface ExportStore {
  /**
   * Notes where the file of an export is about to be written. Returns where an earlier attempt has begun one, which is to be deleted; undefined where none
   * has. Throws ATTEMPT_STALE where a later attempt has begun one.
   */
  begin(begun: BegunExport): Promise<string | undefined>
  /**
   * Keeps what is known of the file, now that it is whole, until `expiresAt`. Throws EXPORT_NOT_FOUND where the export was deleted meanwhile, or a later
   * attempt has begun another file.
   */
  finish(begun: Pick<BegunExport, 'id' | 'location' | 'expiresAt'>, file: ExportedFile): Promise<WholeExport>
  /** Throws EXPORT_NOT_FOUND, also for another user's, for one whose file is not whole, that has expired, or whose novel is not on the shelf any more. */
  export(userId: string, id: string): Promise<WholeExport>
  /** At most `limit` exports whose time is over, the longest first. */
  expired(limit: number): Promise<readonly KeptExport[]>
  /** All that are there; of a user, or of all. */
  every(userId?: string): Promise<readonly KeptExport[]>
  /** Forgets an export whose file is there; one of another file stays. */
  remove(kept: Pick<BegunExport, 'id' | 'location'>): Promise<void>
}
