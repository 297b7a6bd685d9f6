import { PermanentError } from 'quillwork'
import { generateLevelSummary, updateSummaries } from 'quillwork/novel'
import { describe, expect, it } from 'vitest'
import { estimateTask } from '../../../src/novel/index.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { ann, bookOf, fourChapters, type NovelEngine, novelEngine, scriptedModel } from './novel-engine.ts'
import { type End, Stops } from './stops.ts'

const noneOf = { total: 0, success: 0, failed: 0, notAttempted: 0, skipped: 0 }

async function update(n: NovelEngine, novelId: string) {
  const task = await n.t.submit(updateSummaries, { novelId }, { userId: ann })
  await n.t.drain()
  return task.result()
}

async function unitsOf(n: NovelEngine, novelId: string) {
  return (await n.library.levels.outline(ann, novelId)).units
}

describe('UpdateSummaries', () => {
  it('makes the summaries of all levels, each from those below it, and does nothing where all is up to date', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    const novelId = await n.importText(fourChapters)
    const units = await unitsOf(n, novelId)
    expect(await update(n, novelId)).toEqual({
      scenes: { ...noneOf, total: 8, success: 8 },
      levels: { ...noneOf, total: 7, success: 7 },
      failed: [],
    })
    const after = await unitsOf(n, novelId)
    expect(after.map(({ state }) => state)).toEqual(Array(7).fill('current'))
    const summaries = await n.library.levels.summaries(
      ann,
      novelId,
      units.map(({ id }) => id),
    )
    const [chapter = '', , volume = ''] = units.map(({ id }) => id)
    expect(summaries.get(chapter)?.text).toMatch(/^Summary of Summary of Scene 1/)
    expect(summaries.get(volume)?.text).toMatch(/^Summary of Summary of Summary of Scene 1/)
    expect(summaries.get(novelId)).toMatchObject({
      method: 'generative',
      model: 'scripted',
      prompt: { name: 'summarise-level', language: 'en' },
      usage: { inputTokens: expect.any(Number) },
    })
    // Each was made when those that it is made of were there: two scenes of a chapter, two chapters of a volume, two volumes of the book.
    const madeOf = (text: string) => text.split('Summary of ').length - 1
    const counts = [...Array(8).fill(0), ...Array(4).fill(2), 4, 4, 6]
    expect(model.made.map(madeOf).toSorted()).toEqual(counts)
    const paid = model.made.length
    expect(await update(n, novelId)).toEqual({ scenes: noneOf, levels: noneOf, failed: [] })
    expect(model.made).toHaveLength(paid)
  })

  it('makes anew what changed, the levels above it, and nothing beside it; what a person wrote stays', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    const novelId = await n.importText(fourChapters)
    await update(n, novelId)
    const [, second, , , , , , last] = await n.scenes(novelId)
    const sceneId = last?.id ?? ''
    const edit = async (id: string, change: object) =>
      n.library.scenes.editScene(ann, {
        sceneId: id,
        expectedVersion: (await n.library.scenes.scene(ann, id)).version,
        ...change,
      })
    await edit(sceneId, { content: 'Scene 8 burns at noon, and nobody saw the miller again after that day.' })
    model.made.length = 0
    expect(await update(n, novelId)).toEqual({
      scenes: { ...noneOf, total: 1, success: 1 },
      levels: { ...noneOf, total: 3, success: 3 },
      failed: [],
    })
    expect(model.made).toHaveLength(4)
    // The levels above what a person wrote are made from it, and once: it is out of date afterwards, and stays as it is.
    await edit(second?.id ?? '', { summary: 'By hand.' })
    await edit(second?.id ?? '', { content: 'Another text with other words in it than before.' })
    expect(await update(n, novelId)).toMatchObject({ scenes: noneOf, levels: { total: 3, success: 3 } })
    expect(await n.library.scenes.scene(ann, second?.id ?? '')).toMatchObject({
      summary: { text: 'By hand.' },
      summaryOutOfDate: true,
    })
    expect(await update(n, novelId)).toMatchObject({ scenes: noneOf, levels: noneOf })
    // A person's summary of a volume is left, and the book is made from it.
    const volume = (await unitsOf(n, novelId)).find(({ level }) => level === 'volume')
    await n.library.levels.edit(ann, {
      novelId,
      unitId: volume?.id ?? '',
      text: 'My volume.',
      expectedVersion: volume?.version ?? 0,
    })
    await edit((await n.scenes(novelId))[0]?.id ?? '', { content: 'The first scene is another one now.' })
    expect(await update(n, novelId)).toMatchObject({
      scenes: { success: 1 },
      levels: { total: 2, success: 2 },
    })
    expect((await n.library.levels.summaries(ann, novelId, [novelId])).get(novelId)?.text).toContain(
      'My volume.',
    )
    expect(await update(n, novelId)).toMatchObject({ scenes: noneOf, levels: noneOf })
    // What changes below it changes nothing above.
    await edit((await n.scenes(novelId))[0]?.id ?? '', { content: 'The first scene is yet another one.' })
    expect(await update(n, novelId)).toMatchObject({
      scenes: { success: 1 },
      levels: { total: 1, success: 1 },
    })
    expect(await update(n, novelId)).toMatchObject({ scenes: noneOf, levels: noneOf })
    const asked = await n.t.submit(
      generateLevelSummary,
      { novelId, unitId: volume?.id ?? '' },
      { userId: ann },
    )
    await n.t.drain()
    expect(await asked.result()).toMatchObject({ outcome: 'by-author', characters: 0 })
  })

  it('does not attempt what is above a scene that failed; a retry goes on there and pays nothing twice', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    const novelId = await n.importText(fourChapters)
    let broken = true
    model.before = text => {
      if (broken && text.startsWith('Scene 3')) throw new PermanentError('The model is away.')
    }
    const task = await n.t.submit(updateSummaries, { novelId }, { userId: ann })
    await n.t.drain()
    const result = await task.result()
    expect(result).toMatchObject({
      scenes: { total: 8, success: 7, failed: 1 },
      levels: { total: 7, success: 4, notAttempted: 3 },
      failed: [{ reason: expect.stringContaining('away') }],
    })
    expect((await n.t.tasks.get(task.taskId)).status).toBe('COMPLETED_WITH_ERRORS')
    broken = false
    const paid = model.made.length
    expect(await update(n, novelId)).toMatchObject({
      scenes: { success: 1 },
      levels: { total: 3, success: 3 },
    })
    expect(model.made).toHaveLength(paid + 4)
    expect(new Set(model.made).size).toBe(model.made.length)
  })

  it('pays for no finished summary twice when its process ends in the middle, and tells the same in the end', async () => {
    const run = async (ends: readonly End[]) => {
      const stops = new Stops()
      const model = scriptedModel()
      model.before = () => stops.pass('summarise', true)
      const faults = (library: NovelLibrary) => stops.watch(library)
      await using n = await novelEngine({ model, faults, persistent: true, slots: 2 })
      const novelId = await n.importText(fourChapters)
      const { taskId } = await n.t.submit(updateSummaries, { novelId }, { userId: ann })
      for (const end of ends) {
        stops.next(end)
        await n.t.advance('2m')
        expect(stops.isMet, `${end.before ? 'before' : 'after'} ${end.point}`).toBe(true)
        stops.next(undefined)
        await n.t.crash()
      }
      await n.t.advance('1h')
      const units = await unitsOf(n, novelId)
      const ids = units.map(({ id }) => id)
      const told = await n.library.levels.summaries(ann, novelId, ids)
      return {
        result: await (await n.t.find(updateSummaries, taskId))?.result(),
        paid: model.made.toSorted(),
        scenes: (await n.scenes(novelId)).map(({ summary }) => summary),
        above: ids.map((id, at) => [units[at]?.state, told.get(id)?.text]),
      }
    }
    const undisturbed = await run([])
    expect(new Set(undisturbed.paid).size).toBe(15)
    const disturbed = await run([
      { point: 'summarise', before: true, nth: 2 },
      { point: 'writeSummary', before: true, nth: 2 },
      { point: 'writeSummary', before: false, nth: 2 },
      { point: 'writeLevel', before: true, nth: 1 },
      { point: 'writeLevel', before: false, nth: 2 },
    ])
    expect(disturbed).toEqual(undisturbed)
  })

  it('takes turns with that of another novel of the user, also where the lane has one slot', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model, slots: 1 })
    const book = bookOf([['One', 18]])
    const novelIds = [await n.importText(book), await n.importText(book.replaceAll('Scene', 'Part'))]
    await n.t.lanes.pause('batch')
    for (const novelId of novelIds) {
      await n.t.submit(updateSummaries, { novelId }, { userId: ann })
      await n.t.drain()
    }
    await n.t.lanes.resume('batch')
    await n.t.drain()
    const scenes = model.made.filter(text => /^(Scene|Part)/.test(text))
    const inLine = [32, 32, 4, 4].flatMap((count, at) => Array(count).fill(at % 2 === 0 ? 'Scene' : 'Part'))
    expect(scenes.map(text => text.split(' ')[0])).toEqual(inLine)
  })

  it('quotes where no model is configured, and takes over the summary of a single part', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(
      'Chapter 1\n\nThe miller crossed the bridge.\n\nChapter 2\n\nNobody saw him again.',
    )
    expect(await update(n, novelId)).toMatchObject({ scenes: { success: 2 }, levels: { success: 4 } })
    const [first, second] = await unitsOf(n, novelId)
    const held = await n.library.levels.summaries(ann, novelId, [first?.id ?? '', second?.id ?? '', novelId])
    expect(held.get(first?.id ?? '')).toMatchObject({
      text: 'The miller crossed the bridge.',
      method: 'extractive',
    })
    expect(held.get(novelId)?.text).toBe(`The miller crossed the bridge. Nobody saw him again.`)
  })

  it('makes stretches of chapters in a long volume, and takes over the summary of the only volume', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    const novelId = await n.importText(bookOf([['One', 30]]))
    const task = await n.t.submit(updateSummaries, { novelId }, { userId: ann })
    await n.t.drain()
    // 30 chapters, two stretches of them, the volume, and the book, which takes over the summary of its only volume.
    expect(await task.result()).toMatchObject({ scenes: { success: 60 }, levels: { success: 34 } })
    expect(model.made).toHaveLength(60 + 30 + 2 + 1)
  })

  it('is estimated by what it would make now', async () => {
    await using n = await novelEngine({ model: scriptedModel() })
    const novelId = await n.importText(fourChapters)
    const estimate = async () =>
      (await estimateTask(n.services, { userId: ann, taskType: 'UpdateSummaries', parameters: { novelId } }))
        .byModel
    const [before] = await estimate()
    expect(before).toMatchObject({ model: 'scripted', calls: 15 })
    await update(n, novelId)
    expect(await estimate()).toEqual([])
    const scene = (await n.scenes(novelId))[0]
    await n.library.scenes.editScene(ann, {
      sceneId: scene?.id ?? '',
      expectedVersion: scene?.version ?? 0,
      content: 'Another beginning.',
    })
    const used = (await estimate())[0]
    expect(used).toMatchObject({ calls: 4 })
    const unitId = (await unitsOf(n, novelId))[0]?.id ?? ''
    const request = { userId: ann, taskType: 'GenerateLevelSummary', parameters: { novelId, unitId } }
    expect((await estimateTask(n.services, request)).byModel).toMatchObject([{ calls: 1 }])
  })
})
