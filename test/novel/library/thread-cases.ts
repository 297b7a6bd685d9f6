import { expect, vi } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import type { ThreadWritten } from '../../../src/novel/library/threads.ts'
import { type ThreadFields, threadBounds, threadToWrite } from '../../../src/novel/threads/thread.ts'
import { everyItem } from '../../../src/task/page.ts'
import { ann, importBook, type LibraryCase } from './case.ts'

/** Fields of a thread. */
export function threadFieldsOf(fields: { title: string } & Partial<ThreadFields>): ThreadFields {
  return threadToWrite.parse(fields)
}

async function listed(library: NovelLibrary, novelId: string, before?: string) {
  const found = []
  const list = (page: { pageSize: number }) => library.threads.threads(ann, { novelId, before }, page)
  for await (const thread of everyItem(2, list)) found.push(thread)
  return found
}

/** The scenes of a small book: its third one is blank. */
function scenesOf(novelId: string) {
  return [
    ...[sceneIdOf(novelId, 0, 0), sceneIdOf(novelId, 0, 1), sceneIdOf(novelId, 1, 0)],
    ...[sceneIdOf(novelId, 2, 0), sceneIdOf(novelId, 2, 1)],
  ] as const
}

/** The rabbit is planted in the fourth scene, and resolved in the last one. */
function rabbitOf(novelId: string) {
  const [, , third, fourth, last] = scenesOf(novelId)
  return threadFieldsOf({
    ...{ title: 'The rabbit', plan: 'It is late.', note: 'Only for me.', plantBy: third, resolveBy: fourth },
    events: [
      { scene: fourth, kind: 'planted', quotation: 'the  White\nRabbit' },
      { scene: last, kind: 'resolved', quotation: 'She fell.' },
    ],
  })
}

/** What is planned of a story, and what its text does. */
export const threadCases: readonly LibraryCase[] = [
  {
    name: 'threads are added, listed in their order, and read with how far they are at a place',
    async run(t) {
      const novelId = await importBook(t.library, 'a')
      const fields = rabbitOf(novelId)
      const put = (threadId: string, given: ThreadFields) =>
        t.library.threads.put(ann, { novelId, threadId, expectedVersion: 0 }, given)
      t.now = 70
      expect(await put('rabbit', fields)).toEqual({ outcome: 'applied', version: 70 })
      for (const id of ['b', 'a']) await put(id, threadFieldsOf({ title: id }))
      await t.reopen()
      const { threads, shelf } = t.library
      expect((await listed(t.library, novelId)).map(({ id }) => id)).toEqual(['rabbit', 'b', 'a'])
      expect((await shelf.novel(ann, novelId)).updatedAt).toBe(70)
      const [first, , third, fourth, last] = scenesOf(novelId)
      const read = (before?: string) => threads.thread(ann, { novelId, threadId: 'rabbit', before })
      expect(await read()).toEqual({
        ...{ ...fields, id: 'rabbit', novelId, version: 70, createdAt: 70, updatedAt: 70 },
        ...{ state: 'resolved', isOverdue: false, isDue: false },
        events: [
          { ...fields.events[0], place: [2, 0], isQuoted: true },
          { ...fields.events[1], place: [2, 1], isQuoted: true },
        ],
      })
      for (const [before, state, isOverdue, isDue] of [
        [first, 'planned', false, false],
        [third, 'planned', false, true],
        [fourth, 'planned', true, false],
        [last, 'open', true, false],
      ] as const)
        expect(await read(before)).toMatchObject({ state, isOverdue, isDue })
      const [rabbit] = await listed(t.library, novelId, last)
      expect(rabbit).toMatchObject({ id: 'rabbit', state: 'open' })
    },
  },
  {
    name: 'an event counts while its scene has the quotation, and what is not written yet makes nothing overdue',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const [first, , third, fourth, last] = scenesOf(novelId)
      const which = { novelId, threadId: 'rabbit' }
      await library.threads.put(ann, { ...which, expectedVersion: 0 }, rabbitOf(novelId))
      const edit = (sceneId: string, expectedVersion: number, content: string) =>
        library.scenes.editScene(ann, { sceneId, expectedVersion, content })
      await edit(last, 1, 'She slept.')
      const read = () => library.threads.thread(ann, which)
      expect(await read()).toMatchObject({
        ...{ state: 'open', isOverdue: true },
        events: [{ isQuoted: true }, { isQuoted: false }],
      })
      for (const sceneId of [fourth, third]) await edit(sceneId, 1, sceneId === third ? 'Here.' : '')
      await edit(last, 2, '')
      // The text ends with the third scene, which was to plant it; the fourth is not written.
      expect(await read()).toMatchObject({ state: 'planned', isOverdue: true })
      await edit(third, 2, '')
      expect(await read()).toMatchObject({ state: 'planned', isOverdue: false })
      const at = await library.threads.atPlace(ann, first)
      expect(at).toMatchObject({ place: [0, 0], threads: [{ id: 'rabbit', events: [] }] })
    },
  },
  {
    name: 'a prompt at a place is told no note, and no event of the scene there or of later ones',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const [, , , fourth, last] = scenesOf(novelId)
      const read = { novelId, threadId: 'rabbit', expectedVersion: 0 }
      await library.threads.put(ann, read, rabbitOf(novelId))
      const { threads } = library
      const kinds = async (place: Parameters<typeof threads.atPlace>[1]) =>
        (await threads.atPlace(ann, place)).threads.map(({ events }) => events.map(({ kind }) => kind))
      expect(await kinds(fourth)).toEqual([[]])
      expect(await kinds(last)).toEqual([['planted']])
      expect(await kinds({ endOf: novelId })).toEqual([['planted', 'resolved']])
      const at = await threads.atPlace(ann, last)
      expect(at.threads[0]).toMatchObject({ title: 'The rabbit', plan: 'It is late.', resolveAt: [2, 0] })
      expect(JSON.stringify(at)).not.toMatch(/Only for me|She fell/)
    },
  },
  {
    name: 'a write names the version that was read, and overwrites no other',
    async run(t) {
      const { threads } = t.library
      const novelId = await importBook(t.library, 'a')
      const read = { novelId, threadId: 'one' }
      const put = (expectedVersion: number, plan: string) =>
        threads.put(ann, { ...read, expectedVersion }, threadFieldsOf({ title: 'One', plan }))
      expect(await put(0, 'first')).toEqual({ outcome: 'applied', version: 1 })
      expect(await put(0, 'second')).toEqual({ outcome: 'conflict', version: 1 })
      // Sent again, a write finds itself.
      expect(await put(0, 'first')).toEqual({ outcome: 'applied', version: 1 })
      t.now = 80
      const outcomes = (await Promise.all(['a', 'b', 'c'].map(plan => put(1, plan)))).map(
        ({ outcome }) => outcome,
      )
      expect(outcomes.sort()).toEqual(['applied', 'conflict', 'conflict'])
      expect(await threads.thread(ann, read)).toMatchObject({ version: 2, updatedAt: 80 })
      const remove = (expectedVersion: number) => threads.remove(ann, { ...read, expectedVersion })
      expect(await remove(1)).toEqual({ outcome: 'conflict', version: 2 })
      for (const _ of [1, 2]) expect(await remove(2)).toEqual({ outcome: 'applied', version: 2 })
      await expect(threads.thread(ann, read)).rejects.toMatchObject({ code: 'THREAD_NOT_FOUND' })
      await expect(put(2, 'gone')).rejects.toMatchObject({ code: 'THREAD_NOT_FOUND' })
      expect(await listed(t.library, novelId)).toEqual([])
      // Made again, it is another one: a write of who has read the first is a conflict.
      expect(await put(0, 'again')).toEqual({ outcome: 'applied', version: 80 })
      for (const seen of [1, 2]) expect(await put(seen, 'unseen')).toMatchObject({ outcome: 'conflict' })
    },
  },
  {
    name: 'threads that are added at the same time have an order, and the same id is of each novel by itself',
    async run({ library }) {
      const novels = [await importBook(library, 'a'), await importBook(library, 'b')] as const
      const add = (novelId: string, threadId: string): Promise<ThreadWritten> =>
        library.threads.put(
          ann,
          { novelId, threadId, expectedVersion: 0 },
          threadFieldsOf({ title: novelId }),
        )
      await Promise.all(novels.flatMap(novelId => ['x', 'y', 'z'].map(id => add(novelId, id))))
      for (const novelId of novels) {
        const found = await listed(library, novelId)
        expect(found.map(({ id }) => id).sort()).toEqual(['x', 'y', 'z'])
        expect(new Set(found.map(({ title }) => title))).toEqual(new Set([novelId]))
      }
    },
  },
  {
    name: 'an event needs its quotation when it is added; one that is out of date may stay',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const [first] = scenesOf(novelId)
      const put = (expectedVersion: number, fields: Partial<ThreadFields>) => {
        const read = { novelId, threadId: 'oath', expectedVersion }
        return library.threads.put(ann, read, threadFieldsOf({ title: 'The oath', ...fields }))
      }
      const oath = { scene: first, kind: 'planted' as const, quotation: '三人结义' }
      await expect(put(0, { events: [{ ...oath, quotation: '四人结义' }] })).rejects.toMatchObject({
        code: 'QUOTATION_NOT_FOUND',
      })
      expect(await put(0, { events: [oath] })).toEqual({ outcome: 'applied', version: 1 })
      await library.scenes.editScene(ann, { sceneId: first, expectedVersion: 1, content: '众人散去。' })
      expect(await put(1, { events: [oath], plan: 'Kept.' })).toEqual({ outcome: 'applied', version: 2 })
      await expect(put(2, { events: [{ ...oath, kind: 'advanced' }] })).rejects.toMatchObject({
        code: 'QUOTATION_NOT_FOUND',
      })
    },
  },
  {
    name: 'each quotation is looked for once, in the text of its own scene',
    async run({ library }) {
      const scenes = Array.from({ length: threadBounds.events }, (_, at) => `The lantern number ${at} burns.`)
      const novelId = await importBook(library, 'many', [{ title: '', chapters: [{ title: '', scenes }] }])
      const events = scenes.map((quotation, at) => ({
        scene: sceneIdOf(novelId, 0, at),
        kind: 'advanced' as const,
        quotation,
      }))
      const read = { novelId, threadId: 'lanterns' }
      const fields = threadFieldsOf({ title: 'Lanterns', events })
      await library.threads.put(ann, { ...read, expectedVersion: 0 }, fields)
      const exec = vi.spyOn(RegExp.prototype, 'exec')
      const thread = await library.threads.thread(ann, read)
      const searches = exec.mock.contexts.filter(searched => String(searched).includes('lantern')).length
      exec.mockRestore()
      expect(thread.events.every(({ isQuoted }) => isQuoted)).toBe(true)
      expect(searches).toBe(events.length)
    },
  },
  {
    name: 'what is not taken is refused: other fields, scenes of other novels, another order, too many',
    async run({ library }) {
      const { threads } = library
      const novelId = await importBook(library, 'a')
      const other = await importBook(library, 'b')
      const [first, , , , last] = scenesOf(novelId)
      const [foreign] = scenesOf(other)
      const put = (fields: Partial<ThreadFields>, threadId = 'x') => {
        const given = { ...threadFieldsOf({ title: 'X' }), ...fields }
        return threads.put(ann, { novelId, threadId, expectedVersion: 0 }, given)
      }
      const event = (scene: string) => ({ events: [{ scene, kind: 'planted' as const, quotation: '刘备' }] })
      const page = { pageSize: 1 }
      const refused = [
        [() => put({ title: 'a\nb' }), 'OPTION_INVALID'],
        [() => put({ plan: 'x'.repeat(threadBounds.plan + 1) }), 'OPTION_INVALID'],
        [() => put({}, 'no id'), 'OPTION_INVALID'],
        [() => put({ plantBy: last, resolveBy: first }), 'OPTION_INVALID'],
        [() => put({ plantBy: foreign }), 'SCENE_NOT_FOUND'],
        [() => put({ resolveBy: 'nowhere' }), 'SCENE_NOT_FOUND'],
        [() => put(event(foreign)), 'SCENE_NOT_FOUND'],
        [() => threads.threads('bob', { novelId }, page), 'NOVEL_NOT_FOUND'],
        [() => threads.threads(ann, { novelId, before: foreign }, page), 'SCENE_NOT_FOUND'],
        [() => threads.thread('bob', { novelId, threadId: 'x' }), 'NOVEL_NOT_FOUND'],
        [() => threads.thread(ann, { novelId, threadId: 'x' }), 'THREAD_NOT_FOUND'],
        [() => threads.atPlace('bob', first), 'SCENE_NOT_FOUND'],
        [() => threads.remove('bob', { novelId, threadId: 'x', expectedVersion: 1 }), 'NOVEL_NOT_FOUND'],
      ] as const
      for (const [call, code] of refused) await expect(call()).rejects.toMatchObject({ code })
      for (let i = 0; i < threadBounds.threads; i++) await put({}, `n${i}`)
      await expect(put({})).rejects.toMatchObject({ code: 'THREADS_FULL' })
    },
  },
  {
    name: 'a removed novel leaves no thread',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const read = { novelId, threadId: 'rabbit', expectedVersion: 0 }
      await library.threads.put(ann, read, rabbitOf(novelId))
      while ((await library.shelf.remove(ann, novelId, 1)) === 'more') {}
      await importBook(library, 'a')
      expect(await listed(library, novelId)).toEqual([])
    },
  },
]
