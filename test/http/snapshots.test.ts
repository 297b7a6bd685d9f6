import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sceneIdOf } from '../../src/novel/library/ids.ts'
import { importBook } from '../novel/library/case.ts'
import { ann } from '../novel/tasks/novel-engine.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
beforeAll(async () => {
  api = await serveNovels()
})
afterAll(() => api[Symbol.asyncDispose]())

interface SnapshotJson {
  id: string
  name: string
}

describe('the snapshots of a novel', () => {
  test('are made once for a key, listed, compared, restored by a task and deleted', async () => {
    const { library } = api.novels
    const novelId = await importBook(library, 'a')
    const path = `/v1/novels/${novelId}/snapshots`
    const make = (name = 'Before the rewrite') =>
      api.ask<SnapshotJson>(path, {
        method: 'POST',
        headers: { 'idempotency-key': 'k' },
        json: { name },
      })
    const { status, body } = await make()
    expect([status, body.name]).toEqual([201, 'Before the rewrite'])
    expect((await make()).body).toEqual(body)
    expect(await make('Another name')).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    })
    const sceneId = sceneIdOf(novelId, 0, 0)
    const { content } = await library.scenes.scene(ann, sceneId)
    await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'New words.' })
    expect((await api.ask(`${path}/${body.id}/comparison`)).body).toMatchObject({
      ...{ unchanged: 4, changed: 1, added: 0, deleted: 0 },
      scenes: [{ sceneId, change: 'changed', wordsNow: 2, charactersNow: 9, entryId: expect.any(String) }],
    })
    const parameters = { novelId, snapshotId: body.id }
    await api.post('/v1/tasks', { taskType: 'RestoreSnapshot', parameters })
    await api.novels.t.drain()
    expect((await library.scenes.scene(ann, sceneId)).content).toBe(content)
    const { items } = (await api.ask<{ items: SnapshotJson[] }>(path)).body
    expect(items).toMatchObject([{ isBeforeRestoring: true, name: 'Before the rewrite' }, body])
    expect(await api.ask(`${path}/${body.id}`, { method: 'DELETE' })).toMatchObject({ status: 204 })
    expect(await api.ask(`${path}/${body.id}`)).toMatchObject({
      status: 404,
      body: { code: 'SNAPSHOT_NOT_FOUND' },
    })
    expect(await api.ask(path, { method: 'POST', json: { name: '' } })).toMatchObject({ status: 400 })
  })
})
