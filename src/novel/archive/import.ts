/** Making a novel of an archive. */
import { QuillworkError } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import type { DraftWriter, NovelCounts, PublishedAs } from '../library/drafts.ts'
import type { NovelLibrary } from '../library/library.ts'
import type { PlacedRow } from './archives.ts'

/** How much of a novel was read: the chapters that were begun. */
export type ArchiveRead = Pick<NovelCounts, 'chapters' | 'scenes'>

/**
 * Writes the rows of an archive into a draft and publishes it. What fails leaves the draft as it is. Throws ATTEMPT_STALE where the draft belongs to another attempt,
 * INTERNAL when rows are missing, and what the rows throw.
 *
 * @param as What it is published as besides what the archive says.
 * @param onRead Called whenever a scene was read.
 */
export async function importArchive(
  library: NovelLibrary,
  draft: DraftWriter & { userId: string },
  {
    rows,
    as = {},
    onRead,
  }: { rows: AsyncIterable<PlacedRow>; as?: PublishedAs; onRead: (read: ArchiveRead) => void },
): Promise<NovelCounts> {
  const read = { volumes: 0, chapters: 0, scenes: 0 }
  let kept: PublishedAs | undefined
  async function* counted(): AsyncGenerator<PlacedRow> {
    for await (const row of rows) {
      if (row.of === 'novel') {
        const { updatedAt, targetWords, reference } = row.row
        kept = { ...defined({ updatedAt, targetWords, reference }), ...as }
      }
      if (row.of === 'volume' && row.bin === 0) read.volumes += 1
      if (row.of === 'chapter' && row.bin === 0) read.chapters += 1
      if (row.of === 'scene' && row.bin === 0) onRead({ chapters: row.position + 1, scenes: ++read.scenes })
      yield row
    }
  }
  const written = await library.archives.unpack(draft, counted())
  const published = await library.drafts.publish(draft, read, kept)
  if (published.outcome === 'published') return published.counts
  if (published.outcome === 'incomplete' && written === 'written')
    throw new QuillworkError('INTERNAL', 'Rows of the novel are missing, so it was not put on the shelf.', {
      details: { read: { ...read }, written: published.counts },
    })
  throw new QuillworkError(
    'ATTEMPT_STALE',
    `The draft of novel ${draft.novelId} was deleted, or a later attempt writes it.`,
  )
}
