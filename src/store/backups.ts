import type { Readable } from 'node:stream'
import { QuillworkError } from '../task/errors.ts'

/** A copy of all that a store has. */
export interface Backup {
  readonly bytes: number
}

/** Copies of a store, made while it is used: each is of one moment, and has all that was acknowledged before it was asked for. */
export interface Backups {
  /**
   * Copies the store into a new file, readable by its owner alone, that can be opened as a store. Throws FILE_UNWRITABLE where there is a file of that name, or
   * none can be; STORE_FULL, STORE_CLOSED. What fails leaves no file.
   */
  write(file: string): Promise<Backup>
  /** Returns a copy to be read once, of which nothing stays. Throws as `write` does. */
  read(): Promise<Backup & { content: Readable }>
}

/** Returns what makes copies of a store. Throws BACKUP_UNSUPPORTED. */
export function backupsOf({ kind, backups }: { kind: string; backups?: Backups }): Backups {
  if (backups !== undefined) return backups
  const message =
    kind === 'mongodb'
      ? 'The tasks are in MongoDB, which is backed up by its own tools: mongodump --oplog, or a snapshot of a member of the replica set.'
      : 'This store has no file that could be backed up.'
  throw new QuillworkError('BACKUP_UNSUPPORTED', message)
}
