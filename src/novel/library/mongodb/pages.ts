/** Reading whole collections, a page at a time. */
import type { Collection, Filter } from 'mongodb'
import type { LibrarySession } from './session.ts'

/** Documents of a page, unless told otherwise. */
const pageRows = 500

/** All documents of a collection in the order of their ids, a page at a time. */
export async function* pagesById<T extends { _id: string }>(
  { database }: LibrarySession,
  collection: Collection<T>,
  size = pageRows,
): AsyncGenerator<readonly T[]> {
  let after = ''
  for (;;) {
    const page = await database.run('read rows', () =>
      collection
        .find<T>({ _id: { $gt: after } } as Filter<T>)
        .sort({ _id: 1 })
        .limit(size)
        .toArray(),
    )
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    after = last._id
  }
}

/** All documents of a collection in the order in which they were made, a page at a time. */
export async function* pagesByOrder<T extends { _id: string; order: number }>(
  { database }: LibrarySession,
  collection: Collection<T>,
  size = pageRows,
): AsyncGenerator<readonly T[]> {
  let after = 0
  for (;;) {
    const page = await database.run('read rows', () =>
      collection
        .find<T>({ order: { $gt: after } } as Filter<T>)
        .sort({ order: 1 })
        .limit(size)
        .toArray(),
    )
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    after = last.order
  }
}
