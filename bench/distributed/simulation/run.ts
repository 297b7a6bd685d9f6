/** Runs of simulated processes, and what is counted of them. */
import { CountingBroker } from './broker.ts'
import { startProcess, type World } from './process.ts'
import { CountingStore } from './store.ts'
import { VirtualTime } from './time.ts'

/** What is simulated. Times are milliseconds. */
export interface Simulated {
  processes: number
  /** Of each process; default 16. */
  slots?: number
  /** Default true. */
  sharesPartitions?: boolean
  /** From a command to its answer, and from a publication to its confirm; default 1. */
  latencyMs?: number
  /** How long the server takes for each command, one after another; default 0: any number at once. */
  executeMs?: number
  /** How long a task runs; default 0. */
  runsMs?: number
  /** Users who submit in turn; default 1. */
  users?: number
}

/** What came of it. */
export interface Figures {
  commandsPerTask: number
  commandsPerSecond: number
  /** Per task: writes that took no right to send, because another process had it, and claims that came too late. */
  refusedPerTask: number
  /** From the creation of a task to its claim. */
  medianMs: number
  p99Ms: number
  longestMs: number
  seconds: number
  /** Per task, by operation; and messages by kind. */
  commands: Record<string, number>
  messages: Record<string, number>
}

/** Milliseconds in which processes that start share the partitions, and those for what follows the end of the last task: as in the benchmark. */
const settleMs = 3_000
const afterMs = 1_000

interface Subject extends World {
  workers: ReturnType<typeof startProcess>[]
  clients: ReturnType<typeof startProcess>[]
  userAt(index: number): string
}

/** How the clients of a run submit. */
interface Load {
  clients: number
  awaitsResults: boolean
  /** Whether a task runs between half and one and a half of the time: else those that begin together end together. */
  varies: boolean
}

/** Starts processes and clients, lets them settle, and counts what `work` takes. */
function simulate(options: Simulated, load: Load, work: (subject: Subject) => Promise<unknown>) {
  const { processes, users = 1, latencyMs = 1, executeMs = 0 } = options
  const { slots: slotsOfEach = 16, sharesPartitions = true, runsMs = 0 } = options
  const time = new VirtualTime()
  const world: World = {
    time,
    store: new CountingStore(time, latencyMs, executeMs),
    broker: new CountingBroker(time, latencyMs),
  }
  const runs = () => (load.varies ? time.about(runsMs) : runsMs)
  const start = async (kind: string, index: number, slots: number) => {
    // Machines do not start in the same moment.
    await time.sleep(17)
    const id = `${kind}${String(index).padStart(3, '0')}`
    const awaitsResults = slots === 0 && load.awaitsResults
    return startProcess(world, { id, slots, sharesPartitions, runsMs: runs, awaitsResults })
  }
  const startAll = (kind: string, count: number, slots: number) =>
    inTurn(Array.from({ length: count }, (_, index) => () => start(kind, index, slots)))
  return time.run(async () => {
    const workers = await startAll('worker', processes, slotsOfEach)
    const clients = await startAll('client', load.clients, 0)
    await time.sleep(settleMs)
    const counting = startCounting(world)
    await work({ ...world, workers, clients, userAt: index => `user-${index % users}` })
    return counting()
  })
}

async function inTurn<T>(steps: readonly (() => Promise<T>)[]): Promise<T[]> {
  const done: T[] = []
  for (const step of steps) done.push(await step())
  return done
}

/** Returns a function that returns what was counted since. */
function startCounting({ time, store, broker }: World): () => Figures {
  const begin = time.now
  const before = {
    commands: new Map(store.commands),
    messages: { ...broker.counts },
    refused: sum(Object.values(store.refused)),
  }
  return () => {
    const seconds = (time.now - begin) / 1_000
    const ended = [...store.tasks.values()].filter(task => task.startedAt !== undefined)
    const waits = ended
      .map(({ createdAt, startedAt = createdAt }) => startedAt - createdAt)
      .sort((a, b) => a - b)
    const waitOf = (share: number) => waits[Math.ceil(waits.length * share) - 1] ?? 0
    const tasks = Math.max(1, ended.length)
    const commands = [...store.commands].map(
      ([name, count]) => [name, count - (before.commands.get(name) ?? 0)] as const,
    )
    const all = sum(commands.map(([, count]) => count))
    return {
      commandsPerTask: all / tasks,
      commandsPerSecond: all / seconds,
      refusedPerTask: (sum(Object.values(store.refused)) - before.refused) / tasks,
      medianMs: waitOf(0.5),
      p99Ms: waitOf(0.99),
      longestMs: waitOf(1),
      seconds,
      commands: Object.fromEntries(commands.map(([name, count]) => [name, count / tasks])),
      messages: Object.fromEntries(
        Object.entries(broker.counts).map(([kind, count]) => [
          kind,
          (count - before.messages[kind as 'events']) / tasks,
        ]),
      ),
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

/** Waits until so many tasks have ended. */
async function ended({ time, store }: World, count: number): Promise<void> {
  const isOver = () => store.completed >= count
  while (!isOver()) await time.sleep(10)
}

/**
 * Tasks that are submitted at once by a client that waits for their results: in one call, as `tasks-over-1` and `tasks-over-8` of the benchmark, or by
 * `submitters` that each submit one after the other, as `one-waiting-worker`.
 */
export function atOnce(options: Simulated & { tasks: number; submitters?: number }): Promise<Figures> {
  return simulate(options, { clients: 1, awaitsResults: true, varies: false }, async subject => {
    const { time, userAt } = subject
    const [client] = subject.clients
    const users = Array.from({ length: options.tasks }, (_, index) => userAt(index))
    if (options.submitters === undefined) await client?.submitTogether(users)
    else
      for (let submitter = 0; submitter < options.submitters; submitter++)
        void inTurn(
          users
            .filter((_, index) => index % (options.submitters ?? 1) === submitter)
            .map(user => async () => client?.submit([user])),
        )
    await ended(subject, options.tasks)
    await time.sleep(afterMs)
  })
}

/** Tasks that four clients submit one by one, so many in a second, and whose results nobody waits for. */
export function steadily(options: Simulated & { perSecond: number; seconds: number }): Promise<Figures> {
  const tasks = options.perSecond * options.seconds
  return simulate(options, { clients: 4, awaitsResults: false, varies: true }, async subject => {
    const { time, clients, userAt } = subject
    for (let index = 0; index < tasks; index++) {
      void clients[index % clients.length]?.submit([userAt(index)])
      await time.sleep(1_000 / options.perSecond)
    }
    await ended(subject, tasks)
  })
}

/** Processes that have nothing to do. */
export function atRest(options: Simulated & { seconds: number }): Promise<Figures> {
  return simulate(options, { clients: 0, awaitsResults: false, varies: false }, ({ time }) =>
    time.sleep(options.seconds * 1_000),
  )
}

/** Tasks that come in line one by one, so that their holders alone send them; five seconds later the first process, which holds partitions, is killed. */
export function withADeath(options: Simulated & { perSecond: number; seconds: number }): Promise<Figures> {
  const tasks = options.perSecond * options.seconds
  return simulate(options, { clients: 1, awaitsResults: false, varies: true }, async subject => {
    const { time, clients, workers, userAt } = subject
    time.after(5_000, () => workers[0]?.kill())
    for (let index = 0; index < tasks; index++) {
      void clients[0]?.submitTogether([userAt(index)])
      await time.sleep(1_000 / options.perSecond)
    }
    await time.sleep(30_000)
  })
}
