import { expect } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import { generatedEntries, type SummaryWrite } from '../../../src/novel/library/scenes.ts'
import { ann, importBook, type LibraryCase, type LibraryUnderTest } from './case.ts'

async function withScene({ library }: LibraryUnderTest) {
  const novelId = await importBook(library, 'a')
  const sceneId = sceneIdOf(novelId, 0, 0)
  return {
    novelId,
    sceneId,
    scenes: library.scenes,
    read: () => library.scenes.scene(ann, sceneId),
    summary: (summary: string, expectedVersion: number, taskId = 'task', attempt = 1): SummaryWrite => ({
      sceneId,
      expectedVersion,
      summary,
      method: 'generative',
      model: 'm',
      writer: { taskId, attempt },
    }),
    overwritten: async () => (await library.scenes.history(ann, sceneId, { pageSize: 100 })).items,
  }
}

/** Scenes: no writer loses an update unseen. */
export const sceneCases: readonly LibraryCase[] = [
  {
    name: 'a summary is kept with where it came from, and counted once',
    async run(t) {
      const { novelId, sceneId, scenes, read } = await withScene(t)
      t.now = 9_000
      const sentences = [{ start: 0, end: 8 }]
      const written = await scenes.writeSummary({
        sceneId,
        expectedVersion: 1,
        summary: '刘备见关羽张飞。',
        method: 'extractive',
        model: 'extractive',
        language: 'zh',
        sentences,
        writer: { taskId: 'task', attempt: 2 },
      })
      expect(written).toEqual({ outcome: 'applied', version: 2, textVersion: 1 })
      const scene = await read()
      expect(scene).toMatchObject({
        version: 2,
        textVersion: 1,
        summaryVersion: 2,
        hasSummary: true,
        summaryOutOfDate: false,
      })
      expect(scene.summary).toEqual({
        text: '刘备见关羽张飞。',
        method: 'extractive',
        model: 'extractive',
        language: 'zh',
        sentences,
        ofTextVersion: 1,
        writtenBy: { taskId: 'task', attempt: 2 },
        writtenAt: 9_000,
      })
      expect((await t.library.shelf.novel(ann, novelId)).summaries).toBe(1)
      expect((await t.library.shelf.chapter(ann, scene.chapterId)).summaries).toBe(1)
      await scenes.writeSummary({
        sceneId,
        expectedVersion: 2,
        summary: 'x',
        method: 'generative',
        writer: { taskId: 't', attempt: 1 },
      })
      expect((await t.library.shelf.novel(ann, novelId)).summaries).toBe(1)
    },
  },
  {
    name: 'a summary of an older text never overwrites',
    async run(t) {
      const { sceneId, scenes, read, summary } = await withScene(t)
      await scenes.writeSummary(summary('of the old text', 1))
      const edited = await scenes.editScene(ann, { sceneId, expectedVersion: 2, content: '新的文字' })
      expect(edited).toEqual({ outcome: 'applied', version: 3, textVersion: 3 })
      expect(await read()).toMatchObject({ summaryOutOfDate: true, summary: { ofTextVersion: 1 } })
      for (const expectedVersion of [1, 2]) {
        const late = await scenes.writeSummary(summary('late', expectedVersion, 'other'))
        const seen = { outcome: 'conflict', version: 3, textVersion: 3 }
        expect(late).toEqual({ ...seen, alternativeId: expect.any(String) })
      }
      expect(await scenes.writeSummary(summary('of the new text', 3, 'other'))).toMatchObject({
        outcome: 'applied',
        version: 4,
      })
      expect(await read()).toMatchObject({
        content: '新的文字',
        summaryOutOfDate: false,
        summary: { text: 'of the new text' },
      })
    },
  },
  {
    name: 'of many summaries made at the same time one is written, and the others are refused',
    async run(t) {
      const { scenes, read, summary } = await withScene(t)
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) => scenes.writeSummary(summary(`summary ${i}`, 1, `task ${i}`))),
      )
      const applied = outcomes.flatMap(({ outcome }, i) => (outcome === 'applied' ? [`summary ${i}`] : []))
      expect(applied).toHaveLength(1)
      expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(19)
      expect(await read()).toMatchObject({ version: 2, summary: { text: applied[0] } })
    },
  },
  {
    name: 'a summary that is written again changes nothing',
    async run(t) {
      const { scenes, read, summary, overwritten } = await withScene(t)
      await scenes.writeSummary(summary('first', 1))
      expect(await scenes.writeSummary(summary('first', 1))).toMatchObject({ outcome: 'applied', version: 2 })
      expect(await scenes.writeSummary(summary('other words of the same attempt', 1))).toMatchObject({
        outcome: 'applied',
        version: 2,
      })
      expect(await scenes.writeSummary(summary('first', 2, 'another task'))).toMatchObject({
        outcome: 'applied',
        version: 2,
      })
      expect(await read()).toMatchObject({
        version: 2,
        summary: { text: 'first', writtenBy: { taskId: 'task', attempt: 1 } },
      })
      expect(await overwritten()).toEqual([])
    },
  },
  {
    name: 'an attempt does not overwrite what a later attempt of its task wrote',
    async run(t) {
      const { scenes, read, summary } = await withScene(t)
      await scenes.writeSummary(summary('second attempt', 1, 'task', 2))
      expect(await scenes.writeSummary(summary('first attempt', 2, 'task', 1))).toMatchObject({
        outcome: 'conflict',
      })
      expect(await scenes.writeSummary(summary('third attempt', 2, 'task', 3))).toMatchObject({
        outcome: 'applied',
      })
      expect((await read()).summary?.text).toBe('third attempt')
    },
  },
  {
    name: 'an edit of the text is refused when the text changed, not when a summary arrived',
    async run(t) {
      const { sceneId, scenes, read, summary } = await withScene(t)
      await scenes.writeSummary(summary('arrived meanwhile', 1))
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'hers' })).toMatchObject({
        outcome: 'applied',
        version: 3,
      })
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 2, content: 'his' })).toEqual({
        outcome: 'conflict',
        version: 3,
        textVersion: 3,
      })
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 4, content: 'his' })).toMatchObject({
        outcome: 'conflict',
      })
      expect(await read()).toMatchObject({ content: 'hers', words: 1, characters: 4, summaryOutOfDate: true })
    },
  },
  {
    name: "a person's summary is refused when the summary or the text changed",
    async run(t) {
      const { sceneId, scenes, read, summary } = await withScene(t)
      await scenes.writeSummary(summary('by a model', 1))
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 1, summary: 'mine' })).toMatchObject({
        outcome: 'conflict',
      })
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 2, content: 'new' })).toMatchObject({
        outcome: 'applied',
      })
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 2, summary: 'mine' })).toMatchObject({
        outcome: 'conflict',
      })
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 3, summary: 'mine' })).toMatchObject({
        outcome: 'applied',
        version: 4,
      })
      expect((await read()).summary).toMatchObject({
        text: 'mine',
        method: 'person',
        ofTextVersion: 3,
        writtenBy: { userId: ann },
      })
      expect(await scenes.writeSummary(summary('by a model again', 3))).toMatchObject({ outcome: 'conflict' })
    },
  },
  {
    name: 'titles are guarded by themselves',
    async run(t) {
      const { sceneId, scenes, read } = await withScene(t)
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 1, title: 'A' })).toEqual({
        outcome: 'applied',
        version: 2,
        textVersion: 1,
      })
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 1, title: 'B' })).toMatchObject({
        outcome: 'conflict',
      })
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'text' })).toMatchObject({
        outcome: 'applied',
      })
      expect(await read()).toMatchObject({ title: 'A', content: 'text', version: 3 })
    },
  },
  {
    name: 'an edit that was applied before is applied again without a change',
    async run(t) {
      const { sceneId, scenes, read, overwritten } = await withScene(t)
      const edit = { sceneId, expectedVersion: 1, content: 'new', summary: 'mine' }
      expect(await scenes.editScene(ann, edit)).toMatchObject({ outcome: 'applied', version: 2 })
      const held = await read()
      const again = await scenes.editScene(ann, edit)
      expect(again).toMatchObject({ outcome: 'applied', version: 2 })
      expect(await read()).toEqual(held)
      expect(held.summary).toMatchObject({ ofTextVersion: 2 })
      expect(await overwritten()).toHaveLength(1)
    },
  },
  {
    name: 'saving a summary as it is confirms it for the text that is there',
    async run(t) {
      const { sceneId, scenes, read } = await withScene(t)
      await scenes.editScene(ann, { sceneId, expectedVersion: 1, summary: 'still true' })
      await scenes.editScene(ann, { sceneId, expectedVersion: 2, content: 'a comma, more' })
      expect((await read()).summaryOutOfDate).toBe(true)
      await scenes.editScene(ann, { sceneId, expectedVersion: 3, summary: 'still true' })
      expect(await read()).toMatchObject({ version: 4, summaryOutOfDate: false })
    },
  },
  {
    name: 'an empty summary removes it',
    async run(t) {
      const { novelId, sceneId, scenes, read, summary, overwritten } = await withScene(t)
      await scenes.writeSummary(summary('unwanted', 1))
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 2, summary: '' })).toMatchObject({
        outcome: 'applied',
        version: 3,
      })
      const scene = await read()
      expect(scene).toMatchObject({ hasSummary: false, summaryOutOfDate: false, summaryVersion: 3 })
      expect(scene).not.toHaveProperty('summary')
      expect((await t.library.shelf.novel(ann, novelId)).summaries).toBe(0)
      expect(await overwritten()).toMatchObject([
        { what: 'summary', text: 'unwanted', overwrittenBy: { userId: ann } },
      ])
      expect(await scenes.writeSummary(summary('again', 2))).toMatchObject({ outcome: 'conflict' })
    },
  },
  {
    name: 'what is overwritten is kept, by whom and when, the newest of each kind',
    async run(t) {
      const { sceneId, scenes, summary, overwritten } = await withScene(t)
      const original = (await scenes.scene(ann, sceneId)).content
      t.now = 100
      await scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'second' })
      await scenes.writeSummary(summary('s1', 2, 'one'))
      t.now = 200
      await scenes.writeSummary(summary('s2', 3, 'two', 4))
      expect(await overwritten()).toEqual([
        {
          id: expect.stringMatching(/^[\w-]{1,100}$/),
          what: 'summary',
          why: 'overwritten',
          text: 's1',
          version: 3,
          keptAt: 200,
          overwrittenBy: { taskId: 'two', attempt: 4 },
          provenance: { method: 'generative', model: 'm' },
          writtenBy: { taskId: 'one', attempt: 1 },
          writtenAt: 100,
          ofTextVersion: 2,
        },
        {
          id: expect.any(String),
          what: 'text',
          why: 'overwritten',
          text: original,
          version: 1,
          keptAt: 100,
          overwrittenBy: { userId: ann },
          provenance: { method: 'imported' },
        },
      ])
      for (let i = 0; i < generatedEntries + 5; i++) {
        await scenes.writeSummary(summary(`more ${i}`, 4 + i, `task ${i}`))
      }
      const kept = await overwritten()
      expect(kept.filter(entry => entry.what === 'summary')).toHaveLength(generatedEntries)
      expect(kept[0]?.text).toBe(`more ${generatedEntries + 3}`)
      expect(kept.filter(entry => entry.what === 'text')).toHaveLength(1)
    },
  },
  {
    name: 'counts follow edits of the text',
    async run(t) {
      const { novelId, sceneId, scenes } = await withScene(t)
      const before = await t.library.shelf.novel(ann, novelId)
      await scenes.editScene(ann, { sceneId, expectedVersion: 1, content: '一二三 four' })
      const { chapterId } = await scenes.scene(ann, sceneId)
      const after = await t.library.shelf.novel(ann, novelId)
      expect(after).toMatchObject({
        words: before.words - 11 + 4,
        characters: before.characters - 13 + 7,
        textVersion: 2,
      })
      const { items } = await t.library.shelf.chapters(ann, { novelId }, { pageSize: 10 })
      expect(items.reduce((sum, chapter) => sum + chapter.words, 0)).toBe(after.words)
      expect(items.find(chapter => chapter.id === chapterId)?.words).toBe(6 + 4)
    },
  },
  {
    name: 'a scene of another user, or of a removed novel, is not there',
    async run(t) {
      const { novelId, sceneId, scenes, summary } = await withScene(t)
      await expect(scenes.scene('bob', sceneId)).rejects.toMatchObject({ code: 'SCENE_NOT_FOUND' })
      await expect(scenes.history('bob', sceneId, { pageSize: 1 })).rejects.toMatchObject({
        code: 'SCENE_NOT_FOUND',
      })
      expect(await scenes.editScene('bob', { sceneId, expectedVersion: 1, content: '' })).toEqual({
        outcome: 'missing',
      })
      await t.library.shelf.remove(ann, novelId, 1)
      expect(await scenes.writeSummary(summary('late', 1))).toEqual({ outcome: 'missing' })
      expect(await scenes.editScene(ann, { sceneId, expectedVersion: 1, content: '' })).toEqual({
        outcome: 'missing',
      })
    },
  },
  {
    name: 'an edit that is too long is refused',
    async run(t) {
      const { sceneId, scenes } = await withScene(t)
      const content = 'x'.repeat(50_001)
      await expect(scenes.editScene(ann, { sceneId, expectedVersion: 1, content })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
      })
    },
  },
]
