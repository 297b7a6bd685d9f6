// The OpenAPI document of a server with novels, made from the built package.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './setup.mjs'

/** Returns the document that a server with novels serves at `/v1/openapi.json`. `dist`: the folder of the built package. */
export async function openApiOf(dist = join(root, 'dist')) {
  const from = path => import(pathToFileURL(join(dist, path)).href)
  const { createApp } = await from('http/index.js')
  const { createEngine } = await from('index.js')
  const { folderUploads, novelTasks, sqliteLibrary } = await from('novel/index.js')
  const { createModels } = await from('server/models.js')
  const { sqlite } = await from('store/sqlite/index.js')
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
