import { once } from 'node:events'
import { request } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createApp, type TaskJson } from 'quillwork/http'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { StyleJson } from '../../src/http/schemas/style.ts'
import { chaptersSchema } from '../../src/http/schemas/upload.ts'
import { sceneIdOf } from '../../src/novel/library/ids.ts'
import { importBook } from '../novel/library/case.ts'
import { ann } from '../novel/tasks/novel-engine.ts'
import { until } from '../servers/until.ts'
import { askingOf } from './api.ts'
import { type NovelApi, serveNovels, type UploadJson } from './novel-api.ts'

const prose = (name: string) =>
  Array.from({ length: 6 }, (_, i) =>
    `${name} walked along the river for hour ${i} and thought of home. `.repeat(5),
  ).join('\n\n')
const book = [
  'Chapter 1. The Bridge',
  prose('Mira'),
  'Chapter 2. The Mill',
  prose('Tomas'),
  'Chapter 3. The Sea',
  prose('Mira'),
].join('\n\n')
const chinese = [
  '第一章 风起',
  '刘备走在河边，想起了家乡。'.repeat(40),
  '第二章 云涌',
  '关羽来到了磨坊。'.repeat(40),
].join('\n\n')

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of buffers that something refers to. */
function bytesInUse(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

let api: NovelApi
beforeAll(async () => {
  api = await serveNovels()
})
afterAll(() => api[Symbol.asyncDispose]())

async function imported(text: string, body: object = {}): Promise<{ taskId: string; novelId: string }> {
  const { body: upload } = await api.upload(text)
  const { status, body: confirmation } = await api.post<{ taskId: string; novelId: string }>(
    `/v1/uploads/${upload.id}:confirm`,
    body,
  )
  expect(status).toBe(202)
  await api.novels.t.drain()
  return confirmation
}

describe('uploads', () => {
  test('a file is received, previewed and listed', async () => {
    const answer = await api.upload(book, '../../The River.txt')
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`/v1/uploads/${answer.body.id}`)
    expect(answer.body).toMatchObject({ fileName: 'The River.txt', bytes: book.length, status: 'uploaded' })
    expect(answer.text).not.toContain(api.novels.uploadsFolder)
    const { body } = await api.ask<UploadJson>(`/v1/uploads/${answer.body.id}`)
    expect(body.preview).toMatchObject({
      encoding: { name: expect.stringMatching(/utf-?8/i) },
      warnings: expect.any(Array),
    })
    expect(
      body.preview?.volumes.flatMap(volume => volume.chapters.map(chapter => chapter.title)),
    ).toHaveLength(3)
    const list = await api.ask<{ items: UploadJson[] }>('/v1/uploads?pageSize=1')
    expect(list.body.items).toMatchObject([{ id: answer.body.id }])
  })

  test('another encoding can be named, and one that does not exist is refused', async () => {
    const utf16 = Buffer.from(chinese, 'utf16le')
    const { body: upload } = await api.upload(utf16, 'zh.txt')
    const { body } = await api.ask<UploadJson>(`/v1/uploads/${upload.id}?encoding=utf-16le`)
    expect(body.preview?.volumes.flatMap(volume => volume.chapters)).toHaveLength(2)
    expect(await api.ask(`/v1/uploads/${upload.id}?encoding=klingon`)).toMatchObject({
      status: 400,
      body: { code: 'ENCODING_UNKNOWN' },
    })
  })

  test('a named encoding holds for what names it: without one, the file is read in the detected one', async () => {
    const { body: upload } = await api.upload('Chapter 1\n\nCafé.\n\nChapter 2\n\nMore.\n')
    const detected = await api.ask<UploadJson>(`/v1/uploads/${upload.id}`)
    const named = await api.ask<UploadJson>(`/v1/uploads/${upload.id}?encoding=utf-16le`)
    expect(named.body.preview?.encoding.name).toBe('utf-16le')
    expect(named.body.preview?.volumes.flatMap(volume => volume.chapters)).toHaveLength(1)
    const { body: begun } = await api.post<{ novelId: string }>(`/v1/uploads/${upload.id}:confirm`, {
      chapters: [1],
    })
    const again = await api.ask<UploadJson>(`/v1/uploads/${upload.id}`)
    expect(again.body.preview).toEqual(detected.body.preview)
    await api.novels.t.drain()
    const { body: outline } = await api.ask<{ outline: { chapters: { title: string }[] }[] }>(
      `/v1/novels/${begun.novelId}`,
    )
    expect(outline.outline.flatMap(({ chapters }) => chapters.map(({ title }) => title))).toEqual([
      'Chapter 2',
    ])
  })

  test('previews asked for at once are one reading', async () => {
    const { body: upload } = await api.upload(book)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.ask<UploadJson>(`/v1/uploads/${upload.id}`)),
    )
    expect(new Set(answers.map(({ body }) => JSON.stringify(body.preview))).size).toBe(1)
  })

  test('two are read at a time, and no longer than somebody waits for their preview', async () => {
    const ids: string[] = []
    for (const name of ['one', 'two', 'three']) ids.push((await api.upload(`${name} ${book}`)).body.id)
    const { uploads, library } = api.novels.services
    const texts = await Promise.all(ids.map(async id => (await library.uploads.upload(ann, id)).location))
    const [reading, ended] = [new Set<string>(), new Set<string>()]
    const open = uploads.open.bind(uploads)
    /** A text that comes slowly, and has no end. */
    async function* endless(location: string) {
      reading.add(location)
      try {
        for (;;) {
          await new Promise(resolve => setImmediate(resolve))
          yield Buffer.from('And so on.\n')
        }
      } finally {
        ended.add(location)
      }
    }
    const opened = vi.spyOn(uploads, 'open').mockImplementation(async (location, name) => {
      const source = await open(location, name)
      if (source === undefined || location === texts[2]) return source
      return { ...source, read: () => endless(location) }
    })
    const leave = new AbortController()
    const left = ids.slice(0, 2).map(id => fetch(`${api.url}/v1/uploads/${id}`, { signal: leave.signal }))
    const leaving = Promise.allSettled(left)
    try {
      await until(() => reading.size === 2, 'two texts that are read')
      const third = api.ask<UploadJson>(`/v1/uploads/${ids[2]}`)
      await until(() => opened.mock.calls.length >= 3, 'a third one that waits')
      expect(ended.size).toBe(0)
      leave.abort()
      expect((await third).body.preview?.volumes[0]?.chapters).toHaveLength(3)
      await until(() => ended.size === 2, 'the end of the two')
    } finally {
      leave.abort()
      await leaving
    }
    opened.mockRestore()
  })

  test('a preview of more chapters than are written out at once is whole, and lets others in between', async () => {
    const title = '"volumes":[] and $&'
    const chapters = Array.from({ length: 1_100 }, (_, index) => `Chapter ${index + 1}\n\n${title}.`)
    const { body: upload } = await api.upload([`Title: ${title}`, ...chapters].join('\n\n'))
    const { body } = await api.ask<UploadJson>(`/v1/uploads/${upload.id}`)
    const parse = vi.spyOn(chaptersSchema, 'parse')
    const again = await api.ask<UploadJson>(`/v1/uploads/${upload.id}`)
    expect(parse.mock.results.map(({ value }) => value.length)).toEqual([500, 500, 100])
    parse.mockRestore()
    for (const { preview } of [body, again.body]) {
      expect(preview?.title).toBe(title)
      const titles = preview?.volumes.flatMap(volume => volume.chapters.map(chapter => chapter.title))
      expect(titles).toEqual(chapters.map((_, index) => `Chapter ${index + 1}`))
    }
  })

  test('one that is not confirmed can be deleted, file and all', async () => {
    const before = api.novels.files().length
    const { body: upload } = await api.upload(book)
    expect(api.novels.files()).toHaveLength(before + 1)
    expect(await api.ask(`/v1/uploads/${upload.id}`, { method: 'DELETE' })).toMatchObject({
      status: 204,
      text: '',
    })
    expect(api.novels.files()).toHaveLength(before)
    for (const ask of [{}, { method: 'DELETE' }])
      expect(await api.ask(`/v1/uploads/${upload.id}`, ask)).toMatchObject({
        status: 404,
        body: { code: 'UPLOAD_NOT_FOUND' },
      })
    expect(await api.post(`/v1/uploads/${upload.id}:confirm`, {})).toMatchObject({ status: 404 })
  })

  test('too large a file is refused, and nothing of it is kept', async () => {
    await using small = await serveNovels({ uploadLimit: 1_000 })
    const answer = await small.upload('x'.repeat(5_000))
    expect(answer).toMatchObject({ status: 413, body: { code: 'UPLOAD_TOO_LARGE' } })
    expect(small.novels.files()).toEqual([])
    expect((await small.upload('x'.repeat(1_000))).status).toBe(201)
  })

  test('one user has a number of files, and of bytes, however many are sent at once', async () => {
    await using few = await serveNovels({ uploadsPerUser: 3, uploadBytesPerUser: 5_000 })
    const full = { status: 429, body: { code: 'USER_UPLOADS_FULL', retryable: true } }
    const answers = await Promise.all(Array.from({ length: 8 }, () => few.upload('x'.repeat(1_000))))
    const kept = answers.filter(({ status }) => status === 201)
    for (const refused of answers.filter(answer => !kept.includes(answer)))
      expect(refused).toMatchObject(full)
    // Of many at once, those that arrive count too, so that fewer may be kept.
    expect(kept.length).toBeLessThanOrEqual(3)
    for (let count = kept.length; count < 3; count++)
      expect((await few.upload('x'.repeat(1_000))).status).toBe(201)
    expect(few.novels.files()).toHaveLength(3)
    expect(await few.upload('x')).toMatchObject(full)
    const { body: page } = await few.ask<{ items: UploadJson[] }>('/v1/uploads')
    await few.ask(`/v1/uploads/${page.items[0]?.id}`, { method: 'DELETE' })
    expect(await few.upload('x'.repeat(3_001))).toMatchObject(full)
    expect(few.novels.files()).toHaveLength(2)
    expect((await few.upload('x'.repeat(3_000))).status).toBe(201)
  })

  test.each([
    ['slower than it may be', { bodyTimeoutMs: 200, uploadRate: 1_000_000 }],
    ['longer than it may take', { uploadTimeoutMs: 200 }],
  ])('an upload that is %s ends, and nothing of it is kept', async (_what, config) => {
    await using patient = await serveNovels(config)
    const { port } = new URL(patient.url)
    const headers = { 'content-type': 'text/plain', 'content-length': 10_000_000 }
    const sending = request({ port, path: '/v1/uploads', method: 'POST', headers })
    const writing = setInterval(() => sending.write('And so on.\n'), 10)
    try {
      const [response] = await once(sending, 'response')
      expect(response.statusCode).toBe(408)
    } finally {
      clearInterval(writing)
      sending.destroy()
    }
    await until(() => patient.novels.files().length === 0, 'an end of what arrived')
  })

  test('a form is refused, and nothing of it is kept', async () => {
    await using fresh = await serveNovels()
    const form = `--x7\r\nContent-Disposition: form-data; name="file"; filename="b.txt"\r\n\r\n${book}\r\n--x7--\r\n`
    for (const type of ['multipart/form-data; boundary=x7', 'Multipart/Mixed; boundary=x7'])
      expect(
        await fresh.ask('/v1/uploads', { method: 'POST', headers: { 'content-type': type }, raw: form }),
      ).toMatchObject({
        status: 415,
        body: { code: 'MEDIA_TYPE_UNSUPPORTED', detail: expect.stringMatching(/file itself.*--data-binary/) },
      })
    expect(await fresh.ask('/v1/uploads')).toMatchObject({ body: { items: [] } })
  })

  test.each<[string, string | Uint8Array]>([
    [
      'a form under another type',
      '--x7\r\nContent-Disposition: form-data; name="file"\r\n\r\nText\r\n--x7--\r\n',
    ],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
    ['bytes', Uint8Array.from({ length: 2_000 }, (_, i) => (i * i * 31 + i) % 256)],
    ['XML', '<?xml version="1.0"?><feed><title>Mill</title></feed>'],
  ])('no book is made of %s', async (_name, content) => {
    const { body: upload } = await api.upload(content, 'book.txt')
    const refused = { code: 'FILE_KIND_UNSUPPORTED', authorMessage: expect.any(String) }
    expect(await api.ask(`/v1/uploads/${upload.id}`)).toMatchObject({ status: 422, body: refused })
    const { body } = await api.post<{ taskId: string }>(`/v1/uploads/${upload.id}:confirm`, {})
    await api.novels.t.drain()
    const task = await api.ask(`/v1/tasks/${body.taskId}/children`)
    expect(task.text).toContain('FILE_KIND_UNSUPPORTED')
  })

  test('an upload that stalls is answered 408, one that breaks off is forgotten', async () => {
    await using slow = await serveNovels({ bodyTimeoutMs: 50 })
    const begin = () =>
      request(`${slow.url}/v1/uploads`, {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'text/plain', 'content-length': '1000' },
      })
    const stalling = begin()
    const status = new Promise<number | undefined>((resolve, reject) => {
      stalling.on('response', response => {
        response.resume()
        resolve(response.statusCode)
      })
      stalling.on('error', reject)
    })
    stalling.write('some text')
    expect(await status).toBe(408)
    const breaking = begin()
    const broken = new Promise<void>(resolve => breaking.on('error', () => resolve()))
    breaking.write('some text')
    breaking.on('socket', socket => socket.on('connect', () => setImmediate(() => breaking.destroy())))
    await broken
    expect(await slow.ask('/healthz')).toMatchObject({ status: 200 })
    while (slow.novels.files().length > 0) await slow.ask('/healthz')
    expect((await slow.ask<{ items: object[] }>('/v1/uploads')).body.items).toEqual([])
  })

  test('a large file does not fill the memory', async () => {
    const piece = Buffer.alloc(1_000_000, 'Text of a book. ')
    const before = bytesInUse()
    const pieces = 60
    let inUse = 0
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${api.url}/v1/uploads`, {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'text/plain' },
      })
      sent.on('response', response => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject)
      let count = 0
      const write = () => {
        while (count < pieces) {
          count += 1
          if (!sent.write(piece)) return sent.once('drain', write)
        }
        inUse = bytesInUse() - before
        return sent.end()
      }
      write()
    })
    expect(status).toBe(201)
    expect(inUse).toBeLessThan(40_000_000)
  })
})

describe('confirming', () => {
  test('twice gives the same task and the same novel, also at once', async () => {
    const { body: upload } = await api.upload(book)
    await api.ask(`/v1/uploads/${upload.id}`)
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        api.post<{ taskId: string; novelId: string }>(`/v1/uploads/${upload.id}:confirm`, {
          title: 'The River',
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    const { taskId, novelId } = answers[0]?.body ?? { taskId: '', novelId: '' }
    expect(answers[0]?.headers.get('location')).toBe(`/v1/tasks/${taskId}`)
    await api.novels.t.drain()
    expect((await api.ask(`/v1/tasks/${taskId}`)).body).toMatchObject({
      taskType: 'ImportNovel',
      status: 'COMPLETED',
      userId: ann,
    })
    const later = await api.post(`/v1/uploads/${upload.id}:confirm`, { title: 'The River' })
    expect(later.body).toEqual({ taskId, novelId })
    const shelf = await api.ask<{ items: { id: string; title: string }[] }>('/v1/novels')
    expect(shelf.body.items.filter(novel => novel.id === novelId)).toMatchObject([{ title: 'The River' }])
    expect(await api.post(`/v1/uploads/${upload.id}:confirm`, { title: 'Another' })).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    })
    expect((await api.ask(`/v1/uploads/${upload.id}`)).body).toMatchObject({
      status: 'confirmed',
      confirmation: { taskId, novelId },
    })
  })

  test('its file can be deleted once it was read, and not before', async () => {
    const { body: upload } = await api.upload(book)
    const file = `/v1/uploads/${upload.id}`
    await api.post('/v1/lanes/batch:pause')
    const { novelId, taskId } = (await api.post<{ novelId: string; taskId: string }>(`${file}:confirm`, {}))
      .body
    await api.novels.t.drain()
    expect(await api.ask(file, { method: 'DELETE' })).toMatchObject({
      status: 409,
      body: { code: 'UPLOAD_CONFIRMED', detail: expect.stringContaining(taskId) },
    })
    await api.post('/v1/lanes/batch:resume')
    await api.novels.t.drain()
    const before = api.novels.files().length
    expect(await api.ask(file, { method: 'DELETE' })).toMatchObject({ status: 204 })
    expect(api.novels.files()).toHaveLength(before - 1)
    expect(await api.ask(file)).toMatchObject({ status: 404, body: { code: 'UPLOAD_NOT_FOUND' } })
    expect(await api.ask(`/v1/novels/${novelId}`)).toMatchObject({ status: 200 })
    // Of an import that was cancelled before it had read its file, nobody needs it either.
    const { body: other } = await api.upload(book)
    await api.post('/v1/lanes/batch:pause')
    const { body: begun } = await api.post<{ taskId: string }>(`/v1/uploads/${other.id}:confirm`, {})
    await api.post(`/v1/tasks/${begun.taskId}:cancel`)
    await api.novels.t.drain()
    expect(await api.ask(`/v1/uploads/${other.id}`, { method: 'DELETE' })).toMatchObject({ status: 204 })
    await api.post('/v1/lanes/batch:resume')
  })

  test('some chapters alone, without summaries', async () => {
    const { novelId, taskId } = await imported(book, { chapters: [0, 2], summarise: false })
    expect((await api.ask<TaskJson>(`/v1/tasks/${taskId}`)).body.status).toBe('COMPLETED')
    const { body } = await api.ask<{ outline: { chapters: { title: string; summaries: number }[] }[] }>(
      `/v1/novels/${novelId}`,
    )
    const chapters = body.outline.flatMap(volume => volume.chapters)
    expect(chapters).toHaveLength(2)
    expect(chapters.every(chapter => chapter.summaries === 0)).toBe(true)
  })

  test('the text of a chapter is read before it is imported, in the encoding that is asked for', async () => {
    const { body: upload } = await api.upload(book)
    const text = `/v1/uploads/${upload.id}/chapters`
    const { body } = await api.ask<{ title: string; lines: { line: number; text: string }[] }>(`${text}/1`)
    const { line = 0 } = body.lines[0] ?? {}
    expect(book.split('\n')[line - 1]).toBe(body.lines[0]?.text)
    expect(await api.ask(`${text}/1?from=${body.lines.length}`)).toMatchObject({ body: { lines: [] } })
    const utf16 = await api.ask<{ lines: { text: string }[] }>(`${text}/0?encoding=utf-16le`)
    expect(utf16.body.lines[0]?.text).not.toContain('river')
    for (const [path, status, code] of [
      ['99', 404, 'CHAPTER_NOT_FOUND'],
      ['1?encoding=klingon', 400, 'ENCODING_UNKNOWN'],
      ['x', 400, 'REQUEST_INVALID'],
    ] as const)
      expect(await api.ask(`${text}/${path}`)).toMatchObject({ status, body: { code } })
    const nowhere = await api.ask('/v1/uploads/no/chapters/0')
    expect(nowhere).toMatchObject({ status: 404, body: { code: 'UPLOAD_NOT_FOUND' } })
  })

  test('edits shape the novel; the same ones in another order are the same choice', async () => {
    const { body: upload } = await api.upload(book)
    const { body: preview } = await api.ask<UploadJson>(`/v1/uploads/${upload.id}`)
    expect(preview.preview).toMatchObject({ repeated: [] })
    const edits = [
      { index: 2, merge: true },
      { index: 0, title: 'The Source', volume: 'Downstream' },
    ]
    const confirm = `/v1/uploads/${upload.id}:confirm`
    const { body: begun } = await api.post<{ taskId: string; novelId: string }>(confirm, { edits })
    const again = await api.post(confirm, { edits: [...edits].reverse() })
    expect(again).toMatchObject({ status: 202, body: begun })
    expect(await api.post(confirm, {})).toMatchObject({ body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
    await api.novels.t.drain()
    const { body } = await api.ask<{ outline: { title: string; chapters: { title: string }[] }[] }>(
      `/v1/novels/${begun.novelId}`,
    )
    const [first, second] = (preview.preview?.volumes ?? []).flatMap(volume => volume.chapters)
    expect(first).toBeDefined()
    expect(body.outline.map(({ title, chapters }) => [title, chapters.map(one => one.title)])).toEqual([
      ['Downstream', ['The Source', second?.title]],
    ])
  })

  test.each([
    [{ edits: [{ index: 99, title: 'X' }] }, 404, 'CHAPTER_NOT_FOUND'],
    [{ edits: [{ index: 0, merge: true }] }, 400, 'OPTION_INVALID'],
    [{ edits: [{ index: 0, line: 99_999, title: 'X' }] }, 400, 'OPTION_INVALID'],
    [{ edits: [{ index: 1, merge: true }], chapters: [1] }, 400, 'OPTION_INVALID'],
    [{ removeLines: ['The river.'] }, 400, 'OPTION_INVALID'],
    [{ edits: [{ index: 1, merge: true, title: 'X' }] }, 400, 'REQUEST_INVALID'],
    [{ edits: [{ index: 1, line: 3 }] }, 400, 'REQUEST_INVALID'],
    [{ edits: [1, 2].map(() => ({ index: 1, title: 'X' })) }, 400, 'REQUEST_INVALID'],
    [{ chapters: [99] }, 404, 'CHAPTER_NOT_FOUND'],
    [{ chapters: [-1] }, 400, 'REQUEST_INVALID'],
    [{ chapters: [] }, 400, 'REQUEST_INVALID'],
    [{ title: '' }, 400, 'REQUEST_INVALID'],
    [{ summarise: 'yes' }, 400, 'REQUEST_INVALID'],
    [{ surprise: true }, 400, 'REQUEST_INVALID'],
  ])('%j is refused as %i %s', async (choice, status, code) => {
    const { body: upload } = await api.upload(book)
    await api.ask(`/v1/uploads/${upload.id}`)
    expect(await api.post(`/v1/uploads/${upload.id}:confirm`, choice)).toMatchObject({
      status,
      body: { code },
    })
  })
})

describe('novels', () => {
  let novelId: string
  let chapterIds: string[]

  interface Outline {
    title: string
    chapters: number
    outline: { title: string; chapters: { id: string; title: string; position: number }[] }[]
    index: { kind: string }
  }
  interface Chapter {
    scenes: { id: string; version: number; summary?: { text: string; method: string; outOfDate: boolean } }[]
  }

  beforeAll(async () => {
    ;({ novelId } = await imported(book))
    const { body } = await api.ask<Outline>(`/v1/novels/${novelId}`)
    chapterIds = body.outline.flatMap(volume => volume.chapters.map(chapter => chapter.id))
  })

  const chapter = async (index: number) =>
    (await api.ask<Chapter>(`/v1/novels/${novelId}/chapters/${chapterIds[index]}`)).body

  test('the outline and the chapters, each summary with how it came about', async () => {
    const { body } = await api.ask<Outline>(`/v1/novels/${novelId}`)
    expect(body).toMatchObject({ chapters: 3, index: { kind: 'lexical', building: false } })
    expect(body.outline.flatMap(volume => volume.chapters.map(({ position }) => position))).toEqual([0, 1, 2])
    const { scenes } = await chapter(0)
    expect(scenes.length).toBeGreaterThan(0)
    for (const scene of scenes)
      expect(scene.summary).toMatchObject({
        text: expect.stringMatching(/./),
        method: 'extractive',
        outOfDate: false,
      })
  })

  test('search says which index answered, and where', async () => {
    const { body } = await api.ask<{
      index: string
      hits: { chapterId: string; snippet: { text: string; marks: { start: number; end: number }[] } }[]
    }>(`/v1/novels/${novelId}/search?q=Tomas&limit=5`)
    expect(body.index).toBe('lexical')
    expect(body.hits.length).toBeGreaterThan(0)
    for (const { chapterId, snippet } of body.hits) {
      expect(chapterId).toBe(chapterIds[1])
      const [mark] = snippet.marks
      expect(snippet.text.slice(mark?.start, mark?.end)).toBe('Tomas')
    }
    for (const query of ['', 'q=', 'q=x&limit=0', 'q=x&limit=101', `q=${'x'.repeat(501)}`])
      expect(await api.ask(`/v1/novels/${novelId}/search?${query}`)).toMatchObject({ status: 400 })
  })

  test.each(['a\u001b[2J', 'a\u009b1m', 'a\u202eb', 'a\nb', 'a\u2028b', 'a\u007fb'])(
    'no file, title or tag is called %j',
    async name => {
      const refused = { status: 400, body: { code: 'REQUEST_INVALID' } }
      const [scene] = (await chapter(1)).scenes
      const { headers } = await api.ask(`/v1/scenes/${scene?.id}`)
      const edit = {
        method: 'PATCH',
        json: { title: name },
        headers: { 'if-match': headers.get('etag') ?? '' },
      }
      expect(await api.ask(`/v1/scenes/${scene?.id}`, edit)).toMatchObject(refused)
      expect(await api.post(`/v1/chapters/${chapterIds[1]}/scenes`, { title: name })).toMatchObject(refused)
      expect(await api.upload('Text.', name)).toMatchObject(refused)
      const { body: upload } = await api.upload('Text.', 'Arabic \u200f.txt')
      expect(await api.post(`/v1/uploads/${upload.id}:confirm`, { title: name })).toMatchObject(refused)
      const parameters = { uploadId: upload.id, title: name }
      const invalid = { status: 400, body: { code: 'PARAMETERS_INVALID' } }
      expect(await api.post('/v1/tasks', { taskType: 'ImportNovel', parameters })).toMatchObject(invalid)
      const tagged = { taskType: 'ImportNovel', parameters: { uploadId: upload.id }, tags: [name] }
      expect(await api.post('/v1/tasks', tagged)).toMatchObject(refused)
    },
  )

  test('the line end behind a title, a tag or the name of a file is not stored', async () => {
    const [scene] = (await chapter(1)).scenes
    const path = `/v1/scenes/${scene?.id}`
    const { body: before } = await api.ask<{ title?: string }>(path)
    const titled = async (title: string) => {
      const { headers } = await api.ask(path)
      return api.ask(path, {
        method: 'PATCH',
        json: { title },
        headers: { 'if-match': headers.get('etag') ?? '' },
      })
    }
    expect(await titled('\tEvening\n')).toMatchObject({ status: 200, body: { title: 'Evening' } })
    expect(await titled('\u0085Evening')).toMatchObject({ status: 400 })
    await titled(before.title ?? '')
    const { body: upload } = await api.upload('Text.', 'a.txt\n')
    expect(upload.fileName).toBe('a.txt')
    expect(await api.upload('Text.', '\n')).toMatchObject({ status: 400 })
    const task = { taskType: 'ImportNovel', parameters: { uploadId: upload.id }, tags: ['mine\r\n'] }
    expect((await api.post<{ tags: string[] }>('/v1/tasks', task)).body.tags).toContain('mine')
  })

  test('a scene is edited under the version that was read', async () => {
    const [scene] = (await chapter(1)).scenes
    const path = `/v1/scenes/${scene?.id}`
    const read = await api.ask<{ version: number; content: string }>(path)
    const etag = read.headers.get('etag') ?? ''
    expect(etag).toBe(`"${read.body.version}"`)
    expect(await api.ask(path, { headers: { 'if-none-match': etag } })).toMatchObject({ status: 304 })
    const edit = (json: object, headers: Record<string, string>) =>
      api.ask(path, { method: 'PATCH', json, headers })
    expect(await edit({ content: 'New.' }, {})).toMatchObject({
      status: 428,
      body: { code: 'IF_MATCH_REQUIRED' },
    })
    expect(await edit({}, { 'if-match': etag })).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    })
    expect(await edit({ content: 'x'.repeat(50_001) }, { 'if-match': etag })).toMatchObject({
      status: 400,
      body: { code: 'OPTION_INVALID', detail: expect.stringContaining('at most 50000') },
    })
    const written = await edit({ content: 'Tomas came back.' }, { 'if-match': etag })
    expect(written).toMatchObject({
      status: 200,
      body: { content: 'Tomas came back.', summary: { outOfDate: true } },
    })
    const stale = await edit({ content: 'Mine.' }, { 'if-match': etag })
    expect(stale).toMatchObject({
      status: 412,
      body: { code: 'SCENE_CHANGED', version: read.body.version + 1 },
    })
    const history = await api.ask<{ items: { what: string; excerpt: string }[] }>(`${path}/history`)
    expect(history.body.items).toMatchObject([{ what: 'text', excerpt: read.body.content.slice(0, 200) }])
    expect(written.headers.get('etag')).toBe(`"${read.body.version + 1}"`)
  })

  test('summarise with its key again finds the first task', async () => {
    const path = `/v1/novels/${novelId}:summarise`
    const key = { 'idempotency-key': 'summaries' }
    const body = { startChapterId: chapterIds[1], overwriteExisting: true }
    const first = await api.post<TaskJson>(path, body, key)
    expect(first.headers.get('idempotency-replayed')).toBe(null)
    const again = await api.post<TaskJson>(path, body, key)
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true'])
    expect(again.body.id).toBe(first.body.id)
    expect(await api.post(path, { startChapterId: chapterIds[2] }, key)).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    })
    await api.novels.t.drain()
  })

  test('summarise again makes a task for the range', async () => {
    const answer = await api.post<TaskJson>(`/v1/novels/${novelId}:summarise`, {
      startChapterId: chapterIds[1],
      endChapterId: chapterIds[2],
      overwriteExisting: true,
    })
    expect(answer).toMatchObject({ status: 202, body: { taskType: 'BatchGenerateSummary', userId: ann } })
    expect(answer.headers.get('location')).toBe(`/v1/tasks/${answer.body.id}`)
    await api.novels.t.drain()
    expect((await api.ask(`/v1/tasks/${answer.body.id}`)).body).toMatchObject({ status: 'COMPLETED' })
    expect(await api.post(`/v1/novels/${novelId}:summarise`, { startChapterId: 'nowhere' })).toMatchObject({
      status: 404,
      body: { code: 'CHAPTER_NOT_FOUND' },
    })
    expect(await api.post('/v1/novels/nothing:summarise', {})).toMatchObject({
      status: 404,
      body: { code: 'NOVEL_NOT_FOUND' },
    })
    expect(await api.post(`/v1/novels/${novelId}:summarise`, { novelId: 'another' })).toMatchObject({
      status: 400,
    })
    expect(await api.post(`/v1/novels/${novelId}:summarise`, { model: 'nobody' })).toMatchObject({
      status: 409,
      body: { code: 'PROVIDER_NOT_CONFIGURED' },
    })
  })

  test('a chapter of another novel is not found in this one', async () => {
    const other = await imported(chinese)
    expect(await api.ask(`/v1/novels/${other.novelId}/chapters/${chapterIds[0]}`)).toMatchObject({
      status: 404,
      body: { code: 'CHAPTER_NOT_FOUND' },
    })
    const found = await api.ask<{ hits: object[] }>(
      `/v1/novels/${other.novelId}/search?q=${encodeURIComponent('关羽')}`,
    )
    expect(found.body.hits.length).toBeGreaterThan(0)
  })

  test('what an author wrote is kept in no cache that others use', async () => {
    const [scene] = (await chapter(0)).scenes
    const { items } = (await api.ask<{ items: { id: string }[] }>('/v1/tasks')).body
    const paths = [
      '/v1/novels',
      `/v1/novels/${novelId}`,
      `/v1/novels/${novelId}/chapters/${chapterIds[0]}`,
      `/v1/novels/${novelId}/search?q=x`,
      `/v1/scenes/${scene?.id}/history`,
      '/v1/uploads',
      '/v1/tasks',
      `/v1/tasks/${items[0]?.id}/logs`,
      '/v1/usage?by=subject',
      '/v1/dead-letters',
    ]
    for (const path of paths)
      expect([path, (await api.ask(path)).headers.get('cache-control')]).toEqual([path, 'no-store'])
    // These have an entity tag: a client may keep them, and asks each time whether they have changed.
    for (const path of [`/v1/scenes/${scene?.id}`, `/v1/tasks/${items[0]?.id}`]) {
      const { headers } = await api.ask(path)
      expect([path, headers.get('cache-control')]).toEqual([path, 'private, no-cache'])
      const known = await api.ask(path, { headers: { 'if-none-match': headers.get('etag') ?? '' } })
      expect([known.status, known.headers.get('cache-control')]).toEqual([304, 'private, no-cache'])
    }
  })

  test('tasks are shown whoever they belong to where nobody has to say who they are', async () => {
    const app = createApp({ engine: api.novels.t, config: { userId: 'bob' } })
    const bob = await askingOf(app)
    const { items } = (await bob.ask<{ items: { id: string; userId: string }[] }>('/v1/tasks')).body
    const task = items.find(({ userId }) => userId !== 'bob')
    expect(await bob.ask(`/v1/tasks/${task?.id}`)).toMatchObject({ status: 200, body: { id: task?.id } })
    await app.close()
  })

  test('what is another user’s is not found', async () => {
    const app = createApp({ engine: api.novels.t, novels: api.novels.services, config: { userId: 'bob' } })
    const bob = await askingOf(app)
    const [scene] = (await chapter(0)).scenes
    expect((await bob.ask<{ items: object[] }>('/v1/novels')).body.items).toEqual([])
    for (const path of [
      `/v1/novels/${novelId}`,
      `/v1/novels/${novelId}/chapters/${chapterIds[0]}`,
      `/v1/novels/${novelId}/search?q=x`,
      `/v1/scenes/${scene?.id}`,
    ])
      expect(await bob.ask(path)).toMatchObject({ status: 404 })
    expect(await bob.ask(`/v1/novels/${novelId}`, { method: 'DELETE' })).toMatchObject({ status: 404 })
    const edit = { method: 'PATCH', json: { content: 'x' }, headers: { 'if-match': '"1"' } }
    expect(await bob.ask(`/v1/scenes/${scene?.id}`, edit)).toMatchObject({ status: 404 })
    await app.close()
  })

  test('delete puts it into the bin, from where it is put back or deleted with everything in it', async () => {
    const gone = await imported(book, { title: 'Gone' })
    const { body } = await api.ask<Outline>(`/v1/novels/${gone.novelId}`)
    const chapterId = body.outline[0]?.chapters[0]?.id
    await api.post('/v1/lanes/default:pause')
    const forGood = () => api.ask<TaskJson>(`/v1/bin/${gone.novelId}`, { method: 'DELETE' })
    expect(await forGood()).toMatchObject({ status: 404, body: { code: 'NOVEL_NOT_FOUND' } })
    const binned = await api.ask<{ id: string; title: string }>(`/v1/novels/${gone.novelId}`, {
      method: 'DELETE',
    })
    expect(binned).toMatchObject({ status: 200, body: { id: gone.novelId, title: 'Gone', scenes: 3 } })
    const listed = async () => (await api.ask<{ items: object[] }>('/v1/bin')).body.items
    expect(await listed()).toEqual([binned.body])
    expect(await api.ask(`/v1/novels/${gone.novelId}`)).toMatchObject({ status: 404 })
    const restored = await api.post(`/v1/bin/${gone.novelId}:restore`)
    expect(restored).toMatchObject({ status: 200, body: { id: gone.novelId, title: 'Gone' } })
    expect([await listed(), (await api.ask(`/v1/novels/${gone.novelId}`)).status]).toEqual([[], 200])
    await api.ask(`/v1/novels/${gone.novelId}`, { method: 'DELETE' })
    const deleted = await forGood()
    expect(deleted).toMatchObject({ status: 202, body: { taskType: 'EraseNovel', tags: [] } })
    const address = deleted.headers.get('location') ?? ''
    expect(address).toBe(`/v1/tasks/${deleted.body.id}`)
    for (const path of ['', `/chapters/${chapterId}`, '/search?q=x'])
      expect(await api.ask(`/v1/novels/${gone.novelId}${path}`)).toMatchObject({ status: 404 })
    expect(await listed()).toEqual([])
    const again = await forGood()
    expect([again.body.id, again.headers.get('idempotency-replayed')]).toEqual([deleted.body.id, 'true'])
    await api.post('/v1/lanes/default:resume')
    await api.novels.t.drain()
    const result = { tasks: 7, uploads: 1, chapters: 3, scenes: 3 }
    expect((await api.ask(address)).body).toMatchObject({ status: 'COMPLETED', result })
    expect(await api.ask(`/v1/tasks/${gone.taskId}`)).toMatchObject({ status: 404 })
    expect(await forGood()).toMatchObject({ status: 404 })
    expect(await api.ask(`/v1/novels/${gone.novelId}`, { method: 'DELETE' })).toMatchObject({ status: 404 })
  })

  test('delete cancels what is to be done with it, and with no other novel', async () => {
    const [gone, other] = [await imported(book, { title: 'Gone' }), await imported(book, { title: 'Other' })]
    const submitted = await Promise.all(
      [gone, other].map(({ novelId }) =>
        api.post<{ id: string }>('/v1/tasks', {
          ...{ taskType: 'BatchGenerateSummary', parameters: { novelId }, delay: '1h' },
        }),
      ),
    )
    await api.post('/v1/lanes/default:pause')
    expect(await api.ask(`/v1/novels/${gone.novelId}`, { method: 'DELETE' })).toMatchObject({ status: 200 })
    const statuses = async () =>
      (await Promise.all(submitted.map(({ body: { id } }) => api.ask<TaskJson>(`/v1/tasks/${id}`)))).map(
        ({ status, body }) => body.status ?? status,
      )
    expect(await statuses()).toEqual(['CANCELLED', 'QUEUED'])
    await api.post('/v1/lanes/default:resume')
    await api.novels.t.drain()
    expect((await statuses())[1]).toBe('QUEUED')
  })

  test('all that a user has is deleted, and what others have is not', async () => {
    const { novelId } = await imported(book)
    const asked = { taskType: 'Vectorize', parameters: { novelId }, userId: 'carol', delay: '1h' }
    const [mine, others] = [
      await api.post<TaskJson>('/v1/tasks', asked),
      await api.post<TaskJson>('/v1/tasks', { ...asked, userId: 'dave' }),
    ]
    const once = { headers: { 'idempotency-key': 'carol leaves' } }
    const erased = await api.ask<TaskJson>('/v1/users/carol:erase', { method: 'POST', ...once })
    expect(erased).toMatchObject({
      status: 202,
      body: { taskType: 'EraseUser', parameters: { userId: 'carol' } },
    })
    const again = await api.ask<TaskJson>('/v1/users/carol:erase', { method: 'POST', ...once })
    expect([again.body.id, again.headers.get('idempotency-replayed')]).toEqual([erased.body.id, 'true'])
    await api.novels.t.drain()
    const result = { novels: 0, tasks: 1, uploads: 0 }
    expect((await api.ask(`/v1/tasks/${erased.body.id}`)).body).toMatchObject({ status: 'COMPLETED', result })
    expect(await api.ask(`/v1/tasks/${mine.body.id}`)).toMatchObject({ status: 404 })
    expect(await api.ask(`/v1/tasks/${others.body.id}`)).toMatchObject({ body: { status: 'QUEUED' } })
    expect(await api.ask(`/v1/novels/${novelId}`)).toMatchObject({ status: 200 })
    expect(await api.post(`/v1/users/${'x'.repeat(201)}:erase`)).toMatchObject({ status: 400 })
    expect(await api.post('/v1/users/:erase')).toMatchObject({ status: 404 })
    for (const address of ['/v1/users/google%3A12:erase', '/v1/users/google:12:erase'])
      expect(await api.ask(address)).toMatchObject({ status: 405 })
    for (const userId of ['google:12/3', 'odd:erase'])
      expect(await api.post(`/v1/users/${encodeURIComponent(userId)}:erase`)).toMatchObject({
        ...{ status: 202, body: { parameters: { userId } } },
      })
  })
})

describe('without a library', () => {
  test('there are no such routes, and the capabilities say why', async () => {
    const app = createApp({ engine: api.novels.t })
    const plain = await askingOf(app)
    expect(await plain.ask('/v1/novels')).toMatchObject({ status: 404, body: { code: 'ROUTE_NOT_FOUND' } })
    const { body } = await plain.ask<{ off: { capability: string; reason: string }[] }>('/v1/capabilities')
    expect(body.off).toContainEqual(
      expect.objectContaining({ capability: 'novels', reason: expect.stringMatching(/./) }),
    )
    await app.close()
  })
})

test('the style of a novel is counted by chapter, once for requests that ask at the same time', async () => {
  const novelId = await importBook(api.novels.library, 'style')
  const path = `/v1/novels/${novelId}/style`
  const reads = vi.spyOn(api.novels.library.shelf, 'texts')
  try {
    const [found, again] = await Promise.all([api.ask<StyleJson>(path), api.ask<StyleJson>(path)])
    expect(found).toMatchObject({
      status: 200,
      body: {
        whole: { words: 25, sentences: 6, wordsPerSentence: 4.17, dialogue: 0, repeatedOpenings: 0 },
        ...{ words: [], phrases: [], approximate: false },
        chapters: [
          { position: 0, title: '第一章 桃园', words: 17, sentences: 4, wordsPerSentence: 4.25 },
          { position: 1, words: 0, sentences: 0, wordsPerSentence: 0, dialogue: 0 },
          { position: 2, words: 8, sentences: 2, wordsPerSentence: 4 },
        ],
      },
    })
    expect(again.body).toEqual(found.body)
    expect(reads).toHaveBeenCalledTimes(1)
  } finally {
    reads.mockRestore()
  }
  const scene = sceneIdOf(novelId, 2, 0)
  const content = '“The old bell rang,” she said. '.repeat(4)
  await api.ask(`/v1/scenes/${scene}`, { method: 'PATCH', json: { content }, headers: { 'if-match': '"1"' } })
  expect((await api.ask<StyleJson>(path)).body).toMatchObject({
    sentenceOpenings: [
      { text: 'the old', count: 4, chapters: 1, first: { sceneId: scene, start: 1, end: 8 } },
    ],
    chapters: [{}, {}, { words: 26, sentences: 5, dialogue: 0.545, repeatedOpenings: 3 }],
  })
  expect(await api.ask('/v1/novels/nowhere/style')).toMatchObject({
    status: 404,
    body: { code: 'NOVEL_NOT_FOUND' },
  })
})
