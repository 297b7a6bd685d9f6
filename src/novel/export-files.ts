import type { TextSource } from './import/source.ts'
import type { BegunExport, NovelExport } from './library/exports.ts'
import { exportNotFound } from './library/refusal.ts'
import { markDeleted, type NovelServices, sumOfAll } from './services.ts'

/** Retention of an export: 24 hours. */
export const keepExportMs = 86_400_000

type Files = Pick<NovelServices, 'library' | 'uploads'>

/** Whose export, and which. */
interface ExportChoice {
  readonly userId: string
  readonly exportId: string
}

/** Returns an export with its file. Throws EXPORT_NOT_FOUND, also where the file is missing. */
export async function openExport(
  { library, uploads }: Files,
  { userId, exportId }: ExportChoice,
): Promise<{ found: NovelExport; source: TextSource }> {
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
