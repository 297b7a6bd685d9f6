import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { sqliteLibrary } from '../../../src/novel/library/sqlite/library.ts'
import { type DatabaseFile, openDatabase } from '../../../src/store/sqlite/database.ts'
import type { LibraryUnderTest } from './case.ts'
import { libraryCases } from './cases.ts'

/** A library in a new file. */
class SqliteUnderTest implements LibraryUnderTest {
  now = 1
  readonly folder = mkdtempSync(join(tmpdir(), 'quillwork-library-'))
  database: DatabaseFile = openDatabase(join(this.folder, 'library.db'))
  library: NovelLibrary = this.open()

  open(): NovelLibrary {
    return sqliteLibrary(this.database, { now: () => this.now })
  }

  async reopen(): Promise<void> {
    await this.database.close()
    this.database = openDatabase(join(this.folder, 'library.db'))
    this.library = this.open()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close()
    rmSync(this.folder, { recursive: true })
  }
}

for (const [capability, cases] of Object.entries(libraryCases)) {
  describe(`library on SQLite: ${capability}`, () => {
    for (const { name, run } of cases) {
      test(name, async () => {
        await using under = new SqliteUnderTest()
        await run(under)
      })
    }
  })
}
