/** Answers that get lost: an operation was executed, and whoever asked for it does not learn so. It is sent again, and finds itself. */

import {
  type BulkWriteResult,
  type Collection,
  MongoBulkWriteError,
  MongoServerError,
  MongoServerSelectionError,
  type TopologyDescription,
} from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import type { StoreFaults } from '../../src/store/mongodb/failures.ts'
import { createSender, storeError, UnknownOutcome, withTimeLimit } from '../../src/store/mongodb/failures.ts'
import { guardCases } from '../../src/testing/store-apply-cases.ts'
import { traceCases } from '../../src/testing/store-attempt-cases.ts'
import { claimCases } from '../../src/testing/store-claim-cases.ts'
import { createCases } from '../../src/testing/store-create-cases.ts'
import { outboxCases } from '../../src/testing/store-outbox-cases.ts'
import { togetherCases } from '../../src/testing/store-together-cases.ts'
import { parentCases } from '../../src/testing/store-upkeep-cases.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { sizeOf } from '../size.ts'
import { mongoPlaces } from './model-mongodb.ts'
import { searchModel } from './model-search.ts'
import { MongoContext } from './mongodb-context.ts'

/** The cases of the suite in which something is written that must not be written twice. */
const writes = [
  createCases,
  togetherCases,
  claimCases,
  guardCases,
  traceCases,
  outboxCases,
  parentCases,
].flat()

/** The first answer to each kind of operation is lost. */
function losesFirst(): StoreFaults & { lost: Set<string> } {
  const lost = new Set<string>()
  return {
    lost,
    after(operation) {
      if (lost.has(operation)) return
      lost.add(operation)
      throw new UnknownOutcome('the answer was lost on purpose')
    },
  }
}

/**
 * One answer in twenty is lost; no operation fails for good, which is what happens when it is lost four times. Those of `prune` are not:
 * how many records a deletion took is told by its answer alone, and the model counts them.
 */
function losesSome(): StoreFaults {
  const inRow = new Map<string, number>()
  return {
    after(operation) {
      const lost = inRow.get(operation) ?? 0
      const isLost = operation !== 'prune' && lost < 2 && Math.random() < 0.05
      inRow.set(operation, isLost ? lost + 1 : 0)
      if (isLost) throw new UnknownOutcome('the answer was lost on purpose')
    },
  }
}

/** Set for a longer search. */
const runs = Number(process.env['QUILLWORK_MODEL_RUNS_MONGODB'] ?? sizeOf(2, 4, 6))

describeWithMongo('a MongoDB store whose answers get lost', () => {
  // Side by side: they wait for what is sent again.
  describe.concurrent('the first of each kind', () => {
    for (const { name, run } of writes.filter(({ needs }) => needs === undefined))
      it(name, async () => {
        const faults = losesFirst()
        const context = new MongoContext(faults)
        try {
          await run(context)
          expect(faults.lost.size).toBeGreaterThan(1)
        } finally {
          await context.end()
        }
      })
  })

  describe('one in twenty, under random commands', () => {
    const places = mongoPlaces(losesSome())
    afterAll(() => places.drop())

    it(`holds every invariant, and every task ends (${runs} runs)`, { timeout: 1_000_000 }, () =>
      searchModel(runs, places.next),
    )
  })
})

describe('the error that a caller of the store gets', () => {
  it.each([
    ['OutOfDiskSpace', 14_031, 'STORE_FULL'],
    ['TransactionTooLargeForCache', 313, 'TRANSACTION_TOO_LARGE'],
    ['any other', 8_000, 'STORE_FAILED'],
  ])('of %s', (_name, code, expected) => {
    const cause = new MongoServerError({ message: 'the server says no', code })
    expect(storeError(cause, 'create together')).toMatchObject({ code: expected, cause })
  })
})

describe('an operation that the server does not execute at once', () => {
  const answer = (code: number) => new MongoServerError({ message: 'the server says no', code })
  const noPrimary = new MongoServerSelectionError('no primary', {} as TopologyDescription)
  /** Sends an operation that fails so, one after the other, then succeeds. Returns its answer and how often it was sent. */
  async function send(failures: readonly Error[], wrap = (work: () => Promise<string>) => work) {
    let sends = 0
    const work = wrap(async () => {
      const failure = failures[sends]
      sends += 1
      if (failure !== undefined) throw failure
      return 'done'
    })
    const sent = await createSender(1_000, undefined)
      .run('list', work)
      .catch(error => error.code)
    return { sent, sends }
  }
  /** The operation as an update of a collection that has a time limit. */
  const asUpdate = (work: () => Promise<string>) => {
    const limited = withTimeLimit({ updateMany: work } as unknown as Collection, 500)
    return () => limited.updateMany({}, {}) as unknown as Promise<string>
  }

  it('a read that the server ended is told to its caller, and not sent again', async () => {
    expect(await send([answer(50)])).toEqual({ sent: 'QUERY_TIMED_OUT', sends: 1 })
  })

  it('a write that the server ended is sent again: some of it may be done', async () => {
    expect(await send([answer(50)], asUpdate)).toEqual({ sent: 'done', sends: 2 })
  })

  it.each([
    ['a server that is no primary any more', answer(10_107)],
    ['no primary', noPrimary],
    // As the driver tells it of `insertMany` and `bulkWrite`.
    ['no primary for a write of many', new MongoBulkWriteError(noPrimary, {} as BulkWriteResult)],
  ])('%s is waited out', async (_name, failure) => {
    expect(await send([failure, failure, failure])).toEqual({ sent: 'done', sends: 4 })
  })

  it('no server is not waited for where an address may be wrong', async () => {
    let sends = 0
    const work = () => {
      sends += 1
      return Promise.reject(noPrimary)
    }
    const opening = createSender(1_000, undefined).run('open', work, { waitsForServer: false })
    await expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(sends).toBe(1)
  })

  it('what has not answered is sent again only when the server has ended it', async () => {
    const at: number[] = []
    const deadlineMs = 200
    const work = () => {
      at.push(performance.now())
      return at.length === 1 ? new Promise<string>(() => undefined) : Promise.resolve('done')
    }
    expect(await createSender(deadlineMs, undefined).run('list', work)).toBe('done')
    const [first = 0, second = 0] = at
    // The deadline, the wait before the next send, and the time that the server gives an operation.
    expect(second - first).toBeGreaterThanOrEqual(deadlineMs + 100 + deadlineMs / 2 - 5)
  })

  it('a time limit is given to each kind of operation, beside its own options', () => {
    const given: unknown[][] = []
    const note = (...args: unknown[]) => given.push(args)
    const limited = withTimeLimit(
      { find: note, updateOne: async (...args: unknown[]) => note(...args) } as never,
      7,
    )
    limited.find({ a: 1 }, { limit: 3 })
    void limited.updateOne({ a: 1 }, { $set: { a: 2 } })
    expect(given).toEqual([
      [{ a: 1 }, { maxTimeMS: 7, limit: 3 }],
      [{ a: 1 }, { $set: { a: 2 } }, { maxTimeMS: 7 }],
    ])
  })
})
