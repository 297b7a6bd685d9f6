import type { ControlMessage, RemoteBroker } from '../broker/broker.ts'
import { startLoop } from '../runtime/loop.ts'
import { hasEnded } from '../task/status.ts'
import { announceEvents } from './announce.ts'
import type { Core } from './core.ts'
import { askForWaiters } from './handle.ts'

/** Milliseconds between two asks for the ends that somebody waits for: where no events tell them, and where those may get lost. */
const askEveryMs = { untold: 1_000, told: 5_000 } as const
/** Milliseconds between two reports of this process. */
const reportEveryMs = 10_000

/** What ties this process to the others; a client has it too. */
export interface Link {
  /** Calls back when events of other processes may have been missed. Returns an unsubscribe function. */
  onGap(listener: () => void): () => void
  stop(): Promise<void>
}

const noLink: Link = { onGap: () => () => undefined, stop: async () => undefined }

/** Ties this process to the others: control messages, events both ways, and a sign of life. */
export function createLink(core: Core): Link {
  const { remote } = core.broker
  if (remote === undefined) return noLink
  const gapListeners = new Set<() => void>()
  core.store.outbox.useDelayTiers?.(remote.delays)
  core.store.outbox.keepNotifications?.()
  const stopControl = remote.onControl(message => obey(core, message))
  const stopAnnouncing = core.store.events === undefined ? undefined : announceEvents(core, core.store.events)
  const askMs = remote.tellsEvents ? askEveryMs.told : askEveryMs.untold
  const asking = startLoop({ clock: core.clock, everyMs: askMs, step: () => ask(core) })
  gapListeners.add(() => asking.wake())
  let stopListening: (() => void) | undefined
  // A process that nobody asks what happens elsewhere, such as a worker, is spared the events of all the others.
  core.listenToOthers = () => {
    if (!core.stopping) stopListening ??= listenToOthers(core, remote, gapListeners)
  }
  const reporting = startLoop({ clock: core.clock, everyMs: reportEveryMs, step: () => report(core) })
  reporting.wake()
  return {
    onGap(listener) {
      gapListeners.add(listener)
      return () => gapListeners.delete(listener)
    },
    async stop() {
      stopControl()
      stopListening?.()
      await Promise.all([asking.stop(), reporting.stop(), stopAnnouncing?.()])
      await core.store.nodes?.remove(core.settings.nodeId).catch(() => undefined)
    },
  }
}

function listenToOthers(core: Core, remote: RemoteBroker, gapListeners: ReadonlySet<() => void>): () => void {
  if (!remote.tellsEvents) return () => undefined
  const ends = createEndReader(core)
  const stop = remote.onEvents({
    event(event) {
      core.live.emit(event)
      if (event.name === 'started') core.outputNews.tell(event.taskId)
      if ('status' in event && hasEnded(event.status) && core.waiters.isWaitedFor(event.taskId))
        ends.read(event.taskId)
    },
    gap: () => {
      for (const listener of gapListeners) listener()
    },
  })
  return () => {
    ends.stop()
    stop()
  }
}

/** Reads how tasks ended, for those who wait for them: the ends of one moment together. */
function createEndReader(core: Core): { read(taskId: string): void; stop(): void } {
  const ended = new Set<string>()
  let cancelTimer: (() => void) | undefined
  function readAll(): void {
    cancelTimer = undefined
    const ids = [...ended]
    ended.clear()
    void askForWaiters(core, ids).catch(error => core.log.warn({ err: error }, 'an end could not be read'))
  }
  return {
    read(taskId) {
      ended.add(taskId)
      cancelTimer ??= core.clock.after(0, readAll)
    },
    stop: () => cancelTimer?.(),
  }
}

/** What another process says; whoever misses it learns it from the store. */
function obey(core: Core, message: ControlMessage): void {
  if (message.kind === 'cancel') cancelHere(core, message)
  else if (message.kind === 'lanes') core.wakeRelay()
  else if (core.limiter.isShared !== true) {
    core.limiter
      .park(message.key, message.until)
      .catch(error => core.log.warn({ err: error }, 'a key could not be parked'))
  }
}

function cancelHere(core: Core, { taskId, attempt }: { taskId: string; attempt: number }): void {
  const held = core.running.get(taskId)
  if (held === undefined || held.record.attempt !== attempt) return
  held.record.cancelRequestedAt ??= core.store.tasks.now()
  held.interrupt('cancelled')
}

async function ask(core: Core): Promise<undefined> {
  try {
    await askForWaiters(core, core.waiters.waitedFor())
  } catch (error) {
    core.log.warn({ err: error }, 'the store could not be asked for the ends that somebody waits for')
  }
}

const startedAt = Date.now()

async function report(core: Core): Promise<undefined> {
  const { nodeId, roles, lanes } = core.settings
  const slots = roles.has('worker')
    ? Object.fromEntries([...lanes].map(([lane, { slots }]) => [lane, slots]))
    : {}
  try {
    await core.store.nodes?.report({
      nodeId,
      roles: [...roles],
      lanes: slots,
      running: core.running.size,
      startedAt,
      pid: process.pid,
      host: nodeId.slice(0, nodeId.lastIndexOf('-')),
    })
  } catch (error) {
    core.log.warn({ err: error }, 'this process could not report itself')
  }
}
