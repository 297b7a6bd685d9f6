/** The library in the database of the tasks. */
import { mongoRecords } from '../../records/mongodb.ts'
import type { Records } from '../../records/records.ts'
import { sqliteRecords } from '../../records/sqlite.ts'
import type { SharedDatabase as MongoDatabase } from '../../store/mongodb/database.ts'
import type { SharedDatabase as SqliteDatabase } from '../../store/sqlite/database.ts'
import { convertEarlier } from '../earlier-library/mongodb.ts'
import { libraryMigrations } from '../earlier-library/sqlite.ts'
import { libraryKinds } from './kinds.ts'
import { type LibraryOptions, type NovelLibrary, novelLibrary } from './library.ts'

/**
 * The novel library in the database file of the tasks: its writes join the engine's group commit. Brings the library's tables to
 * their newest form. Throws STORE_NEWER for a file of a newer version.
 */
export function sqliteLibrary(database: SqliteDatabase, options: LibraryOptions = {}): NovelLibrary {
  return novelLibrary(sqliteLibraryRecords(database), options)
}

/** The records of that library. */
export function sqliteLibraryRecords(database: SqliteDatabase): Records {
  database.migrate('novel', libraryMigrations)
  return sqliteRecords(database)
}

/**
 * The novel library in the MongoDB database of the tasks, shared by all processes that use it. Call it before the database is opened:
 * opening makes the library's indexes.
 */
export function mongoLibrary(database: MongoDatabase, options: LibraryOptions = {}): NovelLibrary {
  return novelLibrary(mongoLibraryRecords(database), options)
}

/** The records of that library. */
export function mongoLibraryRecords(database: MongoDatabase): Records {
  database.join([], () => convertEarlier(database))
  return mongoRecords(database, libraryKinds)
}
