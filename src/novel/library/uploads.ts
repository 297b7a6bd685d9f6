/**
 * Uploaded files and their previews. The bytes are elsewhere (`uploads/files.ts`); this is what is known of them. An upload belongs to
 * a user, survives a restart, and expires.
 */
import type { Page, PageRequest } from '../../task/page.ts'

/** A file that was received. */
export interface NewUpload {
  id: string
  userId: string
  fileName: string
  bytes: number
  /** Where the bytes are, in the words of whoever stores files. */
  location: string
  /** Epoch milliseconds. */
  expiresAt: number
}

/** What became of a confirmed upload. */
export interface Confirmation {
  novelId: string
  taskId: string
}

/** An upload, with its preview once made and its novel once confirmed. */
export interface Upload extends NewUpload {
  status: 'uploaded' | 'confirmed'
  createdAt: number
  /** The preview as JSON text. */
  survey?: string
  confirmation?: Confirmation
}

/** The uploads. One that has expired is not found, except by `every`, `expired` and `remove`. */
export interface UploadStore {
  add(upload: NewUpload): Promise<Upload>
  /** Finds one that was confirmed as long as it is there: its import may still read it. Throws UPLOAD_NOT_FOUND, also for another user's. */
  upload(userId: string, id: string): Promise<Upload>
  /** The user's uploads, newest first, without their previews. */
  uploads(userId: string, page: PageRequest): Promise<Page<Upload>>
  /** The number of the user's files that were not confirmed, and their bytes. */
  held(userId: string): Promise<{ files: number; bytes: number }>
  /** Keeps the preview. Throws UPLOAD_NOT_FOUND. */
  saveSurvey(userId: string, id: string, survey: string): Promise<void>
  /**
   * Confirms an upload; answers the confirmation that holds, which is the first one. `expiresAt` says how long its file is kept from
   * now on. Throws UPLOAD_NOT_FOUND.
   */
  confirm(
    userId: string,
    id: string,
    confirmation: Confirmation & { expiresAt: number },
  ): Promise<Confirmation>
  /** At most `limit` uploads whose time is over, the longest first, without their previews: for the clean-up, which deletes the file and then the row. */
  expired(limit: number): Promise<readonly Upload[]>
  /** Keeps a confirmed upload until this time. Throws UPLOAD_NOT_FOUND. */
  keep(upload: Pick<Upload, 'id' | 'userId'>, expiresAt: number): Promise<void>
  /** All that are there, those that have expired too, without their previews; of a user, or of all. */
  every(userId?: string): Promise<readonly Upload[]>
  /** Forgets an upload. */
  remove(id: string): Promise<void>
}
