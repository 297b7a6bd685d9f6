import { afterEach, it } from 'vitest'
import type { StoreNeed } from '../../src/testing/store-case.ts'
import { storeCases } from '../../src/testing/store-cases.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { MongoContext } from './mongodb-context.ts'

/** Needs that a store of many processes does not have, each with the reason. */
const notOffered: Readonly<Record<StoreNeed, string>> = {
  'slow-sync': 'the disk belongs to the server',
  'in-process-deliveries': 'what was told is with a broker that outlives the process',
  'void-leases': 'other processes may hold leases when one begins',
}

describeWithMongo('a store in MongoDB', () => {
  let context: MongoContext | undefined
  afterEach(() => context?.end())

  for (const { name, needs, run } of storeCases)
    it.skipIf(needs !== undefined)(
      needs === undefined ? name : `${name} (${notOffered[needs]})`,
      async () => {
        context = new MongoContext()
        await run(context)
      },
    )
})
