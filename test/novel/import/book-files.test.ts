import { expect, test } from 'vitest'
import { type NovelApi, serveNovels, type UploadJson } from '../../http/novel-api.ts'
import { docx, paragraph, style } from './docx-writer.ts'
import { epub } from './epub-writer.ts'
import { hanProse, prose } from './reading.ts'
import { zip } from './zip-writer.ts'

interface Novel {
  title: string
  author?: string
  language?: string
  summaries: number
  scenes: number
  outline: { title: string; chapters: { id: string; title: string }[] }[]
}

interface Chapter {
  scenes: { summary?: { text: string; method: string } }[]
}

/** Uploads a file, imports chapters of it to the end, and answers the novel. */
async function imported(api: NovelApi, file: Uint8Array, name: string, chapters?: number[]) {
  const { body: upload } = await api.upload(file, name)
  const { body: seen } = await api.ask<UploadJson>(`/v1/uploads/${upload.id}`)
  const { status, body } = await api.post<{ taskId: string; novelId: string }>(
    `/v1/uploads/${upload.id}:confirm`,
    chapters === undefined ? {} : { chapters },
  )
  expect(status).toBe(202)
  expect((await ended(api, body.taskId)).status).toBe('COMPLETED')
  const novel = (await api.ask<Novel>(`/v1/novels/${body.novelId}`)).body
  return { preview: seen.preview, novel, novelId: body.novelId }
}

/** The task once it has ended. A file is unpacked by threads of Node, which the clock of the tests does not see at work. */
async function ended(api: NovelApi, taskId: string) {
  for (;;) {
    await api.novels.t.drain()
    const { body } = await api.ask<{ status: string }>(`/v1/tasks/${taskId}`)
    if (!['QUEUED', 'RUNNING', 'RETRYING'].includes(body.status)) return body
  }
}

const search = async (api: NovelApi, novelId: string, words: string) => {
  const path = `/v1/novels/${novelId}/search?q=${encodeURIComponent(words)}`
  return (await api.ask<{ hits: { snippet: { text: string } }[] }>(path)).body.hits
}

test('an EPUB becomes a novel: preview, chosen chapters, summaries, search', async () => {
  await using api = await serveNovels()
  const page = (n: number, mark: string) => ({
    file: `c${n}.xhtml`,
    body: `<h1>Chapter ${n}</h1><p>${prose(n)}</p><hr/><p>The ${mark} stood by the door. ${prose(n + 1)}</p>`,
  })
  const file = epub({
    pages: [page(1, 'lantern'), page(2, 'anvil'), page(3, 'compass')],
    nav: [
      { title: 'Part One', below: [1, 2].map(n => ({ title: `Chapter ${n}`, href: `c${n}.xhtml` })) },
      { title: 'Part Two', below: [{ title: 'Chapter 3', href: 'c3.xhtml' }] },
    ],
    metadata: '<dc:title>The Weir</dc:title><dc:creator>Ann Tamsin</dc:creator><dc:language>de</dc:language>',
  })
  // The name says nothing.
  const { preview, novel, novelId } = await imported(api, file, 'upload.bin', [0, 2])
  expect(preview).toMatchObject({
    title: 'The Weir',
    author: 'Ann Tamsin',
    encoding: { name: 'utf-8', confidence: 1 },
    volumes: [
      { title: 'Part One', chapters: [{}, {}] },
      { title: 'Part Two', chapters: [{}] },
    ],
    warnings: [],
  })
  // The text says that it is English, whatever the file says.
  expect(novel).toMatchObject({
    title: 'The Weir',
    author: 'Ann Tamsin',
    language: 'en',
    scenes: 4,
    summaries: 4,
  })
  expect(novel.outline).toMatchObject([
    { title: 'Part One', chapters: [{ title: 'Chapter 1' }] },
    { title: 'Part Two', chapters: [{ title: 'Chapter 3' }] },
  ])
  const id = novel.outline[0]?.chapters[0]?.id
  const { scenes } = (await api.ask<Chapter>(`/v1/novels/${novelId}/chapters/${id}`)).body
  expect(scenes.map(({ summary }) => summary?.method)).toEqual(['extractive', 'extractive'])
  expect((await search(api, novelId, 'compass'))[0]?.snippet.text).toContain('compass')
  expect(await search(api, novelId, 'anvil')).toEqual([])
})

test('a DOCX in Chinese becomes a novel', async () => {
  await using api = await serveNovels()
  const body = ['第一章 雾', '第二章 潮'].map(
    (title, n) =>
      paragraph(title, '1') + paragraph(hanProse(n)) + paragraph(`　　${n === 0 ? '灯塔' : '海图'}在桌上。`),
  )
  const file = docx({ styles: style('1', 'heading 1'), body: body.join('') })
  const { novel, novelId } = await imported(api, file, '渡口.docx')
  expect(novel).toMatchObject({ title: '渡口', language: 'zh', scenes: 2, summaries: 2 })
  expect(novel.outline[0]?.chapters.map(({ title }) => title)).toEqual(['第一章 雾', '第二章 潮'])
  expect((await search(api, novelId, '灯塔'))[0]?.snippet.text).toContain('灯塔')
})

test('what cannot be read is refused before anything is imported, in words for the author', async () => {
  await using api = await serveNovels()
  const preview = async (file: string | Uint8Array, query = '') => {
    const { body: upload } = await api.upload(file, 'book.epub')
    const { status, body } = await api.ask<{ code: string; authorMessage?: string }>(
      `/v1/uploads/${upload.id}${query}`,
      { headers: { 'accept-language': 'zh' } },
    )
    return { status, code: body.code, said: body.authorMessage }
  }
  const book = epub({ pages: [{ file: 'a.xhtml', body: `<p>${prose(1)}</p>` }] })
  const said = expect.stringMatching(/\p{Script=Han}/u)
  expect(await preview('%PDF-1.7')).toEqual({ status: 422, code: 'FILE_KIND_UNSUPPORTED', said })
  expect(await preview(book.subarray(0, 300))).toEqual({ status: 422, code: 'FILE_DAMAGED', said })
  const locked = zip([{ name: 'META-INF/container.xml', content: 'x', encrypted: true }])
  expect(await preview(locked)).toEqual({ status: 422, code: 'FILE_PROTECTED', said })
  const bomb = zip([{ name: 'META-INF/container.xml', content: Buffer.alloc(20_000_000, ' ') }])
  expect(await preview(bomb)).toEqual({ status: 422, code: 'FILE_LIMIT_EXCEEDED', said })
  expect(await preview(book, '?encoding=gb18030')).toEqual({ status: 400, code: 'ENCODING_FIXED', said })
  expect(await preview(book, '?encoding=klingon')).toMatchObject({ status: 400, code: 'ENCODING_UNKNOWN' })
  expect(await preview(book, '?encoding=UTF-8')).toMatchObject({ status: 200 })
})

test('an import of a file that was never looked at fails with the same code, and leaves no novel', async () => {
  await using api = await serveNovels()
  const { body: upload } = await api.upload('%PDF-1.7', 'book.epub')
  const { body } = await api.post<{ taskId: string; novelId: string }>(`/v1/uploads/${upload.id}:confirm`, {})
  expect(await ended(api, body.taskId)).toMatchObject({
    status: 'FAILED',
    errorInfo: { code: 'FILE_KIND_UNSUPPORTED' },
  })
  expect(await api.ask(`/v1/novels/${body.novelId}`)).toMatchObject({ status: 404 })
})
