/**
 * What `quillwork/testing` is for the tests of this folder when they run a second time, on a MongoDB store: the same engine, the same
 * manual clock, another place for the truth.
 */
import { beforeEach } from 'vitest'
import type { AnyTask } from '../../src/index.ts'
import { createMongoStore, type MongoStore } from '../../src/store/mongodb/store.ts'
import type { TestEngine, TestEngineOptions } from '../../src/testing/index.ts'
import * as kit from '../../src/testing/index.ts'
import { type FreshDatabase, freshDatabase, mongoIsMissing } from '../servers/mongo.ts'

export * from '../../src/testing/index.ts'

/** The stores of a clock's engine; the clock waits for them. */
const storesOf = new WeakMap<kit.ManualClock, Set<MongoStore>>()

beforeEach(context => {
  if (mongoIsMissing !== undefined) context.skip(mongoIsMissing)
})

/** As the original; it also waits for the database. */
export function createManualClock(options: kit.ManualClockOptions = {}): kit.ManualClock {
  const stores = new Set<MongoStore>()
  const isBusy = () => [...stores].some(store => store.database.inFlight > 0)
  const clock = kit.createManualClock({ ...options, isBusy })
  storesOf.set(clock, stores)
  return clock
}

/** As the original, on a database of its own that is deleted with the engine. */
export async function testEngine<const T extends readonly AnyTask[]>(
  options: TestEngineOptions<T>,
): Promise<TestEngine> {
  const database = freshDatabase()
  const clock = options.clock ?? createManualClock()
  const openStore = (now: () => number) => {
    const store = createMongoStore({ url: database.url, now }, { aggregateAfterMs: 0 })
    storesOf.get(clock)?.add(store)
    return store
  }
  const engine = await kit.testEngine({ ...options, clock, openStore } as TestEngineOptions<T>)
  return deletedWith(engine, database)
}

function deletedWith(engine: TestEngine, database: FreshDatabase): TestEngine {
  const end = async () => {
    await engine[Symbol.asyncDispose]()
    await database.drop()
  }
  return new Proxy(engine, {
    get(target, name) {
      if (name === Symbol.asyncDispose) return end
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
