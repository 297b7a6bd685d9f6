/** The embedded composition: one SQLite file, workers woken within the process. */
import { createEngine, type Engine } from '../index.ts'
import { folderUploads, sqliteLibrary } from '../novel/index.ts'
import { openTelemetry } from '../observe/tracing.ts'
import { sqlite } from '../store/sqlite/index.ts'
import { type Composed, type ComposeOptions, engineOptions, novelSettings } from './compose.ts'
import { placesOf } from './data-directory.ts'
import { createModels, limitsOf } from './models.ts'

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
    const models = createModels(config)
    const uploads = folderUploads(placesOf(config.data).uploads)
    const services = { library: sqliteLibrary(store.database), models, uploads, ...novelSettings(config) }
    const engine = await createEngine({
      ...engineOptions(options),
      services,
      store,
      limits: limitsOf(config),
      trace: openTelemetry(),
    })
    return { engine: engine as Engine, services, models }
  } catch (error) {
    await store.tasks.close()
    throw error
  }
}
