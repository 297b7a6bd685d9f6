/** The records of webhooks in the database of the tasks. */
import { mongoRecords } from '../records/mongodb.ts'
import type { Records } from '../records/records.ts'
import { sqliteRecords, tablesOf } from '../records/sqlite.ts'
import type { SharedDatabase as MongoDatabase } from '../store/mongodb/database.ts'
import type { SharedDatabase as SqliteDatabase } from '../store/sqlite/database.ts'
import { webhookKinds } from './kinds.ts'

/** Returns those of a file, with their tables made. Throws STORE_NEWER for a file of a newer version. */
export function sqliteWebhooks(database: SqliteDatabase): Records {
  database.migrate('webhooks', [tablesOf(webhookKinds)])
  return sqliteRecords(database)
}

/** Returns those of a database. Call it before the database is opened: opening makes their indexes. */
export function mongoWebhooks(database: MongoDatabase): Records {
  return mongoRecords(database, webhookKinds)
}
