import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NovelApi, serveNovels } from './novel-api.ts'

const ofThePackage = new URL('../../samples/', import.meta.url)

interface Begun {
  taskId: string
  novelId: string
}

let api: NovelApi
beforeAll(async () => {
  api = await serveNovels({}, { samples: ofThePackage })
})
afterAll(() => api[Symbol.asyncDispose]())

const begin = (name: string, key?: string) =>
  api.post<Begun>(
    `/v1/samples/${name}:import`,
    undefined,
    key === undefined ? {} : { 'idempotency-key': key },
  )
const ended = (id: string) =>
  expect.poll(async () => (await api.ask<{ status: string }>(`/v1/tasks/${id}`)).body.status)

describe('the samples', () => {
  test('are those of the package, told before they are imported', async () => {
    const { status, body } = await api.ask('/v1/samples')
    expect(status).toBe(200)
    expect(body['items']).toEqual([
      { name: 'the-ferry-clock', title: '渡口的钟', language: 'zh', chapters: 5, words: 1_858 },
      { name: 'the-salt-ledger', title: 'The Salt Ledger', language: 'en', chapters: 5, words: 1_777 },
    ])
    expect(await api.ask('/v1/uploads')).toMatchObject({ body: { items: [] } })
  })

  test('become novels by their name, each time another one', async () => {
    const [one, two] = [await begin('the-salt-ledger'), await begin('the-salt-ledger')]
    for (const { status, headers, body } of [one, two]) {
      expect([status, headers.get('location')]).toEqual([202, `/v1/tasks/${body.taskId}`])
      expect(headers.get('idempotency-replayed')).toBeNull()
      await ended(body.taskId).toBe('COMPLETED')
      expect(await api.ask(`/v1/novels/${body.novelId}`)).toMatchObject({
        body: { title: 'The Salt Ledger', words: 1_777, language: 'en' },
      })
    }
    expect(one.body.novelId).not.toBe(two.body.novelId)
  })

  test('with one key are one novel, also when asked for at once, and with another key another', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => begin('the-ferry-clock', '"first"')))
    const again = await begin('the-ferry-clock', 'first')
    expect(new Set([...answers, again].map(({ body }) => JSON.stringify(body))).size).toBe(1)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    await ended(again.body.taskId).toBe('COMPLETED')
    expect((await begin('the-ferry-clock', 'first')).body).toEqual(again.body)
    const other = await begin('the-ferry-clock', 'second')
    expect(other.body.novelId).not.toBe(again.body.novelId)
    const { body } = await api.ask<{ items: { fileName: string; bytes: number; status: string }[] }>(
      '/v1/uploads',
    )
    const uploads = body.items.filter(({ fileName }) => fileName === 'the-ferry-clock.txt')
    expect(uploads.length).toBe(2)
    const { length } = readFileSync(new URL('the-ferry-clock.txt', ofThePackage))
    for (const upload of uploads) expect(upload).toMatchObject({ bytes: length, status: 'confirmed' })
  })

  test.each(['nothing', '..', '%2e%2e%2fpackage', 'the-salt-ledger.txt', '%00', 'a%2Fb', 'x'.repeat(200)])(
    '%s is none of them',
    async name => {
      const answer = await begin(name)
      expect(answer.status).toBeOneOf([400, 404])
    },
  )

  test('a key that is none is refused', async () => {
    expect(await begin('the-salt-ledger', 'x'.repeat(256))).toMatchObject({ status: 400 })
  })

  test('a key whose import is long over does not begin it anew over the novel that it made', async () => {
    const { body } = await begin('the-salt-ledger', 'old')
    await ended(body.taskId).toBe('COMPLETED')
    const { library } = api.novels.services
    const { items } = await library.uploads.uploads('ann', { pageSize: 100 })
    const upload = items.find(({ confirmation }) => confirmation?.novelId === body.novelId)
    await library.uploads.remove(upload?.id ?? '')
    // Its file is gone, and its task is there.
    expect((await begin('the-salt-ledger', 'old')).body).toEqual(body)
    expect(await api.novels.t.store.tasks.erase(body.taskId, 1_000)).toBeGreaterThan(0)
    expect(await begin('the-salt-ledger', 'old')).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    })
  })
})

describe('where there are none', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'samples-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each([
    ['no folder', undefined],
    ['a folder that is not there', path.join(folder, 'nowhere')],
  ])('%s: the list is empty', async (_, samples) => {
    await using none = await serveNovels({}, { samples })
    expect(await none.ask('/v1/samples')).toMatchObject({ status: 200, body: { items: [] } })
    expect(await none.post('/v1/samples/the-salt-ledger:import')).toMatchObject({ status: 404 })
  })

  test('what is no text file of the folder is no sample', async () => {
    writeFileSync(path.join(folder, 'notes.md'), '# Notes')
    mkdirSync(path.join(folder, 'folder.txt'))
    symlinkSync('/etc/hostname', path.join(folder, 'link.txt'))
    await using none = await serveNovels({}, { samples: folder })
    expect(await none.ask('/v1/samples')).toMatchObject({ status: 200, body: { items: [] } })
    expect(await none.post('/v1/samples/link:import')).toMatchObject({ status: 404 })
  })
})
