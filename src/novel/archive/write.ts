/** Writing the archive of a novel: a ZIP with what it is, and then its rows, a line each. */
import { version } from '../../runtime/version.ts'
import { defined } from '../../task/defined.ts'
import { everyItem } from '../../task/page.ts'
import type { FindingSubject } from '../codex/check-scene.ts'
import { listFindings } from '../codex/findings.ts'
import { type ArchiveFile, archived } from '../export/archive.ts'
import type { ArchivedLibrary } from '../library/library.ts'
import type { FindingsById } from './archives.ts'
import {
  type ArchivedRow,
  archiveFiles,
  archiveFormat,
  archiveVersion,
  manifestName,
  type RowName,
} from './rows.ts'

/** Scenes of which the findings are read at a time. */
const scenesPerPage = 100

/**
 * Returns the bytes of the archive of a novel, in pieces. The same novel gives the same bytes, wherever it is. Throws NOVEL_NOT_FOUND, and SCENE_NOT_FOUND where a
 * scene is deleted for good meanwhile.
 *
 * @param onRow Called with every row when it is written.
 */
export async function* writeNovelArchive(
  library: ArchivedLibrary,
  whose: { userId: string; novelId: string },
  onRow: (row: ArchivedRow) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  const { userId, novelId } = whose
  const findings = await dismissedFindings(library, whose)
  const { updatedAt, counts, rows } = await library.archives.pack(userId, novelId, findings)
  const manifest = { format: archiveFormat, version: archiveVersion, madeBy: `Quillwork ${version}`, counts }
  yield* archived(filesOf(JSON.stringify(manifest, undefined, 2), rows, onRow), updatedAt)
}

async function* filesOf(
  manifest: string,
  rows: AsyncIterable<ArchivedRow>,
  onRow: (row: ArchivedRow) => void,
): AsyncGenerator<ArchiveFile> {
  yield { name: manifestName, content: manifest }
  const all = rows[Symbol.asyncIterator]()
  let next = await all.next()
  async function* linesOf(names: readonly RowName[]): AsyncGenerator<string> {
    while (next.done !== true && names.includes(next.value.of)) {
      const { of, row } = next.value
      yield `${JSON.stringify({ [of]: row })}\n`
      onRow(next.value)
      next = await all.next()
    }
  }
  for (const [name, names] of Object.entries(archiveFiles)) yield { name, content: linesOf(names) }
}

/** What the author has dismissed of the findings that are still there: their ids are made of others, which are not those of another installation. */
async function dismissedFindings(
  library: ArchivedLibrary,
  { userId, novelId }: { userId: string; novelId: string },
): Promise<FindingsById> {
  const dismissed = await library.codex.dismissals(userId, novelId)
  const keys = new Set(dismissed.filter(({ what }) => what === 'finding').map(({ key }) => key))
  const found = new Map<string, FindingSubject>()
  if (keys.size === 0) return found
  const all = everyItem(scenesPerPage, page => listFindings({ library }, { userId, novelId }, page))
  for await (const { id, code, sceneId, entryId, name, entryQuotation } of all)
    if (keys.has(id))
      found.set(
        id,
        defined({ code, sceneId, entryId, name: entryId === undefined ? name : undefined, entryQuotation }),
      )
  return found
}
