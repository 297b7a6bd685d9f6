import type { Collection } from 'mongodb'
import type { OpenableDatabase } from './database.ts'
import type { PayloadDocument, TaskDocument } from './documents.ts'

/** What the parts of this adapter share. */
export interface Session {
  database: OpenableDatabase
  tasks: Collection<TaskDocument>
  payloads: Collection<PayloadDocument>
  /** The server's time, epoch milliseconds, as far as this process knows it; its own clock may jump. */
  now(): number
  /**
   * The server's time within a pipeline update or an `$expr`: `$$NOW`. With an injected clock, the date that it tells.
   */
  serverNow(): '$$NOW' | Date
  /** Fresh for each process start, for tokens and for the names of writes. */
  processId: string
}
