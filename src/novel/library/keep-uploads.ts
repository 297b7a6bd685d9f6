/** What is known of uploaded files: one record each. */
import { erase, getOne, insert, replace, type Stored } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { type UploadRecord, uploads } from './file-kinds.ts'
import { type LibraryParts, nextNumber } from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { uploadNotFound } from './refusal.ts'
import type { Confirmation, Upload, UploadStore } from './uploads.ts'

/** The uploads of a library. */
export function uploadStore(library: LibraryParts): UploadStore {
  const { records, now } = library
  return {
    // Adding the same upload again finds it.
    async add(upload) {
      if ((await getOne(records, uploads, upload.id)) === undefined) {
        const order = await nextNumber(library, 'uploads')
        await records.commit([insert(uploads, { ...upload, order, createdAt: now() })])
      }
      return uploadOf(await find(library, upload.userId, upload.id))
    },
    upload: async (userId, id) => uploadOf(await valid(library, userId, id)),
    uploads(userId, page) {
      const query: Listing<UploadRecord>['query'] = {
        equal: { userId },
        above: { expiresAt: now() },
        order: ['order'],
        reverse: true,
      }
      const listing = { name: 'uploads', filter: [userId], query }
      const without = ['survey'] as const
      return readPage(records, uploads, { listing, page, without }, found => found.map(uploadOf))
    },
    async held(userId) {
      const query = { equal: { userId }, above: { expiresAt: now() }, order: ['order'] } as const
      const found = await records.find(uploads, query, ['survey'])
      const own = found.filter(({ confirmation }) => confirmation === undefined)
      return { files: own.length, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) }
    },
    async saveSurvey(userId, id, survey) {
      await change(library, userId, id, upload => ({ ...upload, survey }))
    },
    async confirm(userId, id, { novelId, taskId, expiresAt }) {
      const confirmation: Confirmation = { novelId, taskId }
      // The first confirmation wins.
      const held = await change(library, userId, id, upload =>
        upload.confirmation === undefined ? { ...upload, confirmation, expiresAt } : undefined,
      )
      return held.confirmation ?? confirmation
    },
    async expired(limit) {
      const query = { most: { expiresAt: now() }, order: ['expiresAt'], limit } as const
      return (await records.find(uploads, query, ['survey'])).map(uploadOf)
    },
    async keep({ id, userId }, expiresAt) {
      await change(library, userId, id, upload => ({ ...upload, expiresAt }))
    },
    async every(userId) {
      const query: Listing<UploadRecord>['query'] =
        userId === undefined
          ? { above: { expiresAt: -1 }, order: ['expiresAt'] }
          : { equal: { userId }, order: ['order'] }
      return (await records.find(uploads, query, ['survey'])).map(uploadOf)
    },
    async remove(id) {
      await records.commit(erase(uploads, [id]))
    },
  }
}

/** Throws UPLOAD_NOT_FOUND. */
async function find({ records }: LibraryParts, userId: string, id: string): Promise<Stored<UploadRecord>> {
  const upload = await getOne(records, uploads, id)
  if (upload?.userId !== userId) throw uploadNotFound(id)
  return upload
}

/** The upload, if its time is not over; the clean-up says when that of a confirmed one is. Throws UPLOAD_NOT_FOUND. */
async function valid(library: LibraryParts, userId: string, id: string): Promise<Stored<UploadRecord>> {
  const upload = await find(library, userId, id)
  if (upload.confirmation === undefined && upload.expiresAt <= library.now()) throw uploadNotFound(id)
  return upload
}

/** Changes an upload as it is now, and returns it; it stays as it is where there is nothing to change. Throws UPLOAD_NOT_FOUND. */
async function change(
  library: LibraryParts,
  userId: string,
  id: string,
  changed: (upload: Stored<UploadRecord>) => Stored<UploadRecord> | undefined,
): Promise<UploadRecord> {
  for (;;) {
    const upload = await valid(library, userId, id)
    const next = changed(upload)
    if (next === undefined) return upload
    if ((await library.records.commit([replace(uploads, next)])) === 'applied') return next
  }
}

function uploadOf(upload: UploadRecord): Upload {
  const { id, userId, fileName, bytes, location, createdAt, expiresAt, survey, confirmation } = upload
  const file = { id, userId, fileName, bytes, location, createdAt, expiresAt }
  const status = confirmation === undefined ? 'uploaded' : 'confirmed'
  return { ...file, ...defined({ survey, confirmation }), status }
}
