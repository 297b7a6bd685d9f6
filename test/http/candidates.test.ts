import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { awaitsReview } from '../../src/novel/await-author.ts'
import type { TextProposal } from '../../src/novel/library/candidates.ts'
import { sceneIdOf } from '../../src/novel/library/ids.ts'
import { importBook, proposalOf } from '../novel/library/case.ts'
import { ann } from '../novel/tasks/novel-engine.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
let books = 0
beforeAll(async () => {
  api = await serveNovels()
})
afterAll(() => api[Symbol.asyncDispose]())

interface CandidateJson {
  id: string
  status: string
  excerpt?: string
  text?: string
}

/** A scene of a book that nobody has changed. */
async function newScene() {
  const { library } = api.novels
  const novelId = await importBook(library, `${books++}`)
  const sceneId = sceneIdOf(novelId, 0, 0)
  const path = `/v1/scenes/${sceneId}`
  const decide = (verb: string) => (id: string, headers: Record<string, string>, json?: object) =>
    api.ask<{ content?: string; version?: number; status?: string }>(`${path}/candidates/${id}:${verb}`, {
      method: 'POST',
      headers,
      ...(json && { json }),
    })
  return {
    novelId,
    sceneId,
    path,
    propose: async (content: string, more: Partial<TextProposal> = {}) => {
      const writer = { taskId: content, attempt: 1 }
      const asked = { sceneId, content, expectedVersion: 1, accept: 'by-author' as const, writer, ...more }
      const proposal = proposalOf(asked)
      await library.candidates.propose(proposal)
      return proposal.id
    },
    list: async (query = '') =>
      (await api.ask<{ items: CandidateJson[] }>(`${path}/candidates${query}`)).body.items,
    accept: decide('accept'),
    discard: decide('discard'),
  }
}

describe('the candidates of a scene', () => {
  test('are listed with how they begin, and read whole', async () => {
    const { path, sceneId, novelId, propose, list } = await newScene()
    const long = 'x'.repeat(300)
    const faults = [{ code: 'LOOP' as const, message: 'It repeats itself.', figure: 0.4 }]
    const id = await propose(long, { faults, writer: { taskId: 'task', attempt: 2 } })
    const [note] = await list()
    const known = {
      ...{ id, sceneId, novelId, status: 'open', words: 1, characters: 300, baseVersion: 1, number: 1 },
      ...{ provenance: { method: 'generative' }, faults, length: 300, rootTaskId: 'task' },
      ...{ writtenBy: { taskId: 'task', attempt: 2 }, createdAt: expect.stringMatching(/Z$/) },
    }
    expect(note).toEqual({ ...known, excerpt: 'x'.repeat(200) })
    expect((await api.ask(`${path}/candidates/${id}`)).body).toEqual({ ...known, text: long })
    expect(await list('?status=accepted&status=discarded')).toEqual([])
    expect(await api.ask(`${path}/candidates/nowhere`)).toMatchObject({
      status: 404,
      body: { code: 'CANDIDATE_NOT_FOUND' },
    })
    expect(await api.ask(`${path}/candidates?status=new`)).toMatchObject({ status: 400 })
  })

  test('are accepted whole or in part, and discarded, under the version that was read', async () => {
    const { propose, list, accept, discard } = await newScene()
    const [whole, part, unwanted] = [await propose('whole'), await propose('part'), await propose('unwanted')]
    const read = { 'if-match': '"1"' }
    expect(await accept(whole, {})).toMatchObject({ status: 428 })
    for (const _ of ['once', 'sent again'])
      expect(await accept(whole, read)).toMatchObject({ status: 200, body: { content: 'whole', version: 2 } })
    const changed = { status: 412, body: { code: 'SCENE_CHANGED', version: 2 } }
    expect(await accept(part, read)).toMatchObject(changed)
    expect(await discard(part, read)).toMatchObject(changed)
    const now = { 'if-match': '"2"' }
    expect(await accept(part, now, { content: ' ' })).toMatchObject({ status: 400 })
    expect(await accept(part, now, { content: 'whole and part' })).toMatchObject({
      status: 200,
      body: {
        content: 'whole and part',
        textOrigin: {
          accepted: { candidateId: part, writtenBy: { taskId: 'part' }, merged: true },
          writtenBy: { userId: ann },
        },
      },
    })
    expect(await discard(unwanted, { 'if-match': '"3"' })).toMatchObject({
      status: 200,
      body: { status: 'discarded', text: 'unwanted', closedBy: { userId: ann } },
    })
    expect(await discard('nowhere', { 'if-match': '"3"' })).toMatchObject({ status: 404 })
    const statuses = (await list()).map(({ status, excerpt }) => [excerpt, status])
    expect(statuses).toEqual([
      ['unwanted', 'discarded'],
      ['part', 'accepted'],
      ['whole', 'accepted'],
    ])
  })
})

describe('the task that wrote a candidate', () => {
  test('is told what somebody decided only where it waits for that', async () => {
    const { novelId, propose, accept } = await newScene()
    const submission = { taskType: 'BatchGenerateSummary', parameters: { novelId } }
    const { id: taskId } = (await api.post<{ id: string }>('/v1/tasks', submission)).body
    const made = await propose('made', { writer: { taskId, attempt: 1 } })
    expect(await accept(made, { 'if-match': '"1"' })).toMatchObject({ status: 200 })
    expect((await api.novels.t.tasks.get(taskId)).signals).toBeUndefined()
    await api.novels.t.drain()
  })

  test.each([
    [{ parameters: '{"awaitAuthor":true}' }, true],
    [{ parameters: '{}', waits: [{ key: 'review', signal: 'review' }] }, true],
    [{ parameters: '{"awaitAuthor":false}', waits: [{ key: 'other', signal: 'other' }] }, false],
    [{ parameters: 'null' }, false],
  ])('waits for it, or will: %j', (task, isAwaited) => {
    expect(awaitsReview(task)).toBe(isAwaited)
  })
})

describe('undoing the texts of a task', () => {
  test('gives the scenes the texts back that they had, and names those that changed since', async () => {
    const [one, other] = [await newScene(), await newScene()]
    const { scenes } = api.novels.library
    const before = await scenes.scene(ann, one.sceneId)
    for (const { propose } of [one, other])
      await propose('made', { accept: 'automatically', rootTaskId: 'run' })
    await scenes.editScene(ann, { sceneId: other.sceneId, expectedVersion: 2, content: 'hers' })
    const { novelId, sceneId } = other
    for (const undone of [1, 0])
      expect(await api.post('/v1/tasks/run:undoTexts')).toMatchObject({
        status: 200,
        body: { undone, left: [{ sceneId, novelId }], leftScenes: 1 },
      })
    expect((await scenes.scene(ann, one.sceneId)).content).toBe(before.content)
    expect((await scenes.scene(ann, other.sceneId)).content).toBe('hers')
  })

  test('is refused while the task is live, for a part of a tree, and for no task', async () => {
    expect(await api.post('/v1/tasks/nowhere:undoTexts')).toMatchObject({ status: 404 })
    const { novelId } = await newScene()
    const submission = { taskType: 'BatchGenerateSummary', parameters: { novelId } }
    const { id } = (await api.post<{ id: string }>('/v1/tasks', submission)).body
    expect(await api.post(`/v1/tasks/${id}:undoTexts`)).toMatchObject({
      status: 409,
      body: { code: 'TASK_NOT_ENDED' },
    })
    await api.novels.t.drain()
    const { items } = (await api.ask<{ items: { id: string }[] }>(`/v1/tasks/${id}/children`)).body
    expect(await api.post(`/v1/tasks/${items[0]?.id}:undoTexts`)).toMatchObject({
      status: 400,
      body: { code: 'OPTION_INVALID', detail: expect.stringContaining(id) },
    })
    expect(await api.post(`/v1/tasks/${id}:undoTexts`)).toMatchObject({ status: 200, body: { undone: 0 } })
  })
  test('is refused while tasks below a cancelled one are stopping: their texts would enter afterwards', async () => {
    const { novelId } = await newScene()
    const { t, library } = api.novels
    const { writeSummary } = library.scenes
    let open = () => {}
    const gate = new Promise<void>(resolve => {
      open = resolve
    })
    vi.spyOn(library.scenes, 'writeSummary').mockImplementation(async given => {
      await gate
      return writeSummary(given)
    })
    const submission = { taskType: 'BatchGenerateSummary', parameters: { novelId } }
    const { id } = (await api.post<{ id: string }>('/v1/tasks', submission)).body
    await t.drain()
    expect(await api.post(`/v1/tasks/${id}:cancel`)).toMatchObject({ body: { status: 'CANCELLED' } })
    await t.drain()
    expect(await api.post(`/v1/tasks/${id}:undoTexts`)).toMatchObject({
      status: 409,
      body: { code: 'TASK_NOT_ENDED' },
    })
    open()
    vi.restoreAllMocks()
    await t.drain()
    expect(await api.post(`/v1/tasks/${id}:undoTexts`)).toMatchObject({ status: 200, body: { undone: 0 } })
  })
})
