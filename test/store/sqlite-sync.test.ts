import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { SqliteStore } from 'quillwork/sqlite'
import { sqlite } from 'quillwork/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Syncer } from '../../src/store/sqlite/sync.ts'
import { completed } from '../../src/task/transition.ts'
import { createAll, createOne, newTask, startNew } from '../../src/testing/store-case.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

let folder: TestFolder
let open: SqliteStore[]
/** What each sync does before it is made; it may throw. */
let beforeSync: () => void

beforeEach(() => {
  folder = testFolder()
  open = []
  beforeSync = () => undefined
})
afterEach(async () => {
  for (const store of open) await store.tasks.close()
  folder.remove()
})

function openStore(): SqliteStore {
  const store = sqlite({ file: folder.file('tasks.db'), faults: { beforeSync: () => beforeSync() } })
  open.push(store)
  return store
}

const code = (wanted: string) => expect.objectContaining({ code: wanted })

/** The error of a sync. */
function failure(said: string): Error {
  return Object.assign(new Error(`${said}: fdatasync`), { code: said, syscall: 'fdatasync' })
}

/** From now on syncs fail, after the first of them `alsoDo`. `failed` resolves when one has; `mend` lets them work again. */
function failSyncs(said = 'EIO', alsoDo: () => void = () => undefined) {
  let hasFailed = () => undefined as void
  const failed = new Promise<void>(resolve => {
    hasFailed = resolve
  })
  let once = alsoDo
  beforeSync = () => {
    once()
    once = () => undefined
    hasFailed()
    throw failure(said)
  }
  const mend = () => {
    beforeSync = () => undefined
  }
  return { failed, mend }
}

/** Creates a task whose sync fails. It is told of later. */
async function createUnsynced(store: SqliteStore, { said = 'EIO', parameters = '{}' } = {}) {
  const { failed, mend } = failSyncs(said)
  const created = store.tasks.create([newTask({ parameters })], {})
  created.catch(() => undefined)
  await failed
  return { created, mend }
}

const logFile = () => folder.file('tasks.db-wal')

/** Puts zeros over a page of the log. */
function losePage(at: number): void {
  const descriptor = openSync(logFile(), 'r+')
  writeSync(descriptor, Buffer.alloc(4_096), 0, 4_096, at)
  closeSync(descriptor)
}

/** Bytes that this process has written, where the system tells. */
function bytesWritten(): number {
  return Number(/wchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

describe('a sync that covers many commits', () => {
  it('answers a few of them in each turn of the event loop, in their order', async () => {
    const syncer = new Syncer(new Database(':memory:'), undefined, {})
    const answered: number[] = []
    for (let commit = 0; commit < 12; commit++)
      syncer.add(
        () => answered.push(commit),
        () => undefined,
      )
    const settled = syncer.settled()
    const byTurn = [answered.length]
    for (let turn = 0; turn < 2; turn++) {
      await new Promise(setImmediate)
      byTurn.push(answered.length)
    }
    await settled
    expect(byTurn).toEqual([4, 8, 12])
    expect(answered).toEqual([...Array(12).keys()])
  })
})

const large = JSON.stringify('x'.repeat(20_000))

describe('after a sync that failed', () => {
  it.each([
    ['EIO', 'STORE_FAILED'],
    ['ENOSPC', 'STORE_FULL'],
    ['EDQUOT', 'STORE_FULL'],
    ['EFBIG', 'STORE_FULL'],
  ])('with %s everything is refused with %s, until the log is written again', async (said, expected) => {
    const store = openStore()
    const running = await startNew(store)
    const { created, mend } = await createUnsynced(store, { said })
    await expect(createOne(store)).rejects.toEqual(code(expected))
    await expect(store.queries.counts()).rejects.toEqual(code(expected))
    await expect(store.takesWrites?.()).rejects.toEqual(code(expected))
    await expect(store.tasks.apply([completed(running, '"x"', 1)])).rejects.toEqual(code(expected))
    mend()
    expect((await created)?.[0]?.outcome).toBe('created')
    // An attempt that ran all the while has kept its lease, and its outcome is written again.
    expect(await store.tasks.apply([completed(running, '"x"', 1)])).toEqual(['applied'])
    expect(await store.queries.counts()).toMatchObject({ QUEUED: 1, COMPLETED: 1 })
    await store.takesWrites?.()
  })

  it('all of a long log is written again, and what is refused meanwhile is not in it', async () => {
    const store = openStore()
    await createAll(
      store,
      Array.from({ length: 150 }, () => newTask({ parameters: large })),
    )
    const { created, mend } = await createUnsynced(store, { parameters: large })
    const { size } = statSync(logFile())
    expect(size).toBeGreaterThan(3_000_000)
    const before = bytesWritten()
    mend()
    await created
    expect(bytesWritten() - before).toBeGreaterThan(size * 0.99)
    expect((await store.queries.counts()).QUEUED).toBe(151)
    await store.tasks.close()
    expect((await openStore().queries.counts()).QUEUED).toBe(151)
  })

  it('a log that began anew after a checkpoint is written again', async () => {
    const store = openStore()
    await createAll(
      store,
      Array.from({ length: 50 }, () => newTask()),
    )
    await store.database.read(db => db.pragma('wal_checkpoint(RESTART)'))
    const { created, mend } = await createUnsynced(store)
    mend()
    await created
    expect((await store.queries.counts()).QUEUED).toBe(51)
  })

  it.each(['at its end', 'in the middle'])(
    'a log that lost a page %s takes nothing any more, and says so once',
    async where => {
      const store = openStore()
      const told: unknown[] = []
      store.onDamage?.(error => told.push(error))
      const kept = await createOne(store)
      const before = statSync(logFile()).size
      failSyncs('EIO', () => {
        const { size } = statSync(logFile())
        losePage(where === 'at its end' ? size - 4_096 : before + 2 * 4_096)
      })
      const refused = store.tasks.create([newTask({ parameters: large })], {})
      await expect(refused).rejects.toEqual(code('STORE_DAMAGED'))
      expect(told).toEqual([code('STORE_DAMAGED')])
      await expect(createOne(store)).rejects.toEqual(code('STORE_DAMAGED'))
      await expect(store.takesWrites?.()).rejects.toEqual(code('STORE_DAMAGED'))
      // SQLite copies the log into the file when it closes: what was lost must not get there.
      beforeSync = () => undefined
      await store.tasks.close()
      const next = openStore()
      expect((await next.queries.list({}, { pageSize: 10 })).items.map(({ id }) => id)).toEqual([kept.id])
      expect(await next.database.read(db => db.pragma('integrity_check', { simple: true }))).toBe('ok')
    },
  )

  it('a store that is closed meanwhile refuses who waits', async () => {
    const store = openStore()
    const { created } = await createUnsynced(store, { said: 'ENOSPC' })
    await store.tasks.close()
    await expect(created).rejects.toEqual(code('STORE_FULL'))
  })
})

/** Leaves the file and its log to the next process as a kill does. */
async function leave(store: SqliteStore): Promise<number> {
  const log = readFileSync(logFile())
  const file = readFileSync(folder.file('tasks.db'))
  await store.tasks.close()
  writeFileSync(folder.file('tasks.db'), file)
  writeFileSync(logFile(), log)
  return log.length
}

describe('the log that a process which is gone has left', () => {
  it('is written again and synced before anything is promised on top of it', async () => {
    const store = openStore()
    const tasks = Array.from({ length: 20 }, () => newTask({ parameters: large }))
    const ids = (await createAll(store, tasks)).map(({ id }) => id)
    const size = await leave(store)
    const before = bytesWritten()
    let syncs = 0
    beforeSync = () => {
      syncs += 1
    }
    const next = openStore()
    expect(syncs).toBe(1)
    expect(bytesWritten() - before).toBeGreaterThan(size * 0.99)
    const { items } = await next.queries.list({}, { pageSize: 50, order: 'oldest' })
    expect(items.map(({ id }) => id)).toEqual(ids)
  })

  it('refuses the start while it cannot be synced, and is there for the next one', async () => {
    const store = openStore()
    const { id } = await createOne(store)
    await leave(store)
    failSyncs('EIO')
    expect(openStore).toThrow(code('STORE_FAILED'))
    beforeSync = () => undefined
    expect((await openStore().queries.list({}, { pageSize: 9 })).items.map(task => task.id)).toEqual([id])
  })
})
