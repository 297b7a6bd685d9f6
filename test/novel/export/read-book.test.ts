import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { BookPart } from '../../../src/novel/export/book.ts'
import { readBook } from '../../../src/novel/export/read-book.ts'
import { chapterIdOf } from '../../../src/novel/library/ids.ts'
import { ann, importBook } from '../library/case.ts'
import { SqliteUnderTest } from '../library/under-test.ts'

let t: SqliteUnderTest
let novelId: string
beforeEach(async () => {
  t = new SqliteUnderTest()
  novelId = await importBook(t.library, 'a')
})
afterEach(() => t[Symbol.asyncDispose]())

async function partsOf(parts: AsyncIterable<BookPart>): Promise<BookPart[]> {
  const read: BookPart[] = []
  for await (const part of parts) read.push(part)
  return read
}

const first: BookPart[] = [
  { kind: 'volume', title: '卷一' },
  { kind: 'chapter', title: '第一章 桃园' },
  { kind: 'scene', content: '刘备见关羽张飞。三人结义。' },
  { kind: 'scene', content: '黄巾起。曹操至。' },
]
const second: BookPart[] = [
  { kind: 'chapter', title: '第二章 空城' },
  { kind: 'scene', content: '   \n　' },
]
const third: BookPart[] = [
  { kind: 'volume', title: 'Volume Two' },
  { kind: 'chapter', title: 'Down the hole' },
  { kind: 'scene', content: 'Alice saw the White Rabbit run.' },
  { kind: 'scene', content: 'She fell.' },
]

describe('a novel is read as a book', () => {
  test('in reading order, from the beginning each time, and says which chapters were read', async () => {
    const read: string[] = []
    const { whole, chapters } = await readBook(t.library.shelf, { userId: ann, novelId }, ({ title }) =>
      read.push(title),
    )
    expect(whole).toMatchObject({ id: novelId, title: 'Book a', updatedAt: 1 })
    expect(await partsOf(whole.parts())).toEqual([...first, ...second, ...third])
    expect(await partsOf(whole.parts())).toEqual([...first, ...second, ...third])
    const titles = ['第一章 桃园', '第二章 空城', 'Down the hole']
    expect(read).toEqual([...titles, ...titles])
    expect(chapters.map(({ scenes }) => scenes)).toEqual([2, 1, 2])
    expect(chapters.map(({ words }) => words)).toEqual([17, 0, 8])
  })

  test('as a range of chapters, or as one of them', async () => {
    const ids = [0, 1, 2].map(position => chapterIdOf(novelId, position))
    const range = { userId: ann, novelId, startChapterId: ids[1] ?? '', endChapterId: ids[2] ?? '' }
    const { whole, chapters, ofChapter } = await readBook(t.library.shelf, range, () => undefined)
    expect(await partsOf(whole.parts())).toEqual([{ kind: 'volume', title: '卷一' }, ...second, ...third])
    const [, last] = chapters
    if (last === undefined) throw new Error('There is no chapter.')
    const alone = ofChapter(last)
    expect(alone).toMatchObject({ id: ids[2], title: 'Book a' })
    expect(await partsOf(alone.parts())).toEqual([{ kind: 'volume', title: '' }, ...third.slice(1)])
  })

  test('with titles of scenes, chapters without a scene, and a scene that was added meanwhile', async () => {
    const { shelf, scenes } = t.library
    const [scene] = (await shelf.scenes(ann, { novelId }, { pageSize: 1 })).items
    await scenes.editScene(ann, { sceneId: scene?.id ?? '', expectedVersion: 1, title: 'The oath' })
    const { whole } = await readBook(shelf, { userId: ann, novelId }, () => undefined)
    const by = { userId: ann }
    await scenes.appendScene({ userId: ann, chapterId: chapterIdOf(novelId, 1), id: 'new', writer: by })
    const parts = await partsOf(whole.parts())
    expect(parts[2]).toEqual({ ...first[2], title: 'The oath' })
    expect(parts.filter(({ kind }) => kind === 'scene')).toHaveLength(6)
  })

  test('and not when it is deleted meanwhile, or nobody has it', async () => {
    const { shelf } = t.library
    const gone = { code: 'NOVEL_NOT_FOUND' }
    await expect(readBook(shelf, { userId: 'bob', novelId }, () => undefined)).rejects.toMatchObject(gone)
    const { whole } = await readBook(shelf, { userId: ann, novelId }, () => undefined)
    const { texts } = shelf
    vi.spyOn(shelf, 'texts').mockImplementation(async (userId, range, page) => {
      const { items } = await texts(userId, range, { ...page, pageSize: 1 })
      await shelf.remove(ann, novelId, 0)
      return { items, nextPageToken: 'next' }
    })
    await expect(partsOf(whole.parts())).rejects.toMatchObject(gone)
  })
})
