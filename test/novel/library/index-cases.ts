import { expect } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { buildNovelSegment } from '../../../src/novel/library/novel-segment.ts'
import type {
  IndexWriter,
  NovelSearch,
  PassageHit,
  SearchAnswer,
  VectorKind,
} from '../../../src/novel/library/passage-index.ts'
import { encodeVectors } from '../../../src/novel/search/vectors.ts'
import { ann, type Book, importBook, type LibraryCase } from './case.ts'

const book: Book = [
  {
    title: '',
    chapters: [
      {
        title: '第一回',
        scenes: ['却说曹操引兵追赶，关羽立于桥头。'.padStart(300, '闲话休提，'), '次日，刘备与孔明议事。'],
      },
      {
        title: 'Chapter 2',
        scenes: ['Alice followed the White Rabbit down the hole.', 'The Queen was angry with the gardeners.'],
      },
    ],
  },
]

/** Builds the index of a novel, a segment per page of scenes. */
async function build(library: NovelLibrary, novelId: string, builder = 'task', pageSize = 2) {
  const { generation } = await library.index.begin(ann, novelId, builder)
  let number = 0
  let pageToken: string | undefined
  do {
    const page = await library.shelf.texts(
      ann,
      { novelId },
      { pageSize, ...(pageToken === undefined ? {} : { pageToken }) },
    )
    await library.index.put({ novelId, generation }, await buildNovelSegment(number++, page.items))
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  return {
    novelId,
    generation,
    segments: number,
    outcome: await library.index.finish({ novelId, generation }, number),
  }
}

function marked(hit: PassageHit | undefined): string[] {
  return hit === undefined
    ? []
    : hit.snippet.marks.map(({ start, end }) => hit.snippet.text.slice(start, end))
}

const kind: VectorKind = { model: 'm', space: 'tests:m', dimensions: 3 }

/** A direction that each of the four passages has for itself. */
function direction(passage: number): Float32Array {
  return Float32Array.of(passage, 1, passage * passage - 4)
}

/** Builds an index with vectors, two passages a batch, in segments of three scenes and one. */
async function buildHybrid(library: NovelLibrary, novelId: string, builder = 'hybrid') {
  const begun = await library.index.begin(ann, novelId, builder, kind)
  const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
  const segments = [await buildNovelSegment(0, items.slice(0, 3)), await buildNovelSegment(1, items.slice(3))]
  let passage = 0
  for (const { number, passages, ...segment } of segments) {
    const parts = Math.ceil(passages.length / 2)
    for (let part = 0; part < parts; part++) {
      const those = passages.slice(part * 2, part * 2 + 2)
      const vectors = encodeVectors(those.map(() => direction(passage++)))
      const first = those[0]?.id ?? 0
      expect(await library.index.putVectors(begun, { segment: number, part, first, vectors })).toBe('written')
    }
    await library.index.put(begun, { number, passages, ...segment }, parts)
  }
  expect(await library.index.finish(begun, segments.length)).toBe('finished')
  return begun
}

/** What a search by a vector alone finds, as the numbers of the scenes. */
async function byMeaning(library: NovelLibrary, novelId: string, values: Float32Array) {
  const answer = await library.index.search(ann, novelId, { query: '貂蝉', vector: { kind, values } })
  const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
  return {
    index: answer.index,
    scenes: answer.hits.map(hit => items.findIndex(({ id }) => id === hit.sceneId)),
  }
}

function oneVector(writer: IndexWriter, library: NovelLibrary, part = 0) {
  const vectors = encodeVectors([direction(9)])
  return library.index.putVectors(writer, { segment: 0, part, first: 0, vectors })
}

/** The search: what is there is found where it is, and an answer says what it is worth. */
export const indexCases: readonly LibraryCase[] = [
  {
    name: 'without an index a search finds nothing and says so',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      expect(await library.index.state(ann, novelId)).toEqual({
        kind: 'none',
        building: false,
        passages: 0,
        outOfDateScenes: 0,
      })
      expect(await library.index.search(ann, novelId, { query: '曹操' })).toEqual({
        index: 'none',
        outOfDateScenes: 0,
        total: 0,
        hits: [],
      })
    },
  },
  {
    name: 'names of two characters and English words are found where they are',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      expect(await build(library, novelId)).toMatchObject({ outcome: 'finished', segments: 2 })
      const chinese = await library.index.search(ann, novelId, { query: '曹操' })
      expect(chinese).toMatchObject({ index: 'lexical', outOfDateScenes: 0 })
      expect(chinese.hits).toHaveLength(1)
      expect(chinese.hits[0]).toMatchObject({
        sceneId: sceneIdOf(novelId, 0, 0),
        chapterTitle: '第一回',
        outOfDate: false,
      })
      expect(marked(chinese.hits[0])).toEqual(['曹操'])
      const english = await library.index.search(ann, novelId, { query: 'white rabbits' })
      expect(english.hits[0]?.sceneId).toBe(sceneIdOf(novelId, 1, 0))
      expect(marked(english.hits[0])).toEqual(expect.arrayContaining(['White']))
      expect((await library.index.search(ann, novelId, { query: '貂蝉' })).hits).toEqual([])
    },
  },
  {
    name: 'a search before a scene finds only what is read before it, by words and by meaning, however good the rest is',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      await buildHybrid(library, novelId)
      const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
      for (const [at, { id: before }] of items.entries()) {
        for (const query of ['曹操 刘备 White Queen', '刘备']) {
          const { hits } = await library.index.search(ann, novelId, { query, before, limit: 1 })
          const places = hits.map(hit => items.findIndex(({ id }) => id === hit.sceneId))
          expect(places.every(place => place < at)).toBe(true)
          if (query !== '刘备') expect(hits).toHaveLength(Math.min(at, 1))
        }
        // Of all passages, the last one is the closest.
        const vector = { kind, values: direction(3) }
        const { hits } = await library.index.search(ann, novelId, { query: '貂蝉', before, vector })
        expect(new Set(hits.map(hit => items.findIndex(({ id }) => id === hit.sceneId)))).toEqual(
          new Set(items.slice(0, at).map((_, place) => place)),
        )
      }
      const other = await importBook(library, 'b', book)
      const elsewhere = library.index.search(ann, other, { query: '曹操', before: items[1]?.id ?? '' })
      await expect(elsewhere).resolves.toMatchObject({ index: 'none', hits: [] })
      await build(library, other)
      const strange = library.index.search(ann, other, { query: '曹操', before: items[1]?.id ?? '' })
      await expect(strange).rejects.toMatchObject({ code: 'SCENE_NOT_FOUND' })
    },
  },
  {
    name: 'a snippet is a short piece of the scene, from where it says',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      await build(library, novelId)
      const [hit] = (await library.index.search(ann, novelId, { query: '关羽' })).hits
      const { content } = await library.scenes.scene(ann, sceneIdOf(novelId, 0, 0))
      expect(hit?.snippet.text.length).toBeLessThanOrEqual(160)
      expect(hit?.snippet.start).toBeGreaterThan(0)
      expect(content.startsWith(hit?.snippet.text ?? '?', hit?.snippet.start)).toBe(true)
      expect(marked(hit)).toEqual(['关羽'])
    },
  },
  {
    name: 'an edit makes the index out of date; the scene is searched in its text now',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      await build(library, novelId)
      const sceneId = sceneIdOf(novelId, 0, 0)
      await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: '曹操大笑。' })
      expect(await library.index.state(ann, novelId)).toMatchObject({ kind: 'lexical', outOfDateScenes: 1 })
      const answer = await library.index.search(ann, novelId, { query: '曹操' })
      expect(answer).toMatchObject({
        outOfDateScenes: 1,
        hits: [{ sceneId, outOfDate: true, passage: { start: 0, end: 5 } }],
      })
      expect(marked(answer.hits[0])).toEqual(['曹操'])
      expect((await library.index.search(ann, novelId, { query: '关羽' })).hits).toEqual([])
      await build(library, novelId, 'again')
      expect(await library.index.state(ann, novelId)).toMatchObject({ outOfDateScenes: 0, building: false })
      expect((await library.index.search(ann, novelId, { query: '大笑' })).hits).toMatchObject([
        { sceneId, outOfDate: false },
      ])
    },
  },
  {
    name: 'the old index answers until the new one is finished',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      await build(library, novelId)
      const sceneId = sceneIdOf(novelId, 0, 1)
      await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: '赵云出马。' })
      const next = await library.index.begin(ann, novelId, 'next')
      expect(next).toMatchObject({ generation: 2, textVersion: 2, segments: 0, finished: false })
      const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
      await library.index.put(next, await buildNovelSegment(0, items))
      expect(await library.index.state(ann, novelId)).toMatchObject({
        kind: 'lexical',
        building: true,
        outOfDateScenes: 1,
      })
      expect((await library.index.search(ann, novelId, { query: '赵云' })).hits).toEqual([])
      expect(await library.index.finish(next, 2)).toBe('incomplete')
      expect(await library.index.finish(next, 1)).toBe('finished')
      expect(await library.index.finish(next, 1)).toBe('finished')
      expect((await library.index.search(ann, novelId, { query: '赵云' })).hits).toHaveLength(1)
    },
  },
  {
    name: 'a build goes on where its builder left it, also after a restart, and writes no segment twice',
    async run(t) {
      const novelId = await importBook(t.library, 'a', book)
      const first = await t.library.index.begin(ann, novelId, 'task')
      const { items } = await t.library.shelf.texts(ann, { novelId }, { pageSize: 10 })
      await t.library.index.put(first, await buildNovelSegment(0, items.slice(0, 3)))
      await t.reopen()
      expect(await t.library.index.begin(ann, novelId, 'task')).toEqual({ ...first, segments: 1 })
      await t.library.index.put(first, await buildNovelSegment(0, items.slice(0, 3)))
      await t.library.index.put(first, await buildNovelSegment(1, items.slice(3)))
      expect(await t.library.index.finish(first, 2)).toBe('finished')
      expect((await t.library.index.state(ann, novelId)).passages).toBe(4)
      expect((await t.library.index.search(ann, novelId, { query: '曹操' })).hits).toHaveLength(1)
      expect(await t.library.index.begin(ann, novelId, 'task')).toMatchObject({
        finished: true,
        segments: 2,
        generation: 1,
      })
    },
  },
  {
    name: 'a segment that is written again replaces all of the one before',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      const begun = await library.index.begin(ann, novelId, 'task')
      const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
      await library.index.put(begun, await buildNovelSegment(0, items))
      await library.index.put(begun, await buildNovelSegment(0, items.slice(2)))
      expect(await library.index.finish(begun, 1)).toBe('finished')
      expect((await library.index.search(ann, novelId, { query: '曹操' })).hits).toEqual([])
      expect((await library.index.search(ann, novelId, { query: 'rabbit' })).hits).toHaveLength(1)
    },
  },
  {
    name: 'a build that another has replaced writes nothing',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      const first = await library.index.begin(ann, novelId, 'one')
      const second = await library.index.begin(ann, novelId, 'two')
      const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
      const segment = await buildNovelSegment(0, items)
      expect(await library.index.put(first, segment)).toBe('stale')
      expect(await library.index.finish(first, 0)).toBe('stale')
      expect(await library.index.put(second, segment)).toBe('written')
      expect(await library.index.finish(second, 1)).toBe('finished')
      expect(await library.index.put(second, segment)).toBe('stale')
    },
  },
  {
    name: 'what no longer answers is cleaned away in steps',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      for (const builder of ['one', 'two', 'three']) await build(library, novelId, builder, 1)
      let steps = 1
      while ((await library.index.clean(novelId, 2)) === 'more') steps++
      expect(steps).toBeGreaterThan(3)
      expect((await library.index.search(ann, novelId, { query: '曹操' })).hits).toHaveLength(1)
      await library.shelf.remove(ann, novelId)
      expect(await library.index.clean(novelId)).toBe('kept')
    },
  },
  {
    name: 'a search during which the index is replaced and cleaned answers from the new one',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      await build(library, novelId)
      const next = await library.index.begin(ann, novelId, 'next')
      const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
      await library.index.put(next, await buildNovelSegment(0, items))
      const searching = library.index.search(ann, novelId, { query: '曹操' })
      await library.index.finish(next, 1)
      while ((await library.index.clean(novelId)) === 'more') {}
      expect((await searching).hits).toMatchObject([{ sceneId: sceneIdOf(novelId, 0, 0) }])
    },
  },
  {
    name: 'a removed novel leaves no index to a later one',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      await build(library, novelId)
      while ((await library.shelf.remove(ann, novelId)) === 'more') {}
      const again = await importBook(library, 'a', book)
      expect(again).toBe(novelId)
      expect(await library.index.state(ann, novelId)).toMatchObject({ kind: 'none', building: false })
    },
  },
  {
    name: 'all passages that are found are counted, and read a page at a time, without what is in the bin',
    async run({ library }) {
      const scenes = Array.from({ length: 130 }, (_, at) => `Lantern ${at} burned.`)
      const chapters = [scenes.slice(0, 50), scenes.slice(50)].map((own, at) => ({
        ...{ title: `${at}`, scenes: own },
      }))
      const novelId = await importBook(library, 'many', [{ title: '', chapters }])
      await build(library, novelId)
      const find = (more: Partial<NovelSearch> = {}) =>
        library.index.search(ann, novelId, { query: 'lantern', ...more })
      const first = await find()
      expect(first).toMatchObject({ total: 130, nextOffset: 20 })
      const found = new Set<string>()
      for (let offset: number | undefined = 0; offset !== undefined; ) {
        const page: SearchAnswer = await find({ offset, limit: 60 })
        for (const { sceneId } of page.hits) found.add(sceneId)
        expect(page.total).toBe(130)
        offset = page.nextOffset
      }
      expect(found.size).toBe(130)
      const { items } = await library.shelf.chapters(ann, { novelId }, { pageSize: 2 })
      const id = items[1]?.id ?? ''
      const { id: entryId } = await library.bin.remove(ann, { novelId, what: 'chapter', id })
      expect(await find({ offset: 40 })).toMatchObject({ total: 50, outOfDateScenes: 0 })
      expect((await find({ offset: 40 })).hits).toHaveLength(10)
      expect(await find({ offset: 40 })).not.toHaveProperty('nextOffset')
      await library.bin.restore(ann, { novelId, entryId })
      expect(await find()).toMatchObject({ total: 130 })
      for (const offset of [-1, 0.5, 981])
        await expect(find({ offset })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    },
  },
  {
    name: "another user's novel is not searched, a wrong limit is refused",
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      const refused = { code: 'NOVEL_NOT_FOUND' }
      await expect(library.index.search('bob', novelId, { query: 'x' })).rejects.toMatchObject(refused)
      await expect(library.index.state('bob', novelId)).rejects.toMatchObject(refused)
      await expect(library.index.begin('bob', novelId, 'b')).rejects.toMatchObject(refused)
      for (const limit of [0, 101, 1.5]) {
        await expect(library.index.search(ann, novelId, { query: 'x', limit })).rejects.toMatchObject({
          code: 'OPTION_INVALID',
        })
      }
    },
  },
  {
    name: 'an index with vectors finds what no word leads to, nearest first',
    async run(t) {
      const novelId = await importBook(t.library, 'a', book)
      await buildHybrid(t.library, novelId)
      const state = { kind: 'hybrid', vectors: kind, passages: 4 }
      expect(await t.library.index.state(ann, novelId)).toMatchObject(state)
      await t.reopen()
      for (const scene of [0, 1, 2, 3]) {
        const found = await byMeaning(t.library, novelId, direction(scene))
        expect(found).toMatchObject({ index: 'hybrid' })
        expect(found.scenes[0]).toBe(scene)
        expect(found.scenes).toHaveLength(4)
      }
    },
  },
  {
    name: 'what words and vectors find is joined: the passage that both have comes first',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      await buildHybrid(library, novelId)
      const vector = { kind, values: direction(3) }
      const { hits } = await library.index.search(ann, novelId, { query: 'gardeners', vector, limit: 2 })
      expect(hits.map(hit => hit.sceneId)[0]).toBe(sceneIdOf(novelId, 1, 1))
      expect(hits).toHaveLength(2)
      expect(marked(hits[0])).toEqual(['gardeners'])
      expect(marked(hits[1])).toEqual([])
    },
  },
  {
    name: 'vectors of another kind are never compared: words alone answer, and say so',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      await buildHybrid(library, novelId)
      const values = direction(3)
      for (const other of [
        { ...kind, space: 'tests:other' },
        { ...kind, dimensions: 2 },
      ]) {
        const search = { query: '曹操', vector: { kind: other, values } }
        const answer = await library.index.search(ann, novelId, search)
        expect(answer).toMatchObject({ index: 'lexical', hits: [{ sceneId: sceneIdOf(novelId, 0, 0) }] })
      }
      expect(await library.index.search(ann, novelId, { query: '曹操' })).toMatchObject({ index: 'lexical' })
      await build(library, novelId, 'without')
      expect(await library.index.state(ann, novelId)).not.toHaveProperty('vectors')
      expect(await byMeaning(library, novelId, values)).toEqual({ index: 'lexical', scenes: [] })
    },
  },
  {
    name: 'a builder that comes back with another kind of vectors begins anew',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      const first = await library.index.begin(ann, novelId, 'task', kind)
      expect(await oneVector(first, library)).toBe('written')
      const renamed = { ...kind, model: 'renamed' }
      expect(await library.index.begin(ann, novelId, 'task', renamed)).toEqual(first)
      const second = await library.index.begin(ann, novelId, 'task', { ...kind, space: 'tests:other' })
      expect(second.generation).toBe(first.generation + 1)
      expect(await oneVector(first, library)).toBe('stale')
      expect(await library.index.begin(ann, novelId, 'task')).toMatchObject({
        generation: second.generation + 1,
      })
      while ((await library.index.clean(novelId)) === 'more') {}
    },
  },
  {
    name: 'vectors that a segment no longer has do not answer',
    async run({ library }) {
      const novelId = await importBook(library, 'a', book)
      const begun = await library.index.begin(ann, novelId, 'task', kind)
      const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
      const vectors = encodeVectors([direction(0), direction(1)])
      await library.index.putVectors(begun, { segment: 0, part: 0, first: 0, vectors })
      await library.index.putVectors(begun, { segment: 0, part: 1, first: 2, vectors })
      await library.index.put(begun, await buildNovelSegment(0, items), 1)
      await library.index.finish(begun, 1)
      expect((await byMeaning(library, novelId, direction(1))).scenes).toEqual([1, 0])
    },
  },
]
