import { existsSync, readFileSync } from 'node:fs'

/** What the child processes wrote down, in the order in which it happened. */
export type Entry =
  | { is: 'boot'; boot: number }
  | { is: 'killed'; at: string }
  | { is: 'asked'; key: string; index: number; cancelled: boolean }
  | { is: 'accepted'; key: string; taskId: string }
  | { is: 'cancel-asked' | 'cancel-accepted'; taskId: string }
  | { is: 'started' | 'step' | 'step-kept'; taskId: string; attempt: number; boot: number }
  | { is: 'effect'; taskId: string; attempt: number; boot: number; effectKey: string }
  | { is: 'ended'; taskId: string; attempt: number; boot: number; name: string }

/** Reads a ledger. */
export function readLedger(file: string): Entry[] {
  return jsonLines(file) as Entry[]
}

/** How each line of a ledger begins. */
const beginning = '{"is":'

/**
 * Reads the lines of a ledger. One that a kill cut off does not count, for what it tells had not been written down; another process may have gone on in
 * the same line.
 */
export function jsonLines(file: string): unknown[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  lines.pop()
  return lines.map(line => JSON.parse(line.slice(Math.max(0, line.lastIndexOf(beginning)))) as unknown)
}

/** The entries of one kind. */
export function entriesOf<K extends Entry['is']>(entries: readonly Entry[], is: K): (Entry & { is: K })[] {
  return entries.filter((entry): entry is Entry & { is: K } => entry.is === is)
}

/** Submissions that were asked for and never acknowledged: a client asks again, under the same key. */
export function unheard(entries: readonly Entry[]): { key: string; index: number }[] {
  const accepted = new Set(entriesOf(entries, 'accepted').map(({ key }) => key))
  const open = new Map<string, number>()
  for (const { key, index } of entriesOf(entries, 'asked')) if (!accepted.has(key)) open.set(key, index)
  return [...open].map(([key, index]) => ({ key, index }))
}

/** Tasks that were to be cancelled, whose cancel was never acknowledged. */
export function uncancelled(entries: readonly Entry[]): string[] {
  const wished = new Set(
    entriesOf(entries, 'asked').flatMap(({ key, cancelled }) => (cancelled ? [key] : [])),
  )
  const done = new Set(entriesOf(entries, 'cancel-accepted').map(({ taskId }) => taskId))
  const accepted = entriesOf(entries, 'accepted').filter(({ key }) => wished.has(key))
  return [...new Set(accepted.map(({ taskId }) => taskId))].filter(id => !done.has(id))
}
