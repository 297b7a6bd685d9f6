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
      await worker.ended
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

/** Attempts that have begun and not ended, on one process or on all. */
export function running(lines: readonly Line[], boot?: number): number {
  const now = new Set<string>()
  for (const line of lines) {
    if (boot !== undefined && (!('boot' in line) || line.boot !== boot)) continue
    if (line.is === 'started') now.add(line.taskId)
    if (line.is === 'ended' || line.is === 'attempt-over') now.delete(line.taskId)
  }
  return now.size
}

/** Lets a fault last for a while, in milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
