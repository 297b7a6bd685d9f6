/**
 * One process of a simulation. What decides is the engine's own code: partitions, polls, the outbox, the fair order, the counts of the queue and the
 * relay. What runs a task around it is retold in short: claims, ends and events, with the commands that each of them costs.
 */
import { QueueDepth } from '../../../src/broker/rabbitmq/queue-depth.ts'
import type { Core } from '../../../src/engine/core.ts'
import { send, startRelay } from '../../../src/engine/relay.ts'
import { createEmitter } from '../../../src/runtime/emitter.ts'
import { createLazyWrites, gather, gatherCalls } from '../../../src/runtime/gather.ts'
import { silentLog } from '../../../src/runtime/log.ts'
import { startLoop } from '../../../src/runtime/loop.ts'
import { createFairOrder, createPausedLanes } from '../../../src/store/mongodb/lanes.ts'
import { createInFlightDeliveries, createOutbox } from '../../../src/store/mongodb/outbox.ts'
import { createPartitions } from '../../../src/store/mongodb/partitions.ts'
import { createPoll } from '../../../src/store/mongodb/poll.ts'
import { deliveryOf } from '../../../src/store/mongodb/relay.ts'
import { createWrittenEvents, DirtyFlags, type Session } from '../../../src/store/mongodb/session.ts'
import type { Delivery } from '../../../src/store/store.ts'
import type { CountingBroker } from './broker.ts'
import type { CountingStore, Life, Task } from './store.ts'
import type { VirtualTime } from './time.ts'

/** What the processes of a simulation share. */
export interface World {
  time: VirtualTime
  store: CountingStore
  broker: CountingBroker
}

/** How a process is. */
export interface ProcessOptions {
  id: string
  /** 0: a client, which submits and runs nothing. */
  slots: number
  /** Whether dispatch partitions are leased; otherwise every process looks at all tasks. */
  sharesPartitions: boolean
  /** Returns how long a task runs, milliseconds. */
  runsMs(): number
  /** Whether it waits for the results of what it submits. */
  awaitsResults: boolean
}

const lane = 'default'
const together = { largest: 1_000 }

/** Builds what a process knows of the store: the parts of `createMongoStore` that decide who sends what. */
function openSession({ time, store, broker }: World, life: Life, { id, sharesPartitions }: ProcessOptions) {
  const now = () => time.now
  const serverNow = () => new Date(now())
  const flags = new DirtyFlags(now)
  const due = createEmitter()
  const notified = () => {
    flags.isNotified = true
    due.emit()
  }
  const { database, tasks, relays, lanes } = store.connect(life)
  const source = { database, relays, now, serverNow, relayId: id, notified }
  const shared = createPartitions(source as unknown as Parameters<typeof createPartitions>[0])
  // Until they are shared a process holds all. What became due is told to all others then, at most ten times a second.
  const tellAll = gatherCalls(time.clock, 100, () => broker.control([])).soon
  const everywhere = { holds: () => false, becameDueIn: tellAll, becameDueAnywhere: tellAll }
  const partitions = sharesPartitions ? shared : { ...shared, ...everywhere }
  if (sharesPartitions) partitions.share(named => broker.control(named))
  broker.onControl(named => {
    if (!life.isDead) partitions.becameDue(named)
  })
  let names = 0
  const context = {
    ...{ database, tasks, relays, lanes, now, serverNow, processId: id, flags, partitions },
    nextName() {
      names += 1
      return `${id}/${names}`
    },
    order: createFairOrder({ database, tasks, partitions, now } as unknown as Session),
    paused: createPausedLanes(database as unknown as Session['database'], lanes as never, now),
    writtenEvents: createWrittenEvents(),
    resendAfter: { unconfirmed: 5_000, confirmed: 30_000 },
    features: { events: false, notifications: false, delays: [] },
    notifyDue: () => due.emit(),
    requireOpen: () => undefined,
    // No task here has a parent.
    parents: { set: () => undefined },
  } as unknown as Session
  const inFlight = createInFlightDeliveries(context)
  const session: Session = { ...context, inFlight, poll: createPoll(context) }
  return { session, database, outbox: { ...createOutbox(session, due), pendingParents: async () => [] } }
}

/** Starts a process. */
export function startProcess(world: World, options: ProcessOptions) {
  const { time, store, broker } = world
  const { clock } = time
  const life: Life = { isDead: false }
  const { session, database, outbox } = openSession(world, life, options)
  const { inFlight, flags, partitions, writtenEvents, order } = session
  const depth = new QueueDepth({ window: 2, log: silentLog } as never, () => core.wakeRelay())
  const core = {
    ...{
      clock,
      log: silentLog,
      store: { outbox, tasks: { now: session.now } },
      saturated: new Set<string>(),
    },
    settings: { lanes: new Map([[lane, { slots: options.slots }]]), roles: new Set(['worker']) },
    broker: {
      capacity: (name: string) => depth.capacity(name),
      isEmpty: (name: string) => depth.isEmpty(name),
      takesUrgent: (name: string) => depth.takesUrgent(name),
      remote: {},
      async publish(deliveries: readonly Delivery[]) {
        depth.sent(lane, deliveries.length)
        const published = await broker.publish(deliveries)
        depth.answered(lane, deliveries.length, deliveries.length)
        return published
      },
    },
    quarantine: { probationFirst: false, isTaken: false, isLong: false },
    wakeRelay: () => undefined,
  } as unknown as Core
  const held = new Set<Delivery>()
  const awaited = new Set<string>()

  // As `claimAll`: one command for one claim, a write and a read for several.
  const claim = gather(async (deliveries: Delivery[]) => {
    await session.paused.current()
    const write = () => deliveries.map(({ taskId, attempt }) => store.claim(taskId, attempt, options.id))
    const claimed = await database.run('claim', write)
    if (deliveries.length > 1) await database.run('find claimed', () => undefined)
    if (claimed.includes(undefined)) await database.run('which are sub-tasks', () => undefined)
    const tasks = claimed.filter(task => task !== undefined)
    for (const task of tasks) {
      inFlight.claimed(task._id, false)
      order.passed(task)
    }
    writtenEvents.note(tasks.map(({ _id }) => _id))
    return claimed
  }, together)

  // As `applyAll`, of tasks that completed.
  const settle = gather(async (tasks: Task[]) => {
    await database.run('apply', () => store.complete(tasks))
    writtenEvents.note(tasks.map(({ _id }) => _id))
    session.notifyDue()
    return tasks
  }, together)

  async function run(delivery: Delivery, done: () => void): Promise<void> {
    held.add(delivery)
    depth.taken(lane)
    const [task] = await claim.send([delivery])
    if (task === undefined) {
      await database.run('look up', () => undefined)
      clock.after(1_000, () => outbox.requeue([delivery.taskId]))
    } else {
      await new Promise<void>(ends => clock.after(options.runsMs(), ends))
      await settle.send([task])
    }
    held.delete(delivery)
    done()
  }

  // As `createAll`: what the broker has capacity for is sent by the process that creates it, and is not put in line.
  const create = gather(async (users: string[]) => {
    const sends = depth.capacity(lane) > 0
    const places = users.map(userId => ({ userId, lane, priority: 1 }))
    if (sends) await session.paused.current()
    else await order.refresh(places)
    const tasks = places.map(place => newTask(session, place, sends))
    await database.run('create', () => store.insert(tasks))
    afterwards(tasks, sends)
    return tasks
  }, together)

  function afterwards(tasks: readonly Task[], sends: boolean): void {
    for (const task of tasks) {
      if (options.awaitsResults) awaited.add(task._id)
      if (task.sent !== undefined) {
        inFlight.addNew(task._id, task.sent.by)
        order.passed(task)
      } else if (partitions.holds(task.partition)) flags.setReady(lane)
      else partitions.becameDueIn(task.partition)
    }
    writtenEvents.noteUnclaimed(tasks.map(({ _id }) => _id))
    session.notifyDue()
    if (sends)
      void send(
        core,
        tasks.map(task => deliveryOf({ ...task, parametersVersion: 0 })),
      )
  }

  depth.add(lane, lane)
  if (options.slots > 0) {
    const relay = startRelay(core)
    core.wakeRelay = relay.wake
    outbox.onDue(relay.wake)
    relay.wake()
    broker.consume(life, options.slots, (delivery, done) => void run(delivery, done))
    depth.addSlots(lane, options.slots)
    startUpkeep(world, database, () => held.size > 0)
  }
  void depth.plan.ready({ checkQueue: () => broker.checkQueue() } as never)
  publishEvents(world, options.id, { session, database })
  if (options.awaitsResults) awaitEnds(world, database, awaited)

  return {
    submit: (users: readonly string[]) => create.send(users),
    /** As `createTogether`: in a transaction, all in line. */
    async submitTogether(users: readonly string[]): Promise<void> {
      const places = users.map(userId => ({ userId, lane, priority: 1 }))
      await order.refresh(places)
      const tasks = places.map(place => newTask(session, place, false))
      for (let from = 0; from < tasks.length; from += 500)
        await database.run('create', () => store.insert(tasks.slice(from, from + 500)))
      await database.run('commit', () => undefined)
      afterwards(tasks, false)
    },
    /** Ends the process at once. What it held goes back to the broker. */
    kill(): void {
      life.isDead = true
      broker.lost(options.slots, [...held])
    },
  }
}

let tasksMade = 0

function newTask(
  session: Session,
  place: { userId: string; lane: string; priority: number },
  sends: boolean,
): Task {
  tasksMade += 1
  const by = session.nextName()
  const at = new Date(session.now())
  return {
    ...{
      _id: `task-${tasksMade}`,
      ...place,
      taskType: 'Noop',
      status: 'QUEUED',
      partition: session.partitions.of(place.userId),
    },
    ...{ attempt: 0, crashCount: 0, retryCount: 0, rank: session.order.rankFor(place), order: tasksMade },
    ...(sends
      ? { sent: { queue: lane, by, at, confirmed: false }, lostAt: new Date(session.now() + 5_000) }
      : {}),
    ...{ createdAt: session.now(), eventBy: session.processId, events: 1 },
  }
}

type Known = Pick<ReturnType<typeof openSession>, 'session' | 'database'>

/** As `publishEvents` and the outbox of events: read 15 ms after they were written, published, and dropped 200 ms later. */
function publishEvents({ time, store, broker }: World, id: string, { session, database }: Known): void {
  const { writtenEvents } = session
  const drops = createLazyWrites<boolean>(200, () => database.run('drop events', () => undefined))
  async function step(): Promise<number | undefined> {
    const ids = writtenEvents.take(200)
    if (ids.length === 0) return undefined
    const found = await database.run('read events', () => ids.flatMap(each => store.tasks.get(each) ?? []))
    const ours = found.filter(({ eventBy, events }) => eventBy === id && events > 0)
    const events = ours.reduce((sum, task) => sum + task.events, 0)
    for (const task of ours) {
      task.events = 0
      drops.set(task._id, true)
    }
    const ends = ours.flatMap(({ _id, status }) => (status === 'COMPLETED' ? _id : []))
    if (events > 0) await broker.publishEvents(events, ends)
    if (ours.some(({ attempt }) => attempt === 0)) await drops.flush()
    return ids.length === 200 ? 0 : undefined
  }
  const loop = startLoop({ clock: time.clock, everyMs: 2_000, step })
  writtenEvents.onPending(gatherCalls(time.clock, 15, loop.wake).soon)
}

/** The sweep, the heartbeat and the report of a process, which has the role maintenance too. */
function startUpkeep({ time: { clock } }: World, database: Known['database'], runs: () => boolean): void {
  const ask = (...operations: string[]) =>
    Promise.all(operations.map(each => database.run(each, () => undefined)))
  const every = (everyMs: number, step: () => Promise<unknown>) =>
    startLoop({ clock, everyMs, step: () => step().then(() => undefined) })
  every(5_000, () => ask('overdue tasks', ...(runs() ? ['trim', 'trim'] : [])))
  every(10_000, () => ask('report'))
  every(10_000, async () => (runs() ? [await ask('extend'), await ask('read leases')] : []))
}

/** As `findEnds`: the ends that one message tells are read together, and all that are waited for every five seconds. */
function awaitEnds(
  { time: { clock }, broker }: World,
  database: Known['database'],
  awaited: Set<string>,
): void {
  const ended = new Set<string>()
  const read = () => void database.run('read ends', () => undefined)
  const reading = gatherCalls(clock, 0, () => {
    for (const id of ended) awaited.delete(id)
    ended.clear()
    read()
  })
  broker.onEnds(id => {
    if (!awaited.has(id)) return
    ended.add(id)
    reading.soon()
  })
  const step = async () => {
    for (let from = 0; from < awaited.size; from += 500) read()
    return undefined
  }
  startLoop({ clock, everyMs: 5_000, step })
}
