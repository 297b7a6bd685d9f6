/** The embedded composition: one SQLite file, workers woken within the process. */
import { createEngine, type Engine } from '../index.ts'
import { folderUploads, sqliteLibrary } from '../novel/index.ts'
import { openTelemetry } from '../observe/tracing.ts'
import { sqlite } from '../store/sqlite/index.ts'
import { sqliteWebhooks } from '../webhooks/open.ts'
import { type Composed, type ComposeOptions, engineOptions, novelSettings, webhooksOf } from './compose.ts'
import { placesOf } from './data-directory.ts'
import { LiveModels } from './live-models.ts'

/** Opens the file, and returns an engine with all roles. Throws STORE_LOCKED, and the other errors of the store. */
export async function composeEmbedded(file: string, options: ComposeOptions): Promise<Composed> {
  const { config } = options
  const store = sqlite({ file })
  try {
    if (store.isWasted)
      options.log.warn(
        { file },
        'much of the file is free space; move it to a new file with quillwork migrate',
      )
    const uploads = folderUploads(placesOf(config.data).uploads)
    const library = sqliteLibrary(store.database)
    const live = new LiveModels({ ...options, store: library.models, isShared: false })
    const { catalogue: models, limits } = live
    const services = { library, models, uploads, ...novelSettings(config) }
    const records = sqliteWebhooks(store.database)
    const webhooks = webhooksOf(options, { records, store, isShared: false })
    const engine = await createEngine({
      ...engineOptions(options),
      services: { ...services, webhooks },
      store,
      limits,
      trace: openTelemetry(),
    })
    await live.refresh()
    return { engine: engine as Engine, services, models: live, webhooks }
  } catch (error) {
    await store.tasks.close()
    throw error
  }
}
