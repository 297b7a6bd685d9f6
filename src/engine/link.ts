import type { ControlMessage, HeardEvents, RemoteBroker } from '../broker/broker.ts'
import type { Clock } from '../runtime/clock.ts'
import { createEmitter, type Emitter } from '../runtime/emitter.ts'
import { gatherCalls } from '../runtime/gather.ts'
import { startLoop } from '../runtime/loop.ts'
import type { EventOutbox, NodeState, PendingEvents, Store } from '../store/store.ts'
import type { SequencedEvent } from '../task/events.ts'
import { hasEnded } from '../task/status.ts'
import type { Attempt } from './attempt.ts'
import { createEventGate } from './confirm-events.ts'
import type { Core, Peers } from './core.ts'
import { findEnds } from './handle.ts'
import { extendLeases } from './lease.ts'
import { describeProcess } from './processes.ts'
import { parkLimit } from './wake.ts'

/** Milliseconds between two look-ups of ends that are waited for: where no events report them, and where events may get lost. */
const endsEveryMs = { withoutEvents: 1_000, withEvents: 5_000 } as const
/** Milliseconds between two reports of this process. */
const reportEveryMs = 10_000

/** What ties this process to the others; a client has it too. */
export interface Link {
  /** Listens to gaps: events of other processes may have been missed. Returns an unsubscribe function. */
  onGap(listener: () => void): () => void
  /** Tells the others what this process runs from now on. */
  report(): void
  stop(): Promise<void>
}

const noLink: Link = { onGap: () => () => undefined, report: () => undefined, stop: async () => undefined }

/** Ties this process to the others: control messages, events both ways, and a sign of life. */
export function createLink(core: Core): Link {
  const { remote } = core.broker
  if (remote === undefined) return noLink
  const gaps = createEmitter(error => core.log.error({ err: error }, 'gap listener failed'))
  core.store.outbox.useDelayTiers?.(remote.delays)
  core.store.outbox.keepNotifications?.()
  core.store.partitions?.share(partitions => remote.sendControl({ kind: 'lanes', partitions }))
  const cancels = createCancelReader(core)
  const stopControl = remote.onControl(message => {
    if (message.kind === 'cancel') cancels.read(message)
    else control(core, message)
  })
  const stopPublishing = core.store.events === undefined ? undefined : publishEvents(core, core.store.events)
  const everyMs = remote.publishesEvents ? endsEveryMs.withEvents : endsEveryMs.withoutEvents
  const finding = startLoop({ clock: core.clock, everyMs, step: () => findEndsQuietly(core) })
  gaps.on(() => finding.wake())
  let heard: HeardEvents | undefined
  const stopListening: (() => void)[] = []
  // A process without listeners, such as a worker, receives no events of the others, and one that waits for results the ends alone.
  core.listenToOthers = which => {
    if (core.stopping || heard === 'all' || heard === which) return
    heard = which
    stopListening.push(which === 'all' ? listenToAll(core, remote, gaps) : listenToEnds(core, remote, gaps))
  }
  const reporting = startLoop({ clock: core.clock, everyMs: reportEveryMs, step: () => report(core) })
  reporting.wake()
  return {
    onGap: gaps.on,
    report: reporting.wake,
    async stop() {
      stopControl()
      for (const stop of stopListening) stop()
      await Promise.all([cancels.stop(), finding.stop(), reporting.stop(), stopPublishing?.()])
      await core.store.nodes?.remove(core.settings.nodeId).catch(() => undefined)
    },
  }
}

/** Handles a message of another process. What gets lost is learnt from the store. */
function control(core: Core, message: Exclude<ControlMessage, { kind: 'cancel' }>): void {
  if (message.kind === 'lanes' && message.partitions !== undefined)
    core.store.partitions?.becameDue(message.partitions)
  else if (message.kind === 'lanes') {
    core.wakeRelay()
    core.wakeSchedules()
    void core.operatorValues.refresh()
  } else if (core.limiter.isShared !== true) void parkLimit(core, message.key, message.until)
}

/**
 * Reads whether attempts that run here were asked to stop. A message alone stops none, for anybody who may write to the broker can send one: it
 * has the lease extended early, which tells what the record says. Messages that come meanwhile are one more write together.
 */
function createCancelReader(core: Core) {
  const named = new Set<Attempt>()
  const step = async () => {
    const attempts = [...named].filter(attempt => core.running.get(attempt.record.id) === attempt)
    named.clear()
    await extendLeases(core, attempts)
    return undefined
  }
  const reading = startLoop({ clock: core.clock, everyMs: core.settings.leaseMs, step })
  return {
    read({ taskId, attempt }: { taskId: string; attempt: number }) {
      const held = core.running.get(taskId)
      if (held?.record.attempt !== attempt || held.interruption === 'cancelled') return
      named.add(held)
      reading.wake()
    },
    stop: reading.stop,
  }
}

/** Resolves the waits for results of tasks that end elsewhere. */
function listenToEnds(core: Core, remote: RemoteBroker, gaps: Emitter): () => void {
  if (!remote.publishesEvents) return () => undefined
  const ends = createEndReader(core)
  const stop = remote.onEvents({ event: event => noteEnd(core, ends, event), gap: () => gaps.emit() }, 'ends')
  return () => {
    ends.stop()
    stop()
  }
}

/** As `listenToEnds`, and shows the events to those who watch. */
function listenToAll(core: Core, remote: RemoteBroker, gaps: Emitter): () => void {
  if (!remote.publishesEvents) return () => undefined
  const ends = createEndReader(core)
  const gate = createEventGate(core, { show: event => core.live.emit(event), lost: () => gaps.emit() })
  const stop = remote.onEvents({
    event(event) {
      if (core.live.wants(event.name)) gate.take(event)
      if (event.name === 'started') core.outputSignals.emit(event.taskId)
      noteEnd(core, ends, event)
    },
    gap: () => gaps.emit(),
  })
  return () => {
    ends.stop()
    gate.stop()
    stop()
  }
}

function noteEnd(core: Core, ends: EndReader, event: SequencedEvent): void {
  if (!('status' in event) || !hasEnded(event.status)) return
  if (core.waiters.isWaitedFor(event.taskId)) ends.read(event.taskId)
  else if (core.waiters.recent(event.taskId, -1) === undefined) core.waiters.endedElsewhere(event.taskId)
}

type EndReader = ReturnType<typeof createEndReader>

/** Reads how tasks ended that are waited for: the ends of one moment together. */
function createEndReader(core: Core): { read(taskId: string): void; stop(): void } {
  const ended = new Set<string>()
  const reading = gatherCalls(core.clock, 0, () => {
    const ids = [...ended]
    ended.clear()
    void findEndsQuietly(core, ids)
  })
  return {
    read(taskId) {
      ended.add(taskId)
      reading.soon()
    },
    stop: reading.cancel,
  }
}

async function findEndsQuietly(core: Core, ids?: readonly string[]): Promise<undefined> {
  await findEnds(core, ids).catch(error => {
    core.log.warn({ err: error }, 'result lookup failed; will retry')
  })
}

async function report(core: Core): Promise<undefined> {
  try {
    await core.store.nodes?.report(describeProcess(core))
  } catch (error) {
    core.log.warn({ err: error }, 'node report failed; will retry')
  }
}

/** Milliseconds for which an answer of the store is used. */
const peersKeptForMs = 2_000
/** Tasks that were left whose number is remembered. */
const mostLeft = 10_000

/** Returns the peers of a process. They are asked for only when something comes that it cannot run. */
export function createPeers({ nodes, tasks }: Pick<Store, 'nodes' | 'tasks'>, clock: Clock): Peers {
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  /** When a live process was last known that runs a type, by the version of its parameters. */
  const seen = new Map<string, Map<number, number>>()
  let live: readonly NodeState[] = []
  /** How often tasks were left, by id. */
  const left = new Map<string, number>()

  async function read(): Promise<void> {
    try {
      live = (await nodes?.list()) ?? []
      const now = tasks.now()
      for (const { types = {} } of live)
        for (const [type, version] of Object.entries(types))
          seen.set(type, (seen.get(type) ?? new Map<number, number>()).set(version, now))
    } catch {
      // What was known stands. The store says by every other way that it is away.
    }
    readAt = clock.monotonic()
    reading = undefined
  }

  return {
    async canRun({ taskType, version, lane }) {
      if (clock.monotonic() - readAt > peersKeptForMs) {
        reading ??= read()
        await reading
      }
      return live.some(
        ({ types = {}, lanes }) =>
          (types[taskType] ?? Number.NEGATIVE_INFINITY) >= version && (lanes[lane] ?? 0) > 0,
      )
    },
    leave(taskId) {
      const times = (left.get(taskId) ?? 0) + 1
      if (left.size >= mostLeft) left.clear()
      left.set(taskId, times)
      return times
    },
    lastSeen(taskType, version) {
      const times = [...(seen.get(taskType) ?? [])].flatMap(([known, at]) => (known >= version ? at : []))
      return times.length === 0 ? undefined : Math.max(...times)
    },
  }
}

/** Milliseconds over which events are gathered before they are published: a few writes of a task, and those of its neighbours, go together. */
const gatherMs = 15
/** Records per step. */
const perStep = 200
/** Milliseconds between look-ups of what another process left unpublished. */
const leftBehindEveryMs = 2_000
/** Milliseconds of the longest pause after a step of which nothing was confirmed. */
const longestPauseMs = 30_000

/**
 * Publishes events to other processes and services: they leave the record's outbox in order, at least once. Progress, which is in no
 * outbox, is published once and may be lost. Returns a function that stops, once what is pending was published.
 */
function publishEvents(core: Core, outbox: EventOutbox): () => Promise<void> {
  const remote = core.broker.remote
  if (remote === undefined || !remote.publishesEvents) return async () => undefined
  outbox.keep()
  /** When what others left behind is looked up, and until when nothing is published: by the monotonic clock. */
  let leftBehindAt = Number.NEGATIVE_INFINITY
  let pauseUntil = Number.NEGATIVE_INFINITY
  let pauseMs = 0

  async function step(): Promise<number | undefined> {
    try {
      const now = core.clock.monotonic()
      const { connected, blocked } = remote?.health() ?? { connected: false, blocked: false }
      if (!connected || blocked || now < pauseUntil) return undefined
      const leftBehind = now >= leftBehindAt
      const pending = await outbox.due(perStep, { leftBehind })
      const isFull = pending.length >= perStep
      // What is left behind may be much more than one look-up finds.
      if (leftBehind) leftBehindAt = isFull ? now : now + leftBehindEveryMs
      if (pending.length === 0) return undefined
      const published = await publishPending(core, outbox, pending)
      pauseMs = published > 0 ? 0 : Math.min(longestPauseMs, Math.max(1_000, pauseMs * 2))
      pauseUntil = now + pauseMs
      return isFull && published > 0 ? 0 : undefined
    } catch (error) {
      core.log.error({ err: error }, 'event publication failed; will retry')
      return undefined
    }
  }

  const loop = startLoop({ clock: core.clock, everyMs: leftBehindEveryMs, step })
  const waking = gatherCalls(core.clock, gatherMs, loop.wake)
  const stopListening = outbox.onPending(waking.soon)
  const stopProgress = core.bus.on('progress', event => {
    remote.publishEvents([event]).catch(error => {
      core.log.error({ err: error, taskId: event.taskId }, 'progress publication failed')
    })
  })
  return async () => {
    stopListening()
    stopProgress()
    await loop.stop()
    await step()
  }
}

/** Returns the number of records of which something was confirmed. */
async function publishPending(
  core: Core,
  outbox: EventOutbox,
  pending: readonly PendingEvents[],
): Promise<number> {
  const events = pending.flatMap(record => record.events)
  const published = (await core.broker.remote?.publishEvents(events)) ?? []
  const confirmed = new Set<SequencedEvent>(events.filter((_, index) => published[index] === 'confirmed'))
  const done = pending.flatMap(({ taskId, events: own }) => {
    const firstOpen = own.findIndex(event => !confirmed.has(event))
    const last = own[(firstOpen < 0 ? own.length : firstOpen) - 1]
    return last?.sequence === undefined ? [] : [{ taskId, sequence: last.sequence }]
  })
  if (done.length > 0) await outbox.published(done)
  return done.length
}
