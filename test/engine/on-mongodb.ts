/**
 * What `quillwork/testing` is for the tests of this folder when they run a second time, on a MongoDB store: the same engine, the same
 * manual clock, another place for the truth.
 */
import { beforeEach } from 'vitest'
import type { AnyTask } from '../../src/index.ts'
import { type MongoStore, mongodb } from '../../src/store/mongodb/index.ts'
import type { TestEngine, TestEngineOptions } from '../../src/testing/index.ts'
import * as kit from '../../src/testing/index.ts'
import { type FreshDatabase, freshDatabase, mongoIsMissing } from '../servers/mongo.ts'

export * from '../../src/testing/index.ts'

const opened = new Set<MongoStore>()

beforeEach(context => {
  if (mongoIsMissing !== undefined) context.skip(mongoIsMissing)
})

/** As the original; it also waits for the database. */
export function createManualClock(options: kit.ManualClockOptions = {}): kit.ManualClock {
  const isBusy = () => [...opened].some(store => store.database.inFlight > 0)
  return kit.createManualClock({ ...options, isBusy })
}

/** As the original, on a database of its own that is deleted with the engine. */
export async function testEngine<const T extends readonly AnyTask[]>(
  options: TestEngineOptions<T>,
): Promise<TestEngine> {
  const database = freshDatabase()
  const openStore = (now: () => number) => {
    const store = mongodb({ url: database.url, now })
    opened.add(store)
    return store
  }
  const clock = options.clock ?? createManualClock()
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
