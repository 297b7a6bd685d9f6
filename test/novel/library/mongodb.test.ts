import type { SharedDatabase } from '../../../src/store/mongodb/database.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import { MongoUnderTest, testLibrary } from './under-test.ts'

describeWithMongo('the library on MongoDB', () => {
  testLibrary('MongoDB', () => MongoUnderTest.open())
  // So it is when the answer to an operation is lost: it was executed, and is sent again.
  testLibrary('MongoDB, every operation executed twice', () => MongoUnderTest.open(everythingTwice))
})

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
