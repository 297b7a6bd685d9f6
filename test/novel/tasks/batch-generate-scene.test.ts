import { batchGenerateScene, batchGenerateSummary, estimateTask, generateScene } from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** A busy machine is no model that stalls. */
const patient = { first: 30_000, idle: 30_000, total: 50_000 }

const large = { prose: { contextTokens: 16_000, maxOutputTokens: 8_000, timeouts: patient } }
const noneOf = { total: 0, success: 0, failed: 0, conflict: 0, skipped: 0 }

describeWriting('BatchGenerateScene', open => {
  it('writes the scenes of a range that have a summary and no text, each in a task of its own', async () => {
    await using w = await open({ models: large })
    const { novelId, ids, chapterIds } = await plannedNovel(w)
    const range = { novelId, startChapterId: chapterIds[1] ?? '', endChapterId: chapterIds[2] ?? '' }
    const asked = { ...range, length: { words: 100 }, tone: 'wry' }
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

  it('overwrites where it is asked to, and skips what is written when it is asked again', async () => {
    await using w = await open({ models: large })
    const { novelId, chapterIds } = await plannedNovel(w)
    const range = { novelId, startChapterId: chapterIds[2] ?? '', endChapterId: chapterIds[2] ?? '' }
    const run = async (overwriteExisting: boolean) => {
      const task = await w.t.submit(batchGenerateScene, { ...range, overwriteExisting }, { userId: ann })
      await w.t.drain()
      return task.result()
    }
    expect(await run(false)).toMatchObject({ total: 2, success: 2 })
    expect(await run(false)).toMatchObject({ total: 2, success: 0, skipped: 2 })
    expect(await run(true)).toMatchObject({ total: 2, success: 2 })
    expect(w.server.ledger.calls).toHaveLength(4)
  })

  it('completes with errors when scenes fail and names them; a conflict is counted for itself', async () => {
    await using w = await open({ models: large })
    const { novelId, ids } = await plannedNovel(w)
    w.server.script.add(
      { answer: { is: 'refused' }, prompt: 'Plan of scene 5\\.\\n</novel-text>\\n\\nWhat the author' },
      {
        answer: { is: 'text', firstMs: 400 },
        prompt: 'Plan of scene 6\\.\\n</novel-text>\\n\\nWhat the author',
      },
    )
    const task = await w.t.submit(batchGenerateScene, { novelId }, { userId: ann })
    const draining = w.t.drain()
    await vi.waitFor(() => expect(w.server.ledger.calls.length).toBeGreaterThan(3), 20_000)
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
        conflict: 1,
        skipped: 4,
        failedScenes: [{ sceneId: ids[4], reason: expect.stringContaining('prose') }],
      },
    })
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

/** Four chapters: 1 to 4 have texts, 4 a summary too; 5 to 8 have a summary alone. */
async function plannedNovel(w: Writing) {
  const novelId = await w.novel(4)
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
