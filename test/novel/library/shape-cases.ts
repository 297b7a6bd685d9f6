import { expect } from 'vitest'
import { sweepBins } from '../../../src/novel/drafts.ts'
import { binnedFor } from '../../../src/novel/library/bin.ts'
import { longestScene } from '../../../src/novel/library/drafts.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { buildNovelSegment } from '../../../src/novel/library/novel-segment.ts'
import { scenesPerChapter } from '../../../src/novel/library/scenes.ts'
import {
  ann,
  type Book,
  draftOf,
  everythingOf,
  importBook,
  type LibraryCase,
  type LibraryUnderTest,
} from './case.ts'
import { entryFields } from './codex-cases.ts'
import { writeUnit } from './level-cases.ts'
import { readingOf } from './reading-cases.ts'

/** Two volumes of three chapters; a scene is named by its place: `b2` is the second one of chapter b. */
const lettered: Book = [
  { title: 'One', chapters: ['a', 'b', 'c'].map(chapterOf) },
  { title: 'Two', chapters: ['d', 'e', 'f'].map(chapterOf) },
]

function chapterOf(title: string) {
  return { title, scenes: [`${title}1 it rained.`, `${title}2 it snowed.`, `${title}3 it froze.`] }
}

/** The novel as text, with a check that all positions and counts are what they have to be. */
async function shapeOf(library: NovelLibrary, novelId: string): Promise<string> {
  const { novel, volumes, chapters, texts } = await everythingOf(library, novelId)
  expect(volumes.map(({ position }) => position)).toEqual(volumes.map((_, at) => at))
  expect(chapters.map(({ position }) => position)).toEqual(chapters.map((_, at) => at))
  const inChapters = chapters.map(({ id, sceneIds }, chapter) => {
    const own = texts.filter(({ chapterId }) => chapterId === id)
    expect(own.map(({ position, chapterPosition }) => [chapterPosition, position])).toEqual(
      own.map((_, at) => [chapter, at]),
    )
    expect(own.map(scene => scene.id)).toEqual(sceneIds)
    return own
  })
  expect(inChapters.flat()).toHaveLength(texts.length)
  const sum = (what: 'words' | 'characters') => texts.reduce((all, each) => all + each[what], 0)
  expect(novel).toMatchObject({
    ...{ volumes: volumes.length, chapters: chapters.length, scenes: texts.length },
    ...{ words: sum('words'), characters: sum('characters') },
  })
  expect(volumes.reduce((all, volume) => all + volume.chapters, 0)).toBe(chapters.length)
  const inVolumes = volumes.map(volume => {
    const own = chapters.flatMap((chapter, at) =>
      chapter.volumeId === volume.id
        ? [`${chapter.title}(${inChapters[at]?.map(({ content }) => content.slice(0, 2)).join(' ')})`]
        : [],
    )
    return `${volume.title}: ${own.join(' ')}`
  })
  const order = chapters.map(({ volumeId }) => volumes.findIndex(({ id }) => id === volumeId))
  expect(order).toEqual(order.toSorted((one, other) => one - other))
  return inVolumes.join('\n')
}

/** A novel of lettered chapters, and what finds its parts. */
export async function shaped({ library }: LibraryUnderTest, importId = 'a') {
  const novelId = await importBook(library, importId, lettered)
  const { volumes, chapters, texts } = await everythingOf(library, novelId)
  const chapter = (title: string) => chapters.find(each => each.title === title)?.id ?? title
  const scene = (name: string) => texts.find(({ content }) => content.startsWith(name))?.id ?? name
  const volume = (title: string) => volumes.find(each => each.title === title)?.id ?? title
  return { library, novelId, chapter, scene, volume, shape: () => shapeOf(library, novelId) }
}

const [a, b, c] = ['a(a1 a2 a3)', 'b(b1 b2 b3)', 'c(c1 c2 c3)']
const [d, e, f] = ['d(d1 d2 d3)', 'e(e1 e2 e3)', 'f(f1 f2 f3)']
const whole = `One: ${a} ${b} ${c}\nTwo: ${d} ${e} ${f}`

const missing = (code: string) => expect.objectContaining({ code })

/** Making a novel, and moving, splitting and merging its parts. */
export const shapeCases: readonly LibraryCase[] = [
  {
    name: 'a novel is begun with one empty scene, once, and can be gone on with',
    async run(t) {
      const { library } = t
      t.now = 70
      const begun = { userId: ann, id: 'mine', title: 'The Mill', author: 'Ann', language: 'en' }
      const made = await library.shape.create(begun)
      expect(made).toEqual({
        ...{ ...begun, volumes: 1, chapters: 1, scenes: 1, words: 0, characters: 0, summaries: 0 },
        ...{ textVersion: 1, version: 1, createdAt: 70, updatedAt: 70 },
      })
      expect(await library.shape.create({ ...begun, title: 'Again' })).toEqual(made)
      const { texts, chapters } = await everythingOf(library, 'mine')
      const [{ id: sceneId = '' } = {}] = texts
      await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'It rained.' })
      await library.scenes.appendScene({
        ...{ userId: ann, chapterId: chapters[0]?.id ?? '', id: 'next', writer: { userId: ann } },
      })
      expect(await shapeOf(library, 'mine')).toBe(': (It )')
      expect((await library.shelf.novels(ann, { pageSize: 5 })).items.map(({ id }) => id)).toEqual(['mine'])
      await expect(library.shape.create({ ...begun, userId: 'bob' })).rejects.toEqual(
        missing('OPTION_INVALID'),
      )
      await expect(library.shape.create({ ...begun, id: 'no id' })).rejects.toEqual(missing('OPTION_INVALID'))
      const bare = { userId: ann, id: 'bare', title: 'Bare', author: '', language: '' }
      expect(Object.keys(await library.shape.create(bare))).not.toContain('author')
      while ((await library.shelf.remove(ann, 'mine')) === 'more') {}
      await expect(library.scenes.scene(ann, sceneId)).rejects.toEqual(missing('SCENE_NOT_FOUND'))
    },
  },
  {
    name: 'novels, volumes and chapters are renamed',
    async run(t) {
      const { library, novelId, chapter, volume, shape } = await shaped(t)
      t.now = 80
      const renamed = await library.shape.rename(ann, novelId, {
        title: 'New',
        author: 'Ann',
        language: 'en',
      })
      expect(renamed).toMatchObject({ title: 'New', author: 'Ann', language: 'en', updatedAt: 80 })
      const without = await library.shape.rename(ann, novelId, { author: '' })
      expect(without).toMatchObject({ title: 'New', language: 'en' })
      expect(without).not.toHaveProperty('author')
      await library.shape.editChapter(ann, { novelId, chapterId: chapter('b'), title: 'B' })
      const targets = async () => [
        (await library.shelf.novel(ann, novelId)).targetWords,
        (await library.shelf.chapter(ann, chapter('b'))).targetWords,
      ]
      const aim = async (targetWords: number) => {
        await library.shape.rename(ann, novelId, { targetWords })
        await library.shape.editChapter(ann, { novelId, chapterId: chapter('b'), targetWords })
        return targets()
      }
      expect(await targets()).toEqual([undefined, undefined])
      expect(await aim(90)).toEqual([90, 90])
      await library.shape.editChapter(ann, { novelId, chapterId: chapter('b'), title: 'B' })
      await library.shape.rename(ann, novelId, { title: 'New' })
      expect(await targets()).toEqual([90, 90])
      expect(await aim(0)).toEqual([undefined, undefined])
      await library.shape.renameVolume(ann, { novelId, volumeId: volume('Two'), title: '2' })
      expect(await shape()).toBe(`One: ${a} B(b1 b2 b3) ${c}\n2: ${d} ${e} ${f}`)
    },
  },
  {
    name: 'of two who read the same novel, volume or chapter, the second overwrites nothing',
    async run(t) {
      const { library, novelId, chapter, volume } = await shaped(t)
      const [chapterId, volumeId] = [chapter('b'), volume('Two')]
      const versions = async () => {
        const volumes = await library.shelf.volumes(ann, novelId)
        return [
          (await library.shelf.novel(ann, novelId)).version,
          volumes.find(({ id }) => id === volumeId)?.version,
          (await library.shelf.chapter(ann, chapterId)).version,
        ]
      }
      const edit = (title: string, expectedVersion?: number) => {
        const given = { title, ...(expectedVersion !== undefined && { expectedVersion }) }
        return Promise.allSettled([
          library.shape.rename(ann, novelId, given),
          library.shape.renameVolume(ann, { novelId, volumeId, ...given }),
          library.shape.editChapter(ann, { novelId, chapterId, ...given }),
        ])
      }
      const codesOf = (settled: Awaited<ReturnType<typeof edit>>) =>
        settled.map(each => (each.status === 'rejected' ? each.reason.code : 'written'))
      const [written, refused] = [
        ['written', 'written', 'written'],
        ['NOVEL_CHANGED', 'VOLUME_CHANGED', 'CHAPTER_CHANGED'],
      ]
      expect(await versions()).toEqual([1, 1, 1])
      expect(codesOf(await edit('Ann', 1))).toEqual(written)
      expect(codesOf(await edit('Bob', 1))).toEqual(refused)
      expect(await versions()).toEqual([2, 2, 2])
      // Sent again, because the answer was lost.
      expect(codesOf(await edit('Ann', 1))).toEqual(written)
      expect(codesOf(await edit('Bob', 3))).toEqual(refused)
      expect(await versions()).toEqual([2, 2, 2])
      expect(codesOf(await edit('Bob'))).toEqual(written)
      await library.shape.moveVolume(ann, { novelId, volumeId, before: volume('One') })
      await library.shape.moveChapter(ann, { novelId, chapterId, volumeId })
      expect(await versions()).toEqual([3, 3, 3])
      await library.shape.editChapter(ann, { novelId, chapterId, targetWords: 90, expectedVersion: 3 })
      await library.shape.rename(ann, novelId, { reference: true, expectedVersion: 3 })
      expect(await versions()).toEqual([4, 3, 4])
    },
  },
  {
    name: 'volumes and chapters are added at any place, once',
    async run(t) {
      const { library, novelId, chapter, volume, shape } = await shaped(t)
      const add = (id: string, more: { volumeId?: string; before?: string } = {}) =>
        library.shape.addChapter(ann, { novelId, id, title: id, ...more })
      await add('x', { before: chapter('a') })
      await add('y', { volumeId: volume('One') })
      await add('y', { volumeId: volume('One') })
      expect(await add('z')).toMatchObject({ position: 8, sceneIds: [], volumeId: volume('Two') })
      expect(await shape()).toBe(`One: x() ${a} ${b} ${c} y()\nTwo: ${d} ${e} ${f} z()`)
      const grow = (id: string, before?: string) =>
        library.shape.addVolume(ann, { novelId, id, title: id, ...(before && { before }) })
      expect(await grow('v', volume('One'))).toEqual({
        id: 'v',
        version: 1,
        position: 0,
        title: 'v',
        chapters: 0,
        words: 0,
      })
      await Promise.all([...Array.from({ length: 8 }, () => grow('w', volume('Two'))), grow('last')])
      await add('q', { volumeId: 'w' })
      expect(await shape()).toBe(`v: \nOne: x() ${a} ${b} ${c} y()\nw: q()\nTwo: ${d} ${e} ${f} z()\nlast: `)
      await expect(add('n', { volumeId: 'v', before: chapter('a') })).rejects.toEqual(
        missing('OPTION_INVALID'),
      )
      const other = await shaped(t, 'other')
      const taken = { novelId: other.novelId, id: 'x', title: '' }
      await expect(library.shape.addChapter(ann, taken)).rejects.toEqual(missing('OPTION_INVALID'))
      const takenToo = { novelId: other.novelId, id: 'v', title: '' }
      await expect(library.shape.addVolume(ann, takenToo)).rejects.toEqual(missing('OPTION_INVALID'))
      await library.scenes.appendScene({ userId: ann, chapterId: 'q', id: 'qs', writer: { userId: ann } })
      expect(await shape()).toContain('w: q()')
    },
  },
  {
    name: 'chapters and volumes are moved with all that is in them',
    async run(t) {
      const { library, novelId, chapter, scene, volume, shape } = await shaped(t)
      await library.readings.keep(ann, novelId, readingOf(scene('b2')))
      await library.readings.keep(ann, novelId, readingOf(scene('e1')))
      const move = (title: string, to: { volumeId?: string; before?: string }) =>
        library.shape.moveChapter(ann, { novelId, chapterId: chapter(title), ...to })
      await move('b', { before: chapter('a') })
      expect(await shape()).toBe(`One: ${b} ${a} ${c}\nTwo: ${d} ${e} ${f}`)
      await move('b', { before: chapter('f') })
      expect(await shape()).toBe(`One: ${a} ${c}\nTwo: ${d} ${e} ${b} ${f}`)
      const places = []
      for await (const { sceneId, place } of library.readings.all(ann, novelId, 'entries'))
        places.push([sceneId, place])
      expect(places).toEqual([
        [scene('e1'), [3, 0]],
        [scene('b2'), [4, 1]],
      ])
      await move('d', { volumeId: volume('One') })
      expect(await shape()).toBe(`One: ${a} ${c} ${d}\nTwo: ${e} ${b} ${f}`)
      await move('e', { before: chapter('e') })
      await move('e', { before: chapter('b') })
      await move('f', {})
      expect(await shape()).toBe(`One: ${a} ${c} ${d}\nTwo: ${e} ${b} ${f}`)
      await library.shape.moveVolume(ann, { novelId, volumeId: volume('One') })
      expect(await shape()).toBe(`Two: ${e} ${b} ${f}\nOne: ${a} ${c} ${d}`)
      await library.shape.addVolume(ann, { novelId, id: 'v', title: 'v' })
      await library.shape.moveVolume(ann, { novelId, volumeId: 'v', before: volume('One') })
      await library.shape.moveVolume(ann, { novelId, volumeId: volume('One'), before: volume('Two') })
      expect(await shape()).toBe(`One: ${a} ${c} ${d}\nTwo: ${e} ${b} ${f}\nv: `)
      await expect(move('a', { volumeId: 'v', before: chapter('c') })).rejects.toEqual(
        missing('OPTION_INVALID'),
      )
      await expect(move('nowhere', {})).rejects.toEqual(missing('CHAPTER_NOT_FOUND'))
      await expect(move('a', { volumeId: 'nowhere' })).rejects.toEqual(missing('VOLUME_NOT_FOUND'))
      const hers = library.shape.moveChapter('bob', { novelId, chapterId: chapter('a') })
      await expect(hers).rejects.toEqual(missing('NOVEL_NOT_FOUND'))
    },
  },
  {
    name: 'scenes are moved within a chapter and into another one, with their texts, while they are written',
    async run(t) {
      const { library, novelId, chapter, scene, shape } = await shaped(t)
      const move = (name: string, to: { chapterId?: string; before?: string }) =>
        library.shape.moveScene(ann, { sceneId: scene(name), ...to })
      await library.readings.keep(ann, novelId, readingOf(scene('a1')))
      await move('a3', { before: scene('a1') })
      await move('a1', {})
      expect(await shape()).toBe(whole.replace(a, 'a(a3 a2 a1)'))
      await move('a1', { chapterId: chapter('b'), before: scene('b2') })
      expect(await shape()).toBe(whole.replace(`${a} ${b}`, 'a(a3 a2) b(b1 a1 b2 b3)'))
      const [reading] = (
        await library.readings.ofScenes(ann, novelId, { what: 'entries', sceneIds: [scene('a1')] })
      ).values()
      expect(reading?.place).toEqual([1, 1])
      const writes = [1, 2, 3, 4].map(version => ({
        ...{ sceneId: scene('b1'), expectedVersion: version, content: `b1 it rained ${version} times.` },
      }))
      const written = async () => {
        for (const edit of writes)
          expect(await library.scenes.editScene(ann, edit)).toMatchObject({ outcome: 'applied' })
      }
      const toAndFro = async () => {
        for (const title of ['c', 'd', 'a', 'b']) await move('b1', { chapterId: chapter(title) })
      }
      await Promise.all([written(), toAndFro()])
      expect(await shape()).toBe(whole.replace(`${a} ${b}`, 'a(a3 a2) b(a1 b2 b3 b1)'))
      expect((await library.scenes.scene(ann, scene('b1'))).content).toBe('b1 it rained 4 times.')
      await expect(move('a2', { chapterId: chapter('c'), before: scene('a3') })).rejects.toEqual(
        missing('SCENE_NOT_FOUND'),
      )
      const hers = library.shape.moveScene('bob', { sceneId: scene('a2') })
      await expect(hers).rejects.toEqual(missing('SCENE_NOT_FOUND'))
      const other = await shaped(t, 'other')
      await expect(move('a2', { chapterId: other.chapter('a') })).rejects.toEqual(
        missing('CHAPTER_NOT_FOUND'),
      )
    },
  },
  {
    name: 'a scene is cut in two and made one again, with its history, and what names it',
    async run(t) {
      const { library, novelId, chapter, scene, shape } = await shaped(t)
      const content = 'b2 the letter came late.\n\n  \n　　The bridge fell into the river.'
      const sceneId = scene('b2')
      await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content, summary: 'A bridge.' })
      await library.snapshots.create(ann, { id: 's', novelId, name: 'before' })
      const thread = { title: 'Bridge', plan: '', note: '', plantBy: '', resolveBy: '' }
      const event = (quotation: string) => ({ scene: sceneId, kind: 'planted' as const, quotation })
      const events = [event('the letter came late'), event('The bridge fell into')]
      const read = { novelId, threadId: 'bridge', expectedVersion: 0 }
      await library.threads.put(ann, read, { ...thread, events })
      const named = async () => (await library.threads.thread(ann, read)).events.map(each => each.scene)
      t.now = 75
      const before = await library.scenes.scene(ann, sceneId)
      const split = { sceneId, expectedVersion: before.version, at: content.indexOf('\n') + 1, id: 'new' }
      const cut = (more: Partial<typeof split & { title: string }> = {}) =>
        library.shape.splitScene(ann, { ...split, ...more })
      expect(await cut({ expectedVersion: 1 })).toMatchObject({ outcome: 'conflict', version: 2 })
      expect(await cut({ title: 'Bridge' })).toMatchObject({ outcome: 'applied' })
      expect(await cut()).toMatchObject({ outcome: 'applied' })
      expect(await shape()).toBe(whole.replace('b2', 'b2 　　'))
      expect(await library.scenes.scene(ann, sceneId)).toMatchObject({
        ...{ content: 'b2 the letter came late.', version: 3, textVersion: 3, summaryOutOfDate: true },
        textOrigin: { method: 'person', writtenBy: { userId: ann }, writtenAt: 75 },
      })
      const made = await library.scenes.scene(ann, 'new')
      expect(made).toMatchObject({
        content: '　　The bridge fell into the river.',
        title: 'Bridge',
        version: 1,
      })
      expect(made.hasSummary).toBe(false)
      expect(await named()).toEqual([sceneId, 'new'])
      const [kept] = (await library.scenes.history(ann, sceneId, { pageSize: 1 })).items
      expect(kept).toMatchObject({ text: content, version: 2, overwrittenBy: { userId: ann } })
      for (const at of [0, 1_000, before.content.length])
        await expect(cut({ at, id: 'other', expectedVersion: 3 })).rejects.toEqual(missing('OPTION_INVALID'))
      await expect(library.shape.splitScene('bob', { ...split, id: 'x' })).rejects.toEqual(
        missing('SCENE_NOT_FOUND'),
      )
      const merge = (next: string) => library.shape.mergeScenes(ann, { sceneId, next })
      await expect(merge(scene('b3'))).rejects.toEqual(missing('OPTION_INVALID'))
      await expect(merge(scene('c1'))).rejects.toEqual(missing('OPTION_INVALID'))
      const entry = await merge('new')
      expect(entry).toMatchObject({ what: 'scene', unitId: 'new', title: 'Bridge', scenes: 1 })
      expect(Object.keys(entry)).not.toContain('mergedInto')
      await expect(merge('new')).rejects.toEqual(missing('SCENE_NOT_FOUND'))
      expect(await shape()).toBe(whole)
      const merged = await library.scenes.scene(ann, sceneId)
      expect(merged.content).toBe('b2 the letter came late.\n\n　　The bridge fell into the river.')
      expect(await named()).toEqual([sceneId, sceneId])
      const [parted] = (await library.scenes.history(ann, sceneId, { pageSize: 1 })).items
      const back = { sceneId, entryId: parted?.id ?? '', expectedVersion: merged.version }
      await library.scenes.restore(ann, back)
      await library.bin.restore(ann, { novelId, entryId: entry.id })
      expect(await shape()).toBe(whole.replace('b2', 'b2 　　'))
      expect(await named()).toEqual([sceneId, 'new'])
      expect(await library.snapshots.compare(ann, { novelId, snapshotId: 's' })).toMatchObject({
        ...{ changed: 1, added: 1, deleted: 0 },
      })
      await library.bin.remove(ann, { novelId, what: 'chapter', id: chapter('b') })
      await expect(merge('new')).rejects.toEqual(missing('SCENE_NOT_FOUND'))
    },
  },
  {
    name: 'what the codex says of a scene is of the one that has its text, and a text that is too long is refused',
    async run(t) {
      const { library, novelId, scene, shape } = await shaped(t)
      const [earlier, first, next, last] = ['a1', 'a2', 'a3', 'b1'].map(scene) as [
        string,
        string,
        string,
        string,
      ]
      const change = (from: string, until: string) => ({ how: 'add' as const, from, until, text: 'Late.' })
      const changes = [change(next, last), change(earlier, next), change(first, next)]
      const fields = entryFields({ name: 'Rose', begins: next, ends: next, changes })
      await library.codex.add(ann, novelId, [{ id: 'rose', fields }])
      await library.shape.mergeScenes(ann, { sceneId: first, next })
      expect(await library.codex.entry(ann, { novelId, entryId: 'rose' })).toMatchObject({
        ...{ begins: first, ends: first, version: 2 },
        changes: [change(first, last), change(earlier, first), change(first, next)],
      })
      expect((await library.scenes.scene(ann, first)).textOrigin).toMatchObject({ method: 'imported' })
      const long = 'x'.repeat(longestScene - 5)
      const [cold, colder] = [scene('c1'), scene('c2')]
      await library.scenes.editScene(ann, { sceneId: colder, expectedVersion: 1, content: long })
      const tooLong = library.shape.mergeScenes(ann, { sceneId: cold, next: colder })
      await expect(tooLong).rejects.toThrow(/have 50010 characters together; a scene has at most 50000/)
      const writes = [2, 3, 4].map(version => ({
        ...{ sceneId: scene('b1'), expectedVersion: 1, content: `b1 rain. Snow ${version}.` },
      }))
      const written = async () => {
        for (const edit of writes) await library.scenes.editScene(ann, edit)
      }
      const merged = async () => {
        for (const name of ['b2', 'b3'])
          await library.shape.mergeScenes(ann, { sceneId: scene('b1'), next: scene(name) })
      }
      await Promise.all([written(), merged()])
      expect(await shape()).toMatch(/^One: a\(a1 a2\) b\(b1\) c\(c1 xx c3\)/)
      const { content } = await library.scenes.scene(ann, scene('b1'))
      expect(content).toMatch(/b2 it snowed\.\n\nb3 it froze\.$/)
    },
  },
  {
    name: 'a chapter is split before a scene, and chapters are merged',
    async run(t) {
      const { library, novelId, chapter, scene, shape } = await shaped(t)
      const split = { novelId, chapterId: chapter('b'), at: scene('b2'), id: 'new', title: 'new' }
      expect(await library.shape.splitChapter(ann, split)).toMatchObject({ position: 2, words: 6 })
      await library.shape.splitChapter(ann, split)
      expect(await shape()).toBe(whole.replace(b, 'b(b1) new(b2 b3)'))
      await expect(
        library.shape.splitChapter(ann, { ...split, at: scene('b1'), id: 'other' }),
      ).rejects.toEqual(missing('OPTION_INVALID'))
      const merge = (title: string, next: string) =>
        library.shape.mergeChapters(ann, { novelId, chapterId: chapter(title), next })
      await merge('b', 'new')
      expect(await shape()).toBe(whole)
      // Sent again, because its answer was lost, it merges no other one.
      await expect(merge('b', 'new')).rejects.toEqual(missing('CHAPTER_NOT_FOUND'))
      await merge('c', chapter('d'))
      expect(await shape()).toBe(`One: ${a} ${b} c(c1 c2 c3 d1 d2 d3)\nTwo: ${e} ${f}`)
      await expect(merge('a', chapter('e'))).rejects.toEqual(missing('OPTION_INVALID'))
      const many = { title: 'x', scenes: Array.from({ length: scenesPerChapter }, () => '') }
      const full = await importBook(library, 'full', [{ title: '', chapters: [many, many] }])
      const [first, second] = (await everythingOf(library, full)).chapters
      const merged = library.shape.mergeChapters(ann, {
        ...{ novelId: full, chapterId: first?.id ?? '', next: second?.id ?? '' },
      })
      await expect(merged).rejects.toEqual(missing('CHAPTER_FULL'))
      const into = { sceneId: second?.sceneIds[0] ?? '', chapterId: first?.id ?? '' }
      await expect(library.shape.moveScene(ann, into)).rejects.toEqual(missing('CHAPTER_FULL'))
    },
  },
]

/** What is deleted and put back. */
export const binCases: readonly LibraryCase[] = [
  {
    name: 'volumes, chapters and scenes go into the bin and come back to where they were',
    async run(t) {
      const { library, novelId, chapter, scene, volume, shape } = await shaped(t)
      await library.readings.keep(ann, novelId, readingOf(scene('e2')))
      t.now = 90
      const bin = (what: 'volume' | 'chapter' | 'scene', id: string) =>
        library.bin.remove(ann, { novelId, what, id })
      const back = ({ id }: { id: string }) => library.bin.restore(ann, { novelId, entryId: id })
      const gone = await bin('scene', scene('b2'))
      expect(gone).toEqual({
        ...{ id: gone.id, novelId, what: 'scene', unitId: scene('b2'), title: '', chapters: 0, scenes: 1 },
        ...{ words: 3, characters: 11, binnedAt: 90, expiresAt: 90 + binnedFor },
      })
      expect(await shape()).toBe(whole.replace('b2 ', ''))
      await expect(library.scenes.scene(ann, scene('b2'))).rejects.toEqual(missing('SCENE_NOT_FOUND'))
      await back(gone)
      expect(await shape()).toBe(whole)
      t.now = 91
      const taken = [await bin('chapter', chapter('e')), await bin('volume', volume('Two'))]
      expect(taken).toMatchObject([
        { what: 'chapter', title: 'e', chapters: 1, scenes: 3, words: 9 },
        { what: 'volume', title: 'Two', chapters: 2, scenes: 6, words: 18 },
      ])
      expect(await shape()).toBe(`One: ${a} ${b} ${c}`)
      expect((await library.bin.entries(ann, novelId)).map(({ title }) => title).toSorted()).toEqual([
        'Two',
        'e',
      ])
      const [ofChapter, ofVolume] = taken
      if (ofChapter === undefined || ofVolume === undefined) throw new Error('Nothing was taken.')
      await back(ofVolume)
      await back(ofChapter)
      expect(await shape()).toBe(whole)
      for await (const { place } of library.readings.all(ann, novelId, 'entries'))
        expect(place).toEqual([4, 1])
      expect(await library.bin.entries(ann, novelId)).toEqual([])
      await expect(back(ofChapter)).rejects.toEqual(missing('BIN_ENTRY_NOT_FOUND'))
      await expect(bin('chapter', 'nowhere')).rejects.toEqual(missing('CHAPTER_NOT_FOUND'))
      await expect(library.bin.entries('bob', novelId)).rejects.toEqual(missing('NOVEL_NOT_FOUND'))
    },
  },
  {
    name: 'what it was in may be gone: it comes back as near as there is a place',
    async run(t) {
      const { library, novelId, chapter, scene, volume, shape } = await shaped(t)
      const bin = (what: 'volume' | 'chapter' | 'scene', id: string) =>
        library.bin.remove(ann, { novelId, what, id })
      const back = ({ id }: { id: string }) => library.bin.restore(ann, { novelId, entryId: id })
      const inChapter = await bin('scene', scene('b3'))
      const inVolume = await bin('chapter', chapter('f'))
      const all = [await bin('volume', volume('Two')), await bin('chapter', chapter('b'))]
      await back(inChapter)
      await back(inVolume)
      expect(await shape()).toBe(`One: ${a} c(c1 c2 b3 c3) ${f}`)
      expect((await library.scenes.scene(ann, scene('b3'))).chapterId).toBe(chapter('c'))
      for (const entry of all.toReversed()) await back(entry)
      expect(await shape()).toBe(`One: ${a} b(b1 b2) c(c1 c2 b3 c3) ${f}\nTwo: ${d} ${e}`)
      for (const title of ['One', 'Two']) await bin('volume', volume(title))
      const { items } = await library.shelf.chapters(ann, { novelId }, { pageSize: 9 })
      expect(items).toEqual([])
      const [newest] = (await library.bin.entries(ann, novelId)).filter(({ title }) => title === 'Two')
      if (newest === undefined) throw new Error('It is not in the bin.')
      await back(newest)
      expect(await shape()).toBe(`Two: ${d} ${e}`)
    },
  },
  {
    name: 'a search finds nothing of what is in the bin, and says that the index is out of date once it is back',
    async run(t) {
      const { library, novelId, chapter } = await shaped(t)
      const build = async (builder: string) => {
        const begun = await library.index.begin(ann, novelId, builder)
        const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 100 })
        await library.index.put(begun, await buildNovelSegment(0, items))
        await library.index.finish(begun, 1)
      }
      const found = async () =>
        (await library.index.search(ann, novelId, { query: 'b2 snowed' })).hits.filter(
          ({ chapterId }) => chapterId === chapter('b'),
        ).length
      const outOfDate = async () => (await library.index.state(ann, novelId)).outOfDateScenes
      await build('one')
      expect(await found()).toBe(1)
      const { id: entryId } = await library.bin.remove(ann, { novelId, what: 'chapter', id: chapter('b') })
      expect([await found(), await outOfDate()]).toEqual([0, 0])
      await build('two')
      await library.bin.restore(ann, { novelId, entryId })
      expect([await found(), await outOfDate()]).toEqual([0, 3])
      await build('three')
      expect([await found(), await outOfDate()]).toEqual([1, 0])
    },
  },
  {
    name: 'what a snapshot names is kept of a scene that was moved, and of one that is in the bin',
    async run(t) {
      const { library, novelId, chapter, scene } = await shaped(t)
      const sceneId = scene('b2')
      const write = async (from: number, count: number) => {
        for (let at = from; at < from + count; at++) {
          const { version } = await library.scenes.scene(ann, sceneId)
          await library.candidates.propose({
            ...{ id: `text-${at}`, sceneId, content: `Text ${at}.`, expectedVersion: version, number: 1 },
            ...{ writer: { taskId: `t${at}`, attempt: 1 }, rootTaskId: `t${at}`, accept: 'automatically' },
            provenance: { method: 'generative' },
          })
        }
      }
      await write(0, 1)
      await library.snapshots.create(ann, { id: 's', novelId, name: 'before' })
      await library.shape.moveChapter(ann, { novelId, chapterId: chapter('b') })
      await write(1, 15)
      await library.shape.moveScene(ann, { sceneId, chapterId: chapter('a') })
      await write(16, 25)
      const { id: entryId } = await library.bin.remove(ann, { novelId, what: 'scene', id: sceneId })
      await library.bin.restore(ann, { novelId, entryId })
      const history = (await library.scenes.history(ann, sceneId, { pageSize: 100 })).items
      expect(history.map(({ text }) => text)).toContain('Text 0.')
      expect(history.map(({ text }) => text)).not.toContain('Text 1.')
    },
  },
  {
    name: 'what has expired is deleted for good, in steps, and nothing else',
    async run(t) {
      const { library, novelId, chapter, scene, volume, shape } = await shaped(t)
      t.now = 100
      await library.bin.remove(ann, { novelId, what: 'chapter', id: chapter('b') })
      await library.bin.remove(ann, { novelId, what: 'scene', id: scene('a1') })
      t.now = 200
      const later = await library.bin.remove(ann, { novelId, what: 'volume', id: volume('Two') })
      t.now = 100 + binnedFor
      expect(await library.bin.purge(2)).toEqual({ isMore: true, purged: 0 })
      expect(await sweepBins({ library })).toBe(2)
      expect(await sweepBins({ library })).toBe(0)
      expect((await library.bin.entries(ann, novelId)).map(({ id }) => id)).toEqual([later.id])
      await library.bin.restore(ann, { novelId, entryId: later.id })
      expect(await shape()).toBe(`One: a(a2 a3) ${c}\nTwo: ${d} ${e} ${f}`)
      const state = async () => (await library.levels.unit(ann, { novelId, unitId: chapter('c') })).state
      await writeUnit(library, novelId, chapter('c'))
      const back = await library.bin.remove(ann, { novelId, what: 'chapter', id: chapter('c') })
      await library.bin.restore(ann, { novelId, entryId: back.id })
      expect(await state()).toBe('current')
      const soon = await library.bin.remove(ann, { novelId, what: 'chapter', id: chapter('c') })
      const wanted = { novelId, entryId: soon.id }
      expect(await library.bin.discard(ann, wanted, 2)).toBe('more')
      expect(await library.bin.discard(ann, wanted, 2)).toBe('done')
      await expect(library.bin.discard(ann, wanted)).rejects.toEqual(missing('BIN_ENTRY_NOT_FOUND'))
    },
  },
  {
    name: 'a novel goes with its bin',
    async run(t) {
      const { library, novelId, chapter, scene, volume } = await shaped(t)
      await library.bin.remove(ann, { novelId, what: 'scene', id: scene('a1') })
      await library.bin.remove(ann, { novelId, what: 'chapter', id: chapter('b') })
      await library.bin.remove(ann, { novelId, what: 'volume', id: volume('Two') })
      for (let step = 0; (await library.shelf.remove(ann, novelId, 2)) === 'more'; step++)
        expect(step).toBeLessThan(100)
      t.now = 100 + binnedFor
      expect(await library.bin.purge()).toEqual({ isMore: false, purged: 0 })
    },
  },
  {
    name: 'a whole novel is in the bin, out of sight of all, until it is put back or deleted for good',
    async run(t) {
      const { library, novelId, chapter, scene, shape } = await shaped(t)
      const other = await shaped(t, 'other')
      t.now = 100
      const binned = await library.binnedNovels.put(ann, novelId)
      expect(binned).toMatchObject({
        ...{ id: novelId, title: 'Book a', volumes: 2, chapters: 6, scenes: 18, words: 54 },
        ...{ binnedAt: 100, expiresAt: 100 + binnedFor },
      })
      t.now = 101
      expect(await library.binnedNovels.put(ann, novelId)).toEqual(binned)
      await library.binnedNovels.put(ann, other.novelId)
      const list = async (userId: string) => (await library.binnedNovels.list(userId)).map(({ id }) => id)
      expect(await list(ann)).toEqual([other.novelId, novelId])
      expect(await list('bob')).toEqual([])
      const unseen = missing('NOVEL_NOT_FOUND')
      expect((await library.shelf.novels(ann, { pageSize: 5 })).items).toEqual([])
      await expect(library.shelf.novel(ann, novelId)).rejects.toEqual(unseen)
      await expect(library.index.search(ann, novelId, { query: 'x' })).rejects.toEqual(unseen)
      await expect(library.shelf.chapter(ann, chapter('a'))).rejects.toEqual(missing('CHAPTER_NOT_FOUND'))
      const sceneId = scene('a1')
      await expect(library.scenes.scene(ann, sceneId)).rejects.toEqual(missing('SCENE_NOT_FOUND'))
      const edit = { sceneId, expectedVersion: 1, content: 'a1 new' }
      expect(await library.scenes.editScene(ann, edit)).toEqual({ outcome: 'missing' })
      // An import that is told again to write it writes nothing, and no sweep takes it.
      expect(await library.drafts.create(draftOf('a'))).toMatchObject({ status: 'binned' })
      expect(await library.drafts.discard(novelId)).toBe('kept')
      expect((await library.drafts.list({ pageSize: 5 })).items).toEqual([])
      await expect(library.binnedNovels.restore('bob', novelId)).rejects.toEqual(unseen)
      await expect(library.binnedNovels.put('bob', novelId)).rejects.toEqual(unseen)
      await library.binnedNovels.restore(ann, novelId)
      expect(await shape()).toBe(whole)
      expect((await library.shelf.novels(ann, { pageSize: 5 })).items).toMatchObject([{ id: novelId }])
      await expect(library.binnedNovels.restore(ann, novelId)).rejects.toEqual(unseen)
      t.now = 100 + binnedFor
      expect(await library.binnedNovels.expired()).toBeUndefined()
      t.now = 101 + binnedFor
      expect(await library.binnedNovels.expired()).toEqual({ userId: ann, novelId: other.novelId })
      while ((await library.shelf.remove(ann, other.novelId, 7)) === 'more')
        await expect(library.binnedNovels.restore(ann, other.novelId)).rejects.toEqual(unseen)
      expect(await library.binnedNovels.expired()).toBeUndefined()
      expect(await list(ann)).toEqual([])
    },
  },
]
