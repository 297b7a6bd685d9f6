import { expect } from 'vitest'
import type { BegunExport } from '../../../src/novel/library/exports.ts'
import { ann, importBook, type LibraryCase } from './case.ts'

/** An export as a task begins it. */
function begunExport(novelId: string, more: Partial<BegunExport> = {}): BegunExport {
  return {
    ...{ id: 'e', userId: ann, novelId, taskId: 'task', attempt: 1, location: 'first', expiresAt: 1_000 },
    ...more,
  }
}

/** What is known of its file. */
const exportedFile = {
  ...{ format: 'txt', fileName: '书.txt', mediaType: 'text/plain', bytes: 9 },
  ...{ chapters: 3, scenes: 5, words: 27 },
}

const notFound = { code: 'EXPORT_NOT_FOUND' }

/** Exports: of one user, found when their files are whole, until they expire. */
export const exportCases: readonly LibraryCase[] = [
  {
    name: 'an export is found when its file is whole, by its user alone, and survives a restart',
    async run(t) {
      t.now = 7
      const begun = begunExport(await importBook(t.library, 'a'))
      expect(await t.library.exports.begin(begun)).toBeUndefined()
      await expect(t.library.exports.export(ann, 'e')).rejects.toMatchObject(notFound)
      expect(await t.library.exports.every(ann)).toEqual([{ ...begun, createdAt: 7 }])
      const whole = { ...begun, ...exportedFile, createdAt: 7, expiresAt: 2_000 }
      expect(await t.library.exports.finish({ ...begun, expiresAt: 2_000 }, exportedFile)).toEqual(whole)
      await t.reopen()
      expect(await t.library.exports.export(ann, 'e')).toEqual(whole)
      await expect(t.library.exports.export('bob', 'e')).rejects.toMatchObject(notFound)
      expect(await t.library.exports.every('bob')).toEqual([])
      expect(await t.library.exports.every()).toHaveLength(1)
    },
  },
  {
    name: 'of two attempts that write an export, the later one does',
    async run({ library }) {
      const { exports } = library
      const first = begunExport(await importBook(library, 'a'))
      const second = { ...first, attempt: 2, location: 'second' }
      await exports.begin(first)
      expect(await exports.begin(second)).toBe('first')
      await expect(exports.begin(first)).rejects.toMatchObject({ code: 'ATTEMPT_STALE' })
      await expect(exports.finish(first, exportedFile)).rejects.toMatchObject(notFound)
      await exports.remove(first)
      expect(await exports.finish(second, exportedFile)).toMatchObject({ location: 'second' })
      await exports.remove(second)
      await exports.remove(second)
      await expect(exports.finish(second, exportedFile)).rejects.toMatchObject(notFound)
      expect(await exports.every()).toEqual([])
    },
  },
  {
    name: 'an export expires, is listed for the clean-up, and is out of sight with its novel',
    async run(t) {
      const { exports, shelf } = t.library
      const novelId = await importBook(t.library, 'a')
      for (const [id, expiresAt] of [
        ['late', 300],
        ['early', 200],
        ['kept', 1_000],
      ] as const) {
        await exports.begin(begunExport(novelId, { id, expiresAt }))
        await exports.finish({ id, location: 'first', expiresAt }, exportedFile)
      }
      t.now = 199
      expect(await exports.expired(10)).toEqual([])
      t.now = 300
      expect((await exports.expired(10)).map(({ id }) => id)).toEqual(['early', 'late'])
      expect((await exports.expired(1)).map(({ id }) => id)).toEqual(['early'])
      await expect(exports.export(ann, 'late')).rejects.toMatchObject(notFound)
      // What expired, a later attempt begins anew.
      const again = begunExport(novelId, { id: 'early', location: 'second' })
      expect(await exports.begin(again)).toBe('first')
      expect((await exports.expired(10)).map(({ id }) => id)).toEqual(['late'])
      expect(await exports.export(ann, 'kept')).toMatchObject({ id: 'kept' })
      await shelf.remove(ann, novelId, 0)
      await expect(exports.export(ann, 'kept')).rejects.toMatchObject(notFound)
      expect(await exports.every(ann)).toHaveLength(3)
    },
  },
]
