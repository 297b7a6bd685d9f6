import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { hasEnded, type TaskRecord, taskStatuses } from 'quillwork'
import { mongodb } from 'quillwork/mongodb'
import { Ends, wrongSummary } from '../process/crash/checker.ts'
import { type Child, Children, withMore } from '../process/crash/children.ts'
import { unheard } from '../process/crash/ledger.ts'
import { type Held, readHeld } from '../process/crash/records.ts'
import { until } from '../servers/until.ts'
import { entriesIn, type Line, type Noted, readLines } from './ledger.ts'

/** Where the parts of a run are. The test itself reads the store at `mongoUrl`; processes may be given an address through a proxy. */
export interface Servers {
  mongoUrl: string
  rabbitUrl: string
  prefix?: string
}

/** A child process and its number within the run. */
export interface Running extends Child {
  readonly boot: number
  /** Gives an order to the process; resolves when it says that it is done. */
  order(order: string, options?: object): Promise<void>
}

/** Options of `process.mjs`; the run fills in the servers. */
export type ProcessOptions = { readonly [option: string]: unknown }

/** Milliseconds within which some task has to end as long as one is live: how long all of them take, the load and the servers decide. */
const patienceMs = 90_000
/** Milliseconds within which a relay counts the last sub-tasks that moved, also where another one has to take over first. */
const settledMs = 20_000

/** One run: a database and a broker, the processes on them, and the ledger that they write. */
export class System implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'quillwork-faults-'))
  readonly ledgerFile = path.join(this.folder, 'ledger.jsonl')
  readonly #children = new Children(this.folder)
  readonly #servers: Servers
  readonly #store
  readonly #ends = new Ends()
  #boots = 0
  #client: Promise<Running> | undefined

  constructor(servers: Servers) {
    this.#servers = servers
    this.#store = mongodb({ url: servers.mongoUrl })
  }

  /** Starts a process; resolves when it runs tasks (or, with `start: false`, can submit them). */
  async start(options: ProcessOptions = {}): Promise<Running> {
    const running = this.spawn(options)
    await running.says('started')
    return running
  }

  /** The same without waiting for it. */
  spawn(options: ProcessOptions = {}): Running {
    this.#boots += 1
    const boot = this.#boots
    const { prefix = '', ...servers } = this.#servers
    const all = { ...servers, prefix, ledgerFile: this.ledgerFile, boot, ...options }
    const child = this.#children.start('../../faults/process.mjs', all)
    let orders = 0
    const order = async (what: string, more = {}) => {
      orders += 1
      const number = orders
      child.tell(JSON.stringify({ order: what, number, ...more }))
      await child.says(`done ${number}`)
    }
    return withMore(child, { boot, order })
  }

  /** Submits tasks of a plan from a process of its own, which runs none. Resolves when all are acknowledged. */
  submit(plan: object, count: number, seed: number, from = 0): Promise<void> {
    this.#client ??= this.start({ start: false })
    const submitted = this.#client.then(client => client.order('submit', { plan, from, count, seed }))
    // A row that fails before it waits for this says itself what failed.
    submitted.catch(() => undefined)
    return submitted
  }

  /** What earlier processes asked for and never heard of. */
  pending(): { key: string; index: number }[] {
    return unheard(entriesIn(this.lines()))
  }

  /** Notes a fault that the row causes; `boot` where it hits one process. */
  fault(name: string, boot?: number): void {
    this.note({ is: 'fault', name, ...(boot === undefined ? {} : { boot }) })
  }

  /** Adds a line to the ledger for what the test itself does. */
  note(line: Noted): void {
    appendFileSync(this.ledgerFile, `${JSON.stringify({ ...line, ms: Date.now() })}\n`)
  }

  faultOver(name: string): void {
    this.note({ is: 'fault-over', name })
  }

  lines(): Line[] {
    return readLines(this.ledgerFile)
  }

  /** Whether a task has not ended: by one read, for one that moves between the counts of two statuses is in neither. */
  async live(): Promise<boolean> {
    const { items } = await this.#store.queries.list(
      { status: taskStatuses.filter(status => !hasEnded(status)) },
      { pageSize: 1 },
    )
    return items.length > 0
  }

  /** Resolves when nothing is live any more; rejects when no task ended for so many milliseconds. */
  async untilIdle(limit = patienceMs): Promise<void> {
    for (let ended = 0, most = -1; await this.live(); most = ended) {
      await until(
        async () => {
          const { QUEUED, RUNNING, RETRYING, ...ends } = await this.#store.queries.counts()
          ended = Object.values(ends).reduce((sum, count) => sum + count, 0)
          return ended > most || !(await this.live())
        },
        `end of any task after ${most} ended`,
        limit,
        250,
      )
    }
  }

  /**
   * Resolves when each parent counts its sub-tasks as they are. One that was cancelled ends before it: its sub-tasks end after it, and a
   * relay counts them a moment later.
   */
  async untilCounted(): Promise<void> {
    const isCounted = async () => {
      const held = await this.held()
      return held.tasks.every(task => wrongSummary(task, held).length === 0)
    }
    await until(isCounted, 'parents that count all their sub-tasks', settledMs, 250)
  }

  /** Everything that the store holds. */
  async held(): Promise<Held> {
    return readHeld(this.#store)
  }

  /** Reads the store now, and tells which ends have changed since an earlier look. */
  async changedEnds(): Promise<string[]> {
    const { tasks } = await this.held()
    return this.#ends.check(tasks)
  }

  /** Records that have ended by now. */
  async ended(): Promise<TaskRecord[]> {
    const { tasks } = await this.held()
    return tasks.filter(({ status }) => hasEnded(status))
  }

  get store() {
    return this.#store
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#children[Symbol.asyncDispose]()
    await this.#store.tasks.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
