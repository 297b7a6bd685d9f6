/**
 * An engine with the novel tasks, real adapters and a scripted model server, on a manual clock: a retry of half an hour takes a moment,
 * a call of a model takes the time that it takes. On each composition; the server is started with the engine and ends with it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { folderUploads, type NovelServices, novelTasks } from 'quillwork/novel'
import { createManualClock, type TestEngine, testEngine } from 'quillwork/testing'
import { type ConfiguredModel, createModelCatalogue, type ModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import type { EmbeddingModel, LanguageModel } from '../../src/ai/model.ts'
import { limitKeyOf, type ModelConfig } from '../../src/ai/providers/config.ts'
import { createEmbeddingModel } from '../../src/ai/providers/embedding-model.ts'
import { createLanguageModel } from '../../src/ai/providers/language-model.ts'
import type { NovelLibrary } from '../../src/novel/library/library.ts'
import type { SceneText } from '../../src/novel/library/shelf.ts'
import type { Records } from '../../src/records/records.ts'
import { bookOf } from '../novel/tasks/novel-engine.ts'
import { ask } from './ask.ts'
import { type Composition, onEachStore } from './compositions.ts'
import { importWhole, putImported } from './imported.ts'
import { type ModelServer, type ModelServerOptions, startModelServer } from './server.ts'

/** The owner of the novels. */
export const ann = 'ann'

/** What of a configured model a test sets. */
export type ModelOptions = Partial<ModelConfig> & { readonly key?: string }

/** How such an engine is made. */
export interface WritingOptions {
  /** By id, the first is the default; default one model `prose`. */
  readonly models?: Readonly<Record<string, ModelOptions>>
  readonly server?: ModelServerOptions
  readonly slots?: number
  /** Whether the engine can be started again; default false. */
  readonly persistent?: boolean
}

/** What the tests work with. */
export interface Writing extends AsyncDisposable {
  readonly t: TestEngine
  readonly server: ModelServer
  readonly services: NovelServices
  readonly library: NovelLibrary
  /** Those of the library. */
  readonly records: Records
  readonly models: ModelCatalogue
  /** Puts a book of so many chapters with two scenes each into the library; answers its id. It has no task and no upload. */
  novel(chapters?: number): Promise<string>
  /** Imports such a book: its task and its upload are there. */
  imported(chapters?: number): Promise<string>
  /** All scenes in reading order. */
  scenes(novelId: string): Promise<readonly SceneText[]>
  scene(sceneId: string): ReturnType<NovelLibrary['scenes']['scene']>
}

/** Makes the engine of a test, on the composition that the tests run on. */
export type OpenWriting = (options?: WritingOptions) => Promise<Writing>

/** Declares tests once for each of the compositions. */
export function describeOn(
  on: readonly Composition[],
  title: string,
  tests: (open: OpenWriting) => void,
): void {
  for (const { name, describe, place } of on)
    describe(`${title}, on ${name}`, () => tests(options => openWriting(place, options)))
}

/** Declares tests once for each store. */
export function describeWriting(title: string, tests: (open: OpenWriting) => void): void {
  describeOn(onEachStore, title, tests)
}

async function openWriting(placeIn: Composition['place'], options: WritingOptions = {}): Promise<Writing> {
  const server = await startModelServer(options.server)
  const configured = configuredModels(server, options)
  const busy = { calls: 0 }
  let novels = 0
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-writing-'))
  const place = placeIn(options.persistent === true ? folder : undefined)
  const models = createModelCatalogue({
    summary: [extractiveModel()],
    configured,
    open: {
      language: ({ id, config }) =>
        counted(busy, createLanguageModel(id, config, { key: keyOf(options, id) })),
      embedding: ({ id, config }) =>
        countedVectors(busy, createEmbeddingModel(id, config, { key: keyOf(options, id) })),
    },
  })
  const services: NovelServices & { models: ModelCatalogue } = {
    get library() {
      return place.library()
    },
    models,
    uploads: folderUploads(path.join(folder, 'uploads')),
    now: () => t.clock.now(),
  }
  const t: TestEngine = await testEngine({
    tasks: [...novelTasks, ask],
    services,
    clock: createManualClock({ isBusy: () => busy.calls > 0 || place.isBusy() }),
    lanes: { default: { slots: 4 }, batch: { slots: options.slots ?? 4 } },
    limits: Object.fromEntries(configured.map(({ config }) => [limitKeyOf(config), config.limits ?? {}])),
    openStore: place.open,
    ...(place.broker === undefined ? {} : { broker: place.broker }),
  })
  const textOf = (chapters: number) => bookOf([['Volume One', chapters]])
  const imported = (chapters = 1) => importWhole(t, services, ann, textOf(chapters))
  // Then the import depends on the models of the test.
  const makesVectors = configured.some(({ config }) => config.uses.includes('embedding'))
  return {
    t,
    server,
    services,
    models,
    get library() {
      return services.library
    },
    get records() {
      return place.records()
    },
    async novel(chapters = 1) {
      novels += 1
      if (novels > 1 || makesVectors) return imported(chapters)
      return putImported(place.records(), ann, textOf(chapters))
    },
    imported,
    scenes: async novelId =>
      (await services.library.shelf.texts(ann, { novelId }, { pageSize: 1_000 })).items,
    scene: sceneId => services.library.scenes.scene(ann, sceneId),
    async [Symbol.asyncDispose]() {
      await server.close()
      await t[Symbol.asyncDispose]()
      await place.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function keyOf({ models = {} }: WritingOptions, id: string): string {
  return models[id]?.key ?? 'test-key'
}

function configuredModels(
  server: ModelServer,
  { models = { prose: {} } }: WritingOptions,
): ConfiguredModel[] {
  return Object.entries(models).map(([id, { key: _, ...config }]) => ({
    id,
    config: {
      provider: 'openai-compatible',
      model: id,
      uses: ['prose', 'summary'],
      baseUrl: server.url,
      account: 'test',
      privateNetwork: true,
      contextTokens: 16_000,
      maxOutputTokens: 1_000,
      price: { input: 1, output: 2, currency: 'USD' },
      fallbacks: [],
      // Real time: a busy machine must not make a good answer a stalled one. A test that waits for a stalled one sets its own.
      timeouts: { first: 20_000, idle: 20_000, total: 60_000 },
      ...config,
    },
  }))
}

/** The manual clock stands still while a call of a model is on its way, or loads what it needs. */
function counted(busy: { calls: number }, model: LanguageModel): LanguageModel {
  return {
    ...model,
    get contextTokens() {
      return model.contextTokens
    },
    prepare: () => during(busy, async () => model.prepare?.()),
    write: (request, options) => during(busy, () => model.write(request, options)),
  }
}

function countedVectors(busy: { calls: number }, model: EmbeddingModel): EmbeddingModel {
  return {
    ...model,
    prepare: () => during(busy, async () => model.prepare?.()),
    embed: (texts, options) => during(busy, () => model.embed(texts, options)),
  }
}

async function during<T>(busy: { calls: number }, work: () => Promise<T>): Promise<T> {
  busy.calls += 1
  try {
    return await work()
  } finally {
    busy.calls -= 1
  }
}
