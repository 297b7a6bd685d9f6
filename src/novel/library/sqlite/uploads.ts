/** What is known of uploaded files. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { uploadNotFound } from '../refusal.ts'
import type { Confirmation, NewUpload, Upload, UploadStore } from '../uploads.ts'
import { statement } from './statement.ts'

/** The uploads of a database. */
export function sqliteUploads(database: SharedDatabase, now: () => number): UploadStore {
  return {
    add: upload => database.write(db => add(db, upload, now())),
    upload: (userId, id) => database.read(db => uploadOf(find(db, userId, id, now()))),
    uploads: (userId, page) => database.read(db => list(db, userId, page, now())),
    saveSurvey: (userId, id, survey) =>
      database.write(db => {
        statement(db, 'UPDATE uploads SET survey = ? WHERE key = ?').run(
          survey,
          find(db, userId, id, now()).key,
        )
      }),
    confirm: (userId, id, confirmation) =>
      database.write(db => confirm(db, find(db, userId, id, now()), confirmation)),
    expired: limit => database.read(db => expired(db, limit, now())),
    remove: id =>
      database.write(db => {
        statement(db, 'DELETE FROM uploads WHERE id = ?').run(id)
      }),
  }
}

/** An upload as its table holds it. */
export interface UploadRow {
  key: number
  id: string
  user_id: string
  file_name: string
  bytes: number
  location: string
  created_at: number
  expires_at: number
  survey: string | null
  novel_id: string | null
  task_id: string | null
}

/** Adding the same upload again finds it. */
function add(db: Database, upload: NewUpload, at: number): Upload {
  statement(
    db,
    `INSERT INTO uploads (id, user_id, file_name, bytes, location, created_at, expires_at)
     VALUES (:id, :userId, :fileName, :bytes, :location, :at, :expiresAt) ON CONFLICT (id) DO NOTHING`,
  ).run({ ...upload, at })
  return uploadOf(find(db, upload.userId, upload.id, Number.NEGATIVE_INFINITY))
}

/** The row of an upload that is good at a time. Throws UPLOAD_NOT_FOUND. */
function find(db: Database, userId: string, id: string, at: number): UploadRow {
  const row = statement<UploadRow>(db, 'SELECT * FROM uploads WHERE id = ? AND user_id = ?').get(id, userId)
  if (row === undefined || row.expires_at <= at) throw uploadNotFound(id)
  return row
}

function list(db: Database, userId: string, page: PageRequest, at: number): Page<Upload> {
  const listing: Listing = { name: 'uploads', filter: [userId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const rows = statement<UploadRow>(
    db,
    'SELECT * FROM uploads WHERE user_id = ? AND key < ? AND expires_at > ? ORDER BY key DESC LIMIT ?',
  ).all(userId, after?.[0] ?? Number.MAX_SAFE_INTEGER, at, size + 1)
  const shown = pageOf(listing, rows.slice(0, size), rows.length > size, row => [row.key])
  return { ...shown, items: shown.items.map(uploadOf) }
}

/** The first confirmation wins. */
function confirm(db: Database, row: UploadRow, wanted: Confirmation & { expiresAt: number }): Confirmation {
  const held = uploadOf(row).confirmation
  if (held !== undefined) return held
  statement(db, 'UPDATE uploads SET novel_id = ?, task_id = ?, expires_at = ? WHERE key = ?').run(
    wanted.novelId,
    wanted.taskId,
    wanted.expiresAt,
    row.key,
  )
  return { novelId: wanted.novelId, taskId: wanted.taskId }
}

function expired(db: Database, limit: number, at: number): readonly Upload[] {
  return statement<UploadRow>(db, 'SELECT * FROM uploads WHERE expires_at <= ? ORDER BY expires_at LIMIT ?')
    .all(at, limit)
    .map(uploadOf)
}

/** The upload of a row. */
export function uploadOf(row: UploadRow): Upload {
  const confirmation =
    row.novel_id === null || row.task_id === null ? undefined : { novelId: row.novel_id, taskId: row.task_id }
  return {
    id: row.id,
    userId: row.user_id,
    fileName: row.file_name,
    bytes: row.bytes,
    location: row.location,
    status: confirmation === undefined ? 'uploaded' : 'confirmed',
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    ...(row.survey === null ? {} : { survey: row.survey }),
    ...(confirmation === undefined ? {} : { confirmation }),
  }
}
