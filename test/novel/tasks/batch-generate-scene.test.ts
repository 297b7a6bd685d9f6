import {
  batchGenerateScene,
  batchGenerateSummary,
  estimateTask,
  generateScene,
  generateSummary,
} from 'quillwork/novel'
import { expect, it } from 'vitest'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'

/** A busy machine is no model that stalls. */
const patient = { first: 30_000, idle: 30_000, total: 50_000 }

const large = { prose: { contextTokens: 16_000, maxOutputTokens: 8_000, timeouts: patient } }
const noneOf = { total: 0, success: 0, failed: 0, proposed: 0, notAttempted: 0, skipped: 0 }

describeWriting('BatchGenerateScene', open => {
  it('writes the scenes of a range that have a summary and no text, each in a task of its own', async () => {
    await using w = await open({ models: large })
    const { novelId, ids, chapterIds } = await plannedNovel(w)
    const range = { novelId, startChapterId: chapterIds[1] ?? '', endChapterId: chapterIds[2] ?? '' }
    const asked = { ...range, length: { words: 100 }, tone: 'wry', order: 'parallel' } as const
    const estimate = await estimateTask(w.services, {
      userId: ann,
      taskType: batchGenerateScene.type,
      parameters: asked,
    })
    const task = await w.t.submit(batchGenerateScene, asked, { userId: ann })
    await w.t.drain()
    // Scene 3 has no summary, scene 4 has a text; 5 and 6 are planned.
    expect(await task.result()).toEqual({ ...noneOf, total: 4, success: 2, skipped: 2, failedScenes: [] })
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ subTaskStatusSummary: { COMPLETED: 2 } })
    const scenes = await w.scenes(novelId)
    for (const at of [4, 5]) expect(scenes[at]?.content).toMatch(/\[[0-9a-f]{16}\]\.$/)
    expect(scenes[6]?.content).toBe('')
    const { calls } = w.server.ledger
    expect(calls).toHaveLength(2)
    for (const { prompt } of calls) expect(prompt).toMatch(/about 100 words\.\n- Tone: wry\n/)
    const promptOf = (plan: string) =>
      calls.find(call => call.prompt.includes(`${plan}\n</novel-text>\n\nWhat the author`))?.prompt
    // The text before is shown where it was there; of a scene of the same batch, the summary.
    expect(promptOf('Plan of scene 5.')).toMatch(/The text right before[\s\S]*Scene 4 begins at dawn\./)
    expect(promptOf('Plan of scene 6.')).not.toContain('The text right before')
    expect(promptOf('Plan of scene 6.')).toContain('Plan of scene 5.')
    const [sub] = (await w.t.tasks.children(task.taskId, {}, { pageSize: 5 })).items
    expect(sub).toMatchObject({
      taskType: generateScene.type,
      lane: 'batch',
      subTaskKey: ids[4],
      tags: [`scene:${ids[4]}`],
    })
    const [used] = await w.t.tasks.usage(task.taskId, { tree: true })
    const [expected] = estimate.byModel
    expect(expected?.calls).toBe(used?.calls)
    expect(expected?.inputTokens).toBeGreaterThanOrEqual(used?.inputTokens ?? 0)
    expect(expected?.outputTokens).toBeGreaterThanOrEqual(used?.outputTokens ?? 0)
  })

  it('writes beside what is written where it is asked to, or in its place, and skips it when it is asked again', async () => {
    await using w = await open({ models: large })
    const { novelId, chapterIds } = await plannedNovel(w)
    const range = { novelId, startChapterId: chapterIds[2] ?? '', endChapterId: chapterIds[2] ?? '' }
    const run = async (options: { skipWritten?: boolean; accept?: 'by-author' | 'automatically' } = {}) => {
      const asked = { ...range, order: 'parallel' as const, ...options }
      const task = await w.t.submit(batchGenerateScene, asked, { userId: ann })
      await w.t.drain()
      return task.result()
    }
    expect(await run({ accept: 'by-author' })).toMatchObject({ total: 2, success: 0, proposed: 2 })
    expect(await run()).toMatchObject({ total: 2, success: 0, skipped: 2 })
    expect(await run({ skipWritten: false })).toMatchObject({ total: 2, success: 2 })
    expect(await run({ skipWritten: false })).toMatchObject({ total: 2, proposed: 2 })
    expect(await run({ skipWritten: false, accept: 'automatically' })).toMatchObject({ total: 2, success: 2 })
    expect(w.server.ledger.calls).toHaveLength(8)
  })

  it('completes with errors when scenes fail and names them; a text beside one that a person wrote is counted for itself', async () => {
    await using w = await open({ models: large })
    const { novelId, ids } = await plannedNovel(w)
    w.server.script.add(
      { answer: { is: 'refused' }, prompt: 'Plan of scene 5\\.\\n</novel-text>\\n\\nWhat the author' },
      {
        answer: { is: 'text', firstMs: 1_500 },
        prompt: 'Plan of scene 6\\.\\n</novel-text>\\n\\nWhat the author',
      },
    )
    const task = await w.t.submit(batchGenerateScene, { novelId, order: 'parallel' }, { userId: ann })
    const draining = w.t.drain()
    const isAsked = () =>
      w.server.ledger.calls.some(({ prompt }) => /Plan of scene 6\.\n<.novel-text>\n\nWhat/.test(prompt))
    await expect.poll(isAsked).toBe(true)
    const sceneId = ids[5] ?? ''
    const { version } = await w.scene(sceneId)
    await w.library.scenes.editScene(ann, { sceneId, expectedVersion: version, content: 'By hand.' })
    await draining
    await w.t.drain()
    expect(await task.state()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      result: {
        ...noneOf,
        total: 8,
        success: 2,
        failed: 1,
        proposed: 1,
        skipped: 4,
        failedScenes: [{ sceneId: ids[4], reason: expect.stringContaining('prose') }],
      },
    })
  })
})

const asked = { length: { words: 60 } }

describeWriting('BatchGenerateScene in story order', open => {
  it('writes each scene when the one before is in the novel, and tells it that text', async () => {
    await using w = await open({ models: large })
    const { novelId, ids } = await plannedNovel(w)
    const estimate = await estimateTask(w.services, {
      userId: ann,
      taskType: batchGenerateScene.type,
      parameters: { novelId, ...asked },
    })
    const task = await w.t.submit(batchGenerateScene, { novelId, ...asked }, { userId: ann })
    await w.t.drain()
    expect(await task.result()).toEqual({ ...noneOf, total: 8, success: 4, skipped: 4, failedScenes: [] })
    const { calls } = w.server.ledger
    expect(calls).toHaveLength(4)
    for (const [at, { prompt }] of calls.entries()) {
      expect(prompt).toContain(`Plan of scene ${at + 5}.\n</novel-text>`)
      const before = (await w.scene(ids[at + 3] ?? '')).content
      expect(prompt).toContain(before.slice(-40))
    }
    const [used] = await w.t.tasks.usage(task.taskId, { tree: true })
    expect(estimate.byModel[0]?.inputTokens).toBeGreaterThanOrEqual(used?.inputTokens ?? 0)
  })

  it('attempts nothing behind a scene that fails, and goes on behind it after a retry, paying for no scene twice', async () => {
    await using w = await open({ models: large })
    const { novelId, ids } = await plannedNovel(w)
    w.server.script.add({
      answer: { is: 'refused' },
      prompt: 'Plan of scene 6\\.\\n</novel-text>\\n\\nWhat the author',
      times: 1,
    })
    const task = await w.t.submit(batchGenerateScene, { novelId, ...asked }, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      result: { ...noneOf, total: 8, success: 1, failed: 1, notAttempted: 2, skipped: 4 },
    })
    expect((await w.scene(ids[6] ?? '')).content).toBe('')
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    expect(await task.result()).toMatchObject({ success: 4, failed: 0, notAttempted: 0 })
    expect(w.server.ledger.calls).toHaveLength(5)
  })

  it('waits for the author where a text is a candidate, without a slot, and goes on with what was decided', async () => {
    await using w = await open({ models: large, slots: 1 })
    const { novelId, ids } = await plannedNovel(w)
    const reviewed = { novelId, ...asked, accept: 'by-author' } as const
    const task = await w.t.submit(batchGenerateScene, reviewed, { userId: ann })
    await w.t.drain()
    const waiting = async () =>
      (await w.t.tasks.children(task.taskId, { status: ['RETRYING'] }, { pageSize: 5 })).items
    const decide = async (at: number, verb: 'accept' | 'discard') => {
      const sceneId = ids[at] ?? ''
      const { items } = await w.library.candidates.candidates(ann, { sceneId }, { pageSize: 5 })
      const { version: expectedVersion } = await w.scene(sceneId)
      const choice = { sceneId, candidateId: items[0]?.id ?? '', expectedVersion }
      await w.library.candidates[verb](ann, choice)
      await w.t.signal(items[0]?.writtenBy.taskId ?? '', 'review')
      await w.t.drain()
    }
    expect(await waiting()).toMatchObject([{ subTaskKey: ids[4], waits: [{ signal: 'review' }] }])
    expect(w.server.ledger.calls).toHaveLength(1)
    await decide(4, 'accept')
    expect(await waiting()).toMatchObject([{ subTaskKey: ids[5] }])
    expect(w.server.ledger.calls[1]?.prompt).toContain((await w.scene(ids[4] ?? '')).content.slice(-40))
    await decide(5, 'discard')
    expect(await task.state()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      result: { success: 1, failed: 1, notAttempted: 2 },
    })
    expect(w.server.ledger.calls).toHaveLength(2)
    // A retry writes another text, and none where the author wrote the scene.
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    expect(await waiting()).toMatchObject([{ subTaskKey: ids[5] }])
    expect(w.server.ledger.calls).toHaveLength(3)
    await decide(5, 'discard')
    const sceneId = ids[5] ?? ''
    const { version: expectedVersion } = await w.scene(sceneId)
    await w.library.scenes.editScene(ann, { sceneId, expectedVersion, content: 'By hand.' })
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    expect(await waiting()).toMatchObject([{ subTaskKey: ids[6] }])
    expect(w.server.ledger.calls).toHaveLength(4)
    const { items } = await w.library.candidates.candidates(ann, { sceneId }, { pageSize: 5 })
    expect(items.map(({ status }) => status)).toEqual(['discarded', 'discarded'])
  })
})

describeWriting('BatchGenerateScene with a review of each chapter', open => {
  it('waits at the end of each chapter without a slot, and attempts nothing behind one that the author rejects', async () => {
    await using w = await open({ models: large, slots: 1 })
    const { novelId, ids, chapterIds } = await plannedNovel(w)
    const reviewed = { novelId, length: { words: 60 }, awaitAuthor: 'chapter' } as const
    const task = await w.t.submit(batchGenerateScene, reviewed, { userId: ann })
    await w.t.drain()
    const waiting = async () =>
      (await w.t.tasks.list({ taskType: ['ReviewChapter'], status: ['RETRYING'] }, { pageSize: 5 })).items
    const isWritten = async () => {
      const texts = await Promise.all(ids.slice(4).map(id => w.scene(id)))
      return texts.map(({ content }) => content !== '')
    }
    expect(await isWritten()).toEqual([true, true, false, false])
    const [first] = await waiting()
    expect(first).toMatchObject({ parentTaskId: task.taskId, subTaskKey: `review ${chapterIds[2]}` })
    await w.t.signal(first?.id ?? '', 'review', { decision: 'maybe' })
    await w.t.drain()
    expect(await isWritten()).toEqual([true, true, false, false])
    await w.t.signal(first?.id ?? '', 'review', { decision: 'approve' })
    await w.t.drain()
    expect(await isWritten()).toEqual([true, true, true, true])
    const [second] = await waiting()
    await w.t.signal(second?.id ?? '', 'review', { decision: 'reject' })
    await w.t.drain()
    expect(await task.state()).toMatchObject({
      ...{ status: 'COMPLETED_WITH_ERRORS', result: { success: 4, failed: 0, notAttempted: 0 } },
    })
    const parallel = { novelId, order: 'parallel', awaitAuthor: 'chapter' } as const
    const refused = w.t.submit(batchGenerateScene, parallel, { userId: ann })
    await expect(refused).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
  })
})

describeWriting('batches of two novels of one user', open => {
  it('take turns, also where the lane has one slot', async () => {
    await using w = await open({ slots: 1 })
    const novelIds = [await w.novel(20), await w.novel(20)]
    await w.t.lanes.pause('batch')
    const tasks = []
    for (const novelId of novelIds) {
      const quoted = { novelId, model: 'extractive' }
      tasks.push(await w.t.submit(batchGenerateSummary, quoted, { userId: ann }))
      await w.t.drain()
    }
    await w.t.lanes.resume('batch')
    await w.t.drain()
    for (const task of tasks) expect(await task.result()).toMatchObject({ success: 40 })
    const [first] = tasks
    const { items } = await w.t.tasks.children(first?.taskId ?? '', {}, { pageSize: 50 })
    const ofFirst = new Set(items.map(({ id }) => id))
    const started = w.t.recorder.all('started', { taskType: generateSummary.type })
    // Each has 32 scenes in line: as many of one, as many of the other, and then the rest of them.
    const inLine = [32, 32, 8, 8].flatMap((scenes, at) => Array(scenes).fill(at % 2 === 0))
    expect(started.map(({ taskId }) => ofFirst.has(taskId))).toEqual(inLine)
  })

  it('have no more scenes in line where these are written at the same time', async () => {
    await using w = await open()
    const { novelId } = await plannedNovel(w, 20)
    await w.t.lanes.pause('batch')
    const task = await w.t.submit(batchGenerateScene, { novelId, order: 'parallel' }, { userId: ann })
    await w.t.drain()
    const { items } = await w.t.tasks.children(task.taskId, {}, { pageSize: 50 })
    const keys = items.map(({ subTaskKey }) => subTaskKey)
    expect(items.map(({ after }) => after)).toEqual([
      ...Array(32).fill(undefined),
      ...keys.slice(0, 4).map(key => ({ keys: [key], startWhen: 'ended' })),
    ])
  })
})

describeWriting('the summaries of a batch by a model', open => {
  it('cost what was estimated at most, and are made by the model that is asked', async () => {
    await using w = await open({ models: { ...large, other: large.prose } })
    const novelId = await w.novel(3)
    const parameters = { novelId, model: 'other', maxCharacters: 200, style: 'terse' }
    const estimate = await estimateTask(w.services, {
      userId: ann,
      taskType: batchGenerateSummary.type,
      parameters,
    })
    const task = await w.t.submit(batchGenerateSummary, parameters, { userId: ann })
    await w.t.drain()
    expect(await task.result()).toMatchObject({ total: 6, success: 6 })
    expect(w.server.ledger.calls.map(call => call.model)).toEqual(Array(6).fill('other'))
    expect(w.server.ledger.calls[0]?.prompt).toMatch(/at most 200 characters\.\n- Style: terse/)
    const [used] = await w.t.tasks.usage(task.taskId, { tree: true })
    expect(estimate.byModel).toMatchObject([{ model: 'other', calls: 6, currency: 'USD' }])
    const [{ inputTokens = 0, cost = 0 } = {}] = estimate.byModel
    expect(inputTokens).toBeGreaterThanOrEqual(used?.inputTokens ?? 0)
    expect(inputTokens).toBeLessThan((used?.inputTokens ?? 0) * 4)
    expect(cost).toBeGreaterThanOrEqual(used?.cost ?? 0)
  })
})

/** Scenes 1 to 4 have texts, 4 a summary too; the others have a summary alone, of four chapters 5 to 8. */
async function plannedNovel(w: Writing, chapters = 4) {
  const novelId = await w.novel(chapters)
  const ids = (await w.scenes(novelId)).map(scene => scene.id)
  for (const [at, sceneId] of ids.entries()) {
    if (at < 3) continue
    const summary = `Plan of scene ${at + 1}.`
    const { version: expectedVersion } = await w.scene(sceneId)
    const change = at === 3 ? { summary } : { summary, content: '' }
    await w.library.scenes.editScene(ann, { sceneId, expectedVersion, ...change })
  }
  const { items } = await w.library.shelf.chapters(ann, { novelId }, { pageSize: 10 })
  return { novelId, ids, chapterIds: items.map(chapter => chapter.id) }
}
