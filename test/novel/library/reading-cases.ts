import { expect } from 'vitest'
import type { FoundContradiction } from '../../../src/novel/codex/read-contradictions.ts'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import type { NewReading, SceneReading } from '../../../src/novel/library/readings.ts'
import { ann, importBook, type LibraryCase } from './case.ts'

/** A reading of a scene for entries. */
export function readingOf(
  sceneId: string,
  more: Partial<SceneReading<'entries'>> = {},
): NewReading<'entries'> {
  const item = { kind: 'person', name: '刘备', aliases: [], text: '仁厚。', quotation: '刘备见关羽' } as const
  return {
    ...{ sceneId, what: 'entries', of: 'text 1', items: [{ ...item, aliases: ['玄德'] }] },
    ...{ dropped: 1, model: 'm', prompt: { name: 'propose-entries', version: '1', language: 'zh' } },
    ...{ usage: { inputTokens: 10, outputTokens: 5 }, taskId: 'task', ...more },
  }
}

async function everyReading({ readings }: NovelLibrary, userId: string, novelId: string) {
  const found = []
  for await (const reading of readings.all(userId, novelId, 'entries')) found.push(reading)
  return found
}

/** What a model read in the scenes of a novel. */
export const readingCases: readonly LibraryCase[] = [
  {
    name: 'readings are kept, one of a scene and kind, and listed in reading order',
    async run(t) {
      const novelId = await importBook(t.library, 'a')
      const ids = [sceneIdOf(novelId, 0, 0), sceneIdOf(novelId, 0, 1), sceneIdOf(novelId, 2, 0)] as const
      const { readings } = t.library
      t.now = 70
      await readings.keep(ann, novelId, readingOf(ids[2]))
      await readings.keep(ann, novelId, readingOf(ids[1]))
      await readings.keep(ann, novelId, readingOf(ids[0]))
      const contradiction: FoundContradiction = {
        ...{ kind: 'appearance', entryId: 'liu', quotation: 'a', entryQuotation: 'b', explanation: 'c' },
      }
      const other = { ...readingOf(ids[0]), what: 'contradictions', items: [contradiction] } as const
      await readings.keep(ann, novelId, other)
      await Promise.all(
        [2, 3, 4].map(version =>
          t.library.readings.keep(ann, novelId, readingOf(ids[1], { of: `text ${version}` })),
        ),
      )
      t.now = 80
      await readings.keep(ann, novelId, readingOf(ids[1], { of: 'text 5', items: [] }))
      await readings.keep(ann, novelId, readingOf('gone'))
      await t.reopen()
      const kept = await everyReading(t.library, ann, novelId)
      expect(kept).toEqual([
        { ...readingOf(ids[0]), place: [0, 0], at: 70 },
        { ...readingOf(ids[1], { of: 'text 5', items: [] }), place: [0, 1], at: 80 },
        { ...readingOf(ids[2]), place: [2, 0], at: 70 },
      ])
      const which = { what: 'contradictions', sceneIds: ids } as const
      expect(await t.library.readings.ofScenes(ann, novelId, which)).toEqual(
        new Map([[ids[0], { ...other, place: [0, 0], at: 70 }]]),
      )
    },
  },
  {
    name: 'readings are of a novel of the user, and go with it',
    async run(t) {
      const novelId = await importBook(t.library, 'a')
      const hers = await importBook(t.library, 'b', undefined, 'bob')
      const { readings, shelf } = t.library
      const sceneId = sceneIdOf(novelId, 0, 0)
      await readings.keep(ann, novelId, readingOf(sceneId))
      const missing = expect.objectContaining({ code: 'NOVEL_NOT_FOUND' })
      await expect(readings.keep(ann, hers, readingOf(sceneId))).rejects.toEqual(missing)
      await expect(everyReading(t.library, 'bob', novelId)).rejects.toEqual(missing)
      const which = { what: 'entries', sceneIds: [sceneId] } as const
      await expect(readings.ofScenes('bob', novelId, which)).rejects.toEqual(missing)
      expect(await readings.ofScenes('bob', hers, which)).toEqual(new Map())
      while ((await shelf.remove(ann, novelId, 3)) === 'more') {}
      await expect(everyReading(t.library, ann, novelId)).rejects.toEqual(missing)
    },
  },
]
