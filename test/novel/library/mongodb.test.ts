import { afterAll } from 'vitest'
import type { SharedDatabase } from '../../../src/store/mongodb/database.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import { isSlow } from '../../size.ts'
import { type Between, MongoUnderTest, testLibrary } from './under-test.ts'

describeWithMongo('the library on MongoDB', () => {
  // So it is in the slow run when the answer to an operation is lost: it was executed, and is sent again.
  if (isSlow) testOnMongo('MongoDB, every operation executed twice', everythingTwice)
  else testOnMongo('MongoDB', database => database)
})

/** All cases in one database, which is emptied after each. */
function testOnMongo(storage: string, between: Between): void {
  let opened: MongoUnderTest | undefined
  afterAll(() => opened?.[Symbol.asyncDispose]())
  testLibrary(
    storage,
    async () => {
      opened ??= await MongoUnderTest.open(between)
      return opened
    },
    under => under.empty(),
  )
}

function everythingTwice(database: SharedDatabase): SharedDatabase {
  return {
    join: indexes => database.join(indexes),
    collection: name => database.collection(name),
    inFlight: 0,
    run: (operation, work) =>
      database.run(operation, async () => {
        await work()
        return work()
      }),
    async transaction(operation, work) {
      await database.transaction(operation, work)
      return database.transaction(operation, work)
    },
  }
}
