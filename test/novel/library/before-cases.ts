import { expect } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { everyItem, type Page, type PageRequest } from '../../../src/task/page.ts'
import { ann, everythingOf, importBook, type LibraryCase } from './case.ts'

async function all<T>(list: (page: PageRequest) => Promise<Page<T>>, pageSize: number): Promise<T[]> {
  const items: T[] = []
  for await (const item of everyItem(pageSize, list)) items.push(item)
  return items
}

async function summarise(library: NovelLibrary, sceneIds: readonly string[]): Promise<void> {
  for (const sceneId of sceneIds) {
    const summary = `of ${sceneId}`
    await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, summary })
  }
}

/** What a scene can be written from: what comes before it. */
export const beforeCases: readonly LibraryCase[] = [
  {
    name: 'the texts before a scene are read backwards across chapters, whatever the page size',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      await importBook(library, 'b')
      const { texts } = await everythingOf(library, novelId)
      for (const [place, scene] of texts.entries()) {
        const before = texts.slice(0, place).reverse()
        for (const pageSize of [1, 2, 10])
          expect(await all(page => library.shelf.textsBefore(ann, scene.id, page), pageSize)).toEqual(before)
      }
    },
  },
  {
    name: 'a page of the texts before ends with the one that fills it',
    async run({ library }) {
      const scenes = Array.from({ length: 5 }, (_, i) => `${i}`.repeat(10))
      const novelId = await importBook(library, 'a', [{ title: '', chapters: [{ title: '', scenes }] }])
      const last = sceneIdOf(novelId, 0, 4)
      const read = async (units: number, pageToken?: string) => {
        const page = { pageSize: 10, units, ...(pageToken && { pageToken }) }
        return library.shelf.textsBefore(ann, last, page)
      }
      const first = await read(11)
      expect(first.items.map(({ content }) => content[0])).toEqual(['3', '2'])
      const rest = await read(1_000, first.nextPageToken)
      expect(rest.items.map(({ content }) => content[0])).toEqual(['1', '0'])
      expect(rest).not.toHaveProperty('nextPageToken')
      expect((await read(40)).nextPageToken).toBeUndefined()
      for (const units of [0, 1.5])
        await expect(read(units)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    },
  },
  {
    name: 'the summaries before a scene are read backwards, with their chapters',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const { texts, chapters } = await everythingOf(library, novelId)
      const summarised = [0, 1, 3].map(place => texts[place]?.id ?? '')
      await summarise(library, summarised)
      const [first, second, fourth] = summarised
      await library.scenes.editScene(ann, { sceneId: second ?? '', expectedVersion: 2, content: 'new' })
      const last = texts.at(-1)?.id ?? ''
      for (const pageSize of [1, 2, 10]) {
        const found = await all(page => library.shelf.summariesBefore(ann, last, page), pageSize)
        expect(found.map(({ sceneId }) => sceneId)).toEqual([fourth, second, first])
        expect(found[1]).toEqual({
          ...{ sceneId: second, chapterId: chapters[0]?.id, chapterPosition: 0, chapterTitle: '第一章 桃园' },
          ...{ position: 1, summary: `of ${second}`, outOfDate: true },
        })
      }
      const { items } = await library.shelf.summariesBefore(ann, fourth ?? '', { pageSize: 10 })
      expect(items.map(({ outOfDate }) => outOfDate)).toEqual([true, false])
    },
  },
  {
    name: 'before the end of a novel comes all of it, and the codex as it is behind the last scene',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      await importBook(library, 'b')
      const { texts } = await everythingOf(library, novelId)
      const place = { endOf: novelId }
      for (const pageSize of [1, 2, 10])
        expect(await all(page => library.shelf.textsBefore(ann, place, page), pageSize)).toEqual(
          texts.toReversed(),
        )
      const last = texts.at(-1)?.id ?? ''
      await summarise(library, [last])
      const { items } = await library.shelf.summariesBefore(ann, place, { pageSize: 10 })
      expect(items).toMatchObject([{ sceneId: last }])
      const at = await library.codex.atPlace(ann, place)
      expect(at.place[0]).toBeGreaterThan(texts.length)
      const missing = { code: 'NOVEL_NOT_FOUND' }
      await expect(library.shelf.textsBefore('bob', place, { pageSize: 1 })).rejects.toMatchObject(missing)
      await expect(library.codex.atPlace('bob', place)).rejects.toMatchObject(missing)
    },
  },
  {
    name: 'before a scene of another user, or a missing one, there is nothing to read',
    async run({ library }) {
      const sceneId = sceneIdOf(await importBook(library, 'a'), 0, 1)
      const missing = { code: 'SCENE_NOT_FOUND' }
      const page = { pageSize: 1 }
      await expect(library.shelf.textsBefore('bob', sceneId, page)).rejects.toMatchObject(missing)
      await expect(library.shelf.summariesBefore('bob', sceneId, page)).rejects.toMatchObject(missing)
      await expect(library.shelf.textsBefore(ann, 'nowhere', page)).rejects.toMatchObject(missing)
    },
  },
]
