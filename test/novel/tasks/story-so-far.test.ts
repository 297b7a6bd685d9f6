import { updateSummaries } from 'quillwork/novel'
import { describe, expect, it } from 'vitest'
import { fitMaterial } from '../../../src/novel/models/context.ts'
import { readMaterial } from '../../../src/novel/models/scene-material.ts'
import { ann, bookOf, type NovelEngine, novelEngine, scriptedModel } from './novel-engine.ts'

const countTokens = (text: string) => Math.ceil(text.length / 4)

/** The story that a prompt of a scene tells, at a number of tokens of material, with no text before it. */
async function storyAt(n: NovelEngine, novelId: string, sceneId: string, tokens = 8_000) {
  const reader = { services: n.services, userId: ann, signal: new AbortController().signal }
  const request = {
    novelId,
    before: sceneId,
    about: '',
    said: [],
    language: 'en' as const,
    tokens,
    scenesBefore: 0,
  }
  return fitMaterial(await readMaterial(reader, request), tokens, countTokens).chapterSummaries
}

async function novel(volumes: Parameters<typeof bookOf>[0]) {
  const n = await novelEngine({ model: scriptedModel() })
  const novelId = await n.importText(bookOf(volumes))
  const update = async () => {
    const task = await n.t.submit(updateSummaries, { novelId }, { userId: ann })
    await n.t.drain()
    await task.result()
  }
  await update()
  return { n, novelId, update, scenes: await n.scenes(novelId) }
}

describe('the story so far', () => {
  it('is told by volumes, stretches, chapters and scenes, the longer ago the shorter, and ends right before the scene', async () => {
    const { n, novelId, scenes } = await novel([
      ['Volume One', 2],
      ['Volume Two', 30],
    ])
    await using _ = n
    // The second scene of chapter 28 of the second volume.
    const { shown, text, leftOut } = await storyAt(n, novelId, scenes[4 + 55]?.id ?? '')
    expect(shown.map(({ of, title }) => `${of} ${title}`)).toEqual([
      'volume Volume One',
      'stretch Chapter 1 – Chapter 25',
      'chapter Chapter 26',
      'chapter Chapter 27',
      'chapter Chapter 28',
    ])
    expect(leftOut).toEqual([])
    expect(text.startsWith('Volume One: Summary of')).toBe(true)
    // Of its own chapter the scene before it alone, and nothing of itself or of what follows.
    expect(text).toMatch(/Chapter 28: Summary of Scene 59 begins at dawn\.\s+The miller cro$/u)
    for (let later = 60; later <= scenes.length; later++) expect(text).not.toContain(`Scene ${later} `)
    // At the beginning of a volume, what was before is told by volumes alone; at that of the book, nothing.
    const second = await storyAt(n, novelId, scenes[4]?.id ?? '')
    expect(second.shown.map(({ of }) => of)).toEqual(['volume'])
    expect(await storyAt(n, novelId, scenes[0]?.id ?? '')).toMatchObject({ text: '', shown: [], leftOut: [] })
  })

  it('shortens what is long ago where the budget is small, and leaves out the nearer past first', async () => {
    const { n, novelId, scenes } = await novel([
      ['Volume One', 2],
      ['Volume Two', 2],
      ['Volume Three', 20],
    ])
    await using _ = n
    const last = scenes.at(-1)?.id ?? ''
    const whole = await storyAt(n, novelId, last)
    expect(whole.shown).toHaveLength(2 + 20)
    const small = await storyAt(n, novelId, last, 900)
    expect(small.shown.slice(0, 2).map(({ title }) => title)).toEqual(['Volume One', 'Volume Two'])
    expect(countTokens(small.text)).toBeLessThanOrEqual(180)
    expect(small.shown.some(({ isCut }) => isCut)).toBe(true)
    expect(small.shown.length + small.leftOut.length).toBe(22)
    expect(new Set(small.leftOut.map(({ reason }) => reason))).not.toContain('no-summary')
  })

  it('says which summaries are out of date, and tells a volume without one by its chapters', async () => {
    const { n, novelId, scenes } = await novel([
      ['Volume One', 2],
      ['Volume Two', 8],
    ])
    await using _ = n
    const [first, last] = [scenes[0], scenes.at(-1)]
    await n.library.scenes.editScene(ann, {
      sceneId: first?.id ?? '',
      expectedVersion: first?.version ?? 0,
      content: 'Another beginning, in which nobody crosses the bridge.',
    })
    const { shown } = await storyAt(n, novelId, last?.id ?? '')
    expect(shown[0]).toMatchObject({
      of: 'volume',
      title: 'Volume One',
      isOutOfDate: true,
      reason: { why: 'before' },
    })
    expect(shown[1]).not.toHaveProperty('isOutOfDate')
    const { units } = await n.library.levels.outline(ann, novelId)
    const volume = units.find(({ level }) => level === 'volume')
    const edit = { novelId, unitId: volume?.id ?? '', text: '', expectedVersion: volume?.version ?? 0 }
    await n.library.levels.edit(ann, edit)
    const bare = await storyAt(n, novelId, last?.id ?? '')
    expect(bare.shown.slice(0, 2)).toMatchObject([{ of: 'chapter' }, { of: 'chapter' }])
    expect(bare.shown).toHaveLength(shown.length + 1)
    expect(bare.leftOut).toEqual([])
  })
})
