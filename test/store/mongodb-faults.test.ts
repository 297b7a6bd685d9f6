/** Answers that get lost: an operation was executed, and whoever asked for it does not learn so. It is sent again, and finds itself. */

import { MongoServerError } from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import type { StoreFaults } from '../../src/store/mongodb/failures.ts'
import { storeError, UnknownOutcome } from '../../src/store/mongodb/failures.ts'
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
const runs = Number(process.env['QUILLWORK_MODEL_RUNS_MONGODB'] ?? sizeOf(2, 6))

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
