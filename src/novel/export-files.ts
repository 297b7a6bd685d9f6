import { z } from 'zod'
import { count, id } from './fields.ts'
import type { TextSource } from './import/source.ts'
import type { BegunExport, ExportedFile, WholeExport } from './library/exports.ts'
import { exportNotFound } from './library/refusal.ts'
import { markDeleted, type NovelServices, nowOf, sumOfAll, unlessFailed } from './services.ts'

/** Retention of an export: 24 hours. */
const keepExportMs = 86_400_000

type Files = Pick<NovelServices, 'library' | 'now' | 'uploads'>

/** Whose export, and which. */
interface ExportChoice {
  readonly userId: string
  readonly exportId: string
}

/** What the result of every task says that writes an export. */
export const exportResult = {
  /** Its file is at `GET /v1/exports/{exportId}/file`. */
  exportId: id,
  /** The title of the novel, or the user and the day, as far as they can be the name of a file. */
  fileName: z.string(),
  mediaType: z.string(),
  bytes: count,
  chapters: count,
  scenes: count,
  words: count,
  /** When the file is deleted. */
  expiresAt: z.iso.datetime(),
}

/** Returns what the result of a task says of its export. */
export function exportResultOf({ id: exportId, fileName, mediaType, expiresAt, ...file }: WholeExport) {
  const { bytes, chapters, scenes, words } = file
  const counts = { bytes, chapters, scenes, words }
  return { exportId, fileName, mediaType, ...counts, expiresAt: new Date(expiresAt).toISOString() }
}

/** Returns an export that an earlier attempt has finished, or what writing it gives. */
export async function exportOnce(
  { services: { library }, userId }: { services: Files; userId: string },
  exportId: string,
  write: () => Promise<WholeExport>,
): Promise<WholeExport> {
  const whole = await unlessFailed('EXPORT_NOT_FOUND', () => library.exports.export(userId, exportId))
  return whole ?? write()
}

/** What a file is made of. */
interface ExportSource {
  /** Read once, after the export was noted. */
  content: AsyncIterable<Uint8Array>
  /** Returns what is known of the file but for its length, once its content was read. */
  file(): Omit<ExportedFile, 'bytes'>
  /** Throws where what is exported is not there any more. */
  check?(): Promise<unknown>
}

/**
 * Writes the file of an export. What breaks it off leaves nothing of it behind, or the next attempt, a deletion of what is in it or the clean-up finds it by its
 * record. Throws EXPORT_NOT_FOUND or TEXT_UNREADABLE where it was deleted meanwhile, and what the source throws.
 */
export async function writeExport(
  services: Files,
  asked: Omit<BegunExport, 'location' | 'expiresAt'>,
  { content, file, check }: ExportSource,
): Promise<WholeExport> {
  const { exports } = services.library
  const { id } = asked
  const expiresAt = () => nowOf(services) + keepExportMs
  let location: string | undefined
  try {
    const { bytes } = await services.uploads.write(content, async where => {
      location = where
      const earlier = await exports.begin({ ...asked, location, expiresAt: expiresAt() })
      if (earlier !== undefined) await services.uploads.remove(earlier)
      // A deletion of the novel may have looked for its exports right before.
      await check?.()
    })
    await check?.()
    const begun = { id, location: location ?? '', expiresAt: expiresAt() }
    return await exports.finish(begun, { ...file(), bytes })
  } catch (error) {
    if (location !== undefined) await forgetExport(services, { id, location }).catch(() => undefined)
    throw error
  }
}

/** Returns an export with its file. Throws EXPORT_NOT_FOUND, also where the file is missing. */
export async function openExport(
  { library, uploads }: Files,
  { userId, exportId }: ExportChoice,
): Promise<{ found: WholeExport; source: TextSource }> {
  const found = await library.exports.export(userId, exportId)
  const source = await uploads.open(found.location, found.fileName)
  if (source === undefined) throw exportNotFound(exportId)
  return { found, source }
}

/** Deletes an export, file first. The novel and the task that exported it stay. Throws EXPORT_NOT_FOUND. */
export async function removeExport(services: Files, { userId, exportId }: ExportChoice): Promise<void> {
  await forgetExport(services, await services.library.exports.export(userId, exportId))
  markDeleted(services.library)
}

/** Deletes the archives of all that a user has that were finished before this one: it takes their place. */
export async function forgetEarlierArchives(services: Files, newest: WholeExport): Promise<void> {
  const { library } = services
  for (const each of await library.exports.every(newest.userId)) {
    const isEarlier = each.file !== undefined && each.expiresAt < newest.expiresAt
    if (each.novelId !== undefined || !isEarlier) continue
    await forgetExport(services, each)
    markDeleted(library)
  }
}

/** Deletes an export for good, file first, also one that is being written: then that fails. */
export async function forgetExport(
  { library, uploads }: Files,
  { id, location }: Pick<BegunExport, 'id' | 'location'>,
): Promise<void> {
  await uploads.remove(location)
  await library.exports.remove({ id, location })
}

/** Deletes expired exports, file first. Returns the number of deletions. What cannot be deleted stops no other deletion; its error is thrown at the end. */
export async function sweepExports(services: Files, limit: number): Promise<number> {
  const expired = await services.library.exports.expired(limit)
  return sumOfAll(
    expired.map(each => async () => {
      await forgetExport(services, each)
      markDeleted(services.library)
      return 1
    }),
  )
}
