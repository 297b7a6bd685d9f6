import { expect } from 'vitest'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { everyItem, type Page, type PageRequest } from '../../../src/task/page.ts'
import { ann, type Book, everythingOf, importBook, type LibraryCase } from './case.ts'

/** A book of one volume: chapters of scenes that say where they are. */
function numbered(chapters: number, scenes: number): Book {
  return [
    {
      title: '',
      chapters: Array.from({ length: chapters }, (_, chapter) => ({
        title: `${chapter}`,
        scenes: Array.from({ length: scenes }, (_, scene) => `scene ${chapter}.${scene}`),
      })),
    },
  ]
}

async function all<T>(list: (page: PageRequest) => Promise<Page<T>>, pageSize: number): Promise<T[]> {
  const items: T[] = []
  for await (const item of everyItem(pageSize, list)) items.push(item)
  return items
}

async function contents(
  library: NovelLibrary,
  range: { novelId: string; startChapterId?: string; endChapterId?: string },
) {
  return (await all(page => library.shelf.texts(ann, range, page), 2)).map(scene => scene.content)
}

/** Reading: everything in reading order, each item once, nobody else's. */
export const shelfCases: readonly LibraryCase[] = [
  {
    name: 'a novel knows how much there is of it',
    async run(t) {
      t.now = 5_000
      const { novel, volumes, chapters } = await everythingOf(t.library, await importBook(t.library, 'a'))
      expect(novel).toEqual({
        id: novel.id,
        userId: ann,
        title: 'Book a',
        volumes: 2,
        chapters: 3,
        scenes: 5,
        words: 25,
        characters: 55,
        summaries: 0,
        textVersion: 1,
        version: 1,
        createdAt: 5_000,
        updatedAt: 5_000,
      })
      expect(volumes).toMatchObject([
        { position: 0, title: '卷一', chapters: 2, words: 17 },
        { position: 1, title: 'Volume Two', chapters: 1, words: 8 },
      ])
      expect(chapters).toMatchObject([
        { position: 0, title: '第一章 桃园', words: 17, characters: 21, volumeId: volumes[0]?.id },
        { position: 1, title: '第二章 空城', words: 0, characters: 0, volumeId: volumes[0]?.id },
        { position: 2, title: 'Down the hole', words: 8, characters: 34, volumeId: volumes[1]?.id },
      ])
    },
  },
  {
    name: 'a scene without anything to see is empty',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const { items } = await library.shelf.scenes(ann, { novelId }, { pageSize: 10 })
      expect(items.map(scene => scene.empty)).toEqual([false, false, true, false, false])
      expect(items[0]).toMatchObject({
        version: 1,
        textVersion: 1,
        hasSummary: false,
        summaryOutOfDate: false,
        position: 0,
      })
      expect(items[0]).not.toHaveProperty('content')
    },
  },
  {
    name: 'a range is in reading order across volumes, both ends included',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const { chapters } = await everythingOf(library, novelId)
      const [first, second, third] = chapters.map(chapter => chapter.id)
      const range = (startChapterId?: string, endChapterId?: string) => ({
        novelId,
        ...(startChapterId && { startChapterId }),
        ...(endChapterId && { endChapterId }),
      })
      const rabbit = ['Alice saw the White Rabbit run.', 'She fell.']
      expect(await contents(library, range(second, third))).toEqual(['   \n　', ...rabbit])
      expect(await contents(library, range(third))).toEqual(rabbit)
      expect(await contents(library, range(undefined, first))).toEqual([
        '刘备见关羽张飞。三人结义。',
        '黄巾起。曹操至。',
      ])
      expect(await contents(library, range(first, third))).toHaveLength(5)
      const backwards = library.shelf.scenes(ann, range(third, first), { pageSize: 1 })
      await expect(backwards).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    },
  },
  {
    name: 'a range refuses chapters of another novel, and a novel of another user',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const other = await everythingOf(library, await importBook(library, 'b'))
      const foreign = library.shelf.scenes(
        ann,
        { novelId, startChapterId: other.chapters[0]?.id ?? '' },
        { pageSize: 1 },
      )
      await expect(foreign).rejects.toMatchObject({ code: 'CHAPTER_NOT_FOUND' })
      await expect(library.shelf.scenes('bob', { novelId }, { pageSize: 1 })).rejects.toMatchObject({
        code: 'NOVEL_NOT_FOUND',
      })
      await expect(library.shelf.chapters('bob', { novelId }, { pageSize: 1 })).rejects.toMatchObject({
        code: 'NOVEL_NOT_FOUND',
      })
      await expect(library.shelf.chapter('bob', other.chapters[0]?.id ?? '')).rejects.toMatchObject({
        code: 'CHAPTER_NOT_FOUND',
      })
      await expect(library.shelf.remove('bob', novelId)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      await expect(library.shelf.about('bob', novelId)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      const { summaries: _, ...about } = await library.shelf.novel(ann, novelId)
      expect(await library.shelf.about(ann, novelId)).toEqual(about)
      expect((await library.shelf.novels('bob', { pageSize: 10 })).items).toEqual([])
    },
  },
  {
    name: 'paging visits every scene and chapter once, whatever the page size',
    async run({ library }) {
      const book = numbered(7, 3)
      const novelId = await importBook(library, 'a', book)
      const expected = book.flatMap(volume => volume.chapters).flatMap(chapter => chapter.scenes)
      for (const pageSize of [1, 2, 3, 4, 20, 21, 22]) {
        const texts = await all(page => library.shelf.texts(ann, { novelId }, page), pageSize)
        expect(texts.map(scene => scene.content)).toEqual(expected)
        const scenes = await all(page => library.shelf.scenes(ann, { novelId }, page), pageSize)
        expect(scenes.map(scene => scene.id)).toEqual(texts.map(scene => scene.id))
        const chapters = await all(page => library.shelf.chapters(ann, { novelId }, page), pageSize)
        expect(chapters.flatMap(chapter => chapter.sceneIds)).toEqual(texts.map(scene => scene.id))
      }
    },
  },
  {
    name: 'a page of texts ends before it holds too much',
    async run({ library }) {
      const scenes = Array.from({ length: 30 }, (_, i) => `${i} `.padEnd(50_000, '字'))
      const novelId = await importBook(library, 'a', [{ title: '', chapters: [{ title: '', scenes }] }])
      const first = await library.shelf.texts(ann, { novelId }, { pageSize: 30 })
      expect(first.items).toHaveLength(8)
      expect(first.nextPageToken).toBeDefined()
      expect(await contents(library, { novelId })).toEqual(scenes)
    },
  },
  {
    name: 'the shelf pages newest first, each novel once while others arrive',
    async run(t) {
      const before: string[] = []
      for (let i = 0; i < 9; i++) {
        t.now += i % 3
        before.unshift(await importBook(t.library, `${i}`, numbered(1, 1)))
      }
      await importBook(t.library, 'hers', numbered(1, 1), 'bob')
      const seen: string[] = []
      let arrived = 0
      for await (const novel of everyItem(2, page => t.library.shelf.novels(ann, page))) {
        seen.push(novel.id)
        t.now += 1
        await importBook(t.library, `late ${arrived++}`, numbered(1, 1))
      }
      expect(seen).toEqual(before)
    },
  },
  {
    name: 'a page token is good for its own listing only',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      await importBook(library, 'b')
      const { nextPageToken } = await library.shelf.scenes(ann, { novelId }, { pageSize: 1 })
      const pageToken = nextPageToken ?? ''
      const refused = { code: 'PAGE_TOKEN_INVALID' }
      await expect(library.shelf.novels(ann, { pageSize: 1, pageToken })).rejects.toMatchObject(refused)
      await expect(library.shelf.texts(ann, { novelId }, { pageSize: 1, pageToken })).rejects.toMatchObject(
        refused,
      )
      for (const forged of ['', 'x', 'W10', Buffer.from('{"a":1}').toString('base64url'), `${pageToken}x`]) {
        await expect(
          library.shelf.scenes(ann, { novelId }, { pageSize: 1, pageToken: forged }),
        ).rejects.toMatchObject(refused)
      }
      await expect(library.shelf.novels(ann, { pageSize: 0 })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
      })
    },
  },
  {
    name: 'chapters of one volume',
    async run({ library }) {
      const { novel, volumes } = await everythingOf(library, await importBook(library, 'a'))
      const filter = { novelId: novel.id, volumeId: volumes[1]?.id ?? '' }
      const { items } = await library.shelf.chapters(ann, filter, { pageSize: 10 })
      expect(items.map(chapter => chapter.title)).toEqual(['Down the hole'])
    },
  },
  {
    name: 'a novel is removed in bounded steps, invisible from the first, and no other with it',
    async run({ library }) {
      const gone = await importBook(library, 'gone', numbered(10, 5))
      const kept = await importBook(library, 'kept')
      const before = await everythingOf(library, kept)
      expect(await library.shelf.remove(ann, gone, 0)).toBe('more')
      expect((await library.drafts.list({ pageSize: 9 })).items).toMatchObject([{ counts: { scenes: 50 } }])
      const steps: string[] = [await library.shelf.remove(ann, gone, 20)]
      await expect(library.shelf.novel(ann, gone)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      // What it had, and what is left of it.
      expect(await library.drafts.find(gone)).toMatchObject({ status: 'deleting', counts: { scenes: 50 } })
      expect((await library.drafts.list({ pageSize: 9 })).items).toMatchObject([{ counts: { scenes: 30 } }])
      while (steps.at(-1) === 'more') steps.push(await library.shelf.remove(ann, gone, 20))
      expect(steps).toEqual(['more', 'more', 'done'])
      expect(await library.drafts.find(gone)).toBeUndefined()
      await expect(library.shelf.remove(ann, gone)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      expect(await everythingOf(library, kept)).toEqual(before)
    },
  },
  {
    name: 'a library that was closed and opened again reads the same',
    async run(t) {
      const novelId = await importBook(t.library, 'a')
      const before = await everythingOf(t.library, novelId)
      await t.reopen()
      expect(await everythingOf(t.library, novelId)).toEqual(before)
    },
  },
]
