import { QuillworkError } from '../index.ts'
import { mongodbUploads, mongoLibraryRecords } from '../novel/index.ts'
import { mongoWebhooks } from '../webhooks/open.ts'
import { shownAddress } from './addresses.ts'
import type { Home, HomeOptions } from './home.ts'
import { mongoStore } from './mongo-store.ts'

/** Opens a database to be moved. Throws what the store throws when it is opened. */
export async function mongoHome({ address, database: name, isTarget }: HomeOptions): Promise<Home> {
  const store = mongoStore(address, { database: name, filling: isTarget })
  const { database, transfer, nodes, lanes } = store
  mongoWebhooks(database)
  const records = mongoLibraryRecords(database)
  const uploads = mongodbUploads(database)
  try {
    await store.open()
  } catch (error) {
    await store.tasks.close()
    throw error
  }
  const shown = shownAddress(address)
  return {
    shown,
    tasks: transfer,
    lanes,
    records,
    uploads,
    uploadsShown: shown,
    closed: [],
    async requireUnused() {
      const seen = (await nodes?.list()) ?? []
      if (seen.length === 0) return
      throw new QuillworkError(
        'STORE_LOCKED',
        `${shown} is in use: ${seen.map(({ nodeId, pid }) => `${nodeId} (process ${pid})`).join(', ')}. ` +
          'Stop them; one that was killed is forgotten after a minute.',
      )
    },
    begin: from => transfer.begin(from),
    finish: () => transfer.finish(),
    close: () => store.tasks.close(),
  }
}
