import { afterAll, beforeAll, expect, test } from 'vitest'
import { sceneIdOf } from '../../src/novel/library/ids.ts'
import { importBook } from '../novel/library/case.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
beforeAll(async () => {
  api = await serveNovels()
})
afterAll(() => api[Symbol.asyncDispose]())

interface ThreadJson {
  id: string
  version: number
  state: string
  overdue: boolean
  due: boolean
  events: { outOfDate: boolean }[]
}

test('threads are put, listed with how far they are, and deleted under their version', async () => {
  const novelId = await importBook(api.novels.library, 'threads')
  const path = `/v1/novels/${novelId}/threads`
  const [fourth, last] = [sceneIdOf(novelId, 2, 0), sceneIdOf(novelId, 2, 1)]
  const own = `${path}/rabbit`
  const put = (json: object, version?: number) =>
    api.ask<ThreadJson>(own, {
      ...{ method: 'PUT', json },
      ...(version !== undefined && { headers: { 'if-match': `"${version}"` } }),
    })
  const rabbit = {
    ...{ title: 'The rabbit', plan: 'It is late.', note: 'Mine.', resolveBy: fourth },
    events: [{ scene: fourth, kind: 'planted', quotation: 'the White Rabbit' }],
  }
  expect(await put(rabbit)).toMatchObject({ status: 428, body: { code: 'IF_MATCH_REQUIRED' } })
  const written = await put(rabbit, 0)
  expect(written).toMatchObject({
    status: 200,
    body: {
      ...{ ...rabbit, id: 'rabbit', novelId, plantBy: '', version: expect.any(Number) },
      ...{ state: 'open', overdue: true, due: false },
      events: [{ ...rabbit.events[0], outOfDate: false }],
    },
  })
  expect(written.body).not.toHaveProperty('order')
  const { version } = written.body
  expect(written.headers.get('etag')).toBe(`"${version}"`)
  const before = await api.ask<ThreadJson>(`${own}?before=${fourth}`)
  expect(before.body).toMatchObject({ state: 'planned', overdue: false, due: false })
  expect(await put({ title: 'Other' }, 0)).toMatchObject({
    status: 412,
    body: { code: 'THREAD_CHANGED', version },
  })
  const wrong = { ...rabbit, events: [...rabbit.events, { ...rabbit.events[0], quotation: 'a Hatter' }] }
  expect(await put(wrong, version)).toMatchObject({ status: 422, body: { code: 'QUOTATION_NOT_FOUND' } })
  expect(await put({ ...rabbit, color: 'white' }, version)).toMatchObject({ status: 400 })

  const edit = { method: 'PATCH', json: { content: 'Alice ran.' }, headers: { 'if-match': '"1"' } }
  expect(await api.ask(`/v1/scenes/${fourth}`, edit)).toMatchObject({ status: 200 })
  await api.ask(`${path}/hole`, { method: 'PUT', json: { title: 'B' }, headers: { 'if-match': '"0"' } })
  interface List {
    items: ThreadJson[]
    nextPageToken?: string
  }
  const { body: first } = await api.ask<List>(`${path}?pageSize=1`)
  expect(first.items).toMatchObject([
    { id: 'rabbit', state: 'planned', overdue: true, events: [{ outOfDate: true }] },
  ])
  const { body: second } = await api.ask<List>(`${path}?pageSize=1&pageToken=${first.nextPageToken}`)
  expect(second).toMatchObject({ items: [{ id: 'hole', state: 'planned', overdue: false }] })
  expect(await api.ask(`${path}?before=${last}&pageToken=${first.nextPageToken}`)).toMatchObject({
    body: { code: 'PAGE_TOKEN_INVALID' },
  })

  const remove = (read: number) => api.ask(own, { method: 'DELETE', headers: { 'if-match': `"${read}"` } })
  expect(await remove(9)).toMatchObject({ status: 412, body: { code: 'THREAD_CHANGED' } })
  for (const _ of [1, 2]) expect(await remove(version)).toMatchObject({ status: 204 })
  expect(await api.ask(own)).toMatchObject({ status: 404, body: { code: 'THREAD_NOT_FOUND' } })
  expect(await api.ask('/v1/novels/nowhere/threads')).toMatchObject({ body: { code: 'NOVEL_NOT_FOUND' } })
})

test('the preview of a scene shows its threads, and which are left out and why', async () => {
  const novelId = await importBook(api.novels.library, 'previewed')
  const [fourth, last] = [sceneIdOf(novelId, 2, 0), sceneIdOf(novelId, 2, 1)]
  const put = (id: string, json: object) =>
    api.ask(`/v1/novels/${novelId}/threads/${id}`, { method: 'PUT', json, headers: { 'if-match': '"0"' } })
  const events = [{ scene: fourth, kind: 'planted', quotation: 'the White Rabbit' }]
  await put('rabbit', { title: 'The rabbit', plan: 'It is late.', resolveBy: last, events })
  await put('crown', { title: 'The crown', plan: 'UNSEEN' })
  interface Preview {
    blocks: { kind: string; text: string; shown: object[]; leftOut: object[] }[]
  }
  const blocksAt = async (sceneId: string) => {
    const { body } = await api.post<Preview>(`/v1/scenes/${sceneId}:preview`, { summary: 'She wakes.' })
    return body.blocks.find(({ kind }) => kind === 'threads')
  }
  expect(await blocksAt(last)).toMatchObject({
    text: expect.stringContaining('The rabbit (resolve it here): It is late.'),
    shown: [{ of: 'thread', id: 'rabbit', title: 'The rabbit', reason: { why: 'due' } }],
    leftOut: [{ of: 'thread', id: 'crown', title: 'The crown', reason: 'not-planted' }],
  })
  expect(await blocksAt(fourth)).toMatchObject({
    ...{ text: '', shown: [] },
    leftOut: [{ id: 'rabbit' }, { id: 'crown' }],
  })
})
