import { createReadStream, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  folderUploads,
  importNovel,
  type NovelLibrary,
  type NovelServices,
  novelTasks,
  sqliteLibrary,
  storeUpload,
} from 'quillwork/novel'
import { sqlite } from 'quillwork/sqlite'
import { createManualClock, type TestEngine, testEngine } from 'quillwork/testing'
import { createModelCatalogue, type ModelCatalogue } from '../../../src/ai/catalogue.ts'
import { extractiveModel } from '../../../src/ai/extractive/extractive.ts'
import type { LanguageModel, SummaryMethod, SummaryModel } from '../../../src/ai/model.ts'
import type { ModelConfig } from '../../../src/ai/providers/config.ts'
import { novelIdOf } from '../../../src/novel/library/ids.ts'
import type { SceneText } from '../../../src/novel/library/shelf.ts'
import type { Upload } from '../../../src/novel/library/uploads.ts'

/** The owner of the novels of the tests. */
export const ann = 'ann'

/** A model that does as the test says, and remembers every summary that it made. */
export interface ScriptedModel {
  readonly method: SummaryMethod
  /** The texts that were summarised to the end, in order. */
  readonly made: string[]
  /** Runs before a summary is made; may wait or throw. */
  before: (text: string, signal: AbortSignal | undefined) => void | Promise<void>
}

/** Makes a scripted model. Its summaries are `Summary of` and the first words of the text. */
export function scriptedModel(method: SummaryMethod = 'generative'): ScriptedModel {
  return { method, made: [], before: () => undefined }
}

async function summaryBy(model: ScriptedModel, text: string, signal: AbortSignal | undefined) {
  await model.before(text, signal)
  signal?.throwIfAborted()
  model.made.push(text)
  return `Summary of ${text.trim().slice(0, 40)}`
}

/** The scripted model as one that quotes. */
function quoting(model: ScriptedModel): SummaryModel {
  return {
    id: 'scripted',
    method: 'extractive',
    takesInstructions: false,
    async summarise({ text }, { signal } = {}) {
      const summary = await summaryBy(model, text, signal)
      return { summary, method: 'extractive', language: 'en', model: 'scripted' }
    },
  }
}

const marked = /<novel-text>\n([\s\S]*?)\n<\/novel-text>/

/** The scripted model as one that writes: the text is the first one that is marked in its prompt. */
function writing(model: ScriptedModel): LanguageModel {
  return {
    id: 'scripted',
    limit: 'scripted',
    contextTokens: 100_000,
    maxOutputTokens: 10_000,
    fallbacks: [],
    countTokens: text => text.length,
    costOf: () => undefined,
    async write({ prompt, maxOutputTokens }, { signal } = {}) {
      const summary = await summaryBy(model, marked.exec(prompt)?.[1] ?? '', signal)
      const style = /^- Style: (.*)$/m.exec(prompt)?.[1]
      const text = style === undefined ? summary : `${summary} (${style})`
      return {
        text,
        finishReason: 'stop',
        usage: { model: 'scripted', inputTokens: prompt.length, outputTokens: text.length },
        parameters: { providerModel: 'scripted-1', maxOutputTokens },
      }
    },
  }
}

function catalogueOf(model: ScriptedModel | undefined): ModelCatalogue {
  if (model?.method !== 'generative')
    return createModelCatalogue({ summary: [model === undefined ? extractiveModel() : quoting(model)] })
  const config = modelConfig({ model: 'scripted-1', uses: ['summary'] })
  return createModelCatalogue({
    summary: [extractiveModel()],
    configured: [{ id: 'scripted', config }],
    open: {
      language: () => writing(model),
      embedding: () => {
        throw new Error('No embeddings here.')
      },
    },
  })
}

/** The keys of the models of tests, which have no limits. */
function limitsOf(models: ModelCatalogue | undefined) {
  const given =
    models?.models().flatMap(({ limit }) => (limit === undefined ? [] : [[limit, {}] as const])) ?? []
  return { scripted: {}, vectors: {}, ...Object.fromEntries(given) }
}

/** A configuration of a model, with what a test says about it. */
export function modelConfig(config: Partial<ModelConfig>): ModelConfig {
  return {
    provider: 'openai-compatible',
    model: 'scripted',
    uses: ['prose', 'summary'],
    account: 'tests',
    privateNetwork: true,
    contextTokens: 8_000,
    maxOutputTokens: 4_000,
    fallbacks: [],
    timeouts: { first: 10_000, idle: 10_000, total: 60_000 },
    ...config,
  }
}

/** What may be broken on purpose: parts of the library that stand in front of the real ones. */
export type Faults = (library: NovelLibrary) => Partial<NovelLibrary>

/** An engine with the novel tasks on a manual clock, and what the tests do with it. */
export interface NovelEngine extends AsyncDisposable {
  readonly t: TestEngine
  readonly services: NovelServices
  readonly library: NovelLibrary
  /** Receives a text as a file. */
  upload(text: string | Uint8Array, fileName?: string): Promise<Upload>
  /** Receives a file of the disk. */
  uploadFile(file: string): Promise<Upload>
  /** Imports a text to the end and answers its novel's id. */
  importText(text: string, options?: { summarise?: boolean }): Promise<string>
  /** All scenes of a novel in reading order. */
  scenes(novelId: string): Promise<readonly SceneText[]>
  /** The folder of the uploads. */
  readonly uploadsFolder: string
  /** The files in it. */
  files(): readonly string[]
}

/** How such an engine is made. */
export interface NovelEngineOptions {
  /** Default: the extractive model. */
  model?: ScriptedModel
  /** All models, in the place of that one. */
  models?: ModelCatalogue
  promptsFolder?: string
  originalsMs?: number
  faults?: Faults
  persistent?: boolean
  slots?: number
  /** A library elsewhere than in the database of the tasks. It is called again by `restart` and `crash`. */
  elsewhere?: {
    open(now: () => number): NovelLibrary
    /** Whether it is at work. */
    isBusy(): boolean
  }
}

/** Makes an engine with the novel tasks. `await using` ends it and removes its files. */
export async function novelEngine(options: NovelEngineOptions = {}): Promise<NovelEngine> {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-novel-'))
  const open: { library?: NovelLibrary; now?: () => number } = {}
  const services: NovelServices = {
    get library() {
      if (open.library === undefined) throw new Error('The library is not open.')
      return open.library
    },
    models: options.models ?? catalogueOf(options.model),
    ...(options.promptsFolder === undefined ? {} : { promptsFolder: options.promptsFolder }),
    ...(options.originalsMs === undefined ? {} : { originalsMs: options.originalsMs }),
    uploads: folderUploads(path.join(folder, 'uploads')),
    now: () => open.now?.() ?? 0,
  }
  const file = options.persistent === true ? path.join(folder, 'novels.db') : ':memory:'
  const t = await testEngine({
    tasks: novelTasks,
    services,
    ...(options.elsewhere && { clock: createManualClock({ isBusy: options.elsewhere.isBusy }) }),
    lanes: { batch: { slots: options.slots ?? 10 } },
    limits: limitsOf(options.models),
    openStore(now) {
      const store = sqlite({ file, now })
      const library = options.elsewhere?.open(now) ?? sqliteLibrary(store.database, { now })
      open.library = { ...library, ...options.faults?.(library) }
      open.now = now
      return store
    },
  })
  return new Under({ t, services, folder })
}

class Under implements NovelEngine {
  readonly t: TestEngine
  readonly services: NovelServices
  readonly #folder: string

  constructor({ t, services, folder }: { t: TestEngine; services: NovelServices; folder: string }) {
    this.t = t
    this.services = services
    this.#folder = folder
  }

  get library(): NovelLibrary {
    return this.services.library
  }

  get uploadsFolder(): string {
    return path.join(this.#folder, 'uploads')
  }

  upload(text: string | Uint8Array, fileName = 'book.txt'): Promise<Upload> {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    return storeUpload(this.services, { userId: ann, fileName, content: piecesOf(bytes) })
  }

  uploadFile(file: string): Promise<Upload> {
    return storeUpload(this.services, {
      userId: ann,
      fileName: path.basename(file),
      content: createReadStream(file),
    })
  }

  async importText(text: string, { summarise = false } = {}): Promise<string> {
    const { id } = await this.upload(text)
    const task = await this.t.submit(importNovel, { uploadId: id, summarise }, { userId: ann })
    await this.t.drain()
    await task.result()
    return novelIdOf(id)
  }

  async scenes(novelId: string): Promise<readonly SceneText[]> {
    return (await this.library.shelf.texts(ann, { novelId }, { pageSize: 1_000 })).items
  }

  files(): readonly string[] {
    return readdirSync(this.uploadsFolder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.t[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000)
}

/** A book of two volumes with two chapters each; every chapter has two scenes, each known by its number. */
export const fourChapters = bookOf([
  ['Volume One', 2],
  ['Volume Two', 2],
])

/** A book in which every chapter has two scenes; chapters count from 1 in each volume. */
export function bookOf(volumes: readonly (readonly [title: string, chapters: number])[]): string {
  let scene = 0
  const lines: string[] = ['The Book of Tests', '']
  for (const [title, chapters] of volumes) {
    lines.push(title, '')
    for (let chapter = 1; chapter <= chapters; chapter++) {
      lines.push(`Chapter ${chapter}`, '', sceneText(++scene), '', '* * *', '', sceneText(++scene), '')
    }
  }
  return lines.join('\n')
}

function sceneText(number: number): string {
  return `Scene ${number} begins at dawn.\n\nThe miller crossed the bridge with a lantern, and the river was loud below him. He did not look back at the house.`
}
