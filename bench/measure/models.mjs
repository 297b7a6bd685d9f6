import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createModelCatalogue } from '../../dist/ai/catalogue.js'
import { createLanguageModel } from '../../dist/ai/providers/language-model.js'
import { createEngine } from '../../dist/index.js'
import {
  batchGenerateSummary,
  folderUploads,
  importNovel,
  novelTasks,
  sqliteLibrary,
  storeUpload,
} from '../../dist/novel/index.js'
import { novelIdOf } from '../../dist/novel/library/ids.js'
import { sqlite } from '../../dist/store/sqlite/index.js'

const SERVER = fileURLToPath(new URL('../../test/models/process.mjs', import.meta.url))
const USER = 'bench'
const SLOTS = 10

/** Milliseconds per scene when a model that answers at once summarises a novel: what a task adds to a call, scene and history included. */
export async function instant(options) {
  return measure(options, instantModel())
}

/** The same over the adapter and HTTP, from a server in a process of its own. */
export async function overHttp(options) {
  const server = await startServer()
  try {
    return await measure(options, createLanguageModel('bench', configOf(server.url), { key: 'none' }))
  } finally {
    server.child.stdin.end()
    await once(server.child, 'close')
  }
}

async function measure({ directory, scenes, warmUp }, model) {
  const store = sqlite({ file: join(directory, 'quillwork.db') })
  const catalogue = createModelCatalogue({
    configured: [{ id: model.id, config: configOf('http://127.0.0.1/') }],
    open: { language: () => model },
  })
  const services = {
    library: sqliteLibrary(store.database),
    models: catalogue,
    uploads: folderUploads(join(directory, 'uploads')),
  }
  const engine = await createEngine({
    tasks: novelTasks,
    services,
    store,
    lanes: { batch: { slots: SLOTS } },
    limits: { [model.limit]: {} },
  })
  try {
    await engine.start()
    await summarise(engine, await importBook({ engine, services, scenes: warmUp }), warmUp)
    const novelId = await importBook({ engine, services, scenes })
    const begin = performance.now()
    await summarise(engine, novelId, scenes)
    const ms = performance.now() - begin
    return { msPerCall: ms / scenes, callsPerSecond: (scenes / ms) * 1_000 }
  } finally {
    await engine[Symbol.asyncDispose]()
  }
}

async function summarise(engine, novelId, scenes) {
  const task = await engine.submit(batchGenerateSummary, { novelId }, { userId: USER })
  const { success } = await task.result()
  if (success !== scenes) throw new Error(`${success} of ${scenes} scenes were summarised`)
}

/** A novel with ten scenes in each chapter and no summaries. */
async function importBook({ engine, services, scenes }) {
  const scene = number =>
    `Scene ${number} begins at dawn. ${`The miller crossed the bridge with lantern ${number}, and the river was loud below him. `.repeat(8)}`
  const chapter = at => {
    const ofChapter = Array.from({ length: 10 }, (_, i) => scene(at * 10 + i))
    return `Chapter ${at + 1}: Lantern ${at + 1}\n\n${ofChapter.join('\n\n* * *\n\n')}`
  }
  const text = `The Miller\n\n${Array.from({ length: scenes / 10 }, (_, at) => chapter(at)).join('\n\n')}\n`
  const content = (async function* () {
    yield Buffer.from(text)
  })()
  const { id } = await storeUpload(services, { userId: USER, fileName: 'book.txt', content })
  const task = await engine.submit(importNovel, { uploadId: id, summarise: false }, { userId: USER })
  await task.result()
  return novelIdOf(id)
}

/** A model that has its answer before it is asked. */
function instantModel() {
  const text = 'The miller crosses the bridge at dawn and does not look back.'
  const usage = { model: 'bench', inputTokens: 200, outputTokens: 15 }
  return {
    id: 'bench',
    limit: 'bench',
    contextTokens: 16_000,
    maxOutputTokens: 1_000,
    fallbacks: [],
    countTokens: prompt => Math.ceil(prompt.length / 4),
    costOf: () => undefined,
    write: async ({ maxOutputTokens }) => ({
      text,
      finishReason: 'stop',
      usage,
      parameters: { providerModel: 'bench', maxOutputTokens },
    }),
  }
}

function configOf(baseUrl) {
  return {
    provider: 'openai-compatible',
    model: 'bench',
    uses: ['summary'],
    baseUrl,
    account: 'bench',
    privateNetwork: true,
    contextTokens: 16_000,
    maxOutputTokens: 1_000,
    fallbacks: [],
    timeouts: { first: 60_000, idle: 60_000, total: 600_000 },
  }
}

/** The scripted server of the tests; it ends with its standard input. */
async function startServer() {
  const child = spawn(process.execPath, [SERVER, '{}'], { stdio: ['pipe', 'pipe', 'inherit'] })
  process.once('exit', () => child.kill('SIGKILL'))
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return { child, url: JSON.parse(line).url }
}
