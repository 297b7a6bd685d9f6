import { type PageServer, startServer } from './kit/kit.ts'

/** What a test looks at of an entry. */
export interface Entry {
  id: string
  name: string
  aliases: string[]
  text: string
  changes: { how: string; text: string }[]
  note: string
  version: number
}

/** A server with an imported novel, to test its codex. */
export interface CodexServer extends AsyncDisposable {
  readonly server: PageServer
  readonly novelId: string
  /** The address of the page of the codex. */
  readonly page: string
  add(entry: object): Promise<Entry>
  entries(): Promise<Entry[]>
  /** Returns the id of the first scene that a search for words finds. */
  sceneWith(words: string): Promise<string>
}

/** Starts it. */
export async function startCodexServer(text: string): Promise<CodexServer> {
  const server = await startServer({})
  const { taskId, novelId } = await server.importText(text, 'The Bridge.txt')
  await server.ended(taskId)
  const codex = `/v1/novels/${novelId}/codex`
  return {
    server,
    novelId,
    page: `${server.url}/novels/${novelId}/codex`,
    add: entry => server.post<Entry>(codex, { kind: 'person', ...entry }),
    entries: async () => (await server.ask<{ items: Entry[] }>(codex)).items,
    async sceneWith(words) {
      const query = `q=${encodeURIComponent(words)}`
      const { hits } = await server.ask<{ hits: { sceneId: string }[] }>(
        `/v1/novels/${novelId}/search?${query}`,
      )
      return hits[0]?.sceneId ?? ''
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
