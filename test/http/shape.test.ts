import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importBook } from '../novel/library/case.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
beforeAll(async () => {
  api = await serveNovels()
})
afterAll(() => api[Symbol.asyncDispose]())

interface Unit {
  id: string
  title: string
  version: number
}
interface OutlineJson {
  title: string
  author?: string
  outline: (Unit & { chapters: (Unit & { words: number })[] })[]
}

const headers = { 'idempotency-key': 'k' }
const change = (method: string) => (path: string, json?: unknown) => api.ask<Unit>(path, { method, json })
const [patch, erase] = [change('PATCH'), change('DELETE')]

async function outlineOf(novelId: string): Promise<string> {
  const { outline } = (await api.ask<OutlineJson>(`/v1/novels/${novelId}`)).body
  return outline
    .map(({ title, chapters }) => `${title}: ${chapters.map(each => each.title).join(' ')}`)
    .join('; ')
}

/** Two editors read the same version, and both write. */
async function noneIsOverwritten(novel: string, unit: { volumeId: string; chapterId: string }) {
  const read = (await api.ask<OutlineJson & Unit>(novel)).body
  const units = [
    [novel, read, 'NOVEL_CHANGED'],
    [`${novel}/volumes/${unit.volumeId}`, read.outline[0], 'VOLUME_CHANGED'],
    [`${novel}/chapters/${unit.chapterId}`, read.outline[0]?.chapters[0], 'CHAPTER_CHANGED'],
  ] as const
  for (const [path, { title = '', version: seen = 0 } = {}, code] of units) {
    const write = (wanted: string, tag: string) =>
      api.ask<Unit>(path, { method: 'PATCH', json: { title: wanted }, headers: { 'if-match': tag } })
    const written = await write('Ours', `"${seen}"`)
    expect(written).toMatchObject({ status: 200, body: { title: 'Ours', version: seen + 1 } })
    expect(written.headers.get('etag')).toBe(`"${seen + 1}"`)
    const refused = { status: 412, body: { code, version: seen + 1 } }
    expect(await write('Theirs', `"${seen}"`)).toMatchObject(refused)
    expect(await write('Theirs', 'W/"1"')).toMatchObject({ status: 400, body: { code: 'IF_MATCH_INVALID' } })
    expect((await write('Theirs', '*')).body).toMatchObject({ title: 'Theirs', version: seen + 2 })
    expect((await write(title, `"${seen + 2}"`)).body).toMatchObject({ title })
  }
}

describe('the shape of a novel', () => {
  test('a novel is begun once for a key, renamed, and gone on with chapter by chapter', async () => {
    const begin = (json: object) =>
      api.ask<OutlineJson & Unit>('/v1/novels', { method: 'POST', headers, json })
    const { status, body, headers: sent } = await begin({ title: '  The Mill ', language: 'en' })
    expect([status, body.title]).toEqual([201, 'The Mill'])
    const novel = `/v1/novels/${body.id}`
    expect(sent.get('location')).toBe(novel)
    expect((await begin({ title: 'The Mill' })).body).toEqual(body)
    expect((await patch(novel, { title: 'The River', author: 'Ann' })).body).toMatchObject({
      ...{ title: 'The River', author: 'Ann', language: 'en' },
    })
    const { outline } = (await api.ask<OutlineJson>(novel)).body
    const [{ id: volumeId = '', chapters: [first] = [] } = {}] = outline
    await patch(`${novel}/volumes/${volumeId}`, { title: 'One' })
    await patch(`${novel}/chapters/${first?.id}`, { title: 'a' })
    expect((await patch(novel, { targetWords: 80_000 })).body).toMatchObject({ targetWords: 80_000 })
    const aimed = await patch(`${novel}/chapters/${first?.id}`, { targetWords: 2_000 })
    expect(aimed.body).toMatchObject({ title: 'a', targetWords: 2_000 })
    expect((await patch(`${novel}/chapters/${first?.id}`, { targetWords: 0 })).body).not.toHaveProperty(
      'targetWords',
    )
    expect(await patch(novel, { targetWords: -1 })).toMatchObject({ status: 400 })
    await noneIsOverwritten(novel, { volumeId, chapterId: first?.id ?? '' })
    const add = (json: object) => api.ask<Unit>(`${novel}/chapters`, { method: 'POST', headers, json })
    const second = await add({ title: 'b' })
    expect((await add({ title: 'b' })).body).toEqual(second.body)
    const two = await api.post<Unit>(`${novel}/volumes`, { title: 'Two' })
    expect([second.status, two.status]).toEqual([201, 201])
    await api.post(`${novel}/chapters`, { title: 'c', volumeId: two.body.id })
    expect(await outlineOf(body.id)).toBe('One: a b; Two: c')
    await api.post(`${novel}/chapters/${first?.id}:move`, { volumeId: two.body.id })
    expect(await outlineOf(body.id)).toBe('One: b; Two: c a')
    await api.post(`${novel}/volumes/${two.body.id}:move`, { before: volumeId })
    expect(await outlineOf(body.id)).toBe('Two: c a; One: b')
    await api.post(`${novel}/chapters/${first?.id}:merge`, { next: second.body.id })
    expect(await outlineOf(body.id)).toBe('Two: c a; One: ')
  })

  test('a novel becomes a reference, and another one names it', async () => {
    const begin = (title: string) => api.ask<Unit>('/v1/novels', { method: 'POST', json: { title } })
    const [one, two] = [(await begin('Read')).body.id, (await begin('Written')).body.id]
    const [read, written] = [`/v1/novels/${one}`, `/v1/novels/${two}`]
    expect(await patch(written, { references: [one] })).toMatchObject({ status: 409 })
    expect((await patch(read, { reference: true })).body).toMatchObject({ reference: true })
    const named = { references: [{ novelId: one, title: 'Read', state: 'used' }] }
    expect((await patch(written, { references: [one] })).body).toMatchObject(named)
    expect((await api.ask(written)).body).toMatchObject(named)
    const refused = await patch(read, { references: [two] })
    expect(refused.body).toMatchObject({ code: 'NOVEL_IS_REFERENCE' })
    expect(await patch(written, { references: ['a', 'b', 'c', 'd'] })).toMatchObject({ status: 400 })
    const upload = (await api.upload('A book\n\nChapter 1\n\nIt was read.\n')).body
    const choice = { summarise: false, reference: true }
    const begun = await api.post<{ novelId: string }>(`/v1/uploads/${upload.id}:confirm`, choice)
    await api.novels.t.drain()
    expect((await api.ask(`/v1/novels/${begun.body.novelId}`)).body).toMatchObject({ reference: true })
  })

  test('what makes no sense is refused, and says why', async () => {
    const novelId = await importBook(api.novels.library, 'refused')
    const novel = `/v1/novels/${novelId}`
    const refused = async (asked: Promise<{ status: number; body: unknown }>) => {
      const { status, body } = await asked
      const { code, detail } = body as { code: string; detail: string }
      return `${status} ${code}: ${detail}`
    }
    expect(await refused(api.post('/v1/novels', { title: ' ' }))).toMatch(/^400 REQUEST_INVALID/)
    expect(await refused(api.post('/v1/novels', { title: 'x', language: 'no language' }))).toMatch(
      /^400 REQUEST_INVALID.*language tag such as/,
    )
    expect(await refused(patch(novel, {}))).toMatch(
      /^400 REQUEST_INVALID.*Give a title, an author, a language, a target of words, reference or references/,
    )
    expect(await refused(api.post(`${novel}/chapters`, { title: '', before: 'nowhere' }))).toBe(
      '404 CHAPTER_NOT_FOUND: There is no chapter nowhere in the novel.',
    )
    expect(await refused(api.post(`${novel}/chapters`, { title: '', volumeId: 'nowhere' }))).toBe(
      '404 VOLUME_NOT_FOUND: There is no volume nowhere in the novel.',
    )
    expect(await refused(patch(`${novel}/volumes/nowhere`, { title: '' }))).toMatch(/^404 VOLUME_NOT_FOUND/)
    expect(await refused(patch('/v1/novels/nowhere', { title: 'x' }))).toMatch(/^404 NOVEL_NOT_FOUND/)
    expect(await refused(erase('/v1/scenes/nowhere'))).toMatch(/^404 SCENE_NOT_FOUND/)
    expect(await refused(api.post(`${novel}/bin/nowhere:restore`))).toMatch(/^404 BIN_ENTRY_NOT_FOUND/)
    const { outline } = (await api.ask<OutlineJson>(novel)).body
    const [first, , third] = outline.flatMap(({ chapters }) => chapters)
    expect(await refused(api.post(`${novel}/chapters/${first?.id}:merge`, { next: third?.id }))).toMatch(
      /^400 OPTION_INVALID: Chapter \S+ does not follow chapter \S+, so it is not put into it/,
    )
  })

  test('a scene is cut in two where its text is what was read, and made one again', async () => {
    const novelId = await importBook(api.novels.library, 'cut')
    const { outline } = (await api.ask<OutlineJson>(`/v1/novels/${novelId}`)).body
    const chapter = `/v1/novels/${novelId}/chapters/${outline[0]?.chapters[0]?.id}`
    const scenes = async () => (await api.ask<{ scenes: Unit[] }>(chapter)).body.scenes
    const [first, second] = await scenes()
    const split = (json: object, more: Record<string, string>) =>
      api.ask<{ next: Unit & { content: string }; scene: { content: string }; code: string }>(
        `/v1/scenes/${first?.id}:split`,
        { method: 'POST', json, headers: { ...headers, ...more } },
      )
    const seen = { 'if-match': '"1"' }
    expect(await split({ at: 8 }, {})).toMatchObject({ status: 428, body: { code: 'IF_MATCH_REQUIRED' } })
    expect(await split({ at: 0 }, seen)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
    expect(await split({ at: 99 }, seen)).toMatchObject({ status: 400, body: { code: 'OPTION_INVALID' } })
    const cut = await split({ at: 8, title: '结义' }, seen)
    expect(cut).toMatchObject({ status: 201, body: { scene: { content: '刘备见关羽张飞。' } } })
    const { id } = cut.body.next
    expect(cut.headers.get('location')).toBe(`/v1/scenes/${id}`)
    expect(cut.body.next).toMatchObject({
      content: '三人结义。',
      title: '结义',
      textOrigin: { method: 'imported' },
    })
    expect((await split({ at: 8, title: '结义' }, seen)).body.next).toEqual(cut.body.next)
    expect(await split({ at: 2 }, { ...seen, 'idempotency-key': 'other' })).toMatchObject({ status: 412 })
    expect((await scenes()).map(each => each.id)).toEqual([first?.id, id, second?.id])
    const merge = (next: unknown) => api.post<{ code: string }>(`/v1/scenes/${first?.id}:merge`, { next })
    expect(await merge(second?.id)).toMatchObject({ status: 400, body: { code: 'OPTION_INVALID' } })
    expect(await merge(id)).toMatchObject({
      status: 200,
      body: { scene: { content: '刘备见关羽张飞。\n\n三人结义。' }, binned: { unitId: id, what: 'scene' } },
    })
    expect(await merge(id)).toMatchObject({ status: 404, body: { code: 'SCENE_NOT_FOUND' } })
  })

  test('what is deleted is in the bin, comes back, and is gone for good once that is asked for', async () => {
    const novelId = await importBook(api.novels.library, 'binned')
    const novel = `/v1/novels/${novelId}`
    const before = await outlineOf(novelId)
    const { outline } = (await api.ask<OutlineJson>(novel)).body
    const [one, two] = outline
    const chapter = `${novel}/chapters/${one?.chapters[0]?.id}`
    const scenes = (await api.ask<{ scenes: Unit[] }>(chapter)).body.scenes
    const [first, second] = scenes
    await api.post(`/v1/scenes/${first?.id}:move`)
    const moved = (await api.ask<{ scenes: Unit[] }>(chapter)).body.scenes
    expect(moved.map(({ id }) => id)).toEqual([second?.id, first?.id])
    const split = await api.post<Unit>(`${chapter}:split`, { at: first?.id, title: 'New' })
    expect([split.status, split.body.title]).toEqual([201, 'New'])
    await api.post(`${chapter}:merge`, { next: split.body.id })
    const gone = [
      await erase(`/v1/scenes/${second?.id}`),
      await erase(chapter),
      await erase(`${novel}/volumes/${two?.id}`),
    ]
    expect(gone.map(({ status }) => status)).toEqual([200, 200, 200])
    const listed = async () =>
      (await api.ask<{ items: (Unit & { what: string })[] }>(`${novel}/bin`)).body.items.map(
        ({ what }) => what,
      )
    expect((await listed()).toSorted()).toEqual(['chapter', 'scene', 'volume'])
    expect(await api.ask(chapter)).toMatchObject({ status: 404 })
    const put = (at: number) => api.post(`${novel}/bin/${gone[at]?.body.id}:restore`)
    expect([(await put(2)).status, (await put(1)).status]).toEqual([200, 200])
    expect(await outlineOf(novelId)).toBe(before)
    expect(await erase(`${novel}/bin/${gone[0]?.body.id}`)).toMatchObject({ status: 204 })
    expect(await listed()).toEqual([])
  })
})
