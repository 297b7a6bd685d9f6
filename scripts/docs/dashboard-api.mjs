// The types of the API as the pages see it: from the document that a server with novels answers at `/v1/openapi.json`.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import { createApp } from '../../dist/http/index.js'
import { createEngine } from '../../dist/index.js'
import { folderUploads, novelTasks, sqliteLibrary } from '../../dist/novel/index.js'
import { createModels } from '../../dist/server/models.js'
import { sqlite } from '../../dist/store/sqlite/index.js'

export const into = 'dashboard/src/api/schema.ts'

/** The text of the types. */
export async function render() {
  const folder = mkdtempSync(join(tmpdir(), 'quillwork-docs-'))
  const store = sqlite({ file: join(folder, 'empty.db') })
  const uploads = folderUploads(join(folder, 'uploads'))
  const models = createModels({ models: {}, data: folder })
  const services = { library: sqliteLibrary(store.database), models, uploads }
  const engine = await createEngine({ tasks: novelTasks, store, services })
  const app = createApp({ engine, novels: services, models })
  try {
    await app.ready()
    const document = await app.inject('/v1/openapi.json')
    const types = await openapiTS(document.json(), { alphabetize: true, arrayLength: false })
    return `// Made by \`npm run docs\` from the API. Not to be edited.\n\n${astToString(types)}`
  } finally {
    await app.close()
    await engine.stop({ grace: 0 })
    rmSync(folder, { recursive: true, force: true })
  }
}
