import { batchGenerateSummary, confirmUpload, generateSummary, importNovel } from 'quillwork/novel'
import { createGate } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { ann, bookOf, fourChapters, type NovelEngine, novelEngine, scriptedModel } from './novel-engine.ts'

const noneOf = { total: 0, success: 0, failed: 0, conflict: 0, skipped: 0 }
const sceneNumber = (text: string) => Number(/^Scene (\d+)/.exec(text)?.[1])

/** Indices of the first and the last chapter of a range. */
interface Ends {
  start?: number
  end?: number
}

describe('BatchGenerateSummary', () => {
  it('summarises every scene of the novel, each in a task of its own', async () => {
    const model = scriptedModel()
    const { n, novelId } = await novel({ model })
    await using _ = n
    const task = await n.t.submit(batchGenerateSummary, { novelId }, { userId: ann })
    await n.t.drain()
    expect(await task.result()).toEqual({ ...noneOf, total: 8, success: 8, failedScenes: [] })
    expect(model.made.map(sceneNumber).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    const record = await n.t.tasks.get(task.taskId)
    expect(record).toMatchObject({ status: 'COMPLETED', subTaskStatusSummary: { COMPLETED: 8 } })
    expect(JSON.parse(record.progress ?? '')).toEqual({ ...noneOf, total: 8, processed: 8, success: 8 })
    const keys = (await n.t.tasks.children(task.taskId, {}, { pageSize: 10 })).items.map(
      item => item.subTaskKey,
    )
    expect(keys).toEqual((await n.scenes(novelId)).map(scene => scene.id))
  })

  it.each<[Ends, number[]]>([
    [{ start: 1, end: 2 }, [3, 4, 5, 6]],
    [{ start: 2, end: 2 }, [5, 6]],
    [{ end: 0 }, [1, 2]],
    [{ start: 3 }, [7, 8]],
  ])('takes the chapters %o in reading order, over the volumes', async ({ start, end }, expected) => {
    const model = scriptedModel()
    const { n, novelId, chapterIds } = await novel({ model })
    await using _ = n
    const range = { startChapterId: chapterIds[start ?? -1], endChapterId: chapterIds[end ?? -1] }
    const parameters = { novelId, ...defined(range) }
    const task = await n.t.submit(batchGenerateSummary, parameters, { userId: ann })
    await n.t.drain()
    expect(await task.result()).toMatchObject({ total: expected.length, success: expected.length })
    expect(model.made.map(sceneNumber).sort()).toEqual(expected)
  })

  it.each<[string, Ends, string]>([
    ['a reversed range', { start: 2, end: 1 }, 'OPTION_INVALID'],
    ['a chapter that is not there', { start: 4 }, 'CHAPTER_NOT_FOUND'],
  ])('fails at the first attempt for %s', async (_name, { start, end }, code) => {
    const { n, novelId, chapterIds } = await novel()
    await using _ = n
    const ids = [...chapterIds, 'nowhere']
    const range = defined({
      startChapterId: ids[start ?? 0],
      endChapterId: end === undefined ? undefined : ids[end],
    })
    const task = await n.t.submit(batchGenerateSummary, { novelId, ...range }, { userId: ann })
    await n.t.drain()
    expect(await n.t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      errorInfo: { code },
    })
  })

  it("fails for another user's novel; is refused for a model that is not configured and a wish that has no effect", async () => {
    const { n, novelId } = await novel()
    await using _ = n
    const theirs = await n.t.submit(batchGenerateSummary, { novelId }, { userId: 'bob' })
    await n.t.drain()
    expect(await theirs.state()).toMatchObject({ status: 'FAILED', error: { code: 'NOVEL_NOT_FOUND' } })
    for (const refused of [{ model: 'grand' }, { style: 'short' }])
      await expect(
        n.t.submit(batchGenerateSummary, { novelId, ...refused }, { userId: ann }),
      ).rejects.toMatchObject({ code: 'model' in refused ? 'PROVIDER_NOT_CONFIGURED' : 'OPTION_INVALID' })
  })

  it('skips what has a summary and what is empty; completes at once when nothing is left', async () => {
    const model = scriptedModel()
    const { n, novelId } = await novel({ model })
    await using _ = n
    const [first, second] = await n.scenes(novelId)
    await n.library.scenes.editScene(ann, {
      sceneId: first?.id ?? '',
      expectedVersion: 1,
      summary: 'By hand.',
    })
    await n.library.scenes.editScene(ann, { sceneId: second?.id ?? '', expectedVersion: 1, content: '\n' })
    const once = await n.t.submit(batchGenerateSummary, { novelId }, { userId: ann })
    await n.t.drain()
    expect(await once.result()).toEqual({ ...noneOf, total: 8, success: 6, skipped: 2, failedScenes: [] })

    const again = await n.t.submit(batchGenerateSummary, { novelId }, { userId: ann })
    await n.t.drain()
    expect(await again.result()).toEqual({ ...noneOf, total: 8, skipped: 8, failedScenes: [] })
    expect((await n.t.tasks.get(again.taskId)).subTaskStatusSummary ?? {}).toEqual({})
    expect(model.made).toHaveLength(6)

    const over = await n.t.submit(batchGenerateSummary, { novelId, overwriteExisting: true }, { userId: ann })
    await n.t.drain()
    expect(await over.result()).toEqual({ ...noneOf, total: 8, success: 7, skipped: 1, failedScenes: [] })
    expect(model.made).toHaveLength(13)
  })

  it('counts a scene that changed twice as a conflict', async () => {
    const model = scriptedModel()
    const { n, novelId } = await novel({ model })
    await using _ = n
    const third = (await n.scenes(novelId))[2]?.id ?? ''
    let edits = 0
    model.before = async text => {
      if (!/^(Scene 3|Edit)/.test(text)) return
      const { version } = await n.library.scenes.scene(ann, third)
      const content = `Edit ${++edits}`
      await n.library.scenes.editScene(ann, { sceneId: third, expectedVersion: version, content })
    }
    const task = await n.t.submit(batchGenerateSummary, { novelId }, { userId: ann })
    await n.t.drain()
    expect(await task.state()).toMatchObject({
      status: 'COMPLETED',
      result: { total: 8, success: 7, conflict: 1, failed: 0 },
    })
    expect(edits).toBe(2)
  })

  it('completes with errors when scenes fail, names them, and completes when they are retried', async () => {
    const model = scriptedModel()
    model.before = text => {
      if (/^Scene [25] /.test(text))
        throw Object.assign(new Error('the provider refuses'), { statusCode: 400 })
    }
    await using n = await novelEngine({ model })
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.drain()
    const scenes = await n.scenes(novelId)
    const [, batchId = ''] = (await n.t.tasks.children(taskId, {}, { pageSize: 3 })).items.map(
      item => item.id,
    )
    const batch = await n.t.find(batchGenerateSummary, batchId)
    expect(await batch?.state()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      result: {
        total: 8,
        success: 6,
        failed: 2,
        failedScenes: [
          { sceneId: scenes[1]?.id, reason: 'the provider refuses' },
          { sceneId: scenes[4]?.id, reason: 'the provider refuses' },
        ],
      },
    })
    const whole = await n.t.find(importNovel, taskId)
    expect(await whole?.state()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      result: { summaries: { success: 6, failed: 2 }, index: 'lexical' },
    })

    model.before = () => undefined
    await n.t.tasks.retry(taskId)
    await n.t.drain()
    expect(await batch?.state()).toMatchObject({ status: 'COMPLETED', result: { success: 8, failed: 0 } })
    expect(await whole?.state()).toMatchObject({
      status: 'COMPLETED',
      result: { summaries: { success: 8, failed: 0 }, index: 'lexical' },
    })
    expect(model.made).toHaveLength(8)
    expect((await n.t.deadLetters.list({}, { pageSize: 10 })).items).toEqual([])
  })

  it('fails when every scene fails; the import then completes with errors and is searchable', async () => {
    const model = scriptedModel()
    model.before = () => {
      throw Object.assign(new Error('the key is not valid'), { statusCode: 401 })
    }
    await using n = await novelEngine({ model })
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.drain()
    const [, batch] = (await n.t.tasks.children(taskId, {}, { pageSize: 3 })).items
    expect(batch).toMatchObject({
      status: 'FAILED',
      errorInfo: {
        code: 'SUBTASKS_FAILED',
        message: 'None of the 8 scenes could be summarised; the first failed with: the key is not valid',
      },
    })
    const whole = await n.t.find(importNovel, taskId)
    expect(await whole?.state()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      result: { summaries: { total: 8, failed: 8, success: 0 }, index: 'lexical' },
    })
    model.before = () => undefined
    await n.t.tasks.retry(taskId)
    await n.t.drain()
    expect(await whole?.state()).toMatchObject({ status: 'COMPLETED', result: { summaries: { success: 8 } } })
  })

  it('pays once for a scene that two batches want', async () => {
    const model = scriptedModel()
    const { n, novelId } = await novel({ model, slots: 1 })
    await using _ = n
    const [one, two] = await n.t.submitMany(batchGenerateSummary, [
      { parameters: { novelId }, userId: ann },
      { parameters: { novelId }, userId: ann },
    ])
    await n.t.drain()
    const results = [await one?.result(), await two?.result()]
    const sum = (name: 'success' | 'skipped' | 'conflict') =>
      results.reduce((total, result) => total + (result?.[name] ?? 0), 0)
    expect({ success: sum('success'), skipped: sum('skipped'), conflict: sum('conflict') }).toEqual({
      success: 8,
      skipped: 8,
      conflict: 0,
    })
    expect(model.made).toHaveLength(8)
  })

  it('counts each scene once when its own attempt is repeated', async () => {
    const gate = createGate<never>()
    let hanging = true
    await using n = await novelEngine({
      persistent: true,
      // The attempt of the batch that has submitted its first page hangs at the second.
      faults: ({ shelf }) => ({
        shelf: {
          ...shelf,
          scenes: (userId, range, page) =>
            hanging && page.pageToken !== undefined ? gate.opened : shelf.scenes(userId, range, page),
        },
      }),
    })
    const novelId = await n.importText(bookOf([['Volume One', 300]]))
    const task = await n.t.submit(batchGenerateSummary, { novelId }, { userId: ann })
    await n.t.drain()
    expect((await n.t.tasks.get(task.taskId)).subTaskStatusSummary).toEqual({ COMPLETED: 500 })
    hanging = false
    await n.t.crash()
    await n.t.drain()
    const found = await n.t.find(batchGenerateSummary, task.taskId)
    expect(await found?.result()).toEqual({ ...noneOf, total: 600, success: 600, failedScenes: [] })
  })

  it('leaves a lane to interactive work: one summary asked for by a person does not wait for the batch', async () => {
    const model = scriptedModel()
    const gate = createGate()
    model.before = text => (sceneNumber(text) === 8 ? undefined : gate.opened)
    const { n, novelId } = await novel({ model, slots: 2 })
    await using _ = n
    await n.t.submit(batchGenerateSummary, { novelId }, { userId: ann })
    await n.t.drain()
    const sceneId = (await n.scenes(novelId))[7]?.id ?? ''
    const own = await n.t.submit(generateSummary, { novelId, sceneId }, { userId: ann, lane: 'default' })
    await n.t.drain()
    expect(await own.state()).toMatchObject({ status: 'COMPLETED' })
    gate.open()
  })
})

async function novel(options: { model?: ReturnType<typeof scriptedModel>; slots?: number } = {}) {
  const n: NovelEngine = await novelEngine(options)
  const novelId = await n.importText(fourChapters)
  const { items } = await n.library.shelf.chapters(ann, { novelId }, { pageSize: 10 })
  return { n, novelId, chapterIds: items.map(chapter => chapter.id) }
}

/** The fields that are not undefined. */
function defined<K extends string>(fields: Record<K, string | undefined>): Partial<Record<K, string>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<
    Record<K, string>
  >
}
