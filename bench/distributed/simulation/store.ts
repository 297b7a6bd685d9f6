/** A store that counts: it keeps tasks in memory, answers what the real code asks of MongoDB, and refuses a write whose guard does not hold. */
import type { Document } from 'mongodb'
import type { RelayDocument } from '../../../src/store/mongodb/documents.ts'
import type { VirtualTime } from './time.ts'

/** What of a task matters here. */
export interface Task {
  _id: string
  userId: string
  partition: string
  lane: string
  taskType: string
  status: 'QUEUED' | 'RUNNING' | 'COMPLETED'
  attempt: number
  crashCount: number
  retryCount: number
  priority: number
  rank: number
  order: number
  ready?: string | undefined
  sent?: { queue: string; by: string; at: Date; confirmed: boolean } | undefined
  lostAt?: Date | undefined
  createdAt: number
  startedAt?: number
  /** Which process wrote its last event, and how many events nobody has published. */
  eventBy: string
  events: number
}

/** Whether a process lives, as the servers see it. */
export interface Life {
  isDead: boolean
}

const forever = new Promise<never>(() => undefined)

/** The one store of a simulation. */
export class CountingStore {
  readonly tasks = new Map<string, Task>()
  completed = 0
  /** Commands by operation. */
  readonly commands = new Map<string, number>()
  /** Tasks of which another process had taken the right to send, and claims that were refused. */
  readonly refused = { sends: 0, claims: 0 }
  readonly #time: VirtualTime
  readonly #latencyMs: number
  readonly #executeMs: number
  #busyUntil = 0
  readonly #relays = new Map<string, RelayDocument>()
  /** The tasks that wait in line, by the name under which they wait, the first one last. One that has left is dropped when it is met. */
  readonly #lines = new Map<string, Task[]>()
  readonly #sent = new Set<Task>()
  /** Of each user: how many tasks wait, and the last rank. */
  readonly #users = new Map<string, { waiting: number; rank: number }>()

  constructor(time: VirtualTime, latencyMs: number, executeMs: number) {
    this.#time = time
    this.#latencyMs = latencyMs
    this.#executeMs = executeMs
  }

  /** Returns what the code of a process needs of a database. */
  connect(life: Life) {
    return {
      database: { run: <T>(operation: string, work: () => T) => this.#run(life, operation, work) },
      tasks: {
        find: (filter: Document, options: Document) => answer(this.#find(filter, options)),
        findOne: async (filter: Document) => this.#findRank(filter),
        updateMany: async (filter: Document, [update]: Document[]) => this.#update(filter, update?.['$set']),
      },
      relays: {
        aggregate: (pipeline: Document[]) => answer(this.#poll(pipeline)),
        updateOne: async ({ _id }: { _id: string }, update: Document) => this.#renew(_id, update),
        deleteMany: async () => undefined,
      },
      lanes: { find: () => answer([]) },
    }
  }

  /** One command: half of its time passes before the server executes it, half after. A process that has died gets no answer. */
  async #run<T>(life: Life, operation: string, work: () => T): Promise<Awaited<T>> {
    if (life.isDead) return forever
    this.commands.set(operation, (this.commands.get(operation) ?? 0) + 1)
    await this.#time.sleep(this.#time.about(this.#latencyMs / 2))
    if (this.#executeMs > 0) await this.#turn()
    const answered = await work()
    await this.#time.sleep(this.#time.about(this.#latencyMs / 2))
    return life.isDead ? forever : answered
  }

  /** A server that executes one command at a time, as the stand-in does. */
  #turn(): Promise<void> {
    this.#busyUntil = Math.max(this.#busyUntil, this.#time.now) + this.#time.about(this.#executeMs)
    return this.#time.sleep(this.#busyUntil - this.#time.now)
  }

  insert(tasks: readonly Task[]): void {
    for (const task of tasks) {
      this.tasks.set(task._id, task)
      const user = this.#users.get(task.userId)
      this.#users.set(task.userId, { waiting: (user?.waiting ?? 0) + 1, rank: task.rank })
      if (task.sent !== undefined) this.#sent.add(task)
      else this.#join(task)
    }
  }

  /** As the filter of a claim: nobody holds the task, and the attempt is the one that the delivery names. */
  claim(id: string, attempt: number, by: string): Task | undefined {
    const task = this.tasks.get(id)
    if (task === undefined || task.status !== 'QUEUED' || task.attempt !== attempt) {
      this.refused.claims += 1
      return undefined
    }
    this.#sent.delete(task)
    const user = this.#users.get(task.userId)
    if (user !== undefined) user.waiting -= 1
    task.events += 1
    return Object.assign(task, {
      status: 'RUNNING',
      attempt: attempt + 1,
      startedAt: this.#time.now,
      eventBy: by,
      ...noPlace,
    })
  }

  complete(tasks: readonly Task[]): void {
    for (const task of tasks) {
      task.events += 1
      task.status = 'COMPLETED'
    }
    this.completed += tasks.length
  }

  /** Puts a task in line: a line is kept from its end, since what leaves it is the first. */
  #join(task: Task): void {
    const name = `${task.lane}@${task.partition}`
    const line = this.#lines.get(name) ?? []
    this.#lines.set(name, line)
    const at = line.findIndex(other => compare(other, task) <= 0)
    line.splice(at < 0 ? line.length : at, 0, task)
    Object.assign(task, { ...noPlace, ready: name })
  }

  /** The first of the tasks that wait under these names. */
  #inLine(names: readonly string[], limit: number): Task[] {
    const first: Task[] = []
    for (const name of names) {
      const line = this.#lines.get(name) ?? []
      while (line.length > 0 && line.at(-1)?.ready !== name) line.pop()
      for (let at = line.length - 1, left = limit; at >= 0 && left > 0; at--) {
        const task = line[at]
        if (task?.ready !== name) continue
        first.push(task)
        left -= 1
      }
    }
    return names.length === 1 ? first : first.sort(compare).slice(0, limit)
  }

  #find(filter: Document, { limit = Number.POSITIVE_INFINITY }: Document): Task[] {
    if (filter['ready']?.$in !== undefined) return this.#inLine(filter['ready'].$in, limit)
    return this.#among(filter).slice(0, limit)
  }

  /** What the filter finds among the tasks that it names, else among those that were sent. */
  #among(filter: Document): Task[] {
    const { _id, ...rest } = filter
    const ids: readonly string[] | undefined = _id?.$in
    const among = ids?.flatMap(id => this.tasks.get(id) ?? []) ?? [...this.#sent]
    return among.filter(matcher(rest))
  }

  /** The first rank of a lane, or the last one of a user. */
  #findRank({ ready, userId }: Document): { rank: number } | null {
    if (ready !== undefined) return this.#inLine(ready.$in, 1)[0] ?? null
    const user = this.#users.get(userId)
    return user === undefined || user.waiting === 0 ? null : { rank: user.rank }
  }

  #update(filter: Document, set: Document): { modifiedCount: number } {
    const found = this.#among(filter)
    for (const task of found) {
      if (set['sent.confirmed'] === true) confirm(task, this.#time.now)
      else if (typeof set['sent'] === 'object') this.#take(task, set)
      else {
        this.#sent.delete(task)
        for (const line of this.#lines.values()) if (line.includes(task)) line.splice(line.indexOf(task), 1)
        this.#join(task)
      }
    }
    if (typeof set['sent'] === 'object') this.refused.sends += filter['_id'].$in.length - found.length
    return { modifiedCount: found.length }
  }

  #take(task: Task, { sent }: Document): void {
    const taken = { queue: task.lane, by: sent.by, at: sent.at, confirmed: false }
    Object.assign(task, { ready: undefined, sent: taken, lostAt: new Date(this.#time.now + 5_000) })
    this.#sent.add(task)
  }

  #renew(id: string, update: Document): void {
    const set = Array.isArray(update) ? update[0].$set : undefined
    if (set === undefined) this.#relays.set(id, { _id: id, count: update['$max'].count })
    else {
      const until = new Date(this.#time.now + set.until.$dateAdd.amount)
      this.#relays.set(id, { _id: id, until, lanes: set.lanes.$literal })
    }
  }

  /** The leases of the relays, and what each seek of the poll finds; only tasks in line and lost deliveries are there to be found. */
  #poll(pipeline: readonly Document[]): Document[] {
    const found: Document[] = [...this.#relays.values()]
    for (const { $unionWith } of pipeline) {
      const [{ $match }, , last] = $unionWith.pipeline
      const is: string | undefined = last.$project?.is?.$literal
      const isThere =
        is === 'lost'
          ? this.#among($match).length > 0
          : $match.ready !== undefined && this.#inLine($match.ready.$in, 1).length > 0
      if (isThere) found.push({ is, lane: last.$project.lane?.$literal })
    }
    return found
  }
}

const noPlace = { ready: undefined, sent: undefined, lostAt: undefined }

function answer<T>(found: T[]) {
  return { toArray: async () => found }
}

function compare(one: Task, other: Task): number {
  return one.priority - other.priority || one.rank - other.rank || one.order - other.order
}

function confirm(task: Task, now: number): void {
  if (task.sent !== undefined) task.sent.confirmed = true
  task.lostAt = new Date(now + 30_000)
}

/** Returns whether a task is what a filter asks for: as much of MongoDB's language as the real code uses here. */
function matcher(filter: Document): (task: Task) => boolean {
  const conditions = Object.entries(filter).map(([path, wanted]) => {
    const [field = '', inner] = path.split('.')
    const tests = typeof wanted === 'object' ? Object.entries(wanted as Document) : [['$eq', wanted]]
    return (task: Document) => {
      const value = inner === undefined ? task[field] : task[field]?.[inner]
      return tests.every(([operator, operand]) => isTrue(operator, value, operand))
    }
  })
  return task => conditions.every(holds => holds(task))
}

function isTrue(operator: string, value: unknown, operand: Document): boolean {
  if (operator === '$eq') return value === operand
  if (operator === '$in') return operand['includes'](value ?? null)
  if (operator === '$exists') return (value !== undefined) === (operand as unknown)
  if (operator === '$lte') return value !== undefined && (value as Date) <= (operand as Date)
  throw new RangeError(`the simulation knows no ${operator}`)
}
