import { withMore } from '../process/crash/children.ts'
import type { Line } from './ledger.ts'
import type { ProcessOptions, Running, System } from './system.ts'

/** Starts several processes alike. */
export async function startAll(
  system: System,
  count: number,
  options: ProcessOptions = {},
): Promise<Running[]> {
  return Promise.all(Array.from({ length: count }, () => system.start(options)))
}

/** Kills a worker and starts another one. */
export async function replace(system: System, victim: Running | undefined): Promise<Running> {
  system.fault('kill -9', victim?.boot)
  victim?.signal('SIGKILL')
  await victim?.ended
  return system.start()
}

/** Starts a process again whenever it ends, as a service manager does. */
export function supervise(system: System, count: number, options: ProcessOptions): { stop(): Promise<void> } {
  let stopped = false
  const now = new Set<Running>()
  const loops = Array.from({ length: count }, async () => {
    while (!stopped) {
      const worker = system.spawn(options)
      now.add(worker)
      // As long as it lives: nobody has asked it to end.
      await worker.closed
      now.delete(worker)
      if (!stopped) system.fault('the process ended', worker.boot)
    }
  })
  return {
    async stop() {
      stopped = true
      for (const worker of now) worker.signal('SIGTERM')
      await Promise.all(loops)
    },
  }
}

/** How many attempts have begun and not ended, on one process or on all. */
export function running(lines: readonly Line[], boot?: number): number {
  return runningAttempts(lines, boot).size
}

/** The attempt of each task that has begun one and not ended it, on one process or on all. */
export function runningAttempts(lines: readonly Line[], boot?: number): ReadonlyMap<string, number> {
  const now = new Map<string, number>()
  for (const line of lines) {
    if (boot !== undefined && (!('boot' in line) || line.boot !== boot)) continue
    if (line.is === 'started') now.set(line.taskId, line.attempt)
    if (line.is === 'ended' || line.is === 'attempt-over') now.delete(line.taskId)
  }
  return now
}

/** What the API answered to a submission. */
export interface Answered {
  status: number
  /** Whether it says when to try again. */
  saysWhen: boolean
  taskId: string | undefined
}

/** Submits a leaf over HTTP, and writes down that it did and what it heard. Rejects where nobody answers. */
export async function submitOver(system: System, url: string, key: string): Promise<Answered> {
  system.note({ is: 'asked', key, index: 0, cancelled: false })
  const response = await fetch(`${url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ taskType: 'Leaf', parameters: { key, kind: 'quick', ms: 10 } }),
  })
  const { id: taskId } = (await response.json()) as { id?: string }
  if (response.status === 202 && taskId !== undefined) system.note({ is: 'accepted', key, taskId })
  return { status: response.status, saysWhen: response.headers.has('retry-after'), taskId }
}

/** Starts a process that serves the API and runs nothing. */
export async function startApi(system: System): Promise<Running & { url: string }> {
  const api = await system.start({ start: false, api: true })
  const { url } = await api.says('started')
  return withMore(api, { url: String(url) })
}

/** Lets a fault last for a while, in milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
