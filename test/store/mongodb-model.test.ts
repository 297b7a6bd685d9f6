import { afterAll, it } from 'vitest'
import { describeWithMongo } from '../servers/mongo.ts'
import { sizeOf } from '../size.ts'
import { mongoPlaces } from './model-mongodb.ts'
import { searchModel } from './model-search.ts'

/** Set for a longer search. Each run takes seconds, and a thousand run on SQLite: here it is about the adapter. */
const runs = Number(process.env['QUILLWORK_MODEL_RUNS_MONGODB'] ?? sizeOf(4, 12))

describeWithMongo('the MongoDB store under random commands', () => {
  const places = mongoPlaces()
  afterAll(() => places.drop())

  it(`holds every invariant, and every task ends (${runs} runs)`, { timeout: 1_000_000 }, () =>
    searchModel(runs, places.next),
  )
})
