/** A book for real servers: imported, summarised and written anew over their API. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'

/** Writes a book of so many chapters with two scenes each into a folder; answers the file. */
export function writeBook(folder: string, chapters: number): string {
  const scene = (chapter: number, number: number) =>
    `Scene ${number} of chapter ${chapter} begins at dawn.\n\nThe miller of house ${chapter * 10 + number} crossed the bridge with a ` +
    'lantern, and the river was loud below him. He did not look back at the house, and nobody called after him.'
  const chapter = (number: number) =>
    `Chapter ${number}: Lantern ${number}\n\n${scene(number, 1)}\n\n* * *\n\n${scene(number, 2)}`
  const file = path.join(folder, 'miller.txt')
  writeFileSync(
    file,
    `The Miller\n\n${Array.from({ length: chapters }, (_, i) => chapter(i + 1)).join('\n\n')}\n`,
  )
  return file
}

/** Asks a server's API. Throws for an answer that is a refusal. */
export async function api<T>(url: string, route: string, body?: unknown): Promise<T> {
  const sent =
    body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(`${url}${route}`, sent)
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** A scene as the API shows it, as far as the tests look. */
export interface SceneSeen {
  readonly id: string
  readonly content: string
  readonly summary?: { readonly text: string }
}

type Chapters = readonly { readonly id: string }[]

/** All scenes in reading order. */
export async function readBook(url: string, novelId: string): Promise<readonly SceneSeen[]> {
  const { outline } = await api<{ outline: readonly { chapters: Chapters }[] }>(url, `/v1/novels/${novelId}`)
  const scenes: SceneSeen[] = []
  for (const { id } of outline.flatMap(({ chapters }) => chapters)) {
    const chapter = await api<{ scenes: readonly { id: string }[] }>(
      url,
      `/v1/novels/${novelId}/chapters/${id}`,
    )
    for (const scene of chapter.scenes) scenes.push(await api<SceneSeen>(url, `/v1/scenes/${scene.id}`))
  }
  return scenes
}

/** Takes the texts away and leaves the summaries: a book that is planned and not written. */
export async function unwriteBook(url: string, novelId: string): Promise<void> {
  for (const { id } of await readBook(url, novelId)) {
    const { headers } = await fetch(`${url}/v1/scenes/${id}`)
    const response = await fetch(`${url}/v1/scenes/${id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': headers.get('etag') ?? '' },
      body: JSON.stringify({ content: '' }),
    })
    if (!response.ok) throw new Error(await response.text())
  }
}

/** Models of the configuration that are the scripted server. `makesVectors`: one that does, too; default none. */
export function modelsAt(
  url: string,
  more: object = {},
  makesVectors = false,
): { readonly QUILLWORK_MODELS: string } {
  const server = { provider: 'openai-compatible', baseUrl: url, privateNetwork: true }
  const scripted = {
    ...server,
    model: 'scripted',
    contextTokens: 16_000,
    maxOutputTokens: 2_000,
    price: { input: 1, output: 2, currency: 'USD' },
    ...more,
  }
  const vectors = { ...server, model: 'vectors', uses: ['embedding'], dimensions: 64 }
  return { QUILLWORK_MODELS: JSON.stringify({ scripted, ...(makesVectors && { vectors }) }) }
}

/** A task as the API shows it. */
export interface TaskSeen {
  readonly id: string
  readonly status: string
  readonly result?: Readonly<Record<string, unknown>>
}

/** Whether a task has ended. */
export function hasEnded({ status }: TaskSeen): boolean {
  return !['QUEUED', 'RUNNING', 'RETRYING'].includes(status)
}
