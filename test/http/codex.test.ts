import { afterAll, beforeAll, expect, test } from 'vitest'
import { sceneIdOf } from '../../src/novel/library/ids.ts'
import { ann, importBook, smallBook } from '../novel/library/case.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
let books = 0
beforeAll(async () => {
  api = await serveNovels()
})
afterAll(() => api[Symbol.asyncDispose]())

interface EntryJson {
  id: string
  version: number
  name: string
  text: string
  relations: string[]
}

async function newCodex() {
  const novelId = await importBook(api.novels.library, `codex ${books++}`, smallBook)
  const path = `/v1/novels/${novelId}/codex`
  const add = async (entry: object) => (await api.post<EntryJson>(path, { kind: 'person', ...entry })).body
  return { novelId, path, add, sceneId: (chapter: number, at = 0) => sceneIdOf(novelId, chapter, at) }
}

test('entries are added, listed, read, edited under their version, and deleted', async () => {
  const { path, add } = await newCodex()
  const entry = { kind: 'person', name: 'White Rabbit', aliases: ['Rabbit'], note: 'Mine.' }
  const key = { 'idempotency-key': 'rabbit' }
  const made = await api.post<EntryJson>(path, entry, key)
  expect(made).toMatchObject({ status: 201, body: { ...entry, version: 1, when: 'when-detected', text: '' } })
  const own = `${path}/${made.body.id}`
  expect(made.headers.get('location')).toBe(own)
  expect((await api.post<EntryJson>(path, entry, key)).body.id).toBe(made.body.id)
  expect(await api.post(path, { ...entry, name: 'Hatter' }, key)).toMatchObject({
    status: 422,
    body: { code: 'IDEMPOTENCY_KEY_REUSED' },
  })
  const alice = await add({ name: 'Alice', relations: [made.body.id] })
  const first = await api.ask<{ items: EntryJson[]; nextPageToken: string }>(`${path}?pageSize=1`)
  const rest = await api.ask<{ items: EntryJson[] }>(`${path}?pageToken=${first.body.nextPageToken}`)
  expect([...first.body.items, ...rest.body.items].map(({ name }) => name)).toEqual(['White Rabbit', 'Alice'])
  const edit = (json: object, headers: Record<string, string> = { 'if-match': '"1"' }) =>
    api.ask<EntryJson>(own, { method: 'PATCH', json, headers })
  expect(await edit({ text: 'Late.' }, {})).toMatchObject({
    status: 428,
    body: { code: 'IF_MATCH_REQUIRED' },
  })
  const edited = await edit({ text: 'Late.' })
  expect(edited).toMatchObject({ status: 200, body: { text: 'Late.', version: 2, aliases: ['Rabbit'] } })
  expect(edited.headers.get('etag')).toBe('"2"')
  expect(await edit({ text: 'Early.' })).toMatchObject({
    status: 412,
    body: { code: 'CODEX_ENTRY_CHANGED', version: 2 },
  })
  expect(await edit({})).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
  const gone = { method: 'DELETE', headers: { 'if-match': '"2"' } }
  expect((await api.ask(own, { ...gone, headers: { 'if-match': '"1"' } })).status).toBe(412)
  expect((await api.ask(own, gone)).status).toBe(204)
  expect(await api.ask(own)).toMatchObject({ status: 404, body: { code: 'CODEX_ENTRY_NOT_FOUND' } })
  expect((await api.ask<EntryJson>(`${path}/${alice.id}`)).body).toMatchObject({ relations: [], version: 2 })
})

test('what an entry may not be is refused with its field', async () => {
  const { path, sceneId } = await newCodex()
  const from = sceneId(1)
  const change = { how: 'add', from, text: 'x' }
  const refused: [object, number, string][] = [
    [{ name: '' }, 400, 'REQUEST_INVALID'],
    [{ name: 'a\nb' }, 400, 'REQUEST_INVALID'],
    [{ name: 'A', text: 'x'.repeat(8_001) }, 400, 'REQUEST_INVALID'],
    [{ name: 'A', secret: 1 }, 400, 'REQUEST_INVALID'],
    [{ name: 'A', changes: [{ ...change, from: 'nowhere' }] }, 404, 'SCENE_NOT_FOUND'],
    [{ name: 'A', changes: [{ ...change, until: sceneId(0) }] }, 400, 'OPTION_INVALID'],
    [{ name: 'A', relations: ['nobody'] }, 404, 'CODEX_ENTRY_NOT_FOUND'],
  ]
  for (const [entry, status, code] of refused)
    expect(await api.post(path, { kind: 'person', ...entry })).toMatchObject({ status, body: { code } })
})

interface BlockJson {
  kind: string
  text: string
  tokens: number
  shown: { id: string; title: string }[]
  leftOut: { title: string; reason: string }[]
}

interface PreviewJson {
  blocks: BlockJson[]
  problem?: { code: string }
}

test('the prompt of a scene is shown before anything is paid: each block, its sources, what is left out, and why', async () => {
  const { add, sceneId } = await newCodex()
  const changes = [{ how: 'replace', from: sceneId(2), text: 'Down the hole.' }]
  const alice = await add({ name: 'Alice', text: 'Bored.', changes })
  await add({ name: 'Tone', kind: 'fact', when: 'always', text: 'Dream-like.' })
  await add({ name: 'Liu Bei', aliases: ['刘备'], text: 'Kind.' })
  const path = `/v1/scenes/${sceneId(2, 1)}`
  const preview = async (body: object) => (await api.post<PreviewJson>(`${path}:preview`, body)).body
  const blockOf = ({ blocks }: PreviewJson, kind: string) => blocks.find(block => block.kind === kind)
  const seen = await preview({ summary: 'She falls.' })
  // The text right before the scene tells of Alice.
  expect(blockOf(seen, 'codex')).toMatchObject({
    text: expect.stringContaining('Alice (person): Down the hole.'),
    tokens: expect.any(Number),
    shown: [
      { title: 'Tone', reason: { why: 'always' } },
      { id: alice.id, of: 'entry', reason: { why: 'mentioned', names: ['Alice'], in: ['textBefore'] } },
    ],
    leftOut: [{ title: 'Liu Bei', reason: 'not-mentioned' }],
  })
  expect(seen).toMatchObject({ shared: [], lostChanges: [] })
  expect(seen.problem).toBeUndefined()
  expect(blockOf(seen, 'plan')?.text).toContain('She falls.')
  expect(seen.blocks.map(({ kind }) => kind).at(-1)).toBe('textBefore')
  // The task would fail: the scene has no summary.
  expect(await preview({})).toMatchObject({ problem: { code: 'SCENE_EMPTY' } })
  const small = await preview({ contextTokens: 8, instructions: '刘备 comes.' })
  expect(small).toMatchObject({ problem: { code: 'CODEX_TOO_LARGE' } })
  expect(await preview({ model: 'none' })).toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
  expect(await api.post('/v1/scenes/none:preview', {})).toMatchObject({
    status: 404,
    body: { code: 'SCENE_NOT_FOUND' },
  })
})

test('entries are pinned and barred for one scene, under the version that was read', async () => {
  const { add, sceneId } = await newCodex()
  const alice = await add({ name: 'Alice', text: 'Bored.', relations: [] })
  const bei = await add({ name: 'Liu Bei', text: 'Kind.' })
  const path = `/v1/scenes/${sceneId(2, 1)}`
  const edit = (codex: object, version: number) =>
    api.ask(path, { method: 'PATCH', json: { codex }, headers: { 'if-match': `"${version}"` } })
  const { body } = await api.ask<{ version: number }>(path)
  const codex = { pinned: [bei.id], barred: [alice.id] }
  expect(await edit(codex, body.version)).toMatchObject({ status: 200, body: { codex } })
  const { body: seen } = await api.post<PreviewJson>(`${path}:preview`, { summary: 'Alice falls.' })
  expect(seen.blocks.find(({ kind }) => kind === 'codex')).toMatchObject({
    shown: [{ id: bei.id, reason: { why: 'pinned' } }],
    leftOut: [{ id: alice.id, reason: 'barred' }],
  })
  // A name that is barred is not listed either.
  expect(seen.blocks.find(({ kind }) => kind === 'names')?.text ?? '').not.toContain('Alice')
  expect(await edit({ pinned: [alice.id] }, body.version)).toMatchObject({ status: 412 })
  expect(await edit({ pinned: [bei.id], barred: [bei.id] }, body.version + 1)).toMatchObject({ status: 400 })
  const none = await edit({}, body.version + 1)
  expect(none).toMatchObject({ status: 200 })
  expect(none.body).not.toHaveProperty('codex')
})

test('a lorebook is imported once, and what it has beside is named', async () => {
  const { path } = await newCodex()
  const entry = { uid: 0, key: ['Alice'], keysecondary: ['hole'], comment: '', content: 'Bored.' }
  const book = { entries: { 0: entry, 1: { uid: 1, key: ['Nobody'], content: '' } } }
  const imported = { format: 'sillytavern', skipped: [{ name: 'Nobody', reason: 'it has no text' }] }
  const ignored = [{ part: 'keysecondary', entries: 1 }]
  const first = await api.post(`${path}:import`, { book, kind: 'person' })
  expect(first).toMatchObject({ status: 200, body: { ...imported, ignored, added: 1, existing: 0 } })
  const again = await api.post(`${path}:import`, { book, kind: 'person' })
  expect(again.body).toMatchObject({ added: 0, existing: 1 })
  expect(await api.ask(path)).toMatchObject({ body: { items: [{ name: 'Alice', kind: 'person' }] } })
  expect(await api.post(`${path}:import`, { book: { a: 1 } })).toMatchObject({
    status: 422,
    body: { code: 'LOREBOOK_INVALID' },
  })
})

test('how a novel and a scene are told is read and written under the version that was read', async () => {
  const { novelId, sceneId } = await newCodex()
  const path = `/v1/novels/${novelId}/narration`
  expect(await api.ask(path)).toMatchObject({ body: { styleSheet: '', voiceSample: '', version: 0 } })
  const put = (json: object, version: number) =>
    api.ask(path, { method: 'PUT', json, headers: { 'if-match': `"${version}"` } })
  const told = await put({ pov: 'first', povCharacter: 'Alice', styleSheet: 'Short.' }, 0)
  expect(told).toMatchObject({ status: 200, body: { pov: 'first', styleSheet: 'Short.', version: 1 } })
  expect(told.headers.get('etag')).toBe('"1"')
  expect(await put({ tense: 'past' }, 0)).toMatchObject({ status: 412, body: { code: 'NARRATION_CHANGED' } })
  expect(await put({ pov: 'fourth' }, 1)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
  const scene = `/v1/scenes/${sceneId(0)}`
  const edit = { narration: { tense: 'present' } }
  const edited = await api.ask(scene, { method: 'PATCH', json: edit, headers: { 'if-match': '"1"' } })
  expect(edited).toMatchObject({ status: 200, body: { ...edit, version: 2 } })
})

test('an entry takes another one in, is cut in two, and shows what renaming it would change', async () => {
  const { path, add } = await newCodex()
  const alice = await add({ name: 'Alice', aliases: ['Al'], text: 'Bored.' })
  const rabbit = await add({ name: 'White Rabbit', text: 'Late.' })
  const body = { otherId: rabbit.id, otherVersion: 1 }
  const merge = (given: object, version = 1) =>
    api.ask<EntryJson>(`${path}/${alice.id}:merge`, {
      ...{ method: 'POST', json: given, headers: { 'if-match': `"${version}"` } },
    })
  const whole = { name: 'Alice', aliases: ['Al', 'White Rabbit'], text: 'Bored.\n\nLate.' }
  expect(await merge({ ...body, preview: true })).toMatchObject({
    status: 200,
    body: { ...whole, version: 1 },
  })
  expect(await merge(body, 7)).toMatchObject({ status: 412, body: { code: 'CODEX_ENTRY_CHANGED' } })
  expect(await merge(body)).toMatchObject({ status: 200, body: { ...whole, version: 2 } })
  expect(await merge(body, 2)).toMatchObject({ status: 404, body: { code: 'CODEX_ENTRY_NOT_FOUND' } })
  const into = { kind: 'person', name: 'White Rabbit', text: 'Late.' }
  const split = () =>
    api.ask<{ stays: EntryJson; into: EntryJson }>(`${path}/${alice.id}:split`, {
      ...{ method: 'POST', json: { stays: { aliases: ['Al'] }, into }, headers: { 'if-match': '"2"' } },
    })
  const first = await split()
  expect(first).toMatchObject({ status: 200, body: { stays: { aliases: ['Al'], version: 3 }, into } })
  expect((await split()).body).toEqual(first.body)
  const names = [{ from: 'Bored', to: 'Tired' }]
  expect(await api.post(`${path}/${alice.id}:places`, { names })).toMatchObject({
    status: 200,
    body: { items: [{ what: 'entry', before: '', text: 'Bored', to: 'Tired', after: '.\n\nLate.' }] },
  })
  expect(await api.post(`${path}/nobody:places`, { names })).toMatchObject({ status: 404 })
})

test('an entry that stays as it is can be cut once more from the same version', async () => {
  const { path, add } = await newCodex()
  const { id } = await add({ name: 'The Hasks', text: 'Tom is a smith. Ann keeps bees.' })
  const split = (name: string, text: string, stays: object) =>
    api.ask<{ stays: EntryJson; into: EntryJson }>(`${path}/${id}:split`, {
      ...{ method: 'POST', json: { stays, into: { kind: 'person', name, text } } },
      headers: { 'if-match': '"1"' },
    })
  const whole = { text: 'Tom is a smith. Ann keeps bees.' }
  const tom = await split('Tom', 'Tom is a smith.', whole)
  expect(tom).toMatchObject({ status: 200, body: { stays: { version: 1 }, into: { name: 'Tom' } } })
  const bees = await split('Ann', 'Ann keeps bees.', { text: 'Tom is a smith.' })
  expect(bees).toMatchObject({
    status: 200,
    body: { stays: { version: 2 }, into: { name: 'Ann', text: 'Ann keeps bees.' } },
  })
  expect((await split('Ann', 'Ann keeps bees.', { text: 'Tom is a smith.' })).body).toEqual(bees.body)
  const listed = await api.ask<{ items: EntryJson[] }>(path)
  expect(listed.body.items.map(({ name }) => name)).toEqual(['The Hasks', 'Tom', 'Ann'])
})

test('findings have their quotations, are intended with a reason, and are shown again; names are proposed and ignored', async () => {
  const { novelId, path, add, sceneId } = await newCodex()
  const write = (scene: string, content: string) =>
    api.novels.library.scenes.editScene(ann, { sceneId: scene, expectedVersion: 1, content })
  await write(sceneId(0), '"No," said Torvald. Torvald left.')
  await write(sceneId(1), 'The Hatter came in again.')
  await add({ name: 'Hatter', ends: sceneId(0) })
  interface Found {
    items: { id: string; intended?: string }[]
  }
  const check = () => api.ask<Found>(`/v1/novels/${novelId}/codex-findings`)
  const found = await check()
  const finding = {
    code: 'AFTER_ITS_END',
    name: 'Hatter',
    sceneId: sceneId(1),
    quotation: 'The Hatter came in again.',
  }
  expect(found).toMatchObject({ status: 200, body: { items: [finding] } })
  const dismissal = { what: 'finding', key: found.body.items[0]?.id }
  expect((await api.post(`${path}:dismiss`, { ...dismissal, reason: 'A ghost.' })).status).toBe(204)
  expect((await check()).body).toMatchObject({ items: [{ ...finding, intended: 'A ghost.' }] })
  expect((await api.post(`${path}:restore`, dismissal)).status).toBe(204)
  expect((await check()).body.items[0]).not.toHaveProperty('intended')
  const propose = async () =>
    (await api.ask<{ items: { name: string; kind: string }[] }>(`/v1/novels/${novelId}/codex-proposals`)).body
      .items
  expect(await propose()).toContainEqual(
    expect.objectContaining({ name: 'Torvald', kind: 'person', sceneId: sceneId(0) }),
  )
  expect((await api.post(`${path}:dismiss`, { what: 'name', key: 'Torvald' })).status).toBe(204)
  expect((await propose()).map(({ name }) => name)).not.toContain('Torvald')
})

test('what a model found is listed with what code finds, and is gone when text or entry is mended', async () => {
  const { novelId, path, add, sceneId } = await newCodex()
  const { library } = api.novels
  const scene = sceneId(2)
  const { content } = await library.scenes.scene(ann, scene)
  const rabbit = await add({ name: 'White Rabbit', text: 'The Rabbit never runs.' })
  const by = {
    ...{ sceneId: scene, place: [2, 0] as const, of: 'text 1', dropped: 0, model: 'm', taskId: 'task' },
    ...{ prompt: { name: 'check-codex', version: '1', language: 'en' } },
    usage: { inputTokens: 1, outputTokens: 1 },
  }
  const contradiction = {
    ...{ kind: 'character' as const, entryId: rabbit.id, quotation: 'White Rabbit run' },
    ...{ entryQuotation: 'Rabbit never runs', explanation: 'It runs.' },
  }
  await library.readings.keep(ann, novelId, { ...by, what: 'contradictions', items: [contradiction] })
  const alice = {
    kind: 'person' as const,
    name: 'Alice',
    aliases: [],
    text: 'Sees it.',
    quotation: 'Alice saw',
  }
  const items = [alice, { ...alice, name: 'White Rabbit', aliases: ['Rabbit'] }]
  await library.readings.keep(ann, novelId, { ...by, what: 'entries', items })
  const read = async (what: 'findings' | 'proposals') =>
    (await api.ask<{ items: { id: string }[] }>(`${path}-${what}`)).body.items
  expect(await read('proposals')).toMatchObject([
    { name: 'Alice', by: 'model', text: 'Sees it.', sceneId: scene, quotation: 'Alice saw' },
    { name: 'Rabbit', by: 'model', entryId: rabbit.id },
  ])
  const [finding] = await read('findings')
  expect(finding).toMatchObject({
    ...{
      code: 'CONTRADICTS_CHARACTER',
      entryQuotation: 'Rabbit never runs',
      explanation: 'It runs.',
      model: 'm',
    },
    ...{ quotation: 'White Rabbit run', from: content.indexOf('White Rabbit run') },
  })
  const dismissal = { what: 'finding', key: finding?.id, reason: 'A hurry.' }
  expect((await api.post(`${path}:dismiss`, dismissal)).status).toBe(204)
  expect(await read('findings')).toMatchObject([{ intended: 'A hurry.' }])
  const own = `${path}/${rabbit.id}`
  const headers = { 'if-match': '"1"' }
  await api.ask(own, { method: 'PATCH', json: { text: 'Runs.' }, headers })
  expect(await read('findings')).toEqual([])
})

test('prompts of a novel are read, written and removed under the version of the list, and tried before', async () => {
  const { novelId, sceneId } = await newCodex()
  interface Prompts {
    version: number
    items: { id: string; from: string; text: string; usual?: string; slots: object[] }[]
  }
  const path = `/v1/novels/${novelId}/prompts`
  const listed = await api.ask<Prompts>(path)
  expect(listed).toMatchObject({ status: 200, body: { version: 0 } })
  expect(listed.body.items).toHaveLength(20)
  const usual = listed.body.items.find(({ id }) => id === 'generate-scene.en')
  expect(usual?.slots).toContainEqual({ name: 'length', required: true })
  const text = (usual?.text ?? '').replace('You are a novelist', 'You are a dry novelist')
  const one = `${path}/generate-scene.en`
  const put = (json: object, version = 0) =>
    api.ask<Prompts>(one, { method: 'PUT', json, headers: { 'if-match': `"${version}"` } })
  const own = (body: Prompts) => body.items.find(({ id }) => id === 'generate-scene.en')

  const preview = `/v1/scenes/${sceneId(0)}:preview`
  interface Preview {
    prompt: { version: string; from: string }
    blocks: { text: string }[]
  }
  const tried = await api.post<Preview>(preview, { summary: 'A.', prompts: { 'generate-scene': text } })
  expect(tried.body).toMatchObject({ prompt: { from: 'trial' }, part: 1, parts: 1 })
  expect(tried.body.blocks[0]?.text).toMatch(/^You are a dry novelist/)
  const missing = text.replace('{{tone}}', '')
  const refused = {
    status: 422,
    body: { code: 'PROMPT_INVALID', detail: expect.stringContaining('{{tone}}') },
  }
  expect(await api.post(preview, { prompts: { 'generate-scene': missing } })).toMatchObject(refused)
  expect((await api.post<Preview>(preview, {})).body.prompt.from).toBe('product')

  expect(await put({ text: missing })).toMatchObject({ status: 422, body: { code: 'PROMPT_INVALID' } })
  const saved = await put({ text })
  expect(saved).toMatchObject({ status: 200, body: { version: 1 } })
  expect(saved.headers.get('etag')).toBe('"1"')
  expect(own(saved.body)).toMatchObject({ from: 'novel', text, usual: usual?.text })
  expect(await put({ text: `${text}!` })).toMatchObject({ status: 412, body: { code: 'PROMPTS_CHANGED' } })
  const shown = await api.post<Preview>(preview, {})
  expect(shown.body.prompt).toMatchObject({ from: 'novel' })
  const nowhere = { method: 'PUT', json: { text }, headers: { 'if-match': '"1"' } }
  expect((await api.ask(`${path}/generate-scene.fr`, nowhere)).status).toBe(400)
  const removed = await api.ask<Prompts>(one, { method: 'DELETE', headers: { 'if-match': '"1"' } })
  expect(own(removed.body)).toEqual(usual)
})
