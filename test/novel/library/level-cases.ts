import { expect } from 'vitest'
import { chapterIdOf, sceneIdOf, volumeIdOf } from '../../../src/novel/library/ids.ts'
import { chaptersPerStretch, type LevelWrite } from '../../../src/novel/library/levels.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { everyItem } from '../../../src/task/page.ts'
import { ann, type Book, draftOf, importBook, type LibraryCase, smallBook } from './case.ts'

/** The states of the units, in their order. */
async function statesOf(library: NovelLibrary, novelId: string) {
  const { units } = await library.levels.outline(ann, novelId)
  return units.map(({ level, state }) => `${level} ${state}`)
}

/** Writes the summary of a unit as a task does that has just read the outline. */
export async function writeUnit(
  library: NovelLibrary,
  novelId: string,
  unitId: string,
  more: Partial<LevelWrite> = {},
) {
  const { units } = await library.levels.outline(ann, novelId)
  const { digest = '', version: expectedVersion = 0 } = units.find(({ id }) => id === unitId) ?? {}
  const writer = { taskId: 'levels', attempt: 1 }
  const made = { method: 'generative', model: 'm', summary: `Of ${unitId}.` } as const
  return library.levels.write(ann, { ...made, novelId, unitId, digest, expectedVersion, writer, ...more })
}

async function writeScene(library: NovelLibrary, sceneId: string, summary: string) {
  const { version: expectedVersion } = await library.scenes.scene(ann, sceneId)
  const writer = { taskId: `scene ${summary}`, attempt: 1 }
  await library.scenes.writeSummary({ method: 'extractive', sceneId, expectedVersion, summary, writer })
}

const longBook: Book = [
  {
    title: '',
    chapters: Array.from({ length: chaptersPerStretch + 1 }, (_, at) => ({
      title: `Chapter ${at}`,
      scenes: [`The miller went out for the ${at}th time.`],
    })),
  },
]

/** The summaries of chapters, stretches, volumes and books. */
export const levelCases: readonly LibraryCase[] = [
  {
    name: 'each level is out of date when something below it changed, and those beside it are not',
    async run(t) {
      const { library } = t
      const novelId = await importBook(library, 'a')
      const [first, , third] = [0, 1, 2].map(at => chapterIdOf(novelId, at))
      const [one, two] = [0, 1].map(at => volumeIdOf(novelId, at))
      // The second chapter is blank: there is nothing to summarise.
      expect(await statesOf(library, novelId)).toEqual([
        'chapter missing',
        'chapter empty',
        'volume missing',
        'chapter missing',
        'volume missing',
        'book missing',
      ])
      for (const unitId of [first, one, third, two, novelId])
        expect(await writeUnit(library, novelId, unitId ?? '')).toBe('applied')
      const current = [
        'chapter current',
        'chapter empty',
        'volume current',
        'chapter current',
        'volume current',
      ]
      expect(await statesOf(library, novelId)).toEqual([...current, 'book current'])
      await writeScene(library, sceneIdOf(novelId, 2, 1), 'She falls.')
      const changed = [
        ...current.slice(0, 3),
        'chapter out-of-date',
        'volume out-of-date',
        'book out-of-date',
      ]
      expect(await statesOf(library, novelId)).toEqual(changed)
      await t.reopen()
      expect(await statesOf(t.library, novelId)).toEqual(changed)
      for (const unitId of [third, two, novelId]) await writeUnit(t.library, novelId, unitId ?? '')
      expect(await statesOf(t.library, novelId)).toEqual([...current, 'book current'])
      // A text that its summary tells of changed: the summary of the scene is out of date, and so is all above it.
      const sceneId = sceneIdOf(novelId, 2, 1)
      const { version: expectedVersion } = await t.library.scenes.scene(ann, sceneId)
      await t.library.scenes.editScene(ann, { sceneId, expectedVersion, content: 'She flew.' })
      expect(await statesOf(t.library, novelId)).toEqual(changed)
    },
  },
  {
    name: 'the summary of a scene whose text was deleted is its plan: it stays a part, and is not out of date',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const chapterId = chapterIdOf(novelId, 0)
      const [first = '', second = ''] = [0, 1].map(at => sceneIdOf(novelId, 0, at))
      await writeScene(library, first, 'They meet.')
      const outlineNow = async () => {
        const { units, scenes } = await library.levels.outline(ann, novelId)
        const { parts } = units.find(({ id }) => id === chapterId) ?? {}
        return { parts, stale: scenes.filter(({ outOfDate }) => outOfDate).map(({ id }) => id) }
      }
      const edit = async (content: string) => {
        const { version: expectedVersion } = await library.scenes.scene(ann, first)
        await library.scenes.editScene(ann, { sceneId: first, expectedVersion, content })
      }
      await edit('They meet again.')
      expect(await outlineNow()).toEqual({ parts: [first, second], stale: [first] })
      await edit(' ')
      expect(await outlineNow()).toEqual({ parts: [first, second], stale: [] })
    },
  },
  {
    name: 'a long volume has stretches of chapters between, each made of its own',
    async run({ library }) {
      const novelId = await importBook(library, 'a', longBook)
      const { units } = await library.levels.outline(ann, novelId)
      const stretches = units.filter(({ level }) => level === 'stretch')
      expect(stretches.map(({ firstChapter, lastChapter }) => [firstChapter, lastChapter])).toEqual([
        [0, chaptersPerStretch - 1],
        [chaptersPerStretch, chaptersPerStretch],
      ])
      expect(units.find(({ level }) => level === 'volume')?.parts).toEqual(stretches.map(({ id }) => id))
      expect(stretches[1]?.parts).toEqual([chapterIdOf(novelId, chaptersPerStretch)])
      // Each unit comes after its parts.
      const places = new Map(units.map(({ id }, place) => [id, place]))
      for (const [place, { level, parts }] of units.entries())
        if (level !== 'chapter') expect(parts.every(part => (places.get(part) ?? place) < place)).toBe(true)
    },
  },
  {
    name: 'a unit that is read alone is the one of the outline',
    async run({ library }) {
      const novelId = await importBook(library, 'long', [...longBook, ...smallBook])
      await writeScene(library, sceneIdOf(novelId, 2, 0), 'He went out.')
      const { units } = await library.levels.outline(ann, novelId)
      for (const [at, { id }] of units.entries()) if (at % 3 !== 1) await writeUnit(library, novelId, id)
      await writeScene(library, sceneIdOf(novelId, 3, 0), 'He went out again.')
      const outline = await library.levels.outline(ann, novelId)
      expect(new Set(outline.units.map(({ state }) => state)).size).toBe(4)
      for (const unit of outline.units)
        expect(await library.levels.unit(ann, { novelId, unitId: unit.id })).toEqual(unit)
      const other = await importBook(library, 'b')
      for (const [user, unitId, code] of [
        [ann, 'x', 'CHAPTER_NOT_FOUND'],
        [ann, chapterIdOf(other, 0), 'CHAPTER_NOT_FOUND'],
        ['bob', novelId, 'NOVEL_NOT_FOUND'],
      ] as const)
        await expect(library.levels.unit(user, { novelId, unitId })).rejects.toMatchObject({ code })
    },
  },
  {
    name: 'the novels of all users are listed by their ids, over several pages',
    async run({ library }) {
      const ids = [
        await importBook(library, 'a'),
        await importBook(library, 'b', smallBook, 'bob'),
        await importBook(library, 'c'),
      ]
      await library.drafts.create(draftOf('unpublished'))
      const listed: string[] = []
      for await (const { id } of everyItem(1, page => library.levels.novels(page))) listed.push(id)
      expect(listed).toEqual(ids.toSorted())
    },
  },
  {
    name: 'a task writes over what it read, finds its own write again, and never overwrites a person',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const unitId = chapterIdOf(novelId, 0)
      const { levels } = library
      expect(await writeUnit(library, novelId, unitId, { language: 'zh' })).toBe('applied')
      expect(await writeUnit(library, novelId, unitId, { expectedVersion: 0 })).toBe('applied')
      const late = { writer: { taskId: 'late', attempt: 1 }, expectedVersion: 0 }
      expect(await writeUnit(library, novelId, unitId, late)).toBe('conflict')
      const held = await levels.summaries(ann, novelId, [unitId, novelId])
      expect([...held]).toEqual([
        [
          unitId,
          {
            text: `Of ${unitId}.`,
            language: 'zh',
            method: 'generative',
            model: 'm',
            version: 1,
            writtenBy: { taskId: 'levels', attempt: 1 },
            writtenAt: expect.any(Number),
          },
        ],
      ])
      const edit = (text: string, expectedVersion: number) =>
        levels.edit(ann, { novelId, unitId, text, expectedVersion })
      expect(await edit('Mine.', 0)).toEqual({ outcome: 'conflict', version: 1 })
      expect(await edit('Mine.', 1)).toEqual({ outcome: 'applied', version: 2 })
      expect(await edit('Mine.', 1)).toEqual({ outcome: 'applied', version: 2 })
      await writeScene(library, sceneIdOf(novelId, 0, 0), 'New.')
      expect((await statesOf(library, novelId))[0]).toBe('chapter out-of-date')
      expect(await writeUnit(library, novelId, unitId)).toBe('conflict')
      expect((await levels.summaries(ann, novelId, [unitId])).get(unitId)).toMatchObject({ text: 'Mine.' })
      // Saving it again says that it is right; an empty one leaves it to tasks again.
      expect(await edit('Mine.', 2)).toEqual({ outcome: 'applied', version: 3 })
      expect((await statesOf(library, novelId))[0]).toBe('chapter current')
      expect(await edit('', 3)).toEqual({ outcome: 'applied', version: 4 })
      expect((await statesOf(library, novelId))[0]).toBe('chapter missing')
      expect(await writeUnit(library, novelId, unitId)).toBe('applied')
      await expect(
        levels.edit(ann, { novelId, unitId: 'x', text: '', expectedVersion: 0 }),
      ).rejects.toMatchObject({
        code: 'CHAPTER_NOT_FOUND',
      })
    },
  },
  {
    name: 'summaries are of one user, tell their parts, and go with their novel',
    async run({ library }) {
      const novelId = await importBook(library, 'a')
      const other = await importBook(library, 'b')
      const [unitId, sceneId] = [chapterIdOf(novelId, 0), sceneIdOf(novelId, 0, 0)]
      await writeScene(library, sceneId, '三人结义。')
      await writeUnit(library, novelId, unitId)
      const parts = await library.levels.parts(ann, novelId, [sceneId, unitId, novelId])
      expect([...parts]).toEqual([
        [sceneId, { text: '三人结义。', method: 'extractive' }],
        [unitId, { text: `Of ${unitId}.`, method: 'generative', model: 'm' }],
      ])
      expect(await library.levels.parts(ann, other, [sceneId, unitId])).toEqual(new Map())
      for (const read of [
        () => library.levels.outline('bob', novelId),
        () => library.levels.summaries('bob', novelId, [unitId]),
        () => library.levels.parts('bob', novelId, [unitId]),
      ])
        await expect(read()).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
      while ((await library.shelf.remove(ann, novelId)) === 'more') {}
      expect(await writeUnit(library, other, unitId, { novelId, expectedVersion: 1 })).toBe('missing')
      await importBook(library, 'a')
      expect((await statesOf(library, novelId)).filter(state => !/missing|empty/.test(state))).toEqual([])
      expect(await library.levels.summaries(ann, novelId, [unitId])).toEqual(new Map())
    },
  },
]
