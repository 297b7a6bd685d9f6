import { generateSummary, keepSummaries, updateSummaries } from 'quillwork/novel'
import { describe, expect, it, vi } from 'vitest'
import { novelNotFound } from '../../../src/novel/library/refusal.ts'
import { subjectTags } from '../../../src/novel/subject-tags.ts'
import { silentLog } from '../../../src/runtime/log.ts'
import { ann, fourChapters, type NovelEngine, novelEngine, scriptedModel } from './novel-engine.ts'

const after = 600_000

/** The updates that were submitted for a novel. */
async function updatesOf(n: NovelEngine) {
  const { items } = await n.t.tasks.list({ userId: ann, taskType: ['UpdateSummaries'] }, { pageSize: 20 })
  return items
}

describe('summaries that are kept up to date', () => {
  it('are made when the novel has rested, once for each state of it, and never while a task works on it', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    const novelId = await n.importText(fourChapters)
    const keep = () => keepSummaries(n.t, n.services, { after, tokens: 100_000 }, silentLog)
    expect(await keep()).toBe(0)
    await n.t.jump('11m')
    expect(await keep()).toBe(1)
    // It waits, or runs: nothing is submitted beside it.
    expect(await keep()).toBe(0)
    await n.t.drain()
    expect(await keep()).toBe(0)
    const [task, ...others] = await updatesOf(n)
    expect(others).toEqual([])
    expect(task).toMatchObject({ status: 'COMPLETED', tags: [`novel:${novelId}`], userId: ann })
    expect((await n.t.budgets.get(task?.id ?? '')).budget).toEqual({ tokens: 100_000 })
    const { units } = await n.library.levels.outline(ann, novelId)
    expect(new Set(units.map(({ state }) => state))).toEqual(new Set(['current']))
    const [scene] = await n.scenes(novelId)
    const change = { sceneId: scene?.id ?? '', expectedVersion: scene?.version ?? 0, content: 'Another one.' }
    await n.library.scenes.editScene(ann, change)
    expect(await keep()).toBe(0)
    await n.t.jump('11m')
    const paid = model.made.length
    expect(await keep()).toBe(1)
    await n.t.drain()
    expect(model.made).toHaveLength(paid + 4)
    expect(await updatesOf(n)).toHaveLength(2)
  })

  it('are not submitted again for a state whose update failed', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    await n.importText(fourChapters)
    model.before = () => {
      throw Object.assign(new Error('the key is not valid'), { statusCode: 401 })
    }
    await n.t.jump('11m')
    for (let times = 0; times < 3; times++) {
      await keepSummaries(n.t, n.services, { after }, silentLog)
      await n.t.drain()
    }
    expect(await updatesOf(n)).toMatchObject([{ status: 'FAILED', taskType: updateSummaries.type }])
  })
  it('are looked for again only where something happened', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(fourChapters)
    const outline = vi.spyOn(n.library.levels, 'outline')
    const looks = async () => {
      outline.mockClear()
      // The task that is submitted reads the novel too.
      await n.t.lanes.pause('default')
      await keepSummaries(n.t, n.services, { after }, silentLog)
      const { length } = outline.mock.calls
      await n.t.lanes.resume('default')
      await n.t.drain()
      return length
    }
    await n.t.jump('11m')
    // It is submitted; when that has ended it is looked whether something is left.
    expect([await looks(), await looks(), await looks(), await looks()]).toEqual([1, 1, 0, 0])
    const [scene] = await n.scenes(novelId)
    const asked = { novelId, sceneId: scene?.id ?? '' }
    const derivedTags = subjectTags(generateSummary.type, asked)
    await n.t.submit(generateSummary, asked, { userId: ann, derivedTags })
    await n.t.drain()
    expect([await looks(), await looks()]).toEqual([1, 0])
    await n.t.jump('1d')
    expect([await looks(), await looks()]).toEqual([1, 0])
    const change = { sceneId: scene?.id ?? '', expectedVersion: scene?.version ?? 0, title: 'Dawn' }
    await n.library.scenes.editScene(ann, change)
    await n.t.jump('11m')
    expect([await looks(), await looks()]).toEqual([1, 0])
  })

  it('are submitted again with another model or bound, and one novel that is refused stops no other', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    const novelIds = [
      await n.importText(fourChapters),
      await n.importText(fourChapters.replace('Scene', 'Part')),
    ]
    model.before = () => {
      throw Object.assign(new Error('the key is not valid'), { statusCode: 401 })
    }
    await n.t.jump('11m')
    const log = { warn: vi.fn() }
    const keep = async (kept: object) => {
      const submitted = await keepSummaries(n.t, n.services, { after, ...kept }, log)
      await n.t.drain()
      return submitted
    }
    expect(await keep({})).toBe(2)
    expect(await keep({ tokens: 50_000 })).toBe(2)
    expect(await keep({ tokens: 60_000 })).toBe(2)
    expect(await keep({ model: 'scripted', tokens: 60_000 })).toBe(2)
    expect(log.warn).not.toHaveBeenCalled()
    const [first = ''] = novelIds.toSorted()
    vi.spyOn(n.library.levels, 'outline').mockImplementationOnce(async () => {
      throw novelNotFound(first)
    })
    model.before = () => undefined
    expect(await keep({ model: 'scripted' })).toBe(1)
    expect(log.warn.mock.calls).toEqual([
      [
        { err: expect.objectContaining({ code: 'NOVEL_NOT_FOUND' }), novels: 1 },
        'update of summaries not submitted; will retry',
      ],
    ])
  })
})
