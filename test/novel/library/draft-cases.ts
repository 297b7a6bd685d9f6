import { expect } from 'vitest'
import { longestImportedScene } from '../../../src/novel/library/drafts.ts'
import { chapterIdOf, novelIdOf, sceneIdOf } from '../../../src/novel/library/ids.ts'
import {
  ann,
  draftOf,
  everythingOf,
  importBook,
  type LibraryCase,
  smallBook,
  totalsOf,
  writeBook,
} from './case.ts'

/** Drafts: what an import writes is seen when it is complete, once, and all of it. */
export const draftCases: readonly LibraryCase[] = [
  {
    name: 'a draft is seen by its import alone until it is published',
    async run({ library }) {
      const draft = await library.drafts.create(draftOf('a'))
      expect(await writeBook(library, draft, smallBook)).toBe('written')
      expect((await library.shelf.novels(ann, { pageSize: 10 })).items).toEqual([])
      await expect(library.shelf.novel(ann, draft.novelId)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      await expect(library.shelf.chapter(ann, chapterIdOf(draft.novelId, 0))).rejects.toMatchObject({
        code: 'CHAPTER_NOT_FOUND',
      })
      await expect(library.scenes.scene(ann, sceneIdOf(draft.novelId, 0, 0))).rejects.toMatchObject({
        code: 'SCENE_NOT_FOUND',
      })
      expect(await library.drafts.find(draft.novelId)).toMatchObject({
        status: 'draft',
        counts: { chapters: 3, scenes: 5 },
      })
      expect(await library.drafts.publish(draft, totalsOf(smallBook))).toMatchObject({ outcome: 'published' })
      expect((await library.shelf.novels(ann, { pageSize: 10 })).items.map(novel => novel.id)).toEqual([
        draft.novelId,
      ])
    },
  },
  {
    name: 'an attempt that runs again writes the same rows, none twice',
    async run({ library }) {
      const first = await library.drafts.create(draftOf('a'))
      await writeBook(library, first, smallBook)
      const second = await library.drafts.create(draftOf('a'))
      expect(second).toMatchObject({ status: 'draft', generation: 2 })
      await writeBook(library, second, smallBook)
      await writeBook(library, second, smallBook)
      expect(await library.drafts.publish(second, totalsOf(smallBook))).toMatchObject({
        outcome: 'published',
      })
      const again = await everythingOf(library, second.novelId)
      const once = await everythingOf(library, await importBook(library, 'b'))
      expect(again.texts.map(scene => scene.content)).toEqual(once.texts.map(scene => scene.content))
      expect(again.chapters.map(({ title, words, characters }) => [title, words, characters])).toEqual(
        once.chapters.map(({ title, words, characters }) => [title, words, characters]),
      )
    },
  },
  {
    name: 'ids derive from the import and the place in the book',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      expect(novelId).toBe(novelIdOf('a'))
      const { chapters } = await everythingOf(library, novelId)
      expect(chapters.map(chapter => chapter.id)).toEqual(
        [0, 1, 2].map(position => chapterIdOf(novelId, position)),
      )
      expect(chapters[2]?.sceneIds).toEqual([sceneIdOf(novelId, 2, 0), sceneIdOf(novelId, 2, 1)])
    },
  },
  {
    name: 'an attempt that was overtaken writes and publishes nothing',
    async run({ library }) {
      const first = await library.drafts.create(draftOf('a'))
      const second = await library.drafts.create(draftOf('a'))
      expect(await writeBook(library, first, smallBook)).toBe('stale')
      expect(await library.drafts.publish(first, { volumes: 0, chapters: 0, scenes: 0 })).toEqual({
        outcome: 'stale',
      })
      expect(await writeBook(library, second, smallBook)).toBe('written')
    },
  },
  {
    name: 'a complete novel is found complete, and written no more',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const before = await everythingOf(library, novelId)
      const again = await library.drafts.create(draftOf('a', { title: 'Another title' }))
      expect(again).toMatchObject({
        status: 'published',
        title: 'Book a',
        counts: { volumes: 2, chapters: 3, scenes: 5 },
      })
      expect(
        await writeBook(library, again, [{ title: 'x', chapters: [{ title: 'y', scenes: ['z'] }] }]),
      ).toBe('published')
      expect(await library.drafts.publish(again, { volumes: 9, chapters: 9, scenes: 9 })).toEqual({
        outcome: 'published',
        counts: again.counts,
      })
      expect(await everythingOf(library, novelId)).toEqual(before)
    },
  },
  {
    name: 'rows that only an earlier attempt wrote are gone when the novel is published',
    async run({ library }) {
      const first = await library.drafts.create(draftOf('a'))
      await writeBook(library, first, smallBook)
      await library.drafts.write(first, {
        scenes: Array.from({ length: 250 }, (_, i) => ({
          chapterPosition: 2,
          position: 2 + i,
          content: 'left over',
        })),
      })
      const second = await library.drafts.create(draftOf('a'))
      const shorter = [{ title: 'One', chapters: [{ title: 'Only', scenes: ['Alone.'] }] }]
      await writeBook(library, second, shorter)
      expect(await library.drafts.publish(second, totalsOf(shorter))).toEqual({
        outcome: 'published',
        counts: { volumes: 1, chapters: 1, scenes: 1, words: 1, characters: 6 },
      })
      const { volumes, chapters, texts } = await everythingOf(library, second.novelId)
      expect(volumes.map(volume => volume.title)).toEqual(['One'])
      expect(chapters.map(chapter => chapter.title)).toEqual(['Only'])
      expect(texts.map(scene => scene.content)).toEqual(['Alone.'])
    },
  },
  {
    name: 'a draft with a gap is not published',
    async run({ library }) {
      const draft = await library.drafts.create(draftOf('a'))
      await library.drafts.write(draft, {
        volumes: [{ position: 0, title: '' }],
        chapters: [{ position: 0, volumePosition: 0, title: '1' }],
        scenes: [0, 2].map(position => ({ chapterPosition: 0, position, content: 'text' })),
      })
      for (const scenes of [1, 2, 3]) {
        const totals = { volumes: 1, chapters: 1, scenes }
        expect(await library.drafts.publish(draft, totals)).toMatchObject({
          outcome: 'incomplete',
          counts: { scenes: 2 },
        })
      }
      await library.drafts.write(draft, { scenes: [{ chapterPosition: 0, position: 1, content: 'text' }] })
      expect(await library.drafts.publish(draft, { volumes: 1, chapters: 1, scenes: 3 })).toMatchObject({
        outcome: 'published',
      })
    },
  },
  {
    name: 'a row without its chapter or volume is refused, as is a scene that is too long',
    async run({ library }) {
      const draft = await library.drafts.create(draftOf('a'))
      const chapter = { position: 0, volumePosition: 0, title: '' }
      await expect(library.drafts.write(draft, { chapters: [chapter] })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
      })
      const volumes = [{ position: 0, title: '' }]
      const scenes = [{ chapterPosition: 1, position: 0, content: '' }]
      const orphan = library.drafts.write(draft, { volumes, chapters: [chapter], scenes })
      await expect(orphan).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      expect(await library.drafts.find(draft.novelId)).toMatchObject({
        counts: { volumes: 0, chapters: 0, scenes: 0 },
      })
      const long = (length: number) => ({ chapterPosition: 0, position: 0, content: '字'.repeat(length) })
      const tooLong = library.drafts.write(draft, {
        volumes,
        chapters: [chapter],
        scenes: [long(longestImportedScene + 1)],
      })
      await expect(tooLong).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      expect(
        await library.drafts.write(draft, {
          volumes,
          chapters: [chapter],
          scenes: [long(longestImportedScene)],
        }),
      ).toBe('written')
    },
  },
  {
    name: 'a discarded draft leaves nothing, and its import can start again',
    async run({ library }) {
      const draft = await library.drafts.create(draftOf('a'))
      await writeBook(library, draft, smallBook)
      expect(await library.drafts.discard(draft.novelId, { limit: 2 })).toBe('more')
      expect(await library.drafts.find(draft.novelId)).toMatchObject({ status: 'deleting' })
      expect(await writeBook(library, draft, smallBook)).toBe('stale')
      expect(await library.drafts.create(draftOf('a'))).toMatchObject({ status: 'deleting' })
      while ((await library.drafts.discard(draft.novelId, { limit: 2 })) === 'more') {}
      expect(await library.drafts.find(draft.novelId)).toBeUndefined()
      expect(await library.drafts.discard(draft.novelId)).toBe('done')
      const { novel } = await everythingOf(library, await importBook(library, 'a'))
      expect(novel).toMatchObject({ chapters: 3, scenes: 5 })
    },
  },
  {
    name: 'a discard keeps a published novel, and a draft that was taken up since',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      expect(await library.drafts.discard(novelId)).toBe('kept')
      const first = await library.drafts.create(draftOf('b'))
      const second = await library.drafts.create(draftOf('b'))
      expect(await library.drafts.discard(first.novelId, { generation: first.generation })).toBe('kept')
      expect(await library.drafts.discard(first.novelId, { generation: second.generation })).toBe('done')
      expect((await library.shelf.novel(ann, novelId)).scenes).toBe(5)
    },
  },
  {
    name: 'an attempt whose draft was deleted does not touch the one that was made since',
    async run({ library }) {
      const first = await library.drafts.create(draftOf('a'))
      const again = await library.drafts.create(draftOf('a'))
      expect(await library.drafts.discard(first.novelId)).toBe('done')
      const live = await library.drafts.create(draftOf('a'))
      await writeBook(library, live, smallBook)
      for (const stale of [first, again]) {
        expect(await writeBook(library, stale, smallBook)).toBe('stale')
        expect(await library.drafts.publish(stale, totalsOf(smallBook))).toEqual({ outcome: 'stale' })
        const { novelId, generation } = stale
        expect(await library.drafts.discard(novelId, { generation })).toBe('kept')
      }
      expect(await library.drafts.publish(live, totalsOf(smallBook))).toMatchObject({ outcome: 'published' })
    },
  },
  {
    name: 'the sweep finds drafts and half-deleted novels, also after a restart',
    async run(t) {
      await importBook(t.library, 'whole')
      const draft = await t.library.drafts.create(draftOf('draft'))
      const half = await importBook(t.library, 'half')
      expect(await t.library.shelf.remove(ann, half, 1)).toBe('more')
      await t.reopen()
      const first = await t.library.drafts.list({ pageSize: 1 })
      expect(first.items).toMatchObject([
        { novelId: draft.novelId, importTaskId: 'task-draft', status: 'draft' },
      ])
      const second = await t.library.drafts.list({
        pageSize: 1,
        ...(first.nextPageToken && { pageToken: first.nextPageToken }),
      })
      expect(second).toMatchObject({ items: [{ novelId: half, status: 'deleting' }] })
      expect(second.nextPageToken).toBeUndefined()
      while ((await t.library.drafts.discard(half, { limit: 1 })) === 'more') {}
      expect((await t.library.drafts.list({ pageSize: 5 })).items.map(state => state.novelId)).toEqual([
        draft.novelId,
      ])
    },
  },
  {
    name: "another user's import is not taken over",
    async run({ library }) {
      await library.drafts.create(draftOf('a'))
      const stolen = library.drafts.create(draftOf('a', { userId: 'bob' }))
      await expect(stolen).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      expect(await library.drafts.find(novelIdOf('a'))).toMatchObject({ userId: ann, generation: 1 })
    },
  },
]
