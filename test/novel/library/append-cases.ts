import { expect } from 'vitest'
import { buildNovelSegment } from '../../../src/novel/library/novel-segment.ts'
import type { SceneAppend } from '../../../src/novel/library/scenes.ts'
import { scenesPerChapter } from '../../../src/novel/library/scenes.ts'
import { ann, everythingOf, importBook, type LibraryCase, type LibraryUnderTest, proposalOf } from './case.ts'

async function withChapter({ library }: LibraryUnderTest) {
  const novelId = await importBook(library, 'a')
  const { chapters } = await everythingOf(library, novelId)
  const [chapterId = '', otherId = ''] = chapters.map(({ id }) => id)
  const append = (id: string, more: Partial<SceneAppend> = {}) =>
    library.scenes.appendScene({ userId: ann, chapterId, id, writer: { userId: ann }, ...more })
  return { novelId, chapterId, otherId, append, library }
}

/** Scenes that are added to a chapter. */
export const appendCases: readonly LibraryCase[] = [
  {
    name: 'a scene is added at the end of its chapter, empty, with what is to happen in it',
    async run(t) {
      const { novelId, chapterId, append, library } = await withChapter(t)
      t.now = 70
      const plan = { text: '桃园之后', method: 'person' } as const
      const scene = await append('next', { title: '三', summary: plan })
      expect(scene).toEqual({
        ...{ id: 'next', novelId, chapterId, position: 2, title: '三', userId: ann },
        ...{ content: '', words: 0, characters: 0, empty: true },
        ...{ version: 1, textVersion: 1, summaryVersion: 1, hasSummary: true, summaryOutOfDate: false },
        summary: { ...plan, ofTextVersion: 1, writtenBy: { userId: ann }, writtenAt: 70 },
        updatedAt: 70,
      })
      const { novel, chapters, texts } = await everythingOf(library, novelId)
      expect(novel).toMatchObject({ scenes: 6, summaries: 1, words: 25, textVersion: 1, updatedAt: 70 })
      expect(chapters[0]).toMatchObject({ summaries: 1, words: 17 })
      expect(chapters[0]?.sceneIds.at(-1)).toBe('next')
      expect(texts.map(({ id }) => id).indexOf('next')).toBe(2)
      const bare = await append('after-that')
      expect(bare).toMatchObject({ position: 3, hasSummary: false, summaryVersion: 0 })
      expect(bare).not.toHaveProperty('title')
    },
  },
  {
    name: 'a scene that is added again is found as it is now',
    async run(t) {
      const { novelId, append, library } = await withChapter(t)
      await append('next')
      await library.scenes.editScene(ann, { sceneId: 'next', expectedVersion: 1, content: 'hers' })
      expect(await append('next', { title: 'late' })).toMatchObject({ content: 'hers', version: 2 })
      const added = await Promise.all(Array.from({ length: 8 }, (_, i) => append(`scene-${i % 4}`)))
      expect(new Set(added.map(({ position }) => position))).toEqual(new Set([3, 4, 5, 6]))
      expect((await library.shelf.novel(ann, novelId)).scenes).toBe(5 + 1 + 4)
    },
  },
  {
    name: 'a text that is written into a new scene replaces nothing, and is found once indexed',
    async run(t) {
      const { novelId, append, library } = await withChapter(t)
      const read = async () => (await everythingOf(library, novelId)).texts
      const build = async (builder: string) => {
        const begun = await library.index.begin(ann, novelId, builder)
        await library.index.put(begun, await buildNovelSegment(0, await read()))
        await library.index.finish(begun, 1)
      }
      await build('one')
      await append('next')
      expect(await library.index.state(ann, novelId)).toMatchObject({ outOfDateScenes: 0 })
      const proposal = proposalOf({ sceneId: 'next', expectedVersion: 1, content: '诸葛亮出山。' })
      expect(await library.candidates.propose({ ...proposal, accept: 'where-empty' })).toBe('accepted')
      expect((await library.scenes.history(ann, 'next', { pageSize: 5 })).items).toEqual([])
      expect(await library.index.state(ann, novelId)).toMatchObject({ outOfDateScenes: 1 })
      await build('two')
      expect(await library.index.state(ann, novelId)).toMatchObject({ outOfDateScenes: 0 })
      const { hits } = await library.index.search(ann, novelId, { query: '诸葛亮' })
      expect(hits.map(({ sceneId }) => sceneId)).toEqual(['next'])
    },
  },
  {
    name: 'a foreign or missing chapter, a taken id and a full chapter are refused',
    async run(t) {
      const { novelId, chapterId, otherId, append, library } = await withChapter(t)
      const missing = { code: 'CHAPTER_NOT_FOUND' }
      await expect(append('next', { userId: 'bob' })).rejects.toMatchObject(missing)
      await expect(append('next', { chapterId: 'nowhere' })).rejects.toMatchObject(missing)
      await append('next')
      const invalid = { code: 'OPTION_INVALID' }
      await expect(append('next', { chapterId: otherId })).rejects.toMatchObject(invalid)
      await expect(append('no id')).rejects.toMatchObject(invalid)
      const long = { text: 'x'.repeat(50_001), method: 'person' } as const
      await expect(append('other', { summary: long })).rejects.toMatchObject(invalid)
      const scenes = Array.from({ length: scenesPerChapter }, () => '')
      const full = await importBook(library, 'full', [{ title: '', chapters: [{ title: '', scenes }] }])
      const fullId = (await everythingOf(library, full)).chapters[0]?.id ?? ''
      await expect(append('more', { chapterId: fullId })).rejects.toMatchObject({
        code: 'CHAPTER_FULL',
      })
      await library.shelf.remove(ann, novelId, 1)
      await expect(append('late', { chapterId })).rejects.toMatchObject(missing)
    },
  },
  {
    name: 'a planned chapter is added behind the last one with its scenes, once, whoever adds beside',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const scene = (id: string, text: string) => ({
        ...{ id, title: id },
        summary: { text, method: 'generative' as const, model: 'm' },
      })
      const add = (id: string, scenes = [scene(`${id}-1`, 'She waits.'), scene(`${id}-2`, 'He comes.')]) =>
        library.scenes.appendChapter({
          ...{ userId: ann, novelId, id, title: `Chapter ${id}`, scenes },
          writer: { taskId: 'task', attempt: 1 },
        })
      await Promise.all([add('x'), add('y'), add('x'), add('y')])
      const after = await everythingOf(library, novelId)
      expect(after.novel).toMatchObject({ chapters: 5, scenes: 9, summaries: 4, textVersion: 1 })
      expect(after.chapters.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4])
      expect(new Set(after.chapters.slice(3).map(({ id }) => id))).toEqual(new Set(['x', 'y']))
      expect(after.chapters.at(-1)?.volumeId).toBe(after.chapters[2]?.volumeId)
      expect(after.texts.slice(-2).map(({ summary, empty }) => [summary, empty])).toEqual([
        ['She waits.', true],
        ['He comes.', true],
      ])
      expect((await library.scenes.scene(ann, 'x-1')).summary).toMatchObject({
        method: 'generative',
        model: 'm',
      })
      const invalid = { code: 'OPTION_INVALID' }
      await expect(add('z', [scene('x-1', 'Taken.')])).rejects.toMatchObject(invalid)
      await expect(add('z', [scene('no id', 'Wrong.')])).rejects.toMatchObject(invalid)
      await expect(
        library.scenes.appendChapter({
          ...{ userId: 'bob', novelId, id: 'z', title: 'Z', scenes: [] },
          writer: { userId: 'bob' },
        }),
      ).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      while ((await library.shelf.remove(ann, novelId, 1)) === 'more') {}
      await expect(library.scenes.scene(ann, 'x-1')).rejects.toMatchObject({ code: 'SCENE_NOT_FOUND' })
    },
  },
]
