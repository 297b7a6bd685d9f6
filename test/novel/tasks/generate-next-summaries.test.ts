import { QuillworkError } from 'quillwork'
import { estimateTask, generateNextSummaries } from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import { outlineOf, scriptOutlines } from '../../models/outlines.ts'
import { textFor } from '../../models/texts.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'

const models = { prose: { contextTokens: 16_000, maxOutputTokens: 4_000 } }

async function chaptersOf(w: Writing, novelId: string) {
  const { items } = await w.library.shelf.chapters(ann, { novelId }, { pageSize: 50 })
  return items.map(({ title }) => title)
}

const prompts = (w: Writing) => w.server.ledger.calls.map(({ prompt }) => prompt)

describeWriting('GenerateNextSummaries', open => {
  it('plans chapters from the story so far, each from those planned before it, and appends them without text', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(2)
    const { id: sceneId = '', version: expectedVersion = 0 } = (await w.scenes(novelId))[3] ?? {}
    const edit = { summary: 'The miller finds a letter.', content: '' }
    await w.library.scenes.editScene(ann, { sceneId, expectedVersion, ...edit })
    scriptOutlines(
      w.server,
      outlineOf(1),
      `Here it is:\n\`\`\`json\n${JSON.stringify(outlineOf(2)).replace(/\]\}$/, ',]}')}\n\`\`\``,
    )
    const asked = { novelId, chapters: 2, reviewOutlines: false, instructions: 'He goes away.' }
    const taskType = generateNextSummaries.type
    const estimate = await estimateTask(w.services, { userId: ann, taskType, parameters: asked })
    const task = await w.t.submit(generateNextSummaries, asked, { userId: ann })
    await w.t.drain()
    const result = await task.result()
    expect(result).toMatchObject({ rejected: 0, edited: 0, model: 'prose' })
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1', 'Chapter 2', 'The road 1', 'The road 2'])
    const planned = (await w.scenes(novelId)).slice(4)
    expect(planned.map(({ id }) => id)).toEqual(result.chapters.flatMap(({ sceneIds }) => sceneIds))
    expect(planned.map(({ summary, content }) => [summary, content])).toEqual(
      [1, 2].flatMap(number => outlineOf(number).scenes.map(({ summary }) => [summary, ''])),
    )
    expect((await w.scene(planned[0]?.id ?? '')).summary).toMatchObject({
      ...{ method: 'generative', model: 'prose', prompt: { name: 'outline-chapter' } },
    })
    const [first = '', second = ''] = prompts(w)
    expect(first).toContain('The miller finds a letter.')
    expect(first).toContain('Scene 3 begins at dawn.')
    expect(first).toMatch(/Plan one chapter, 1 of 2 [\s\S]*He goes away\./)
    expect(first).not.toContain('are planned and not written')
    expect(second).toContain(outlineOf(1).scenes[1]?.summary)
    const [used] = await w.t.tasks.usage(task.taskId, { tree: true })
    const [expected] = estimate.byModel
    expect(expected?.calls).toBe(2)
    expect(expected?.inputTokens).toBeGreaterThanOrEqual(used?.inputTokens ?? 0)
    expect(expected?.outputTokens).toBeGreaterThanOrEqual(used?.outputTokens ?? 0)
  })

  it('proposes them, and appends what the author approved or changed, in order', async () => {
    await using w = await open({ models, slots: 1, persistent: true })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1), outlineOf(2), outlineOf(3))
    const task = await w.t.submit(generateNextSummaries, { novelId, chapters: 3 }, { userId: ann })
    await w.t.drain()
    const waiting = async () => {
      const { status, waits, progress = '' } = await w.t.tasks.get(task.taskId)
      return { status, waits, progress: JSON.parse(progress) as unknown }
    }
    expect(await waiting()).toMatchObject({
      ...{ status: 'RETRYING', waits: [{ signal: 'review' }] },
      progress: {
        done: 3,
        total: 3,
        outlines: [1, 2, 3].map(at => ({ ...outlineOf(at), decision: 'open' })),
      },
    })
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1'])
    const review = async (decision: object) => {
      await w.t.signal(task.taskId, 'review', decision)
      await w.t.drain()
    }
    await review({ decision: 'approve', chapter: 9, outline: { title: '' } })
    await review({ decision: 'reject', chapter: 2 })
    await w.t.crash()
    const changed = { title: 'Another road', scenes: [{ title: 'Gone', summary: 'She leaves at once.' }] }
    await review({ decision: 'approve', chapter: 3, outline: changed })
    expect(await waiting()).toMatchObject({
      progress: {
        outlines: [
          { title: 'The road 1', decision: 'open', edited: false },
          { title: 'The road 2', decision: 'rejected' },
          { title: 'Another road', decision: 'approved', edited: true },
        ],
      },
    })
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1'])
    await review({ decision: 'approve' })
    const result = await (await w.t.find(generateNextSummaries, task.taskId))?.result()
    expect(result).toMatchObject({
      rejected: 1,
      edited: 1,
      chapters: [{ title: 'The road 1' }, { title: 'Another road' }],
    })
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1', 'The road 1', 'Another road'])
    const last = (await w.scenes(novelId)).at(-1)
    expect((await w.scene(last?.id ?? '')).summary).toMatchObject({
      method: 'person',
      text: 'She leaves at once.',
    })
    expect(w.server.ledger.calls).toHaveLength(3)
  })

  it('asks once more for what cannot be used, and fails with nothing saved where that cannot be used either', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(1)
    const again = { ...outlineOf(2), title: 'the ROAD 1!' }
    const answers = ['No outline at all.', outlineOf(1), again, { title: 'X', scenes: [] }, outlineOf(2)]
    for (const [at, answer] of answers.entries())
      w.server.script.add({
        ...{ prompt: `Plan one chapter, ${at < 2 ? 1 : 2} of `, times: 1 },
        answer: { is: 'text', text: typeof answer === 'string' ? answer : JSON.stringify(answer) },
      })
    const asked = { novelId, chapters: 2, reviewOutlines: false }
    const task = await w.t.submit(generateNextSummaries, asked, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_ANSWER_MALFORMED' } })
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1'])
    expect(prompts(w).map(prompt => /could not be used\. (.*)/.exec(prompt)?.[1])).toEqual([
      ...[undefined, 'The answer is not the JSON that was asked for.'],
      ...[undefined, 'The novel has this already: the ROAD 1!'],
    ])
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    expect(await task.result()).toMatchObject({
      chapters: [{ title: 'The road 1' }, { title: 'The road 2' }],
    })
    expect(w.server.ledger.calls).toHaveLength(5)
  })

  it('waits where the budget ends, and pays for no chapter twice when it is raised in another process', async () => {
    await using w = await open({ models, persistent: true })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1), outlineOf(2))
    const asked = { novelId, chapters: 2, reviewOutlines: false }
    const task = await w.t.submit(generateNextSummaries, asked, { userId: ann, budget: { tokens: 3_900 } })
    await w.t.drain()
    expect((await w.t.tasks.get(task.taskId)).errorInfo).toMatchObject({ code: 'BUDGET_EXHAUSTED' })
    expect(w.server.ledger.calls).toHaveLength(1)
    await w.t.crash()
    await w.t.budgets.set(task.taskId, { tokens: 50_000 })
    await w.t.drain()
    expect((await (await w.t.find(generateNextSummaries, task.taskId))?.state())?.status).toBe('COMPLETED')
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1', 'The road 1', 'The road 2'])
    expect(prompts(w).filter(prompt => prompt.includes('chapter, 1 of '))).toHaveLength(1)
  })

  it('appends what it has planned where an attempt ends behind its first chapter, and plans nothing anew', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1), outlineOf(2))
    const { scenes } = w.library
    const appendChapter = scenes.appendChapter.bind(scenes)
    vi.spyOn(scenes, 'appendChapter').mockImplementationOnce(async chapter => {
      await appendChapter(chapter)
      throw new Error('The answer of the store got lost.')
    })
    const asked = { novelId, chapters: 2, reviewOutlines: false }
    const task = await w.t.submit(generateNextSummaries, asked, { userId: ann })
    await w.t.drain()
    expect((await task.state()).status).toBe('RETRYING')
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1', 'The road 1'])
    await w.t.jump('20s')
    const { chapters } = await task.result()
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1', 'The road 1', 'The road 2'])
    const planned = (await w.scenes(novelId)).slice(2)
    expect(planned.map(({ id }) => id)).toEqual(chapters.flatMap(({ sceneIds }) => sceneIds))
    expect(w.server.ledger.calls).toHaveLength(2)
  })

  it('appends what the author reviewed, also where its model is gone by then', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(1)
    scriptOutlines(w.server, outlineOf(1))
    const task = await w.t.submit(generateNextSummaries, { novelId }, { userId: ann })
    await w.t.drain()
    vi.spyOn(w.models, 'languageModel').mockImplementation(() => {
      throw new QuillworkError('PROVIDER_NOT_CONFIGURED', 'There is no such model.')
    })
    await w.t.signal(task.taskId, 'review', { decision: 'approve' })
    await w.t.drain()
    expect(await task.result()).toMatchObject({ chapters: [{ title: 'The road 1' }], model: 'prose' })
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1', 'The road 1'])
    expect(w.server.ledger.calls).toHaveLength(1)
  })

  it('asks once more for what repeats the last scenes of a long novel', async () => {
    await using w = await open({ models })
    const novelId = await w.novel(10)
    const summaries: string[] = []
    for (const { id: sceneId, version: expectedVersion } of await w.scenes(novelId)) {
      const summary = textFor(`scene ${summaries.length}`, 30)
      await w.library.scenes.editScene(ann, { sceneId, expectedVersion, summary })
      summaries.push(summary)
    }
    const again = {
      title: 'Once more',
      scenes: [{ title: 'Again', summary: `${summaries.at(-1)} So it was.` }],
    }
    w.server.script.add({ answer: { is: 'text', text: JSON.stringify(again) }, times: 1 })
    scriptOutlines(w.server, outlineOf(1))
    const asked = { novelId, reviewOutlines: false }
    const task = await w.t.submit(generateNextSummaries, asked, { userId: ann })
    await w.t.drain()
    expect(await task.result()).toMatchObject({ chapters: [{ title: 'The road 1' }] })
    expect(prompts(w)[1]).toMatch(/could not be used\. The text repeats passages of the text right before it/)
  })

  it('is tried again where both its models were away', async () => {
    const vectors = { uses: ['embedding' as const], dimensions: 64 }
    await using w = await open({ models: { ...models, vectors } })
    const novelId = await w.novel(1)
    w.server.script.add(
      { prompt: '^He goes away', answer: { is: 'failed' } },
      { prompt: 'Plan one chapter', answer: { is: 'failed' }, times: 1 },
    )
    scriptOutlines(w.server, outlineOf(1))
    const asked = { novelId, reviewOutlines: false, instructions: 'He goes away.' }
    const task = await w.t.submit(generateNextSummaries, asked, { userId: ann })
    await w.t.drain()
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({
      ...{ status: 'RETRYING', errorInfo: { code: 'MODEL_UNAVAILABLE' } },
    })
    await w.t.jump('20s')
    expect((await w.t.tasks.get(task.taskId)).status).toBe('COMPLETED')
    expect(await chaptersOf(w, novelId)).toEqual(['Chapter 1', 'The road 1'])
  })

  it('is refused without a model, and for a novel that is not there', async () => {
    await using w = await open({ models: {} })
    const asked = { novelId: await w.novel(1) }
    const submit = w.t.submit(generateNextSummaries, asked, { userId: ann })
    await expect(submit).rejects.toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
  })
})
