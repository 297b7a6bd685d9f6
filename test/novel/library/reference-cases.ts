import { expect } from 'vitest'
import { ann, importBook, type LibraryCase } from './case.ts'

/** Which novels are references, and which of them a novel names. */
export const referenceCases: readonly LibraryCase[] = [
  {
    name: 'a novel names references by their ids, and says what became of each',
    async run(t) {
      const [book = '', one = '', two = ''] = await Promise.all(
        ['book', 'one', 'two'].map(id => importBook(t.library, id)),
      )
      for (const id of [one, two])
        expect(await t.library.shape.rename(ann, id, { reference: true })).toMatchObject({ reference: true })
      await t.library.shape.rename(ann, book, { references: [two, one, two] })
      await t.reopen()
      const { shape, shelf, binnedNovels } = t.library
      const named = (state: string) => [
        { novelId: two, title: 'Book two', state: 'used' },
        { novelId: one, ...(state !== 'gone' && { title: 'Book one' }), state },
      ]
      expect(await shelf.references(ann, book)).toEqual(named('used'))
      const { items } = await shelf.novels(ann, { pageSize: 10 })
      expect(items.find(({ id }) => id === book)).toMatchObject({ references: named('used') })
      expect(await shelf.about(ann, one)).toMatchObject({ reference: true })
      await shape.rename(ann, one, { title: 'Book one', reference: false })
      expect(await shelf.about(ann, one)).not.toHaveProperty('reference')
      expect(await shelf.references(ann, book)).toEqual(named('unmarked'))
      await binnedNovels.put(ann, one)
      expect(await shelf.references(ann, book)).toEqual(named('gone'))
      await binnedNovels.restore(ann, one)
      await shape.rename(ann, one, { reference: true })
      expect(await shelf.references(ann, book)).toEqual(named('used'))
      await shape.rename(ann, book, { title: 'Another' })
      expect(await shelf.references(ann, book)).toHaveLength(2)
      expect(await shape.rename(ann, book, { references: [] })).not.toHaveProperty('references')
    },
  },
  {
    name: 'what cannot be a reference of a novel is refused, and changes nothing',
    async run(t) {
      const { shape, shelf } = t.library
      const [book, plain, marked] = await Promise.all(
        ['book', 'plain', 'marked'].map(id => importBook(t.library, id)),
      )
      const hers = await importBook(t.library, 'hers', undefined, 'bob')
      await shape.rename(ann, marked ?? '', { reference: true })
      await shape.rename('bob', hers, { reference: true })
      for (const [novelId, references, code] of [
        [book, [marked, plain], 'NOVEL_NOT_REFERENCE'],
        [book, [hers], 'NOVEL_NOT_FOUND'],
        [book, ['nowhere'], 'NOVEL_NOT_FOUND'],
        [book, [book], 'OPTION_INVALID'],
        [book, ['one', 'two', 'three', 'four'], 'OPTION_INVALID'],
        [marked, [book], 'NOVEL_IS_REFERENCE'],
      ] as const) {
        const change = { references: references.map(id => id ?? '') }
        await expect(shape.rename(ann, novelId ?? '', change)).rejects.toMatchObject({ code })
      }
      expect(await shelf.references(ann, book ?? '')).toEqual([])
      await expect(shelf.references('bob', book ?? '')).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
    },
  },
  {
    name: 'a novel that is marked as a reference no longer names any, and names none when the mark is gone',
    async run(t) {
      const [book = '', one = ''] = await Promise.all(['book', 'one'].map(id => importBook(t.library, id)))
      const { shape, shelf } = t.library
      await shape.rename(ann, one, { reference: true })
      expect(await shape.rename(ann, book, { references: [one] })).toHaveProperty('references')
      const both = shape.rename(ann, book, { reference: true, references: [one] })
      await expect(both).rejects.toMatchObject({ code: 'NOVEL_IS_REFERENCE' })
      expect(await shelf.references(ann, book)).toHaveLength(1)
      const marked = await shape.rename(ann, book, { reference: true })
      expect(marked).toMatchObject({ reference: true })
      expect(marked).not.toHaveProperty('references')
      await t.reopen()
      await t.library.shape.rename(ann, book, { reference: false })
      expect(await t.library.shelf.references(ann, book)).toEqual([])
    },
  },
  {
    name: 'the first scenes of stretches of a novel are read, of about as many chapters each',
    async run(t) {
      const chapters = Array.from({ length: 10 }, (_, at) => ({
        title: `${at}`,
        scenes: [`The first of ${at}.`, `The second of ${at}.`],
      }))
      const novelId = await importBook(t.library, 'long', [{ title: '', chapters }])
      const stretches = await t.library.shelf.stretches(ann, novelId, 4)
      const chapterIds = (await t.library.shelf.chapters(ann, { novelId }, { pageSize: 10 })).items
      expect(stretches.map(scenes => scenes.length)).toEqual([4, 6, 4, 6])
      expect(stretches.map(([first]) => chapterIds.findIndex(({ id }) => id === first?.chapterId))).toEqual([
        0, 2, 5, 7,
      ])
      expect(await t.library.shelf.stretches(ann, novelId, 100)).toHaveLength(10)
    },
  },
]
