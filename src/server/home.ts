import type { UploadFiles } from '../novel/index.ts'
import type { Records } from '../records/records.ts'
import type { LaneStore } from '../store/store.ts'
import type { StoreTransfer } from '../store/transfer.ts'

/** Where tasks and novels live, opened to be moved as a whole. */
export interface Home {
  /** For people; without secrets. */
  readonly shown: string
  readonly tasks: StoreTransfer
  readonly lanes: LaneStore
  /** Of the store, and of the library. */
  readonly records: Records
  readonly uploads: UploadFiles
  /** Where the uploaded files are, for people. */
  readonly uploadsShown: string
  /** What was closed to other users when it was opened, as `closeToOthers` returns it. */
  readonly closed: readonly string[]
  /** Throws STORE_LOCKED when a process uses it. */
  requireUnused(): Promise<void>
  /** Takes it to be filled; what a move that was cut off left is deleted. Throws STORE_NOT_EMPTY. */
  begin(from: string): Promise<void>
  /** All is there and was compared: from now on it can be used. */
  finish(): Promise<void>
  close(): Promise<void>
}

/** How a home is opened. */
export interface HomeOptions {
  /** Where it is. */
  address: string
  /** It is to be filled. */
  isTarget: boolean
  /** The MongoDB database; default: the one that the address names. */
  database?: string | undefined
  /** The folder of uploaded files beside an SQLite file. */
  uploads: string
  /** As the setting of that name. */
  allowOpenData: boolean
}
