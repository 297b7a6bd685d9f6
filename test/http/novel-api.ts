import { createApp, type HttpOptions } from 'quillwork/http'
import { createModelCatalogue, type ModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import { ann, type NovelEngine, novelEngine } from '../novel/tasks/novel-engine.ts'
import { type Answer, type Api, askingOf } from './api.ts'

type Asking = Pick<Api, 'url' | 'app' | 'ask' | 'post'>

/** An API with novels that listens. */
export interface NovelApi extends Asking, AsyncDisposable {
  readonly novels: NovelEngine
  /** Uploads a text. */
  upload(
    text: string | Uint8Array,
    fileName?: string,
    headers?: Record<string, string>,
  ): Promise<Answer<UploadJson>>
}

/** An upload as the API tells it. */
export interface UploadJson {
  id: string
  fileName: string
  bytes: number
  status: string
  confirmation?: { taskId: string; novelId: string }
  preview?: {
    title: string
    encoding: { name: string; confidence: number }
    volumes: { title: string; chapters: { title: string; words: number; characters: number }[] }[]
    warnings: { code: string }[]
  }
}

/** What such an API has beside its settings. */
export interface NovelApiParts {
  /** The folder of the samples; default none. */
  samples?: URL | string | undefined
  /** Default: one that quotes. */
  models?: ModelCatalogue
}

/** Starts an API on an engine with the novel tasks. */
export async function serveNovels(config: HttpOptions = {}, parts: NovelApiParts = {}): Promise<NovelApi> {
  const { samples, models = createModelCatalogue({ summary: [extractiveModel()] }) } = parts
  const novels = await novelEngine({ models })
  const { t: engine, services } = novels
  const app = createApp({
    engine,
    novels: services,
    models,
    samples,
    config: { userId: ann, ...config },
    log: engine.log,
  })
  const asking = await askingOf(app)
  return {
    ...asking,
    novels,
    async upload(text, fileName = 'book.txt', headers = {}) {
      const response = await fetch(`${asking.url}/v1/uploads?fileName=${encodeURIComponent(fileName)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', ...headers },
        body: typeof text === 'string' ? Buffer.from(text) : text,
      })
      const body = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        text: body,
        body: JSON.parse(body) as UploadJson,
      }
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await novels[Symbol.asyncDispose]()
    },
  }
}
