import { expect } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import { ann, importBook, type LibraryCase } from './case.ts'

const plain = { styleSheet: '', voiceSample: '' }

/** How novels and scenes are told. */
export const narrationCases: readonly LibraryCase[] = [
  {
    name: 'a novel is told as its author says, each change over the version that was read',
    async run(t) {
      const novelId = await importBook(t.library, 'a')
      expect(await t.library.shelf.narration(ann, novelId)).toEqual({ ...plain, version: 0 })
      const narration = {
        pov: 'first',
        povCharacter: 'Berit',
        tense: 'past',
        ...plain,
        styleSheet: 'Short.',
      } as const
      const set = (given: typeof narration | typeof plain, expectedVersion: number) =>
        t.library.shelf.setNarration(ann, novelId, { narration: given, expectedVersion })
      expect(await set(narration, 0)).toEqual({ outcome: 'applied', version: 1 })
      expect(await set(plain, 0)).toEqual({ outcome: 'conflict', version: 1 })
      expect(await set(narration, 0)).toEqual({ outcome: 'applied', version: 1 })
      await t.reopen()
      expect(await t.library.shelf.narration(ann, novelId)).toEqual({ ...narration, version: 1 })
      const both = await Promise.all([set(plain, 1), set({ ...narration, styleSheet: 'Long.' }, 1)])
      expect(both.map(({ outcome }) => outcome).sort()).toEqual(['applied', 'conflict'])
      await expect(t.library.shelf.narration('bob', novelId)).rejects.toMatchObject({
        code: 'NOVEL_NOT_FOUND',
      })
      while ((await t.library.shelf.remove(ann, novelId)) === 'more') {}
      await importBook(t.library, 'a')
      expect(await t.library.shelf.narration(ann, novelId)).toEqual({ ...plain, version: 0 })
    },
  },
  {
    name: 'a scene has a point of view of its own, which an edit of its text leaves as it is',
    async run(t) {
      const { scenes, shelf } = t.library
      const novelId = await importBook(t.library, 'a')
      const sceneId = sceneIdOf(novelId, 0, 0)
      const narration = { pov: 'third-limited', povCharacter: '玄德' } as const
      const edit = (expectedVersion: number, change: object) =>
        scenes.editScene(ann, { sceneId, expectedVersion, ...change })
      expect(await edit(1, { narration })).toMatchObject({ outcome: 'applied', version: 2, textVersion: 1 })
      expect(await edit(1, { narration: {} })).toMatchObject({ outcome: 'conflict', version: 2 })
      expect(await edit(1, { narration })).toMatchObject({ outcome: 'applied', version: 2 })
      expect(await edit(1, { content: 'new' })).toMatchObject({ outcome: 'applied', version: 3 })
      expect(await scenes.scene(ann, sceneId)).toMatchObject({ narration, content: 'new' })
      const [first, second] = (await shelf.texts(ann, { novelId }, { pageSize: 2 })).items
      expect(first).toMatchObject({ narration })
      expect(second).not.toHaveProperty('narration')
      expect(await edit(3, { narration: {} })).toMatchObject({ outcome: 'applied', version: 4 })
      expect(await scenes.scene(ann, sceneId)).not.toHaveProperty('narration')
    },
  },
]
