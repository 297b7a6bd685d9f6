import { type ModelServer, startModelServer } from '../models/server.ts'
import { textFor } from '../models/texts.ts'
import { type PageProcess, type PageServer, startProcess, startServer } from './kit/kit.ts'

/** A server with a novel of two chapters and a model of its own that writes prose as scripted; summaries quote. */
export interface SceneServer<Server extends PageServer = PageServer> extends AsyncDisposable {
  readonly server: Server
  readonly model: ModelServer
  readonly novelId: string
  /** Ids of the scenes of the first chapter. */
  readonly sceneIds: readonly string[]
  /** Adds an empty scene that is to be written from its summary. Answers its id. */
  addScene(title: string, summary?: string): Promise<string>
  /** The address of the page of a scene. */
  pageOf(sceneId: string, search?: string): string
  scene(sceneId: string): Promise<SceneState>
  /** Edits a scene as somebody else does. */
  edit(sceneId: string, change: object): Promise<void>
}

/** What a test looks at of a scene. */
export interface SceneState {
  content: string
  version: number
  title?: string
  summary?: { text: string; method: string }
  textOrigin?: { method: string; model?: string }
}

const book = `Chapter 1: Salt

The weighing house at Anderby Pans had two doors. Berit Hask had been told never to confuse them. The salt came in on sledges.

* * *

Mr. Pell kept the ledger for forty-one years. Berit could add. She could also subtract, and that was the trouble.

Chapter 2: Ink

The ledger was found open. Nobody at Anderby Pans would say who had turned the page.
`

/** Starts it in this process. `fields`: of the model that writes. */
export function startSceneServer(fields: object = {}): Promise<SceneServer> {
  return withNovel(env => startServer(env, { noToken: 'true' }), fields)
}

/** Starts it in a process of its own, which can be killed. */
export function startSceneProcess(): Promise<SceneServer<PageProcess>> {
  return withNovel(env => startProcess([], env), {})
}

async function withNovel<Server extends PageServer>(
  start: (env: Record<string, string>) => Promise<Server>,
  fields: object,
): Promise<SceneServer<Server>> {
  const model = await startModelServer()
  const server = await start({
    QUILLWORK_MODELS: JSON.stringify({
      writer: {
        provider: 'openai-compatible',
        baseUrl: model.url,
        privateNetwork: true,
        model: 'scripted',
        uses: ['prose'],
        price: { input: 2, output: 8, currency: 'USD' },
        ...fields,
      },
    }),
  })
  const { taskId, novelId } = await server.importText(book)
  await server.ended(taskId)
  const outline = await server.ask<{ outline: { chapters: { id: string }[] }[] }>(`/v1/novels/${novelId}`)
  const chapterId = outline.outline[0]?.chapters[0]?.id ?? ''
  const { scenes } = await server.ask<{ scenes: { id: string }[] }>(
    `/v1/novels/${novelId}/chapters/${chapterId}`,
  )
  const sceneOf = (sceneId: string) => server.ask<SceneState>(`/v1/scenes/${sceneId}`)
  return {
    server,
    model,
    novelId,
    sceneIds: scenes.map(({ id }) => id),
    async addScene(title, summary = 'Berit reads the ledger alone at night.') {
      const { id } = await server.post<{ id: string }>(`/v1/chapters/${chapterId}/scenes`, { title, summary })
      return id
    },
    pageOf: (sceneId, search = '') => `${server.url}/novels/${novelId}/scenes/${sceneId}${search}`,
    scene: sceneOf,
    async edit(sceneId, change) {
      const { version } = await sceneOf(sceneId)
      await server.ask(`/v1/scenes/${sceneId}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
        body: JSON.stringify(change),
      })
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await model.close()
    },
  }
}

/** A text of so many sentences, each with its number and none like another; long enough for a scene of the usual length. Texts of other numbers share nothing. */
export function proseOf(sentences: number): string {
  const words = textFor(`prose ${sentences}`, 100).replaceAll('.', '').split(' ')
  const each = Math.ceil(words.length / 2 / sentences)
  return Array.from(
    { length: sentences },
    (_, at) => `Sentence ${at + 1} tells that ${words.slice(at * each, (at + 1) * each).join(' ')}.`,
  ).join(' ')
}
