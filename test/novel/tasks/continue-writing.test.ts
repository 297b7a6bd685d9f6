import { continueWriting, estimateTask, generateNextSummaries, reviewChapter } from 'quillwork/novel'
import { expect, it } from 'vitest'
import { compositions } from '../../models/compositions.ts'
import { outlineOf, scriptOutlines } from '../../models/outlines.ts'
import { ann, describeOn, describeWriting, type Writing } from '../../models/writing.ts'

const patient = { first: 30_000, idle: 30_000, total: 50_000 }
const models = { prose: { contextTokens: 16_000, maxOutputTokens: 8_000, timeouts: patient } }
const asked = { reviewOutlines: false, length: { words: 60 } }

/** What a run has written, scene by scene, behind the two scenes of the book. */
async function written(w: Writing, novelId: string) {
  return (await w.scenes(novelId)).slice(2).map(({ content }) => content)
}

const stateOf = async (w: Writing, taskId: string) => (await w.t.find(continueWriting, taskId))?.state()
const waitingFor = async (w: Writing, taskType: string) =>
  (await w.t.tasks.list({ taskType: [taskType], status: ['RETRYING'] }, { pageSize: 5 })).items

/** Sends the only waiting task of a type what the author decides. */
async function review(w: Writing, taskType: string, decision: object) {
  const [task, ...others] = await waitingFor(w, taskType)
  expect(others).toEqual([])
  await w.t.signal(task?.id ?? '', 'review', decision)
  await w.t.drain()
}

describeOn(compositions, 'ContinueWriting', open => {
  it('plans, has the plan reviewed, and writes chapter by chapter, each scene behind the one before', async () => {
    await using w = await open({ models, slots: 1 })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1), outlineOf(2), outlineOf(3))
    const parameters = { novelId, chapters: 3, scenesPerChapter: 2, length: { words: 60 } }
    const estimate = await estimateTask(w.services, {
      ...{ userId: ann, taskType: continueWriting.type, parameters },
    })
    const task = await w.t.submit(continueWriting, parameters, { userId: ann })
    await w.t.drain()
    expect(await waitingFor(w, generateNextSummaries.type)).toMatchObject([{ parentTaskId: task.taskId }])
    await review(w, generateNextSummaries.type, { decision: 'reject', chapter: 2 })
    await review(w, generateNextSummaries.type, { decision: 'approve' })
    expect(await task.result()).toEqual({
      ...{ total: 2, written: 2, failed: 0, notAttempted: 0, rejected: 1 },
      scenes: { total: 4, success: 4, failed: 0, skipped: 0, proposed: 0, notAttempted: 0 },
    })
    const texts = await written(w, novelId)
    const calls = w.server.ledger.calls.slice(3)
    expect(
      calls.map(
        ({ prompt }) => /Plan \d\.\d/.exec(prompt.slice(prompt.indexOf('What happens in the scene')))?.[0],
      ),
    ).toEqual([...['Plan 1.1', 'Plan 1.2', 'Plan 3.1', 'Plan 3.2']])
    for (const [at, { prompt }] of calls.entries())
      if (at > 0) expect(prompt).toContain(texts[at - 1]?.slice(-40))
    const { subTaskStatusSummary, progress = '' } = await w.t.tasks.get(task.taskId)
    expect(subTaskStatusSummary).toEqual({ COMPLETED: 3 })
    expect(JSON.parse(progress)).toEqual({ stage: 'scenes', done: 2, total: 2 })
    const [used] = await w.t.tasks.usage(task.taskId, { tree: true })
    const [expected] = estimate.byModel
    expect(expected?.calls).toBe(9)
    expect(expected?.inputTokens).toBeGreaterThanOrEqual(used?.inputTokens ?? 0)
    expect(expected?.outputTokens).toBeGreaterThanOrEqual(used?.outputTokens ?? 0)
  })
})

describeWriting('ContinueWriting', open => {
  it('stops at a scene that fails, and goes on behind it after a retry, paying for nothing twice', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1), outlineOf(2))
    w.server.script.add({
      ...{ answer: { is: 'refused' }, times: 1 },
      prompt: 'What happens in the scene[^<]*<novel-text>\\s*Plan 1\\.2',
    })
    const task = await w.t.submit(continueWriting, { novelId, chapters: 2, ...asked }, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      result: {
        total: 2,
        written: 0,
        failed: 1,
        notAttempted: 1,
        scenes: { total: 2, success: 1, failed: 1 },
      },
    })
    expect((await written(w, novelId)).map(text => text !== '')).toEqual([true, false, false, false])
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    expect(await task.result()).toMatchObject({
      written: 2,
      failed: 0,
      notAttempted: 0,
      scenes: { success: 4 },
    })
    expect((await written(w, novelId)).every(text => text !== '')).toBe(true)
    expect(w.server.ledger.calls).toHaveLength(2 + 1 + 4)
  })

  it('counts the scenes of a chapter whose first one fails, and goes on with it after a retry', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1), outlineOf(2))
    w.server.script.add({
      ...{ answer: { is: 'refused' }, times: 1 },
      prompt: 'What happens in the scene[^<]*<novel-text>\\s*Plan 1\\.1',
    })
    const task = await w.t.submit(continueWriting, { novelId, chapters: 2, ...asked }, { userId: ann })
    await w.t.drain()
    expect((await task.state()).result).toMatchObject({
      ...{ total: 2, written: 0, failed: 1, notAttempted: 1 },
      scenes: { total: 2, success: 0, failed: 1, notAttempted: 1 },
    })
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    expect(await task.result()).toMatchObject({ written: 2, scenes: { total: 4, success: 4, failed: 0 } })
  })

  it('has each chapter reviewed, ends where one is rejected, and goes on when a retry is approved', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1), outlineOf(2))
    const reviewed = { novelId, chapters: 2, ...asked, awaitAuthor: 'chapter' } as const
    const task = await w.t.submit(continueWriting, reviewed, { userId: ann })
    await w.t.drain()
    expect((await written(w, novelId)).map(text => text !== '')).toEqual([true, true, false, false])
    await review(w, reviewChapter.type, { decision: 'reject' })
    expect(await task.state()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      result: { written: 0, failed: 1, notAttempted: 1, scenes: { success: 2 } },
    })
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    for (const _ of ['first', 'second']) await review(w, reviewChapter.type, { decision: 'approve' })
    expect(await task.result()).toMatchObject({ written: 2, failed: 0, scenes: { success: 4 } })
    expect(w.server.ledger.calls).toHaveLength(6)
  })

  it('waits under one budget, goes on in another process when that is raised, and ends as an undisturbed run', async () => {
    const run = async (isDisturbed: boolean) => {
      await using w = await open({ models, persistent: true })
      const novelId = await w.novel(1)
      scriptOutlines(w.server, outlineOf(1), outlineOf(2))
      const options = { userId: ann, budget: { tokens: isDisturbed ? 4_500 : 100_000 } }
      const { taskId } = await w.t.submit(continueWriting, { novelId, chapters: 2, ...asked }, options)
      await w.t.drain()
      if (isDisturbed) {
        expect(await stateOf(w, taskId)).toMatchObject({ done: false })
        expect(w.server.ledger.calls.length).toBeLessThan(6)
        await w.t.crash()
        await w.t.budgets.set(taskId, { tokens: 100_000 })
        await w.t.drain()
      }
      const { items } = await w.library.shelf.chapters(ann, { novelId }, { pageSize: 10 })
      return {
        state: await stateOf(w, taskId),
        titles: items.map(({ title }) => title),
        texts: await written(w, novelId),
        calls: w.server.ledger.calls.length,
      }
    }
    const undisturbed = await run(false)
    expect(undisturbed).toMatchObject({ state: { status: 'COMPLETED' }, calls: 6 })
    expect(await run(true)).toEqual(undisturbed)
  })

  it('writes nothing where all outlines are rejected, and stops all of it where it is cancelled', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1))
    const submit = () => w.t.submit(continueWriting, { novelId }, { userId: ann })
    const rejected = await submit()
    await w.t.drain()
    await review(w, generateNextSummaries.type, { decision: 'reject' })
    expect(await rejected.result()).toMatchObject({ total: 0, written: 0, rejected: 1 })
    const cancelled = await submit()
    await w.t.drain()
    await w.t.tasks.cancel(cancelled.taskId)
    await w.t.drain()
    expect(await waitingFor(w, generateNextSummaries.type)).toEqual([])
    expect(await w.scenes(novelId)).toHaveLength(2)
    expect(w.server.ledger.calls).toHaveLength(2)
  })

  it('lets two novels of one user take turns, also where the lane has one slot', async () => {
    await using w = await open({ models, slots: 1 })
    const novelIds = [await w.novel(1), await w.novel(1)]
    scriptOutlines(w.server, outlineOf(1, 4))
    const ends = novelIds.map(async (novelId, at) => {
      const parameters = { novelId, ...asked, instructions: `For novel ${at}.` }
      return (await w.t.submit(continueWriting, parameters, { userId: ann })).result()
    })
    await w.t.drain()
    expect(await Promise.all(ends)).toMatchObject([{ written: 1 }, { written: 1 }])
    const order = w.server.ledger.calls.flatMap(({ prompt }) => /For novel (\d)\./.exec(prompt)?.[1] ?? [])
    expect(order).toHaveLength(8)
    for (let at = 1; at < order.length; at++) expect(order[at]).not.toBe(order[at - 1])
  })
})
