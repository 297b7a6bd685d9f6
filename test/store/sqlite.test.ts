import { type SqliteStore, sqlite } from 'quillwork/sqlite'
import { afterEach, describe, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { type StoreCaseContext, storeCases } from '../../src/testing/store-cases.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

/** Stores in files of their own, on one clock that the case moves. */
class SqliteContext implements StoreCaseContext {
  now = Date.parse('2031-05-04T03:02:01Z')
  readonly #folder: TestFolder = testFolder()
  readonly #open = new Map<Store, string>()

  advance(ms: number): void {
    this.now += ms
  }

  async makeStore(options: { syncDelayMs?: number } = {}): Promise<SqliteStore> {
    return this.#openFile(this.#folder.file(`${this.#open.size}.db`), options)
  }

  async reopenStore(store: Store): Promise<SqliteStore> {
    const file = this.#open.get(store)
    if (file === undefined) throw new RangeError('This store was not made here.')
    await store.tasks.close()
    return this.#openFile(file, {})
  }

  async end(): Promise<void> {
    for (const store of this.#open.keys()) await store.tasks.close()
    this.#folder.remove()
  }

  #openFile(file: string, faults: { syncDelayMs?: number }): SqliteStore {
    const store = sqlite({ file, now: () => this.now, faults })
    this.#open.set(store, file)
    return store
  }
}

describe('a store in a SQLite file', () => {
  let context: SqliteContext | undefined
  afterEach(() => context?.end())

  for (const { name, run } of storeCases)
    it(name, async () => {
      context = new SqliteContext()
      await run(context)
    })
})
