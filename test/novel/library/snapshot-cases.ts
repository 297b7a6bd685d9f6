import { expect } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import { generatedEntries } from '../../../src/novel/library/scenes.ts'
import { mostSnapshots } from '../../../src/novel/library/snapshots.ts'
import { ann, importBook, type LibraryCase, type LibraryUnderTest, proposalOf } from './case.ts'

async function withBook({ library }: LibraryUnderTest) {
  const novelId = await importBook(library, 'a')
  const { scenes, snapshots, candidates } = library
  const at = (chapter: number, scene: number) => sceneIdOf(novelId, chapter, scene)
  const read = (sceneId: string) => scenes.scene(ann, sceneId)
  const named = (id: string, name = id) => snapshots.create(ann, { id, novelId, name })
  return {
    ...{ novelId, snapshots, at, read, named },
    async edit(sceneId: string, content: string) {
      const { version: expectedVersion } = await read(sceneId)
      expect(await scenes.editScene(ann, { sceneId, expectedVersion, content })).toMatchObject({
        outcome: 'applied',
      })
    },
    async generate(sceneId: string, content: string) {
      const { version: expectedVersion } = await read(sceneId)
      const writer = { taskId: content, attempt: 1 }
      expect(await candidates.propose(proposalOf({ sceneId, content, expectedVersion, writer }))).toBe(
        'accepted',
      )
    },
    compare: (snapshotId: string) => snapshots.compare(ann, { novelId, snapshotId }),
    restore: async (snapshotId: string, beforeId: string) => {
      const choice = { novelId, snapshotId }
      const sceneIds = await snapshots.sceneIds(ann, choice)
      return snapshots.restore(ann, { ...choice, beforeId, sceneIds })
    },
  }
}

/** Named states of a novel: they copy nothing, and every one of their texts can be had back. */
export const snapshotCases: readonly LibraryCase[] = [
  {
    name: 'names the state of a novel once, and lists it newest first',
    async run(t) {
      const { novelId, named } = await withBook(t)
      t.now = 50
      const first = await named('first', 'Before the rewrite')
      expect(first).toEqual({
        ...{ id: 'first', novelId, name: 'Before the rewrite', scenes: 5, createdAt: 50 },
        ...{ words: expect.any(Number), characters: expect.any(Number) },
      })
      await named('second')
      expect(await named('first', 'Sent again')).toEqual(first)
      await t.reopen()
      const { items } = await t.library.snapshots.snapshots(ann, novelId, { pageSize: 10 })
      expect(items.map(({ id }) => id)).toEqual(['second', 'first'])
      await t.library.snapshots.remove(ann, { novelId, snapshotId: 'second' })
      const gone = t.library.snapshots.snapshot(ann, { novelId, snapshotId: 'second' })
      await expect(gone).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
      const choice = { novelId, snapshotId: 'first' }
      await expect(t.library.snapshots.snapshot('bob', choice)).rejects.toMatchObject({
        code: 'NOVEL_NOT_FOUND',
      })
    },
  },
  {
    name: 'says of every scene what became of it, and a text that was put back is unchanged',
    async run(t) {
      const { at, edit, named, read, compare } = await withBook(t)
      const original = (await read(at(0, 0))).content
      await named('then')
      expect(await compare('then')).toMatchObject({ unchanged: 5, changed: 0, scenes: [] })
      await edit(at(0, 0), 'New words.')
      const { chapterId } = await read(at(0, 0))
      const added = { userId: ann, chapterId, id: 'added', writer: { taskId: 'task', attempt: 1 } }
      await t.library.scenes.appendScene({ ...added, title: 'At night' })
      const compared = await compare('then')
      expect(compared).toMatchObject({ unchanged: 4, changed: 1, added: 1, deleted: 0 })
      expect(compared.scenes).toMatchObject([
        { sceneId: at(0, 0), change: 'changed', wordsNow: 2, entryId: expect.any(String) },
        { sceneId: 'added', change: 'added', title: 'At night', wordsThen: 0 },
      ])
      const [changed] = compared.scenes
      const entry = { sceneId: at(0, 0), entryId: changed?.entryId ?? '' }
      expect((await t.library.scenes.historyEntry(ann, entry)).text).toBe(original)
      await edit(at(0, 0), original)
      expect(await compare('then')).toMatchObject({ unchanged: 5, changed: 0 })
      // The history has no entry of an empty text.
      await named('with an empty scene')
      await edit('added', 'It was dark.')
      const [written] = (await compare('with an empty scene')).scenes
      expect(written).toMatchObject({ sceneId: 'added', change: 'changed', wordsThen: 0 })
      expect(written).not.toHaveProperty('entryId')
    },
  },
  {
    name: 'gives every scene its text back, which can be undone, and leaves what was written meanwhile',
    async run(t) {
      const { novelId, at, edit, named, read, compare, restore } = await withBook(t)
      const contents = async () =>
        (await t.library.shelf.texts(ann, { novelId }, { pageSize: 10 })).items.map(({ content }) => content)
      const then = await contents()
      await named('then')
      for (const [sceneId, text] of [
        [at(0, 0), 'One.'],
        [at(0, 1), ''],
        [at(1, 0), 'Three.'],
      ] as const)
        await edit(sceneId, text)
      const now = await contents()
      await named('before')
      await edit(at(2, 0), 'Written meanwhile.')
      const restored = await restore('then', 'before')
      expect(restored.get(at(2, 0))).toBe('left')
      expect([...restored.values()].filter(each => each === 'restored')).toHaveLength(3)
      expect(await contents()).toEqual([...then.slice(0, 3), 'Written meanwhile.', then[4]])
      expect(await compare('then')).toMatchObject({ unchanged: 4, changed: 1 })
      const { items } = await t.library.scenes.history(ann, at(0, 0), { pageSize: 5 })
      expect(items[0]).toMatchObject({ text: 'One.', overwrittenBy: { userId: ann } })
      // Made again, it finds what it did.
      expect((await restore('then', 'before')).get(at(0, 0))).toBe('unchanged')
      await named('again')
      await restore('before', 'again')
      expect((await contents()).slice(0, 3)).toEqual(now.slice(0, 3))
      expect((await read(at(0, 1))).content).toBe('')
    },
  },
  {
    name: 'keeps a text that a model wrote and that newer ones would push out of the history',
    async run(t) {
      const { at, generate, named, read, restore } = await withBook(t)
      const sceneId = at(0, 0)
      await generate(sceneId, 'The first text of a model.')
      await generate(sceneId, 'The one that a snapshot names.')
      await named('then')
      for (let n = 0; n < generatedEntries + 5; n++) await generate(sceneId, `Text ${n} of a model.`)
      await named('before')
      expect((await restore('then', 'before')).get(sceneId)).toBe('restored')
      expect((await read(sceneId)).content).toBe('The one that a snapshot names.')
      const { items } = await t.library.scenes.history(ann, sceneId, { pageSize: 100 })
      expect(items.some(({ text }) => text === 'The first text of a model.')).toBe(false)
    },
  },
  {
    name: 'refuses more than a novel may have, and goes with the novel',
    async run(t) {
      const { novelId, snapshots, named } = await withBook(t)
      for (let n = 0; n < mostSnapshots; n++) await named(`n ${n}`)
      await expect(named('one more')).rejects.toMatchObject({ code: 'SNAPSHOTS_FULL' })
      while ((await t.library.shelf.remove(ann, novelId)) === 'more');
      await importBook(t.library, 'a')
      expect((await snapshots.snapshots(ann, novelId, { pageSize: 5 })).items).toEqual([])
      // Nothing of it is left that a new one with the same id would find.
      expect(await named('n 0')).toMatchObject({ scenes: 5 })
    },
  },
]
