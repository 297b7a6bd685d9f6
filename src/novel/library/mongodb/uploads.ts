/** What is known of uploaded files: one document each. */
import type { Filter } from 'mongodb'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { uploadNotFound } from '../refusal.ts'
import type { Confirmation, NewUpload, Upload, UploadStore } from '../uploads.ts'
import type { UploadDocument } from './schema.ts'
import { insertNew, type LibrarySession, nextNumber } from './session.ts'

/** The uploads of a database. */
export function mongoUploads(session: LibrarySession): UploadStore {
  const { database, uploads, now } = session
  return {
    add: upload => add(session, upload),
    upload: async (userId, id) => uploadOf(await find(session, valid(userId, id, now()))),
    uploads: (userId, page) => list(session, userId, page),
    async saveSurvey(userId, id, survey) {
      const { matchedCount } = await database.run('save survey', () =>
        uploads.updateOne(valid(userId, id, now()), { $set: { survey } }),
      )
      if (matchedCount === 0) throw uploadNotFound(id)
    },
    confirm: (userId, id, confirmation) => confirm(session, valid(userId, id, now()), confirmation),
    expired: async limit => {
      const found = await database.run('list expired uploads', () =>
        uploads
          .find({ expiresAt: { $lte: now() } })
          .sort({ expiresAt: 1 })
          .limit(limit)
          .toArray(),
      )
      return found.map(uploadOf)
    },
    remove: async id => {
      await database.run('remove upload', () => uploads.deleteOne({ _id: id }))
    },
  }
}

type UploadFilter = Filter<UploadDocument> & { _id: string }

/** The upload, if it is the user's and good at a time. */
function valid(userId: string, id: string, at: number): UploadFilter {
  return { _id: id, userId, expiresAt: { $gt: at } }
}

/** Throws UPLOAD_NOT_FOUND. */
async function find({ database, uploads }: LibrarySession, filter: UploadFilter): Promise<UploadDocument> {
  const found = await database.run('find upload', () => uploads.findOne(filter))
  if (found === null) throw uploadNotFound(filter._id)
  return found
}

/** Adding the same upload again finds it. */
async function add(session: LibrarySession, { id, ...upload }: NewUpload): Promise<Upload> {
  const { database, uploads, now } = session
  const document = { _id: id, order: await nextNumber(session, 'uploads'), ...upload, createdAt: now() }
  await database.run('add upload', () => insertNew(uploads, document))
  return uploadOf(await find(session, { _id: id, userId: upload.userId }))
}

async function list(
  { database, uploads, now }: LibrarySession,
  userId: string,
  page: PageRequest,
): Promise<Page<Upload>> {
  const listing: Listing = { name: 'uploads', filter: [userId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const before = after?.[0] ?? Number.MAX_SAFE_INTEGER
  const found = await database.run('list uploads', () =>
    uploads
      .find({ userId, order: { $lt: before }, expiresAt: { $gt: now() } })
      .sort({ order: -1 })
      .limit(size + 1)
      .toArray(),
  )
  const shown = pageOf(listing, found.slice(0, size), found.length > size, upload => [upload.order])
  return { ...shown, items: shown.items.map(uploadOf) }
}

/** The first confirmation wins: the write finds only an upload that has none. */
async function confirm(
  session: LibrarySession,
  filter: UploadFilter,
  { novelId, taskId, expiresAt }: Confirmation & { expiresAt: number },
): Promise<Confirmation> {
  const { database, uploads } = session
  const confirmation = { novelId, taskId }
  const { modifiedCount } = await database.run('confirm upload', () =>
    uploads.updateOne({ ...filter, confirmation: { $exists: false } }, { $set: { confirmation, expiresAt } }),
  )
  if (modifiedCount > 0) return confirmation
  const held = (await find(session, filter)).confirmation
  if (held === undefined) throw uploadNotFound(filter._id)
  return held
}

function uploadOf({ _id: id, order: _, ...upload }: UploadDocument): Upload {
  return { id, ...upload, status: upload.confirmation === undefined ? 'uploaded' : 'confirmed' }
}
