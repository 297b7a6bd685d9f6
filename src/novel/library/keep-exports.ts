/** What is known of exported novels: one record each. */
import { getOne, insert, type Query, remove, replace, type Stored } from '../../records/records.ts'
import type { ExportedFile, ExportStore, KeptExport, WholeExport } from './exports.ts'
import { novelExports } from './file-kinds.ts'
import { type LibraryParts, shelvedNovel } from './kinds.ts'
import { attemptStale, exportNotFound } from './refusal.ts'

/** The exports of a library. */
export function exportStore({ records, now }: LibraryParts): ExportStore {
  const held = (id: string) => getOne(records, novelExports, id)
  return {
    async begin(begun) {
      for (;;) {
        const earlier = await held(begun.id)
        if (earlier !== undefined && earlier.attempt > begun.attempt) throw attemptStale(begun)
        const record: KeptExport = { ...begun, createdAt: earlier?.createdAt ?? now() }
        const put =
          earlier === undefined
            ? insert(novelExports, record)
            : replace(novelExports, { ...record, revision: earlier.revision })
        if ((await records.commit([put])) === 'applied') return earlier?.location
      }
    },
    async finish({ id, location, expiresAt }, file) {
      for (;;) {
        const begun = await held(id)
        if (begun?.location !== location) throw exportNotFound(id)
        const whole: Stored<KeptExport> = { ...begun, expiresAt, file }
        if ((await records.commit([replace(novelExports, whole)])) === 'applied') return wholeOf(whole, file)
      }
    },
    async export(userId, id) {
      const found = await held(id)
      const isThere = found?.userId === userId && found.expiresAt > now()
      if (!isThere || found.file === undefined) throw exportNotFound(id)
      const { novelId } = found
      if (novelId !== undefined && (await shelvedNovel(records, userId, novelId)) === undefined)
        throw exportNotFound(id)
      return wholeOf(found, found.file)
    },
    async expired(limit) {
      const query = { most: { expiresAt: now() }, order: ['expiresAt'], limit } as const
      return (await records.find(novelExports, query)).map(keptOf)
    },
    async every(userId) {
      const query: Query<KeptExport> =
        userId === undefined ? { above: { expiresAt: -1 }, order: ['expiresAt'] } : { equal: { userId } }
      return (await records.find(novelExports, query)).map(keptOf)
    },
    async remove({ id, location }) {
      for (;;) {
        const found = await held(id)
        if (found?.location !== location) return
        if ((await records.commit([remove(novelExports, found)])) === 'applied') return
      }
    },
  }
}

function keptOf(record: Stored<KeptExport>): KeptExport {
  const { revision: _, ...kept } = record
  return kept
}

function wholeOf(record: Stored<KeptExport>, file: ExportedFile): WholeExport {
  const { revision: _, file: __, ...begun } = record
  return { ...begun, ...file }
}
