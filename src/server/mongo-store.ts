import { createMongoStore, type MongoStore } from '../store/mongodb/store.ts'
import { defined } from '../task/defined.ts'
import { shownAddress } from './addresses.ts'
import { invalid } from './settings.ts'

/** Returns the store of an address. Throws CONFIG_INVALID, without the password, for an address that the driver cannot read. */
export function mongoStore(
  address: string,
  options: { database?: string | undefined; filling?: boolean } = {},
): MongoStore {
  const { database, filling } = options
  try {
    return createMongoStore({ url: address, ...defined({ database }) }, defined({ filling }))
  } catch (error) {
    const shown = shownAddress(address)
    const why = error instanceof Error ? error.message.replaceAll(address, shown) : ''
    throw invalid(`The address of the store, ${shown}, cannot be used: ${why}`)
  }
}
