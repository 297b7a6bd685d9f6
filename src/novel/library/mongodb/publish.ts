/** The write that puts a draft on the shelf, and what must be true before it. */
import type { DraftWriter, NovelCounts, Published } from '../drafts.ts'
import { tallyNovel } from './counts.ts'
import { lockDraft } from './draft-rows.ts'
import type { LibrarySession } from './session.ts'

/** Scenes that one transaction removes. */
const leftoverStep = 500

/** Removes one step of the rows that only an earlier attempt wrote. Returns whether there may be more. */
export async function removeLeftovers(library: LibrarySession, draft: DraftWriter): Promise<boolean> {
  const { novelId, generation } = draft
  if (generation === 1) return false
  const older = { novelId, generation: { $lt: generation } }
  return library.database.transaction('remove leftovers', async session => {
    if ((await lockDraft(library, session, draft)) !== 'written') return false
    const found = await library.scenes
      .find(older, { session, projection: { _id: 1 } })
      .limit(leftoverStep)
      .toArray()
    const ids = found.map(({ _id }) => _id)
    if (ids.length > 0) await library.scenes.deleteMany({ _id: { $in: ids } }, { session })
    if (ids.length === leftoverStep) return true
    await library.chapters.deleteMany(older, { session })
    await library.volumes.deleteMany(older, { session })
    return false
  })
}

type Totals = Pick<NovelCounts, 'volumes' | 'chapters' | 'scenes'>

/** Publishes a draft of which all positions below the totals are there. */
export function publishDraft(
  library: LibrarySession,
  draft: DraftWriter,
  totals: Totals,
): Promise<Published> {
  const { novels, now } = library
  return library.database.transaction('publish', async session => {
    const held = await lockDraft(library, session, draft)
    if (held === 'stale') return { outcome: 'stale' }
    if (held === 'published') return { outcome: 'published', counts: await publishedCounts() }
    const { counts, gapless } = await tallyNovel(library, draft.novelId, session)
    if (!gapless || !isAsMany(counts, totals)) return { outcome: 'incomplete', counts }
    const at = now()
    const published = { status: 'published', publishedAt: at, updatedAt: at, textVersion: 1 } as const
    await novels.updateOne({ _id: draft.novelId }, { $set: { ...published, ...counts } }, { session })
    return { outcome: 'published', counts }

    async function publishedCounts(): Promise<NovelCounts> {
      const projection = { _id: 0, volumes: 1, chapters: 1, scenes: 1, words: 1, characters: 1 }
      const found = await novels.findOne<NovelCounts>({ _id: draft.novelId }, { session, projection })
      return found ?? { ...totals, words: 0, characters: 0 }
    }
  })
}

function isAsMany(counts: NovelCounts, totals: Totals): boolean {
  return (
    counts.volumes === totals.volumes &&
    counts.chapters === totals.chapters &&
    counts.scenes === totals.scenes
  )
}
