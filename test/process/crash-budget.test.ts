import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createEngine, defineTask, type Engine } from 'quillwork'
import { mongodb } from 'quillwork/mongodb'
import { rabbitmq } from 'quillwork/rabbitmq'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'
import { describeWithRabbit, freshPrefix } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { requireBuilt } from './crash/built.ts'
import { type Child, Children } from './crash/children.ts'

beforeAll(requireBuilt, 240_000)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-budget-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A line that a worker wrote: it is about to make a call, or has paid for one. */
interface Noted {
  is: 'call' | 'paid'
  taskId: string
  attempt: number
  boot: number
  ms: number
}

const scenes = 120
const estimate = 100
const real = 90
const cap = 4_050
/** Calls that a worker makes at the same time. */
const slots = 5

class Ledger {
  readonly file: string

  constructor(file: string) {
    this.file = file
  }

  get calls(): Noted[] {
    return this.#lines.filter(({ is }) => is === 'call')
  }

  get paid(): Noted[] {
    return this.#lines.filter(({ is }) => is === 'paid')
  }

  /** The most that the calls can have cost up to each moment: those that run, or died, at their estimate. */
  get mostAtOnce(): number {
    let [sum, most] = [0, 0]
    for (const { is } of this.#lines) {
      sum += is === 'call' ? estimate : real - estimate
      most = Math.max(most, sum)
    }
    return most
  }

  get #lines(): Noted[] {
    const lines = readFileSync(this.file, { encoding: 'utf8', flag: 'a+' }).split('\n')
    return lines.filter(line => line.endsWith('}')).map(line => JSON.parse(line) as Noted)
  }
}

/** The book as a client knows it. */
const book = defineTask({
  type: 'Book',
  parameters: z.number(),
  result: z.unknown(),
  execute: () => undefined,
})

describeWithMongo('one budget of four processes, one of which is killed', () => {
  describeWithRabbit('on RabbitMQ and MongoDB', () => {
    it('is not overrun, keeps what the dead one reserved, and goes on as soon as it is raised', {
      timeout: 180_000,
    }, async () => {
      await using database = freshDatabase()
      await using names = freshPrefix()
      await using children = new Children(folder)
      const ledger = new Ledger(path.join(folder, 'ledger.jsonl'))
      const shared = { mongoUrl: database.url, rabbitUrl: names.url, prefix: names.prefix }
      const holdFile = path.join(folder, 'hold')
      writeFileSync(holdFile, '')
      const workers: Child[] = []
      for (const boot of [1, 2, 3, 4]) {
        const options = {
          ...shared,
          ledgerFile: ledger.file,
          boot,
          estimate,
          real,
          slots,
          callMs: 300,
          holdFile,
        }
        workers.push(children.start('run-budget.mjs', options))
      }
      await Promise.all(workers.map(worker => worker.says('started')))
      // A client that runs nothing: what it writes wakes tasks in the other processes.
      await using client: Engine = await createEngine({
        tasks: [],
        store: mongodb({ url: database.url }),
        broker: rabbitmq({ url: names.url, prefix: names.prefix }),
      })
      const { taskId } = await client.submit(book, scenes, { budget: { tokens: cap } })

      const victim = 2
      const inFlight = () => ledger.calls.filter(({ boot }) => boot === victim).length
      const done = () => ledger.paid.filter(({ boot }) => boot === victim).length
      await until(
        () => done() >= 3 && inFlight() - done() >= 2,
        'calls in flight in the process to be killed',
      )
      workers[victim - 1]?.signal('SIGKILL')
      await workers[victim - 1]?.ended
      rmSync(holdFile)

      const completed = async () => (await client.tasks.get(taskId)).subTaskStatusSummary?.COMPLETED ?? 0
      const budget = () => client.budgets.get(taskId)
      await until(async () => (await completed()) + (await budget()).waiting === scenes, 'rest', 60_000, 100)
      const lost = ledger.calls.length - ledger.paid.length
      expect(lost).toBeGreaterThan(0)
      expect(ledger.mostAtOnce).toBeLessThanOrEqual(cap)
      const stopped = await budget()
      const counted = stopped.spent.tokens + stopped.reserved.tokens
      const paid = ledger.paid.length * real
      expect(counted).toBeGreaterThanOrEqual(paid + lost * estimate)
      // Each slot of the dead one may have held a reservation whose call had not begun, or was paid a moment ago.
      expect(counted).toBeLessThanOrEqual(paid + slots * estimate)
      expect(counted).toBeLessThanOrEqual(cap)
      expect(counted).toBeGreaterThan(cap - estimate)
      const calls = ledger.calls.length

      const raisedAt = Date.now()
      await client.budgets.set(taskId, { tokens: 2 * cap })
      await until(() => ledger.calls.length > calls, 'call after the budget was raised')
      // By itself, none would look within the next half minute.
      const first = ledger.calls[calls]?.ms ?? Number.POSITIVE_INFINITY
      expect(first - raisedAt).toBeLessThan(25_000)
      await until(
        async () => (await completed()) + (await budget()).waiting === scenes,
        'second rest',
        60_000,
        100,
      )
      expect(ledger.mostAtOnce).toBeLessThanOrEqual(2 * cap)

      await client.budgets.remove(taskId)
      await until(async () => (await completed()) === scenes, 'end of all scenes', 60_000, 100)
      const records = await client.tasks.children(taskId, {}, { pageSize: 200 })
      // Neither waiting for the budget nor one crash is a retry.
      expect(records.items.filter(({ retryCount }) => retryCount > 0)).toEqual([])
      // Nobody was woken in vain more than now and then.
      const attempts = records.items.reduce((sum, { attempt }) => sum + attempt, 0)
      expect(attempts).toBeLessThan(scenes * 3)
    })
  })
})
