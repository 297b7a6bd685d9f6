import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { libraryKinds } from '../../../src/novel/library/kinds.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { mongoLibrary, sqliteLibrary } from '../../../src/novel/library/open.ts'
import {
  type OpenableDatabase,
  openDatabase,
  type SharedDatabase,
} from '../../../src/store/mongodb/database.ts'
import { type DatabaseFile, openDatabase as openFile } from '../../../src/store/sqlite/database.ts'
import { type FreshDatabase, freshDatabase } from '../../servers/mongo.ts'
import type { LibraryUnderTest } from './case.ts'
import { libraryCases } from './cases.ts'

/** A library that ends with its test. */
export type DisposableLibrary = LibraryUnderTest & AsyncDisposable

/** A library in a new file. */
export class SqliteUnderTest implements DisposableLibrary {
  now = 1
  readonly folder = mkdtempSync(join(tmpdir(), 'quillwork-library-'))
  database: DatabaseFile = openFile(join(this.folder, 'library.db'))
  library: NovelLibrary = this.open()

  open(): NovelLibrary {
    return sqliteLibrary(this.database, { now: () => this.now })
  }

  async reopen(): Promise<void> {
    await this.database.close()
    this.database = openFile(join(this.folder, 'library.db'))
    this.library = this.open()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close()
    rmSync(this.folder, { recursive: true })
  }
}

/** What stands between the library and its database, for tests that cause trouble. */
export type Between = (database: SharedDatabase) => SharedDatabase

/** A library in a database of its own on the server. */
export class MongoUnderTest implements DisposableLibrary {
  now = 1
  readonly #fresh: FreshDatabase
  readonly #between: Between
  database: OpenableDatabase
  library: NovelLibrary

  private constructor(fresh: FreshDatabase, between: Between) {
    this.#fresh = fresh
    this.#between = between
    this.database = openDatabase({ url: fresh.url })
    this.library = this.#libraryIn(this.database)
  }

  static async open(between: Between = database => database): Promise<MongoUnderTest> {
    const under = new MongoUnderTest(freshDatabase(), between)
    await under.database.open()
    const { db } = under.database
    const there = new Set(
      (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name),
    )
    // In some databases the stand-in for MongoDB knows nothing, within a transaction, of a collection that is not there yet.
    for (const { name } of libraryKinds) if (!there.has(name)) await db.createCollection(name)
    return under
  }

  #libraryIn(database: SharedDatabase): NovelLibrary {
    return mongoLibrary(this.#between(database), { now: () => this.now })
  }

  async reopen(): Promise<void> {
    await this.database.close()
    this.database = openDatabase({ url: this.#fresh.url })
    this.library = this.#libraryIn(this.database)
    await this.database.open()
  }

  /** Makes it as new; a new database takes longer. */
  async empty(): Promise<void> {
    this.now = 1
    const { db } = this.database
    for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
      await db.collection(name).deleteMany({})
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close()
    await this.#fresh.drop()
  }
}

/** Runs every case on a library as new. */
export function testLibrary<T extends LibraryUnderTest>(
  storage: string,
  open: () => Promise<T>,
  close: (under: T) => Promise<void>,
): void {
  for (const [capability, cases] of Object.entries(libraryCases)) {
    describe(`library on ${storage}: ${capability}`, () => {
      for (const { name, run } of cases) {
        test(name, async () => {
          const under = await open()
          try {
            await run(under)
          } finally {
            await close(under)
          }
        })
      }
    })
  }
}
