/** The library of a file as rows that can be moved to another storage. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { notTaken } from '../refusal.ts'
import type { ChapterRow, LibraryTransfer, RowTransfer, UploadRow, VolumeRow } from '../transfer.ts'
import { pagesByKey } from './pages.ts'
import { statement } from './statement.ts'
import { novelsTransfer } from './transfer-novels.ts'
import { scenesTransfer } from './transfer-scenes.ts'
import { segmentsTransfer } from './transfer-segments.ts'
import { type UploadRow as UploadColumns, uploadOf } from './uploads.ts'

/** Rows of a page, and uploads: each of these can have a preview of hundreds of KB. */
const pageRows = 500
const pageUploads = 20

/** Reads and writes the rows of the library of a file on which `sqliteLibrary` was called. */
export function sqliteTransfer(database: SharedDatabase): LibraryTransfer {
  return {
    novels: novelsTransfer(database),
    volumes: volumesTransfer(database),
    chapters: chaptersTransfer(database),
    scenes: scenesTransfer(database),
    segments: segmentsTransfer(database),
    uploads: uploadsTransfer(database),
  }
}

function volumesTransfer(database: SharedDatabase): RowTransfer<VolumeRow> {
  const query = `SELECT v.key, v.id, n.id AS novelId, v.position, v.generation, v.title
    FROM volumes v JOIN novels n ON n.key = v.novel_key WHERE v.key > ? ORDER BY v.key LIMIT ?`
  return {
    async *read() {
      for await (const page of pagesByKey(database, (db, after) =>
        statement<VolumeRow & { key: number }>(db, query).all(after, pageRows),
      )) {
        yield page.map(({ key: _, ...volume }) => volume)
      }
    },
    write: rows => writeEach(database, rows, insertVolume),
  }
}

function insertVolume(db: Database, volume: VolumeRow): number {
  return statement(
    db,
    `INSERT INTO volumes (id, novel_key, position, generation, title)
     SELECT :id, key, :position, :generation, :title FROM novels WHERE id = :novelId
     ON CONFLICT (id) DO UPDATE SET title = excluded.title, generation = excluded.generation`,
  ).run(volume).changes
}

function chaptersTransfer(database: SharedDatabase): RowTransfer<ChapterRow> {
  const query = `SELECT c.key, c.id, n.id AS novelId, v.id AS volumeId, c.position, c.generation, c.title
    FROM chapters c JOIN novels n ON n.key = c.novel_key JOIN volumes v ON v.key = c.volume_key
    WHERE c.key > ? ORDER BY c.key LIMIT ?`
  return {
    async *read() {
      for await (const page of pagesByKey(database, (db, after) =>
        statement<ChapterRow & { key: number }>(db, query).all(after, pageRows),
      )) {
        yield page.map(({ key: _, ...chapter }) => chapter)
      }
    },
    write: rows => writeEach(database, rows, insertChapter),
  }
}

function insertChapter(db: Database, chapter: ChapterRow): number {
  return statement(
    db,
    `INSERT INTO chapters (id, novel_key, volume_key, position, generation, title)
     SELECT :id, novel_key, key, :position, :generation, :title FROM volumes WHERE id = :volumeId
     ON CONFLICT (id) DO UPDATE SET
       title = excluded.title, volume_key = excluded.volume_key, generation = excluded.generation`,
  ).run(chapter).changes
}

/** Writes rows in one transaction; `insert` answers 0 where that which a row belongs to is not there. */
function writeEach<Row extends { id: string }>(
  database: SharedDatabase,
  rows: readonly Row[],
  insert: (db: Database, row: Row) => number,
): Promise<void> {
  return database.write(db => {
    const orphan = rows.find(row => insert(db, row) === 0)
    if (orphan !== undefined)
      throw notTaken(`Row ${orphan.id} belongs to a row that was not written before it.`)
  })
}

function uploadsTransfer(database: SharedDatabase): RowTransfer<UploadRow> {
  return {
    async *read() {
      for await (const page of pagesByKey(database, (db, after) =>
        statement<UploadColumns>(db, 'SELECT * FROM uploads WHERE key > ? ORDER BY key LIMIT ?').all(
          after,
          pageUploads,
        ),
      )) {
        yield page.map(uploadOf).map(({ status: _, ...upload }) => upload)
      }
    },
    write: rows => writeEach(database, rows, insertUpload),
  }
}

function insertUpload(db: Database, { survey, confirmation, ...upload }: UploadRow): number {
  return statement(
    db,
    `INSERT INTO uploads (id, user_id, file_name, bytes, location, created_at, expires_at, survey, novel_id, task_id)
     VALUES (:id, :userId, :fileName, :bytes, :location, :createdAt, :expiresAt, :survey, :novelId, :taskId)
     ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at, survey = excluded.survey,
       novel_id = excluded.novel_id, task_id = excluded.task_id`,
  ).run({
    ...upload,
    survey: survey ?? null,
    novelId: confirmation?.novelId ?? null,
    taskId: confirmation?.taskId ?? null,
  }).changes
}
