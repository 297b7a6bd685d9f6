import type { TaskJson } from 'quillwork/http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ann } from '../novel/tasks/novel-engine.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi

beforeAll(async () => {
  api = await serveNovels()
})

afterAll(() => api[Symbol.asyncDispose]())

const chapter = (number: number, words = 'as ever') =>
  `Chapter ${number}: Lock ${number}\n\nThe barge came to lock ${number}, ${words}.\n\nNobody was there at number ${number}.\n\n`
const book = (...chapters: string[]) => `The Barge\n\n${chapters.join('')}`

interface Compared {
  counts: Record<string, number>
  chapters: { index: number; status: string; title: string; chapterId?: string; behind?: string }[]
  missing: { title: string }[]
}

it('compares an upload with a novel, shows its texts, and adds what is new', async () => {
  const novelId = await api.novels.importText(book(chapter(1), chapter(2), chapter(3)))
  const { body: upload } = await api.upload(book(chapter(1), chapter(2, 'late'), chapter(4)))
  const path = `/v1/uploads/${upload.id}`
  const compared = await api.ask<Compared>(`${path}/comparison?novelId=${novelId}`)
  expect(compared.status).toBe(200)
  expect(compared.body).toMatchObject({
    novelId,
    counts: { known: 1, changed: 1, new: 1, missing: 1 },
    chapters: [
      { index: 0, title: 'Chapter 1: Lock 1', volume: '', status: 'known', position: 0 },
      { status: 'changed', position: 1, wordsInNovel: expect.any(Number) },
      { status: 'new', behind: compared.body.chapters[1]?.chapterId },
    ],
    missing: [{ position: 2, title: 'Chapter 3: Lock 3' }],
  })
  expect(await api.ask(`${path}/chapters/1`)).toMatchObject({
    status: 200,
    body: {
      ...{ index: 1, title: 'Chapter 2: Lock 2' },
      lines: [{ text: 'The barge came to lock 2, late.' }, { text: 'Nobody was there at number 2.' }],
    },
  })
  const choice = { novelId, replace: [1] }
  const begun = await api.post<{ taskId: string; novelId: string }>(`${path}:append`, choice)
  expect(begun).toMatchObject({ status: 202, body: { novelId } })
  expect(begun.headers.get('location')).toBe(`/v1/tasks/${begun.body.taskId}`)
  expect((await api.post(`${path}:append`, choice)).body).toEqual(begun.body)
  await api.novels.t.drain()
  const { body: task } = await api.ask<TaskJson>(`/v1/tasks/${begun.body.taskId}`)
  expect(task).toMatchObject({
    taskType: 'AppendToNovel',
    status: 'COMPLETED',
    tags: [`novel:${novelId}`],
    result: { added: 1, replaced: 1, skipped: [], index: 'lexical' },
  })
  const scenes = await api.novels.scenes(novelId)
  expect(scenes.map(({ content }) => /lock (\d)/.exec(content)?.[1])).toEqual(['1', '2', '4', '3'])
  expect(scenes[1]?.content).toContain('late')
  const { body: snapshots } = await api.ask<{ items: object[] }>(`/v1/novels/${novelId}/snapshots`)
  expect(snapshots.items).toMatchObject([{ name: 'book.txt', isBeforeAppending: true }])
})

it('says what is wrong', async () => {
  const novelId = await api.novels.importText(book(chapter(1)))
  const { body: upload } = await api.upload(book(chapter(1), chapter(2)))
  const path = `/v1/uploads/${upload.id}`
  const refused = async (asked: Promise<{ status: number; body: unknown }>) => {
    const { status, body } = await asked
    return [status, (body as { code: string }).code]
  }
  expect(await refused(api.ask(`${path}/comparison?novelId=none`))).toEqual([404, 'NOVEL_NOT_FOUND'])
  expect(await refused(api.ask(`${path}/comparison`))).toEqual([400, 'REQUEST_INVALID'])
  expect(await refused(api.ask(`/v1/uploads/none/comparison?novelId=${novelId}`))).toEqual([
    404,
    'UPLOAD_NOT_FOUND',
  ])
  expect(await refused(api.ask(`${path}/chapters/2`))).toEqual([404, 'CHAPTER_NOT_FOUND'])
  expect(await refused(api.ask(`${path}/chapters/x`))).toEqual([400, 'REQUEST_INVALID'])
  expect(await refused(api.post(`${path}:append`, { novelId: 'none' }))).toEqual([404, 'NOVEL_NOT_FOUND'])
  expect(await refused(api.post(`${path}:append`, {}))).toEqual([400, 'REQUEST_INVALID'])
  const other = await api.novels.importText(book(chapter(9)))
  await api.post(`${path}:append`, { novelId })
  await api.novels.t.drain()
  expect(await refused(api.post(`${path}:append`, { novelId: other }))).toEqual([409, 'UPLOAD_CONFIRMED'])
  expect(await refused(api.post(`${path}:confirm`, {}))).toEqual([409, 'UPLOAD_CONFIRMED'])
  expect((await api.novels.library.shelf.novel(ann, novelId)).chapters).toBe(2)
})
