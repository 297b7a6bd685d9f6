import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import type { NovelLibrary } from '../library.ts'
import { sqliteDrafts } from './drafts.ts'
import { sqlitePassageIndex } from './passage-index.ts'
import { sqliteScenes } from './scenes.ts'
import { libraryMigrations, libraryPart } from './schema.ts'
import { sqliteShelf } from './shelf.ts'
import { sqliteUploads } from './uploads.ts'

/** Options of the library's storage. */
export interface SqliteLibraryOptions {
  /** The clock, epoch milliseconds. Default: that of the process. */
  now?: () => number
}

/**
 * The novel library in the database file of the tasks: its writes join the engine's group commit. Brings the library's tables to
 * their newest form. Throws STORE_NEWER for a file of a newer version.
 */
export function sqliteLibrary(database: SharedDatabase, options: SqliteLibraryOptions = {}): NovelLibrary {
  const now = options.now ?? Date.now
  database.migrate(libraryPart, libraryMigrations)
  return {
    drafts: sqliteDrafts(database, now),
    shelf: sqliteShelf(database),
    scenes: sqliteScenes(database, now),
    uploads: sqliteUploads(database, now),
    index: sqlitePassageIndex(database, now),
  }
}
