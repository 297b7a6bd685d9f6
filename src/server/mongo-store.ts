import { QuillworkError } from '../index.ts'
import { createMongoStore, type MongoStore } from '../store/mongodb/store.ts'
import { shownAddress } from './addresses.ts'

/** The store of an address. Throws CONFIG_INVALID for one that the driver cannot read: some of its errors repeat it with its password. */
export function mongoStore(
  address: string,
  options: { database?: string | undefined; filling?: boolean } = {},
): MongoStore {
  const { database, filling } = options
  const given = { url: address, ...(database === undefined ? {} : { database }) }
  try {
    return createMongoStore(given, filling === undefined ? {} : { filling })
  } catch (error) {
    const shown = shownAddress(address)
    const why = error instanceof Error ? error.message.replaceAll(address, shown) : ''
    throw new QuillworkError('CONFIG_INVALID', `The address of the store, ${shown}, cannot be used: ${why}`)
  }
}
