import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import SqliteDatabase, { type Statement } from 'better-sqlite3'
import { createEngine } from 'quillwork'
import { type SqliteOptions, type SqliteStore, sqlite } from 'quillwork/sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { applyMigrations } from '../../src/store/sqlite/file.ts'
import { engineMigrations } from '../../src/store/sqlite/schema.ts'
import { type AuditRecord, auditOutcomes, type TaskFilter } from '../../src/store/store.ts'
import { completed } from '../../src/task/transition.ts'
import {
  allPages,
  createAll,
  createOne,
  dueIds,
  newTask,
  problem,
  read,
  startNew,
} from '../../src/testing/store-case.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

const require = createRequire(import.meta.url)
let folder: TestFolder
let open: SqliteStore[]

beforeEach(() => {
  folder = testFolder()
  open = []
})
afterEach(async () => {
  for (const store of open) await store.tasks.close()
  folder.remove()
})

function openStore(options: Partial<SqliteOptions> = {}): SqliteStore {
  const store = sqlite({ file: folder.file('tasks.db'), ...options })
  open.push(store)
  return store
}

/** The code of the error that is thrown. */
function codeOf(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'nothing was thrown'
}

const code = (wanted: string) => expect.objectContaining({ code: wanted })

/** Runs a script in a process of its own with a handle `db` of the file; the script says a line on standard output. */
async function otherProcess(file: string, script: string): Promise<{ said: string; child: ChildProcess }> {
  const source = `const db = require(${JSON.stringify(require.resolve('better-sqlite3'))})(${JSON.stringify(file)}, { timeout: 0 })
    const say = act => { try { act(); return 'done' } catch (error) { return error.code } }
    console.log(say(() => { ${script} })); process.stdin.resume().on('end', () => process.exit())`
  const child = spawn(process.execPath, ['-e', source], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { said: line.toString().trim(), child }
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.stdin?.end()
  await exited
}

describe('a file that is created', () => {
  it('is for its owner alone, with its log and its folder; one that exists keeps its mode', async () => {
    const place = folder.file('new/folder/tasks.db')
    const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8)
    const umask = process.umask(0)
    try {
      await createOne(openStore({ file: place }))
      const names = readdirSync(path.dirname(place))
      expect(names).toEqual(['tasks.db', 'tasks.db-wal'])
      expect(names.map(name => modeOf(path.join(path.dirname(place), name)))).toEqual(['600', '600'])
      expect(['new/folder', 'new'].map(name => modeOf(folder.file(name)))).toEqual(['700', '700'])
    } finally {
      process.umask(umask)
    }
    await open[0]?.tasks.close()
    chmodSync(place, 0o640)
    expect(codeOf(() => openStore({ file: place }))).toBe('nothing was thrown')
    expect(modeOf(place)).toBe('640')
  })
})

describe('the owner of the file', () => {
  it('refuses a second store in the same process until the first is closed', async () => {
    const first = openStore()
    expect(codeOf(() => openStore())).toBe('STORE_LOCKED')
    await createOne(first)
    await first.tasks.close()
    expect((await openStore().queries.counts()).QUEUED).toBe(1)
  })

  it('is let go of by an engine that could not be made', async () => {
    const wrong = { tasks: [], store: openStore(), lanes: { 'no lane': { slots: 1 } } }
    await expect(createEngine(wrong)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await using engine = await createEngine({ tasks: [], store: openStore() })
    expect(await engine.tasks.counts()).toMatchObject({ QUEUED: 0 })
  })

  it('lets no other process read or write', async () => {
    await createOne(openStore())
    const file = folder.file('tasks.db')
    for (const script of ['db.exec("BEGIN IMMEDIATE")', 'db.prepare("SELECT * FROM tasks").all()']) {
      const { said, child } = await otherProcess(file, script)
      await end(child)
      expect(said).toBe('SQLITE_BUSY')
    }
  })

  it('is refused while another process has the file, and takes it when that one was killed', async () => {
    const record = await createOne(openStore())
    await open[0]?.tasks.close()
    const script = `db.pragma('locking_mode = EXCLUSIVE'); db.exec('BEGIN EXCLUSIVE; COMMIT')`
    const { said, child } = await otherProcess(folder.file('tasks.db'), script)
    expect(said).toBe('done')
    expect(codeOf(() => openStore())).toBe('STORE_LOCKED')
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    expect((await read(openStore(), record.id)).id).toBe(record.id)
  })
})

describe('opening a file', () => {
  it('makes the folder, and keeps what the promises need', async () => {
    const store = openStore({ file: folder.file('a/b/tasks.db') })
    const held = await store.database.read(db =>
      ['journal_mode', 'synchronous', 'locking_mode', 'foreign_keys'].map(pragma =>
        db.pragma(pragma, { simple: true }),
      ),
    )
    expect(held).toEqual(['wal', 1, 'exclusive', 1])
  })

  it('follows a link to it, with its log beside the file', async () => {
    const file = folder.file('data/real.db')
    mkdirSync(path.dirname(file))
    symlinkSync(file, folder.file('tasks.db'))
    const linked = openStore()
    await createOne(linked)
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
    expect(readdirSync(folder.file('.'))).toEqual(['data', 'tasks.db'])
    await linked.tasks.close()
    expect((await openStore({ file }).queries.counts()).QUEUED).toBe(1)
  })

  it('refuses a file that cannot keep them', () => {
    // SQLite keeps the database of an empty name in a temporary file, which has no write-ahead log.
    expect(codeOf(() => openStore({ file: '' }))).toBe('STORE_UNSUITABLE')
  })

  it('refuses a newer schema, and lets go of the file', async () => {
    await openStore().tasks.close()
    const file = folder.file('tasks.db')
    const setVersion = (change: string) => {
      const db = new SqliteDatabase(file)
      db.exec(`UPDATE schema_versions SET version = version ${change}`)
      db.close()
    }
    setVersion('+ 1')
    expect(codeOf(() => openStore())).toBe('STORE_NEWER')
    setVersion('- 1')
    await createOne(openStore())
  })

  it('of an earlier version is brought up to date, with all that it holds', async () => {
    const db = new SqliteDatabase(folder.file('tasks.db'))
    applyMigrations(db, 'engine', engineMigrations.slice(0, 1))
    db.exec("INSERT INTO usage VALUES ('task', 'root', 'ann', 5, 1, 'm', 10, 2, 0.5)")
    db.exec("INSERT INTO lanes VALUES ('default', 1, 0, 0, 41)")
    db.close()
    const store = openStore()
    expect(await store.lanes.lanes()).toEqual([{ lane: 'default', paused: true, waiting: 0 }])
    await createOne(store)
    for await (const tasks of store.transfer.tasks.read()) expect(tasks).toMatchObject([{ rank: 42 }])
    await store.attempts.usage('task', [
      { at: 6, attempt: 1, model: 'm', inputTokens: 1, outputTokens: 1, subject: 'novel' },
    ])
    const { items } = await store.queries.usageReport({ taskId: 'task' }, { by: 'subject', pageSize: 5 })
    const sum = { calls: 1, cachedInputTokens: 0, estimatedCalls: 0 }
    expect(items).toEqual([
      { ...sum, key: '', inputTokens: 10, outputTokens: 2, cost: 0.5, unpricedCalls: 0 },
      { ...sum, key: 'novel', inputTokens: 1, outputTokens: 1, unpricedCalls: 1 },
    ])
  })

  it('whose sums by day tell no cached tokens has none of them, and adds later ones', async () => {
    const db = new SqliteDatabase(folder.file('tasks.db'))
    const before = engineMigrations.findIndex(step => String(step).includes('cachedInputTokens'))
    applyMigrations(db, 'engine', engineMigrations.slice(0, before))
    db.exec(`INSERT INTO usage_days (id, revision, at, "userId", model, calls, "inputTokens", "outputTokens", "unpricedCalls",
      "estimatedCalls", body) VALUES ('day', 'earlier', 0, 'ann', 'm', 2, 20, 4, 2, 0, '{}')`)
    db.close()
    const store = openStore()
    const cached = async () => {
      const { items } = await store.queries.usageReport({}, { by: 'model', pageSize: 5 })
      return items.map(({ calls, cachedInputTokens }) => [calls, cachedInputTokens])
    }
    expect(await cached()).toEqual([[2, 0]])
    await store.attempts.usage('gone', [
      { at: 6, attempt: 1, model: 'm', inputTokens: 9, cachedInputTokens: 5, outputTokens: 1 },
    ])
    await store.usage.rollUp({ before: 86_400_000, limit: 5 })
    expect(await cached()).toEqual([[3, 5]])
  })

  it('whose lines of the audit trail do not say how they ended has them found by it', async () => {
    const earlier = new SqliteDatabase(folder.file('tasks.db'))
    const before = engineMigrations.findIndex(step => String(step).includes('audit_outcome'))
    applyMigrations(earlier, 'engine', engineMigrations.slice(0, before))
    const insert = earlier.prepare(
      'INSERT INTO audit (id, revision, at, action, body) VALUES (?, 1, 1, ?, ?)',
    )
    const statuses = [200, 399, 403, 412, 500, 503]
    for (const [at, status] of statuses.entries())
      insert.run(String(at), 'GET', JSON.stringify({ status, details: '{}' }))
    earlier.close()
    const { audit } = openStore()
    await audit.add({ status: 202, at: 5_000 } as AuditRecord)
    const found = await Promise.all(
      auditOutcomes.map(async outcome => (await audit.list({ outcome }, { pageSize: 9 })).items),
    )
    expect(found.map(lines => lines.map(({ status }) => status).sort())).toEqual([
      [200, 202, 399],
      [403, 412],
      [500, 503],
    ])
    expect(found.flat().filter(line => 'outcome' in line)).toEqual([])
  })

  it('whose disk is full is told by the health until something can be written again', async () => {
    let isFull = false
    const beforeCommit = () => {
      if (isFull) throw Object.assign(new Error('disk is full'), { code: 'SQLITE_FULL' })
    }
    const store = openStore({ faults: { beforeCommit } })
    const engine = await createEngine({ tasks: [], store })
    const problem = async () => (await engine.health()).store.problem
    isFull = true
    expect(await problem()).toBeUndefined()
    await expect(createOne(store)).rejects.toEqual(code('STORE_FULL'))
    expect(await problem()).toContain('full; make room')
    expect(await problem()).toContain('full; make room')
    isFull = false
    expect(await problem()).toBeUndefined()
    await createOne(store)
    await engine.stop()
  })

  it('of an earlier version: its tasks are found by their tags and idempotency keys, its dead letters by what they have in common', async () => {
    const db = new SqliteDatabase(folder.file('tasks.db'))
    applyMigrations(db, 'engine', engineMigrations.slice(0, 4))
    const letter = JSON.stringify({ fingerprint: 'f', error: problem() })
    const rows = [
      ['one', '["draft","scene:1"]', null],
      ['two', null, null],
      ['three', '["draft","draft"]', letter],
      ['damaged', '["dra', '{'],
    ] as const
    for (const [id, tags, dead] of rows)
      db.prepare(`INSERT INTO tasks (id, task_type, user_id, lane, priority, rank, status, phase, version, attempt, retry_count,
        crash_count, created_at, updated_at, depth, parameters, parameters_version, completed_at, idempotency_key, tags, dead_letter, fingerprint)
        VALUES (?, 'Write', 'ann', 'default', 1, 1, 'COMPLETED', 'executing', 1, 1, 0, 0, 1, 1, 0, '{}', 1, 1, ?, ?, ?, ?)`).run(
        id,
        id === 'two' ? null : `key of ${id}`,
        tags,
        dead,
        dead === null ? null : 'f',
      )
    db.close()
    const store = openStore()
    const { queries } = store
    const list = async (filter: TaskFilter) =>
      (await queries.list(filter, { pageSize: 10 })).items.map(({ id }) => id)
    expect(await list({ tag: 'draft' })).toEqual(['three', 'one'])
    expect(await list({ tag: 'scene:1', taskType: ['Write'] })).toEqual(['one'])
    expect(await list({ taskType: ['Write'] })).toEqual(['damaged', 'three', 'two', 'one'])
    expect(await list({ lane: 'default', rootsOnly: true })).toHaveLength(4)
    expect(await queries.deadLetterGroups({ code: 'HANDLER_FAILED' })).toMatchObject([
      { fingerprint: 'f', count: 1, sampleTaskId: 'three' },
    ])
    const submit = async (idempotencyKey: string) => {
      const task = newTask({ taskType: 'Write', userId: 'ann', idempotencyKey })
      const [created] = await store.tasks.create([task], {})
      return created !== undefined && 'record' in created ? [created.outcome, created.record.id] : created
    }
    expect(await submit('key of one')).toEqual(['existing', 'one'])
    expect(await submit('key of three')).toEqual(['existing', 'three'])
    expect(((await submit('key of two')) as string[])[0]).toBe('created')
  })

  it('refuses what is no database, and leaves it as it was', () => {
    const file = folder.file('tasks.db')
    const text = 'Chapter 1. It was a bright cold day. '.repeat(100)
    writeFileSync(file, text)
    expect(codeOf(() => openStore())).toBe('STORE_UNSUITABLE')
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('answers with a code where there can be no file', () => {
    const file = folder.file('taken')
    mkdirSync(file)
    expect(codeOf(() => openStore({ file }))).toBe('STORE_FAILED')
    writeFileSync(folder.file('text'), '')
    expect(codeOf(() => openStore({ file: path.join(folder.file('text'), 'tasks.db') }))).toBe('STORE_FAILED')
  })

  it('goes on with a log that was torn off in the middle of a write', async () => {
    const file = folder.file('tasks.db')
    const store = openStore()
    const kept = await createAll(store, [newTask(), newTask()])
    const copy = folder.file('copy.db')
    for (const suffix of ['', '-wal']) writeFileSync(`${copy}${suffix}`, readFileSync(`${file}${suffix}`))
    const log = readFileSync(`${file}-wal`)
    await createOne(store)
    const longer = readFileSync(`${file}-wal`)
    writeFileSync(`${copy}-wal`, longer.subarray(0, Math.floor((log.length + longer.length) / 2)))
    const found = await openStore({ file: copy }).queries.get(kept.map(({ id }) => id))
    expect(found).toEqual(kept)
  })
})

describe('group commit', () => {
  it('commits together what arrives together', async () => {
    const store = openStore()
    let commits = 0
    store.outbox.onDue(() => {
      commits += 1
    })
    await Promise.all(Array.from({ length: 300 }, () => store.tasks.create([newTask()], {})))
    expect(commits).toBe(1)
  })

  it('undoes a job that throws, and nothing of the others', async () => {
    const store = openStore()
    const wrong = new RangeError('not this one')
    const jobs = await Promise.allSettled([
      createOne(store),
      store.database.write(db => {
        db.exec(`INSERT INTO counts VALUES ('QUEUED', 1000) ON CONFLICT DO UPDATE SET tasks = 1000`)
        throw wrong
      }),
      createOne(store),
      store.database.write(db => db.exec('INSERT INTO nowhere VALUES (1)')),
      createOne(store),
    ])
    expect(jobs.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    expect(jobs[1]).toEqual({ status: 'rejected', reason: wrong })
    expect(jobs[3]).toEqual({ status: 'rejected', reason: code('STORE_FAILED') })
    expect((await store.queries.counts()).QUEUED).toBe(3)
    const [lane] = await store.lanes.lanes()
    expect(lane?.waiting).toBe(3)
  })

  it('forgets what an undone job had counted', async () => {
    const store = openStore()
    const wrong = new RangeError('no parameters')
    let reads = 0
    const broken = {
      ...newTask(),
      get parameters(): string {
        reads += 1
        // Their length is read before the transaction, which they then break when the task before is counted.
        if (reads === 1) return '{}'
        throw wrong
      },
    }
    const [good, bad] = await Promise.allSettled([
      createOne(store),
      store.tasks.create([newTask(), broken], {}),
      createOne(store),
    ])
    expect(good.status).toBe('fulfilled')
    expect(bad).toEqual({ status: 'rejected', reason: wrong })
    expect((await store.queries.counts()).QUEUED).toBe(2)
    expect((await store.lanes.lanes())[0]?.waiting).toBe(2)
    const limit = { waitingPerUser: 3 }
    expect((await store.tasks.create([newTask()], limit))[0]?.outcome).toBe('created')
    expect((await store.tasks.create([newTask()], limit))[0]?.outcome).toBe('refused')
  })

  it('rejects all of a commit that fails, keeps the counters right, and goes on', async () => {
    let failing = false
    const beforeCommit = () => {
      if (failing) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' })
    }
    const store = openStore({ faults: { beforeCommit } })
    const running = await startNew(store)
    failing = true
    const refused = await Promise.allSettled([
      store.tasks.create([newTask()], {}),
      store.tasks.apply([completed(running, '"x"', 1)]),
    ])
    for (const answer of refused) expect(answer).toEqual({ status: 'rejected', reason: code('STORE_FAILED') })
    failing = false
    expect(await read(store, running.id)).toEqual(running)
    expect(await store.tasks.apply([completed(running, '"x"', 1)])).toEqual(['applied'])
    expect(await store.queries.counts()).toMatchObject({ QUEUED: 0, RUNNING: 0, COMPLETED: 1 })
    expect((await store.lanes.lanes())[0]?.waiting).toBe(0)
  })

  it('still waits for a time whose commit failed', async () => {
    let failing = false
    let now = 1_000
    const beforeCommit = () => {
      if (failing) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' })
    }
    const store = openStore({ faults: { beforeCommit }, now: () => now })
    const record = await createOne(store, { delay: 500 })
    now += 500
    failing = true
    await expect(dueIds(store)).rejects.toEqual(code('STORE_FAILED'))
    failing = false
    expect(await dueIds(store)).toEqual([record.id])
  })

  it('refuses nothing that is committed where the next time cannot be read', async () => {
    let now = 1_000
    const store = openStore({ now: () => now })
    const record = await createOne(store, { delay: 500 })
    const db = await store.database.read(handle => handle)
    const statement = Object.getPrototypeOf(db.prepare('SELECT 1'))
    const get = statement.get as (...values: unknown[]) => unknown
    let failures = 0
    const failOnce = vi.spyOn(statement, 'get').mockImplementation(function (
      this: Statement,
      ...values: unknown[]
    ) {
      if (this.source.startsWith('SELECT min(wake_at)') && failures++ === 0)
        throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ' })
      return get.apply(this, values)
    })
    try {
      now += 500
      const [due, created] = await Promise.all([dueIds(store), createOne(store)])
      expect(failures).toBe(1)
      expect(due).toContain(record.id)
      expect((await dueIds(store)).sort()).toEqual([record.id, created.id].sort())
    } finally {
      failOnce.mockRestore()
    }
  })

  it('tells nobody before the sync', async () => {
    const synced: number[] = []
    const store = openStore({ faults: { afterCommit: () => synced.push(synced.length) } })
    await createOne(store)
    expect(synced).toHaveLength(1)
  })
})

/** Runs a program of the system; throws when it fails. */
function system(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: 'ignore' })
}

/** Fills the store until it refuses, and answers the ids of what it took. */
async function fill(store: SqliteStore): Promise<string[]> {
  const taken: string[] = []
  for (;;) {
    const tasks = [newTask({ parameters: JSON.stringify('x'.repeat(20_000)) }), newTask()]
    try {
      for (const { id } of await createAll(store, tasks)) taken.push(id)
    } catch (error) {
      expect(error).toEqual(code('STORE_FULL'))
      return taken
    }
  }
}

/** What was acknowledged is there, what was refused is not, and the counters say so. */
async function expectWhole(store: SqliteStore, taken: readonly string[]): Promise<void> {
  const found = await allPages(page => store.queries.list({}, page), 100)
  expect(found.map(({ id }) => id).reverse()).toEqual(taken)
  expect((await store.queries.counts()).QUEUED).toBe(taken.length)
  expect((await store.lanes.lanes())[0]?.waiting).toBe(taken.length)
}

describe('a full disk', () => {
  it('is told with a code, leaves nothing half done, and the work goes on when there is room', async () => {
    const store = openStore()
    const limit = (pages: number) => store.database.write(db => db.pragma(`max_page_count = ${pages}`))
    await limit(120)
    const taken = await fill(store)
    expect(taken.length).toBeGreaterThan(4)
    await expectWhole(store, taken)
    await limit(1_000_000)
    taken.push((await createOne(store, { parameters: JSON.stringify('x'.repeat(20_000)) })).id)
    await expectWhole(store, taken)
  })

  it('of a real, small file system is no different', async ({ skip }) => {
    const disk = folder.file('disk')
    mkdirSync(disk)
    try {
      system('mount', '-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', disk)
    } catch {
      process.stderr.write('SKIPPED: the test of a full disk needs the right to mount a small file system.\n')
      skip('no right to mount a small file system')
    }
    try {
      const file = path.join(disk, 'tasks.db')
      const store = openStore({ file })
      const taken = await fill(store)
      expect(taken.length).toBeGreaterThan(4)
      await expectWhole(store, taken)
      system('mount', '-o', 'remount,size=20m', disk)
      taken.push((await createOne(store)).id)
      await store.tasks.close()
      const again = openStore({ file })
      await expectWhole(again, taken)
      await again.tasks.close()
    } finally {
      system('umount', disk)
    }
  })
})

describe('a record that is damaged', () => {
  it('stops no listing', async () => {
    const store = openStore()
    const good = await createOne(store, { tags: ['draft'] })
    const bad = await createOne(store, { tags: ['draft'] })
    // What prunes has the index of listings complete.
    await store.tasks.prune({}, 1)
    await store.database.write(db =>
      db
        .prepare(
          `UPDATE tasks SET tags = '["dra', error = '{', dead_letter = 'x', fingerprint = 'f' WHERE id = ?`,
        )
        .run(bad.id),
    )
    const page = { pageSize: 10 }
    expect((await store.queries.list({}, page)).items).toHaveLength(2)
    const ofTag = (await store.queries.list({ tag: 'draft' }, page)).items
    expect(ofTag.map(({ id, tags }) => [id, tags])).toEqual([
      [bad.id, []],
      [good.id, ['draft']],
    ])
    expect((await store.queries.deadLetters({ code: 'HANDLER_FAILED' }, page)).items).toEqual([])
    expect(await store.queries.deadLetterGroups({})).toMatchObject([{ fingerprint: 'f', count: 1 }])
  })
  it('leaves no tag behind when it is deleted', async () => {
    const store = openStore()
    const bad = await startNew(store, { tags: ['draft'] })
    await store.tasks.apply([completed(bad, '"x"', 1)])
    await store.tasks.prune({}, 1)
    await store.database.write(db => db.prepare(`UPDATE tasks SET tags = '["dra'`).run())
    expect(await store.tasks.prune({ COMPLETED: 0 }, 10)).toBe(1)
    // The number of the deleted row is given to the next one.
    await createOne(store, { tags: ['other'] })
    expect((await store.queries.list({ tag: 'draft' }, { pageSize: 10 })).items).toEqual([])
  })
})
