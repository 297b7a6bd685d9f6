import { sqliteLibraryRecords } from '../../../src/novel/library/open.ts'
import type { Records } from '../../../src/records/records.ts'
import { putMade, recordsIn } from '../../models/imported.ts'
import { SqliteUnderTest } from '../library/under-test.ts'
import { wholeNovel } from './whole-novel.ts'

/** Puts the novel with everything into a library that has none, as it was made in another one: for tests of what is done with it. Returns its id. */
export function putWholeNovel(into: Records): Promise<string> {
  return putMade(into, 'whole', async () => {
    await using t = new SqliteUnderTest()
    const novelId = await wholeNovel(t)
    return { novelId, records: await recordsIn(sqliteLibraryRecords(t.database)) }
  })
}
