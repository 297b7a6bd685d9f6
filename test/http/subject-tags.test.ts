import type { TaskJson } from 'quillwork/http'
import { confirmUpload, novelIdOf, novelTasks } from 'quillwork/novel'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { subjectTags } from '../../src/novel/subject-tags.ts'
import { plainError } from '../../src/task/errors.ts'
import { failedWaiting } from '../../src/task/transition.ts'
import { ann } from '../novel/tasks/novel-engine.ts'
import { until } from '../servers/until.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

const novelId = '6f9619ff-8b86-8011-b42d-00c04fc964ff'
const sceneId = '7f9619ff-8b86-8011-b42d-00c04fc964ff'
const novel = `novel:${novelId}`
const scene = `scene:${sceneId}`

describe('the tags of a subject', () => {
  it.each<[string, object, string[]]>([
    ['ImportNovel', { uploadId: 'u-1' }, [`novel:${novelIdOf('u-1')}`]],
    ['BatchGenerateScene', { novelId, startChapterId: 'c' }, [novel]],
    ['BatchGenerateSummary', { novelId }, [novel]],
    ['GenerateScene', { novelId, sceneId }, [novel, scene]],
    ['RewriteSelection', { novelId, sceneId }, [novel, scene]],
    ['RestoreSnapshot', { novelId, snapshotId: 's' }, [novel]],
    ['ExportNovel', { novelId, format: 'txt' }, [novel]],
    ['GenerateScene', { novelId, chapterId: 'c' }, [novel]],
    ['GenerateSummary', { novelId, sceneId }, [novel, scene]],
    ['SceneBrief', { novelId, sceneId }, [novel, scene]],
    ['Vectorize', { novelId }, [novel]],
    ['ParseFile', { uploadId: 'u-1', novelId }, [novel]],
    ['AppendToNovel', { uploadId: 'u-1', novelId }, [novel]],
    ['EraseNovel', { novelId }, []],
    ['Mine', { novelId, sceneId }, []],
  ])('%s %j: %j', (taskType, parameters, tags) => {
    expect(subjectTags(taskType, parameters)).toEqual(tags)
  })

  it('are known for every type that a person submits', () => {
    // What deletes a novel must not be found as one of its tasks; all that a user has is of no one novel.
    const submitted = novelTasks
      .map(({ type }) => type)
      .filter(type => !type.startsWith('Erase') && type !== 'ExportUser')
    for (const type of submitted)
      expect(subjectTags(type, { novelId, sceneId, uploadId: 'u' }).length, type).toBeGreaterThan(0)
  })

  it.each([
    undefined,
    null,
    7,
    'text',
    [],
    { novelId: 7, sceneId: {} },
    { novelId: '' },
    { novelId: 'x'.repeat(100) },
    { novelId: 'a b' },
  ])('of parameters that nobody checked are none: %j', parameters => {
    for (const { type } of novelTasks) expect(subjectTags(type, parameters)).toEqual([])
  })

  it('are none of the given ones, and never crowd them out', () => {
    const parameters = { novelId, sceneId }
    expect(subjectTags('SceneBrief', parameters, ['b', scene, 'a'])).toEqual([novel])
    const many = Array.from({ length: 19 }, (_, at) => `t${at}`)
    expect(subjectTags('SceneBrief', parameters, many)).toEqual([novel])
    const full = [...many, 't19']
    expect(subjectTags('SceneBrief', parameters, full)).toEqual([])
    expect(subjectTags('SceneBrief', parameters, [...full, 't20'])).toEqual([])
  })
})

describe('a task that is submitted over HTTP', () => {
  let api: NovelApi
  let imported: { taskId: string; novelId: string }
  let sceneOf: string
  const tagsOf = async (id: string) => (await api.ask<TaskJson>(`/v1/tasks/${id}`)).body.tags
  beforeAll(async () => {
    api = await serveNovels()
    const { body } = await api.upload('Chapter 1\n\nA cold day. The clocks struck.\n')
    imported = (await api.post<typeof imported>(`/v1/uploads/${body.id}:confirm`)).body
    const status = async () => (await api.ask<TaskJson>(`/v1/tasks/${imported.taskId}`)).body.status
    await until(async () => (await status()) === 'COMPLETED', 'end of the import')
    const path = `/v1/novels/${imported.novelId}`
    const { body: outline } = await api.ask<{ outline: { chapters: { id: string }[] }[] }>(path)
    const chapter = outline.outline[0]?.chapters[0]?.id
    const { body: read } = await api.ask<{ scenes: { id: string }[] }>(`${path}/chapters/${chapter}`)
    sceneOf = read.scenes[0]?.id ?? ''
  })
  afterAll(() => api[Symbol.asyncDispose]())

  const brief = () => ({
    taskType: 'SceneBrief',
    parameters: { novelId: imported.novelId, sceneId: sceneOf },
  })

  test('says what it is about: imports, summaries, and what works on a scene', async () => {
    expect(await tagsOf(imported.taskId)).toEqual([`novel:${imported.novelId}`])
    const { body: summaries } = await api.post<TaskJson>(`/v1/novels/${imported.novelId}:summarise`)
    expect(summaries.tags).toEqual([`novel:${imported.novelId}`])
    const { body } = await api.post<TaskJson>('/v1/tasks', { ...brief(), tags: ['mine'] })
    expect(body.tags).toEqual(['mine', `novel:${imported.novelId}`, `scene:${sceneOf}`])
    const found = await api.ask<{ items: TaskJson[] }>(`/v1/tasks?tag=scene:${sceneOf}&rootsOnly=true`)
    expect(found.body.items.map(({ id }) => id)).toEqual([body.id])
  })

  test('below a batch or an import says which scene it works on, where there is room', async () => {
    const path = `/v1/tasks?tag=scene:${sceneOf}&taskType=GenerateSummary`
    const found = async () => (await api.ask<{ items: TaskJson[] }>(path)).body.items
    const [own] = await found()
    expect(own).toMatchObject({
      rootTaskId: imported.taskId,
      tags: [`novel:${imported.novelId}`, `scene:${sceneOf}`],
    })
    const full = Array.from({ length: 20 }, (_, at) => `t${at}`)
    const { novelId } = imported
    const batch = {
      taskType: 'BatchGenerateSummary',
      parameters: { novelId, overwriteExisting: true },
      tags: full,
    }
    const { body } = await api.post<TaskJson>('/v1/tasks', batch)
    const parts = async () =>
      (await api.ask<{ items: TaskJson[] }>(`/v1/tasks?parentTaskId=${body.id}`)).body.items
    await expect.poll(async () => (await parts()).map(({ tags }) => tags)).toEqual([full])
  })

  test('that runs again with other parameters is one of their subject alone', async () => {
    const { taskType, parameters } = brief()
    const { t } = api.novels
    const { record } = await t.tasks.submit(taskType, parameters, {
      ...{ userId: ann, delay: '1h', tags: ['mine'] },
      derivedTags: subjectTags(taskType, parameters),
    })
    const error = plainError('HANDLER_FAILED', 'no', 'permanent')
    await t.store.tasks.apply([failedWaiting(record, error, t.store.tasks.now())])
    const other = { parameters: { ...parameters, sceneId } }
    const answer = await api.post<{ task: TaskJson }>(`/v1/tasks/${record.id}:retry`, other)
    expect([answer.status, answer.body.task?.tags]).toEqual([
      202,
      ['mine', `novel:${imported.novelId}`, scene],
    ])
    const isFound = async (tag: string) => {
      const { items } = (await api.ask<{ items: TaskJson[] }>(`/v1/tasks?tag=${tag}`)).body
      return items.some(({ id }) => id === record.id)
    }
    expect([await isFound(scene), await isFound(`scene:${sceneOf}`)]).toEqual([true, false])
  })

  test('with its key again is the same, and with other tags another', async () => {
    const key = { 'idempotency-key': 'brief' }
    const first = await api.post<TaskJson>('/v1/tasks', { ...brief(), tags: ['mine'] }, key)
    const again = await api.post<TaskJson>('/v1/tasks', { ...brief(), tags: ['mine'] }, key)
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true'])
    expect(again.body.id).toBe(first.body.id)
    for (const tags of [undefined, [], ['other']])
      expect(await api.post('/v1/tasks', { ...brief(), tags }, key)).toMatchObject({
        status: 422,
        body: { code: 'IDEMPOTENCY_KEY_REUSED' },
      })
  })

  test('with the key of a task that a library submitted is that one, without the tags', async () => {
    const { taskType, parameters } = brief()
    const options = { userId: ann, idempotencyKey: 'by-library', tags: ['mine'] }
    const { record } = await api.novels.t.tasks.submit(taskType, parameters, options)
    expect(record.tags).toEqual(['mine'])
    const key = { 'idempotency-key': 'by-library' }
    const answer = await api.post<TaskJson>('/v1/tasks', { taskType, parameters, tags: ['mine'] }, key)
    expect([answer.status, answer.body.id, answer.body.tags]).toEqual([202, record.id, ['mine']])
  })

  test('a library that confirms an upload tags as it likes', async () => {
    const { body } = await api.upload('Chapter 1\n\nAnother day.\n')
    const { t, services } = api.novels
    const { taskId } = await confirmUpload(t, services, { userId: ann, uploadId: body.id })
    expect(await tagsOf(taskId)).toEqual([])
  })
})
