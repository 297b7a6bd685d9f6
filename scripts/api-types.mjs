// Writes the types of the API as the pages see it, from the document that a server with novels serves at `/v1/openapi.json`.
// `scripts/setup.mjs` runs this when the server changed: `node scripts/api-types.mjs FILE HASH`. FILE begins with HASH, which names the
// sources that it was made of.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import { createApp } from '../dist/http/index.js'
import { createEngine } from '../dist/index.js'
import { folderUploads, novelTasks, sqliteLibrary } from '../dist/novel/index.js'
import { createModels } from '../dist/server/models.js'
import { sqlite } from '../dist/store/sqlite/index.js'

/** Returns the document of a server with novels. */
async function openApi() {
  const folder = mkdtempSync(join(tmpdir(), 'quillwork-api-'))
  const store = sqlite({ file: join(folder, 'empty.db') })
  const uploads = folderUploads(join(folder, 'uploads'))
  const models = createModels({ models: {}, data: folder })
  const services = { library: sqliteLibrary(store.database), models, uploads }
  const engine = await createEngine({ tasks: novelTasks, store, services })
  const app = createApp({ engine, novels: services, models })
  try {
    await app.ready()
    return (await app.inject('/v1/openapi.json')).json()
  } finally {
    await app.close()
    await engine.stop({ grace: 0 })
    rmSync(folder, { recursive: true, force: true })
  }
}

const [file, hash] = process.argv.slice(2)
const types = astToString(await openapiTS(await openApi(), { alphabetize: true, arrayLength: false }))
// Moved into place whole: another build may read it at the same time.
const aside = `${file}.${process.pid}`
writeFileSync(
  aside,
  `// ${hash}\n// Made from the API by the build. Not to be edited, and not committed.\n\n${types}`,
)
renameSync(aside, file)
