import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { TaskJson } from 'quillwork/http'
import { exportNovel, exportUser } from 'quillwork/novel'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { draftOf, importBook, smallBook, totalsOf, writeBook } from '../novel/library/case.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
let novelId: string
beforeEach(() => begin())
afterEach(() => api[Symbol.asyncDispose]())

const title = '渡口的钟'

/** Starts a server with a novel whose title is Chinese. */
async function begin(config = {}): Promise<void> {
  api = await serveNovels(config)
  const { drafts } = api.novels.library
  const draft = await drafts.create(draftOf('ferry', { title }))
  await writeBook(api.novels.library, draft, smallBook)
  await drafts.publish(draft, totalsOf(smallBook))
  novelId = draft.novelId
}

interface ExportJson {
  id: string
  bytes: number
  createdAt: string
}

/** Exports the novel as a task that is submitted over the API. Answers the id of the export. */
async function exported(): Promise<string> {
  const parameters = { novelId, format: 'txt' }
  const { body } = await api.post<TaskJson>('/v1/tasks', { taskType: 'ExportNovel', parameters })
  expect(body.tags).toEqual([`novel:${novelId}`])
  const task = await api.novels.t.find(exportNovel, body.id)
  return (await task?.result())?.exportId ?? ''
}

describe('an export over HTTP', () => {
  test('says what it is, and is downloaded under the title of the novel', async () => {
    const id = await exported()
    const { status, body } = await api.ask<ExportJson>(`/v1/exports/${id}`)
    expect([status, Object.keys(body).sort()]).toEqual([
      200,
      'bytes chapters createdAt expiresAt fileName format id mediaType novelId scenes taskId words'.split(
        ' ',
      ),
    ])
    expect(body).toMatchObject({ id, novelId, fileName: `${title}.txt`, chapters: 3, scenes: 5, words: 25 })
    const file = await api.ask(`/v1/exports/${id}/file`)
    expect(file.status).toBe(200)
    expect(file.text).toContain('刘备见关羽张飞。三人结义。')
    expect(Buffer.byteLength(file.text)).toBe(body.bytes)
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(body.bytes),
      'content-disposition':
        'attachment; filename="novel.txt"; filename*=UTF-8\'\'%E6%B8%A1%E5%8F%A3%E7%9A%84%E9%92%9F.txt',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      etag: `"${id}"`,
    })
    const head = await api.ask(`/v1/exports/${id}/file`, { method: 'HEAD' })
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([
      200,
      '',
      String(body.bytes),
    ])
  })

  test('is downloaded in part, as long as it is the same file', async () => {
    const id = await exported()
    const path = `/v1/exports/${id}/file`
    const whole = Buffer.from((await api.ask(path)).text)
    const part = async (headers: Record<string, string>) => {
      const response = await fetch(api.url + path, { headers })
      const bytes = Buffer.from(await response.arrayBuffer())
      return { status: response.status, bytes, range: response.headers.get('content-range') }
    }
    const size = whole.length
    expect(await part({ range: 'bytes=5-24' })).toEqual({
      ...{ status: 206, bytes: whole.subarray(5, 25), range: `bytes 5-24/${size}` },
    })
    expect(await part({ range: 'bytes=-7', 'if-range': `"${id}"` })).toEqual({
      ...{ status: 206, bytes: whole.subarray(-7), range: `bytes ${size - 7}-${size - 1}/${size}` },
    })
    const all = { status: 200, bytes: whole, range: null }
    expect(await part({ range: 'bytes=-7', 'if-range': '"another"' })).toEqual(all)
    expect(await part({ range: 'bytes=0-1,3-4' })).toEqual(all)
    const refused = await api.ask(path, { headers: { range: `bytes=${size}-` } })
    expect(refused).toMatchObject({ status: 416, body: { code: 'RANGE_NOT_SATISFIABLE' } })
    expect(refused.headers.get('content-range')).toBe(`bytes */${size}`)
  })

  test('is deleted with its file, or out of sight with its novel', async () => {
    const notFound = { status: 404, body: { code: 'EXPORT_NOT_FOUND' } }
    const [deleted, hidden] = [await exported(), await exported()]
    expect(api.novels.files()).toHaveLength(2)
    expect(await api.ask(`/v1/exports/${deleted}`, { method: 'DELETE' })).toMatchObject({ status: 204 })
    expect(api.novels.files()).toHaveLength(1)
    for (const path of [`/v1/exports/${deleted}`, `/v1/exports/${deleted}/file`])
      expect(await api.ask(path)).toMatchObject(notFound)
    expect(await api.ask(`/v1/exports/${deleted}`, { method: 'DELETE' })).toMatchObject(notFound)
    await api.novels.t.lanes.pause('default')
    expect((await api.ask(`/v1/novels/${novelId}`, { method: 'DELETE' })).status).toBe(200)
    expect(await api.ask(`/v1/exports/${hidden}/file`)).toMatchObject(notFound)
    expect((await api.ask(`/v1/bin/${novelId}`, { method: 'DELETE' })).status).toBe(202)
    await api.novels.t.lanes.resume('default')
    await api.novels.t.drain()
    expect(api.novels.files()).toEqual([])
  })

  test('of another user is not found', async () => {
    const { library, t } = api.novels
    const asked = { novelId: await importBook(library, 'his', smallBook, 'bob'), format: 'txt' } as const
    const task = await t.submit(exportNovel, asked, { userId: 'bob' })
    const { exportId } = await task.result()
    for (const [path, method] of [
      ['', 'GET'],
      ['/file', 'GET'],
      ['', 'DELETE'],
    ] as const)
      expect(await api.ask(`/v1/exports/${exportId}${path}`, { method })).toMatchObject({
        ...{ status: 404, body: { code: 'EXPORT_NOT_FOUND' } },
      })
  })
})

describe('an archive of all that a user has, over HTTP', () => {
  test('is asked for like the erasure, and read by whoever names its user', async () => {
    const { library, t } = api.novels
    await importBook(library, 'his', smallBook, 'bob:12')
    const once = { method: 'POST', headers: { 'idempotency-key': 'bob leaves' } }
    const asked = await api.ask<TaskJson>('/v1/users/bob%3A12:export', once)
    expect(asked).toMatchObject({ status: 202, body: { taskType: 'ExportUser', userId: 'bob:12' } })
    expect((await api.ask<TaskJson>('/v1/users/bob%3A12:export', once)).body.id).toBe(asked.body.id)
    const { exportId, bytes } = (await (await t.find(exportUser, asked.body.id))?.result()) ?? {}
    const path = `/v1/exports/${exportId}`
    for (const hidden of [path, `${path}/file`])
      expect(await api.ask(hidden)).toMatchObject({ status: 404, body: { code: 'EXPORT_NOT_FOUND' } })
    const { body } = await api.ask<ExportJson>(`${path}?userId=bob%3A12`)
    expect(body).toMatchObject({ format: 'user', bytes, archive: { novels: 1, uploads: 0, missing: 0 } })
    expect(Object.keys(body)).not.toContain('novelId')
    const file = await fetch(`${api.url}${path}/file?userId=bob%3A12`)
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': expect.stringMatching(/filename="Quillwork bob 12 \d{4}-\d\d-\d\d\.zip"/),
    })
    expect((await file.arrayBuffer()).byteLength).toBe(bytes)
    expect((await api.ask(`${path}?userId=bob%3A12`, { method: 'DELETE' })).status).toBe(204)
    expect(api.novels.files()).toEqual([])
  })
})

/** Has the file of every export be one of a terabyte. Says how many pieces were read of it, and when its reading ended. */
function serveTerabyte() {
  const piece = Buffer.alloc(65_536)
  const seen = { pieces: 0, ended: Promise.resolve() }
  let end: () => void = () => undefined
  seen.ended = new Promise<void>(resolve => {
    end = resolve
  })
  const read = async function* () {
    try {
      for (;;) {
        seen.pieces += 1
        yield piece
      }
    } finally {
      end()
    }
  }
  const source = { name: 'a.txt', size: 1e12, read, readRange: read }
  vi.spyOn(api.novels.services.uploads, 'open').mockResolvedValue(source)
  return seen
}

async function download(id: string): Promise<IncomingMessage> {
  const asking = get(`${api.url}/v1/exports/${id}/file`)
  asking.on('error', () => undefined)
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return response
}

describe('a file that is read', () => {
  test('is read no further when its reader goes away', async () => {
    const id = await exported()
    const file = serveTerabyte()
    const response = await download(id)
    await once(response, 'data')
    response.destroy()
    await file.ended
  })

  test('is read as fast as its reader takes it, who loses the connection when they take nothing for long', async () => {
    await api[Symbol.asyncDispose]()
    await begin({ bodyTimeoutMs: 200 })
    const id = await exported()
    const file = serveTerabyte()
    const response = await download(id)
    expect(response.statusCode).toBe(200)
    await file.ended
    // What the buffers of two sockets take, and no more.
    expect(file.pieces).toBeLessThan(500)
    response.destroy()
  })
})
