/** The history of a scene. */
import type { Database } from 'better-sqlite3'
import { entryIdOf, forgotten, historyEntryOf, type KeptEntry } from '../history.ts'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import type { HistoryEntry } from '../scenes.ts'
import { statement } from './statement.ts'
import { type WriterColumns, writerColumns, writerOf } from './writers.ts'

/** Puts entries into the history, oldest first; it then forgets what has become too old. */
export function keep(db: Database, scene: number, entries: readonly KeptEntry[]): void {
  for (const entry of entries) {
    forget(
      db,
      forgotten(notes(db, scene), entry).map(({ key }) => key),
    )
    insertEntry(db, scene, entry)
  }
}

function insertEntry(db: Database, scene: number, entry: KeptEntry): void {
  const { what, why, text, version, keptAt, overwrittenBy, ...origin } = entry
  const none = { by_user: null, by_task: null, by_attempt: null }
  statement(
    db,
    `INSERT INTO scene_history (scene_key, what, why, version, kept_at, by_user, by_task, by_attempt, origin, content)
     VALUES (:scene, :what, :why, :version, :at, :by_user, :by_task, :by_attempt, :origin, :text)`,
  ).run({
    ...{ scene, what, why, version, at: keptAt, text, origin: JSON.stringify(origin) },
    ...(overwrittenBy === undefined ? none : writerColumns(overwrittenBy)),
  })
}

function forget(db: Database, keys: readonly number[]): void {
  if (keys.length === 0) return
  statement(db, 'DELETE FROM scene_history WHERE key IN (SELECT value FROM json_each(?))').run(
    JSON.stringify(keys),
  )
}

/** An entry without its text. */
export type EntryNote = Omit<KeptEntry, 'text'> & { key: number }

interface NoteRow extends WriterColumns {
  key: number
  what: KeptEntry['what']
  why: KeptEntry['why']
  version: number
  kept_at: number
  origin: string
}

interface EntryRow extends NoteRow {
  content: string
}

const noteColumns = 'key, what, why, version, kept_at, by_user, by_task, by_attempt, origin'

/** The entries of a scene without their texts, newest first. */
export function notes(db: Database, scene: number): EntryNote[] {
  return statement<NoteRow>(
    db,
    `SELECT ${noteColumns} FROM scene_history WHERE scene_key = ? ORDER BY key DESC`,
  )
    .all(scene)
    .map(noteOf)
}

function noteOf(row: NoteRow): EntryNote {
  return {
    ...(JSON.parse(row.origin) as Pick<KeptEntry, 'provenance'>),
    key: row.key,
    what: row.what,
    why: row.why,
    version: row.version,
    keptAt: row.kept_at,
    ...(row.why === 'conflict' ? {} : { overwrittenBy: writerOf(row) }),
  }
}

function entryOf(row: EntryRow): KeptEntry {
  const { key: _, ...note } = noteOf(row)
  return { ...note, text: row.content }
}

/** The entries of a scene, oldest first. */
export function wholeHistory(db: Database, scene: number): KeptEntry[] {
  return statement<EntryRow>(
    db,
    `SELECT ${noteColumns}, content FROM scene_history WHERE scene_key = ? ORDER BY key`,
  )
    .all(scene)
    .map(entryOf)
}

/** One page of the history, newest first. */
export function listHistory(
  db: Database,
  scene: number,
  sceneId: string,
  page: PageRequest,
): Page<HistoryEntry> {
  const listing: Listing = { name: 'history', filter: [sceneId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const rows = statement<EntryRow>(
    db,
    `SELECT ${noteColumns}, content FROM scene_history
     WHERE scene_key = ? AND key < ? ORDER BY key DESC LIMIT ?`,
  ).all(scene, after?.[0] ?? Number.MAX_SAFE_INTEGER, size + 1)
  const shown = pageOf(listing, rows.slice(0, size), rows.length > size, row => [row.key])
  return { ...shown, items: shown.items.map(row => historyEntryOf(sceneId, entryOf(row))) }
}

/** The entry with an id, or undefined. */
export function findEntry(
  db: Database,
  scene: number,
  { sceneId, entryId }: { sceneId: string; entryId: string },
): KeptEntry | undefined {
  const note = notes(db, scene).find(entry => entryIdOf(sceneId, entry) === entryId)
  if (note === undefined) return undefined
  const row = statement<EntryRow>(db, `SELECT ${noteColumns}, content FROM scene_history WHERE key = ?`).get(
    note.key,
  )
  return row === undefined ? undefined : entryOf(row)
}
