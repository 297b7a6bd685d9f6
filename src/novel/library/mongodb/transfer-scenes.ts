/** Scenes as rows that can be moved, with what was overwritten of them. */
import type { RowTransfer, SceneRow } from '../transfer.ts'
import { replacement } from './draft-rows.ts'
import { documentOf as entryDocument, entryOf } from './history.ts'
import { pagesById } from './pages.ts'
import type { HistoryDocument, SceneDocument } from './schema.ts'
import type { LibrarySession } from './session.ts'

/** Scenes of a page: with all that was ever overwritten a scene can have megabytes. */
const pageScenes = 20

/** The scenes of a library. */
export function scenesTransfer(library: LibrarySession): RowTransfer<SceneRow> {
  const { database, scenes, history } = library
  return {
    async *read() {
      for await (const page of pagesById(library, scenes, pageScenes)) {
        const entries = await readHistory(library, page)
        yield page.map(scene =>
          rowOf(
            scene,
            entries.filter(({ sceneId }) => sceneId === scene._id),
          ),
        )
      }
    },
    async write(rows) {
      await database.run('write scenes', () => scenes.bulkWrite(rows.map(documentOf).map(replacement)))
      const kept = rows.flatMap(historyOf)
      if (kept.length === 0) return
      await database.run('write history', () => history.bulkWrite(kept.map(replacement)))
    },
  }
}

/** Oldest first. */
function readHistory(
  { database, history }: LibrarySession,
  scenes: readonly SceneDocument[],
): Promise<HistoryDocument[]> {
  const novelIds = [...new Set(scenes.map(({ novelId }) => novelId))]
  const sceneIds = scenes.map(({ _id }) => _id)
  return database.run('read history', () =>
    history
      .find({ novelId: { $in: novelIds }, sceneId: { $in: sceneIds } })
      .sort({ order: 1 })
      .toArray(),
  )
}

function rowOf(scene: SceneDocument, history: readonly HistoryDocument[]): SceneRow {
  const { _id: id, chapter: chapterPosition, summaryOf: _, locks: __, ...row } = scene
  return { id, chapterPosition, ...row, history: history.map(entryOf) }
}

function documentOf({ id, chapterPosition, history: _, ...scene }: SceneRow): SceneDocument {
  return {
    _id: id,
    chapter: chapterPosition,
    ...scene,
    ...(scene.summary === undefined ? {} : { summaryOf: scene.summary.ofTextVersion }),
  }
}

function historyOf({ id: _id, novelId, history }: SceneRow): HistoryDocument[] {
  return history.map((entry, place) => entryDocument({ _id, novelId }, entry, place + 1))
}
