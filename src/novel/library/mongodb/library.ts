import type { SharedDatabase } from '../../../store/mongodb/database.ts'
import type { NovelLibrary } from '../library.ts'
import { mongoDrafts } from './drafts.ts'
import { mongoPassageIndex } from './passage-index.ts'
import { mongoScenes } from './scenes.ts'
import { libraryIndexes } from './schema.ts'
import { librarySession } from './session.ts'
import { mongoShelf } from './shelf.ts'
import { mongoUploads } from './uploads.ts'

/** Options of the library's storage. */
export interface MongoLibraryOptions {
  /** The clock, epoch milliseconds. Default: that of the process. */
  now?: () => number
}

/**
 * The novel library in the MongoDB database of the tasks, shared by all processes that use it. Call it before the database is opened:
 * opening makes the library's indexes.
 */
export function mongoLibrary(database: SharedDatabase, options: MongoLibraryOptions = {}): NovelLibrary {
  database.join(libraryIndexes)
  const session = librarySession(database, options.now ?? Date.now)
  return {
    drafts: mongoDrafts(session),
    shelf: mongoShelf(session),
    scenes: mongoScenes(session),
    uploads: mongoUploads(session),
    index: mongoPassageIndex(session),
  }
}
