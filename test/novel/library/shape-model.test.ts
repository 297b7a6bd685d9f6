import fc from 'fast-check'
import { expect, test } from 'vitest'
import { novelShape } from '../../../src/novel/library/keep-shape.ts'
import { volumes } from '../../../src/novel/library/kinds.ts'
import type { Records } from '../../../src/records/records.ts'
import { sqliteRecords } from '../../../src/records/sqlite.ts'
import { ann, type Book, everythingOf, importBook } from './case.ts'
import { SqliteUnderTest } from './under-test.ts'

/** A novel as lists of ids. */
interface Chapter {
  id: string
  scenes: string[]
}
interface Volume {
  id: string
  chapters: Chapter[]
}

const book: Book = [2, 1, 3].map((chapters, volume) => ({
  title: `${volume}`,
  chapters: Array.from({ length: chapters }, (_, chapter) => ({
    title: `${volume}.${chapter}`,
    scenes: Array.from({ length: 1 + ((volume + chapter) % 3) }, (__, scene) => `It was ${scene}.`),
  })),
}))

const kinds = ['volume', 'chapter', 'scene'] as const
const steps = ['move', 'remove', 'restore', 'split', 'merge', 'add', 'cut', 'join'] as const
const step = fc.record({
  step: fc.constantFrom(...steps),
  what: fc.constantFrom(...kinds),
  one: fc.nat(30),
  other: fc.nat(30),
  isLast: fc.boolean(),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const chaptersOf = (novel: readonly Volume[]) => novel.flatMap(({ chapters }) => chapters)
const pick = <T>(all: readonly T[], at: number): T | undefined => all[at % Math.max(1, all.length)]

/** Takes out of the list that has it. */
function take<T>(lists: readonly T[][], one: T): void {
  for (const list of lists) if (list.includes(one)) list.splice(list.indexOf(one), 1)
}

test('a volume that was added by the same request while it was decided is found, not refused', async () => {
  await using under = new SqliteUnderTest()
  const { library, database } = under
  const novelId = await importBook(library, 'twice', book)
  const wanted = { novelId, id: 'v', title: 'once' }
  const records = sqliteRecords(database)
  let isFirst = true
  const find = async (...query: Parameters<Records['find']>) => {
    const found = await records.find(...query)
    if (query[0] === volumes && isFirst) {
      isFirst = false
      await library.shape.addVolume(ann, wanted)
    }
    return found
  }
  const slower = novelShape({ records: { ...records, find } as Records, now: () => 1 })
  expect(await slower.addVolume(ann, wanted)).toMatchObject({ id: 'v', position: 3 })
  expect((await library.shelf.volumes(ann, novelId)).filter(({ id }) => id === 'v')).toHaveLength(1)
})

test('whatever is moved, split, merged, deleted and put back, the novel has the order that lists would have', async () => {
  await using under = new SqliteUnderTest()
  const { library } = under
  let runs = 0

  async function play(chosen: readonly Step[]) {
    const novelId = await importBook(library, `run ${runs++}`, book)
    const novel = (await listsOf(novelId)) as Volume[]
    const binned: { entryId: string; put: () => void }[] = []
    let made = 0
    for (const { step: name, what, one, other, isLast } of chosen) {
      const [volume, target] = [pick(novel, one), pick(novel, other)]
      const [chapter, into] = [pick(chaptersOf(novel), one), pick(chaptersOf(novel), other)]
      const holder = novel.find(({ chapters }) => into !== undefined && chapters.includes(into))
      const scenes = chaptersOf(novel).flatMap(each => each.scenes)
      const [scene, beside] = [pick(scenes, one), pick(scenes, other)]
      const withBeside = chaptersOf(novel).find(each => beside !== undefined && each.scenes.includes(beside))
      const withScene = chaptersOf(novel).find(each => scene !== undefined && each.scenes.includes(scene))
      const id = `${novelId}-${made++}`
      if (name === 'add' && what === 'volume') {
        await library.shape.addVolume(ann, { novelId, id, title: '', ...(target && { before: target.id }) })
        novel.splice(target ? novel.indexOf(target) : 0, 0, { id, chapters: [] })
      } else if (name === 'add' && target !== undefined) {
        await library.shape.addChapter(ann, { novelId, id, title: '', volumeId: target.id })
        target.chapters.push({ id, scenes: [] })
      } else if (name === 'move' && what === 'volume' && volume && target && volume !== target) {
        const place = isLast ? {} : { before: target.id }
        await library.shape.moveVolume(ann, { novelId, volumeId: volume.id, ...place })
        take([novel], volume)
        novel.splice(isLast ? novel.length : novel.indexOf(target), 0, volume)
      } else if (name === 'move' && what === 'chapter' && chapter && into && holder && chapter !== into) {
        const place = isLast ? { volumeId: holder.id } : { before: into.id }
        await library.shape.moveChapter(ann, { novelId, chapterId: chapter.id, ...place })
        const lists = novel.map(({ chapters }) => chapters)
        take(lists, chapter)
        const { chapters } = holder
        chapters.splice(isLast ? chapters.length : chapters.indexOf(into), 0, chapter)
      } else if (name === 'move' && what === 'scene' && scene && beside && withBeside && scene !== beside) {
        const place = isLast ? {} : { before: beside }
        await library.shape.moveScene(ann, { sceneId: scene, chapterId: withBeside.id, ...place })
        take(
          chaptersOf(novel).map(each => each.scenes),
          scene,
        )
        const list = withBeside.scenes
        list.splice(isLast ? list.length : list.indexOf(beside), 0, scene)
      } else if (name === 'split' && chapter && chapter.scenes.length > 1) {
        const at = 1 + (other % (chapter.scenes.length - 1))
        const split = { novelId, chapterId: chapter.id, at: chapter.scenes[at] ?? '', id, title: '' }
        await library.shape.splitChapter(ann, split)
        const { chapters } = novel.find(each => each.chapters.includes(chapter)) ?? {
          chapters: [] as Chapter[],
        }
        chapters.splice(chapters.indexOf(chapter) + 1, 0, { id, scenes: chapter.scenes.splice(at) })
      } else if (name === 'cut' && scene && withScene) {
        const { content, version } = await library.scenes.scene(ann, scene)
        const at = 1 + (other % Math.max(1, content.length - 1))
        if (content.slice(0, at).trim() === '' || content.slice(at).trim() === '') continue
        await library.shape.splitScene(ann, { sceneId: scene, expectedVersion: version, at, id })
        withScene.scenes.splice(withScene.scenes.indexOf(scene) + 1, 0, id)
        expect(await lettersOf([scene, id])).toBe(content.replace(/\s/g, ''))
      } else if (name === 'join' && scene && withScene) {
        const list = withScene.scenes
        const next = list[list.indexOf(scene) + 1]
        if (next === undefined) continue
        const both = await lettersOf([scene, next])
        await library.shape.mergeScenes(ann, { sceneId: scene, next })
        take([list], next)
        expect(await lettersOf([scene])).toBe(both)
      } else if (name === 'merge' && chapter) {
        const next = chaptersOf(novel)[chaptersOf(novel).indexOf(chapter) + 1]
        if (next === undefined) continue
        await library.shape.mergeChapters(ann, { novelId, chapterId: chapter.id, next: next.id })
        chapter.scenes.push(...next.scenes)
        take(
          novel.map(({ chapters }) => chapters),
          next,
        )
      } else if (name === 'remove' && what === 'volume' && volume) {
        const entry = await library.bin.remove(ann, { novelId, what, id: volume.id })
        const at = novel.indexOf(volume)
        take([novel], volume)
        binned.push({ entryId: entry.id, put: () => novel.splice(Math.min(at, novel.length), 0, volume) })
      } else if (name === 'remove' && what === 'scene' && scene && withScene) {
        const entry = await library.bin.remove(ann, { novelId, what, id: scene })
        // It is put back at once: what became of its chapter meanwhile is for the cases to say.
        await library.bin.restore(ann, { novelId, entryId: entry.id })
      } else if (name === 'restore') {
        const last = binned.pop()
        if (last === undefined) continue
        await library.bin.restore(ann, { novelId, entryId: last.entryId })
        last.put()
      }
      expect(await listsOf(novelId)).toEqual(novel)
    }
  }

  async function lettersOf(ids: readonly string[]) {
    const texts = await Promise.all(ids.map(async id => (await library.scenes.scene(ann, id)).content))
    return texts.join('').replace(/\s/g, '')
  }

  async function listsOf(novelId: string) {
    const { novel, volumes, chapters, texts } = await everythingOf(library, novelId)
    expect(chapters.map(({ position }) => position)).toEqual(chapters.map((_, at) => at))
    expect(volumes.map(({ position }) => position)).toEqual(volumes.map((_, at) => at))
    expect(novel).toMatchObject({
      ...{ volumes: volumes.length, chapters: chapters.length, scenes: texts.length },
      words: texts.reduce((sum, { words }) => sum + words, 0),
    })
    expect(texts.map(({ id }) => id)).toEqual(chapters.flatMap(({ sceneIds }) => sceneIds))
    return volumes.map(({ id }) => ({
      id,
      chapters: chapters
        .filter(({ volumeId }) => volumeId === id)
        .map(({ id: chapterId, sceneIds }) => ({ id: chapterId, scenes: [...sceneIds] })),
    }))
  }

  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), play), { numRuns: 30 })
})
