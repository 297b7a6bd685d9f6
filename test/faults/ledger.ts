import { type Entry, jsonLines } from '../process/crash/ledger.ts'

/** What the processes of a fault row write down beside what those of the crash tests do. */
type More =
  | { is: 'unheard'; key: string; code: string }
  | { is: 'attempt-over'; taskId: string; attempt: number; name: string; boot: number; notBefore?: number }
  | { is: 'late'; taskId: string; attempt: number; write: string; answer: string }
  | { is: 'signalled'; taskId: string; attempt: number; afterMs: number }
  | { is: 'logged'; level: 'warn' | 'error'; message: string; error?: string; boot: number }
  | ({ is: 'broker'; boot: number } & BrokerState)
  /** A process stopped itself at a named point, until it is told to go on. */
  | { is: 'stopped'; at: string; boot: number }
  /** A process has begun an operation of the store that it will never send. */
  | { is: 'held'; at: string; boot: number }
  /** A fault that the row caused or observed; `boot` where it hit one process. */
  | { is: 'fault'; name: string; boot?: number }
  /** Everything is as it should be again. */
  | { is: 'fault-over'; name: string }

/** What a process knows of its connection to the broker. */
export interface BrokerState {
  connected: boolean
  blocked: boolean
  reconnects: number
  returned: number
  unconfirmed: number
  problems: readonly string[]
}

/** What happened. */
export type Noted = Entry | More

/** One line of the ledger: what happened, and when in epoch milliseconds. All processes of a run append to one file, in order. */
export type Line = Noted & { ms: number }

/** The lines of one kind. */
export function linesOf<K extends Line['is']>(lines: readonly Line[], is: K): (Line & { is: K })[] {
  return lines.filter((line): line is Line & { is: K } => line.is === is)
}

const crashKinds: ReadonlySet<string> = new Set<Entry['is']>([
  'boot',
  'killed',
  'asked',
  'accepted',
  'cancel-asked',
  'cancel-accepted',
  'started',
  'step',
  'step-kept',
  'effect',
  'ended',
])

/** The lines that the crash tests know too, for what is checked alike. */
export function entriesIn(lines: readonly Line[]): Entry[] {
  return lines.filter((line): line is Entry & { ms: number } => crashKinds.has(line.is))
}

/** Reads the ledger. */
export function readLines(file: string): Line[] {
  return jsonLines(file) as Line[]
}
