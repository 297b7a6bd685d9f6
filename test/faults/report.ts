import { spawnSync } from 'node:child_process'
import { hasEnded } from 'quillwork'
import type { Held } from '../process/crash/records.ts'
import { type Line, linesOf } from './ledger.ts'

/** What a run of a row has to tell, whether it passed or not. */
export interface Report {
  attempted: number
  acknowledged: number
  completed: number
  lost: number
  duplicated: number
  /** Submissions whose answer was lost, and that were found under their key. */
  recoveredUnknown: number
  fenced: number
  dead: number
  stuck: number
  faults: number
  /** Milliseconds from a fault until what it interrupted ran again: median, 95th percentile, longest. */
  recovery: readonly [number, number, number]
  /** How often something rare happened; a row asserts those that it is about. */
  sometimes: Readonly<Record<string, number>>
}

/** Counts what a run left behind. */
export function reportOf(held: Held, lines: readonly Line[]): Report {
  const asked = new Set(linesOf(lines, 'asked').map(({ key }) => key))
  const accepted = linesOf(lines, 'accepted')
  const ids = new Set(held.tasks.map(({ id }) => id))
  const ends = linesOf(lines, 'ended').map(({ taskId }) => taskId)
  const acknowledged = new Set(accepted.map(({ key }) => key))
  const statuses = held.tasks.map(({ status }) => status)
  return {
    attempted: asked.size,
    acknowledged: acknowledged.size,
    completed: statuses.filter(status => status.startsWith('COMPLETED')).length,
    lost: accepted.filter(({ taskId }) => !ids.has(taskId)).length,
    duplicated: ends.length - new Set(ends).size,
    recoveredUnknown: new Set(linesOf(lines, 'unheard').map(({ key }) => key)).size,
    fenced: logged(lines, 'stale attempt rejected') + refusedLate(lines),
    dead: statuses.filter(status => status === 'FAILED' || status === 'DEAD_LETTER').length,
    stuck: statuses.filter(status => !hasEnded(status)).length,
    faults: linesOf(lines, 'fault').length + linesOf(lines, 'killed').length,
    recovery: percentiles(recoveries(lines)),
    sometimes: {
      rescued: logged(lines, 'task rescued'),
      retried: linesOf(lines, 'attempt-over').filter(({ name }) => name === 'retrying').length,
      givenBack: linesOf(lines, 'attempt-over').filter(({ name }) => name === 'givenBack').length,
      returned: highest(lines, 'returned'),
      unconfirmed: highest(lines, 'unconfirmed'),
      reconnects: highest(lines, 'reconnects'),
    },
  }
}

/** The report as one line, with what is needed to make the run again. */
export function lineOf(row: string, seed: number, report: Report): string {
  const { recovery, sometimes, ...counts } = report
  const told = Object.entries({ ...counts, ...sometimes }).map(([name, count]) => `${name} ${count}`)
  const [median, most, longest] = recovery.map(Math.round)
  return `${row}: seed ${seed}, ${commit()}, Node ${process.versions.node}: ${told.join(', ')}, recovery ms p50 ${median} p95 ${most} max ${longest}`
}

/** How often the processes logged a message. */
export function logged(lines: readonly Line[], message: string): number {
  return linesOf(lines, 'logged').filter(line => line.message === message).length
}

/** Milliseconds from each fault of one process until each task that it interrupted began again, in the order of the faults. */
function recoveries(lines: readonly Line[]): number[] {
  const found: number[] = []
  for (const [at, fault] of lines.entries()) {
    if (fault.is !== 'fault' || fault.boot === undefined) continue
    const later = lines.slice(at)
    for (const [taskId, attempt] of runningOn(lines.slice(0, at), fault.boot)) {
      const next = later.find(line => 'taskId' in line && line.taskId === taskId && tellsOn(line, attempt))
      if (next?.is === 'started') found.push(next.ms - fault.ms)
    }
  }
  return found
}

/** Whether the line tells how a task went on: its next attempt, or that this one was over before the fault, only not written down. */
function tellsOn(line: Line, attempt: number): boolean {
  if (line.is === 'started') return line.attempt > attempt
  return (line.is === 'attempt-over' && line.name === 'waiting') || line.is === 'ended'
}

/** The attempts that a process had begun and not ended. */
function runningOn(lines: readonly Line[], boot: number): Map<string, number> {
  const running = new Map<string, number>()
  for (const line of lines) {
    if (!('boot' in line) || line.boot !== boot) continue
    if (line.is === 'started') running.set(line.taskId, line.attempt)
    if (line.is === 'ended' || line.is === 'attempt-over') running.delete(line.taskId)
  }
  return running
}

function refusedLate(lines: readonly Line[]): number {
  return linesOf(lines, 'late').filter(({ answer }) => answer !== 'applied').length
}

/** Each process counts for itself, from 0; the last count of each is added up. */
function highest(lines: readonly Line[], counter: 'returned' | 'unconfirmed' | 'reconnects'): number {
  const last = new Map<number, number>()
  for (const line of linesOf(lines, 'broker'))
    last.set(line.boot, Math.max(last.get(line.boot) ?? 0, line[counter]))
  return [...last.values()].reduce((sum, count) => sum + count, 0)
}

function percentiles(values: readonly number[]): [number, number, number] {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return [at(0.5), at(0.95), sorted.at(-1) ?? 0]
}

function commit(): string {
  const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' })
  return stdout?.trim() || 'no commit'
}
