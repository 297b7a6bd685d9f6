/** What models read in scenes: one record each, guarded by the novel, which they do not outlive. */
import { hashedId } from '../../index.ts'
import { getOne, replace, type Stored, write } from '../../records/records.ts'
import { everyItem } from '../../task/page.ts'
import { type LibraryParts, novels, ownNovel, type ReadingRecord, readings, scenes } from './kinds.ts'
import { readPage } from './page-token.ts'
import type { ReadingKind, ReadingStore, SceneReading } from './readings.ts'

/** Readings that are read at a time. */
const perPage = 100

/** The readings of a library. */
export function readingStore(library: LibraryParts): ReadingStore {
  const { records, now } = library
  return {
    async *all<Kind extends ReadingKind>(userId: string, novelId: string, what: Kind) {
      await ownNovel(library, userId, novelId)
      const query = { equal: { novelId, what }, order: ['chapter', 'position'] as const }
      const listing = { name: 'readings', filter: [novelId, what], query }
      yield* everyItem(perPage, page =>
        readPage(records, readings, { listing, page }, found => found.map(readingOf).filter(isOf(what))),
      )
    },
    async ofScenes<Kind extends ReadingKind>(
      userId: string,
      novelId: string,
      { what, sceneIds }: { what: Kind; sceneIds: readonly string[] },
    ) {
      await ownNovel(library, userId, novelId)
      const ids = sceneIds.map(sceneId => readingIdOf({ what, sceneId }))
      const found = [...(await records.get(readings, ids)).values()].filter(each => each.novelId === novelId)
      const ofKind = found.map(readingOf).filter(isOf(what))
      return new Map(ofKind.map(each => [each.sceneId, each]))
    },
    async keep(userId, novelId, reading) {
      for (;;) {
        const novel = await ownNovel(library, userId, novelId)
        const scene = await getOne(records, scenes, reading.sceneId, ['summary'])
        if (scene?.novelId !== novelId) return
        const { chapter, position } = scene
        const record = { ...reading, id: readingIdOf(reading), novelId, chapter, position, at: now() }
        const changes = [replace(novels, novel), ...write<ReadingRecord>(readings, [record])]
        if ((await records.commit(changes)) === 'applied') return
      }
    },
  }
}

function readingOf({
  id: _,
  novelId: __,
  revision: ___,
  chapter,
  position,
  ...reading
}: Stored<ReadingRecord>): SceneReading {
  return { ...reading, place: [chapter, position] }
}

/** Whether a reading is of a kind: the kind of its items is by its name. */
function isOf<Kind extends ReadingKind>(what: Kind) {
  return (reading: SceneReading): reading is SceneReading<Kind> => reading.what === what
}

/** The id of the reading of a scene. */
export function readingIdOf({ what, sceneId }: Pick<SceneReading, 'what' | 'sceneId'>): string {
  return hashedId(['reading', what, sceneId].join('\n'))
}
