import type { DatabaseFile } from './database.ts'
import type { Statements } from './statements.ts'
import type { Tally } from './tally.ts'
import type { Window } from './window.ts'

/** What the parts of this adapter share. */
export interface Session {
  file: DatabaseFile
  sql: Statements
  tally: Tally
  window: Window
  /** Epoch milliseconds. */
  now(): number
}

/** The suffix of a queue whose tasks crashed their last attempt: they are handed out one at a time. */
export const suspectSuffix = '~suspect'

/** The queue of a lane for a task. */
export function queueOf(lane: string, suspect: boolean): string {
  return suspect ? lane + suspectSuffix : lane
}
