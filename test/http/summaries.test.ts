import { afterAll, beforeAll, expect, test } from 'vitest'
import { chapterIdOf, sceneIdOf } from '../../src/novel/library/ids.ts'
import { importBook, smallBook } from '../novel/library/case.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
beforeAll(async () => {
  api = await serveNovels()
})
afterAll(() => api[Symbol.asyncDispose]())

interface UnitJson {
  id: string
  level: string
  state: string
  version: number
  summary?: { text: string; method: string }
}

test('the summaries of all levels are listed, read, and written by a person under their version', async () => {
  const novelId = await importBook(api.novels.library, 'summaries', smallBook)
  const path = `/v1/novels/${novelId}/summaries`
  const list = () => api.ask<{ outOfDate: number; items: UnitJson[] }>(path)
  // Four scenes with words; two chapters, two volumes and the book.
  expect((await list()).body).toMatchObject({ outOfDate: 9, items: { length: 6 } })
  const unitId = chapterIdOf(novelId, 0)
  const own = `${path}/${unitId}`
  const read = await api.ask<UnitJson>(own)
  expect(read).toMatchObject({
    status: 200,
    body: { id: unitId, level: 'chapter', state: 'missing', version: 0, byPerson: false },
  })
  expect(read.body).not.toHaveProperty('summary')
  expect(read.body).not.toHaveProperty('digest')
  const write = (text: string, headers: Record<string, string>) =>
    api.ask<UnitJson>(own, { method: 'PUT', json: { text }, headers })
  expect(await write('Mine.', {})).toMatchObject({ status: 428, body: { code: 'IF_MATCH_REQUIRED' } })
  const written = await write('Mine.', { 'if-match': '"0"' })
  expect(written).toMatchObject({
    status: 200,
    body: { state: 'current', version: 1, byPerson: true, summary: { text: 'Mine.', method: 'person' } },
  })
  expect(written.headers.get('etag')).toBe('"1"')
  expect(await write('Other.', { 'if-match': '"0"' })).toMatchObject({
    status: 412,
    body: { code: 'SUMMARY_CHANGED', version: 1 },
  })
  const sceneId = sceneIdOf(novelId, 0, 0)
  const edit = { method: 'PATCH', json: { summary: 'Another.' }, headers: { 'if-match': '"1"' } }
  expect(await api.ask(`/v1/scenes/${sceneId}`, edit)).toMatchObject({ status: 200 })
  expect((await api.ask<UnitJson>(own)).body).toMatchObject({ state: 'out-of-date' })
  // The scene has a summary now, and the person's is left as it is.
  expect((await list()).body.outOfDate).toBe(7)
  expect(await api.ask(`${path}/nowhere`)).toMatchObject({ status: 404, body: { code: 'CHAPTER_NOT_FOUND' } })
  expect(await api.ask('/v1/novels/nowhere/summaries')).toMatchObject({
    status: 404,
    body: { code: 'NOVEL_NOT_FOUND' },
  })
})
