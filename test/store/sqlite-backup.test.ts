import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createEngine, defineTask } from 'quillwork'
import { mongodb } from 'quillwork/mongodb'
import { type SqliteStore, sqlite } from 'quillwork/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { DatabaseFile } from '../../src/store/sqlite/database.ts'
import { createAll, newTask } from '../../src/testing/store-case.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

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

function openStore(name: string): SqliteStore {
  const store = sqlite({ file: folder.file(name) })
  open.push(store)
  return store
}

const names = () => readdirSync(path.dirname(folder.file('tasks.db'))).sort()

/** Returns the ids of all tasks of a store, and checks that its file is whole. */
async function idsIn(store: SqliteStore): Promise<Set<unknown>> {
  return store.database.read(db => {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    return new Set(db.prepare('SELECT id FROM tasks').pluck().all())
  })
}

/** Creates tasks whose parameters are long, so that the file has thousands of pages. */
async function fill(store: SqliteStore, count: number): Promise<string[]> {
  const tasks = Array.from({ length: count }, () =>
    newTask({ parameters: JSON.stringify('x'.repeat(40_000)) }),
  )
  await createAll(store, tasks)
  return tasks.map(({ id }) => id)
}

describe('a backup of a file', () => {
  it('has all that was acknowledged before it was asked for, and is whole, however much is written meanwhile', async () => {
    const store = openStore('tasks.db')
    const before = await fill(store, 250)
    const file = folder.file('copy.db')
    let isDone = false
    const backup = store.backups?.write(file).finally(() => {
      isDone = true
    })
    const meanwhile: string[] = []
    while (!isDone) meanwhile.push(...(await fill(store, 2)))
    expect(await backup).toEqual({ bytes: statSync(file).size })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(meanwhile.length).toBeGreaterThan(2)
    const copied = await idsIn(openStore('copy.db'))
    expect(before.filter(id => !copied.has(id))).toEqual([])
    const written = new Set([...before, ...meanwhile])
    expect([...copied].filter(id => !written.has(`${id}`))).toEqual([])
  })

  it('waits for a transaction that other turns of the event loop interrupt', async () => {
    const store = openStore('tasks.db')
    const [first = ''] = await fill(store, 1)
    const file = store.database as DatabaseFile
    let isOpen = false
    const long = file.writeInSteps(function* (db) {
      db.prepare('UPDATE tasks SET user_id = ? WHERE id = ?').run('bob', first)
      isOpen = true
      for (let turn = 0; turn < 5; turn += 1) {
        // Longer than a turn may take.
        const until = performance.now() + 15
        while (performance.now() < until);
        yield
      }
    })
    while (!isOpen) await new Promise(setImmediate)
    expect(file.openTransaction).toBeDefined()
    await store.backups?.write(folder.file('copy.db'))
    await long
    expect(await idsIn(openStore('copy.db'))).toEqual(new Set([first]))
  })

  it('overwrites nothing, and leaves nothing where it fails', async () => {
    const store = openStore('tasks.db')
    writeFileSync(folder.file('mine.db'), 'mine')
    const before = names()
    const unwritable = { code: 'FILE_UNWRITABLE' }
    await expect(store.backups?.write(folder.file('mine.db'))).rejects.toMatchObject(unwritable)
    await expect(store.backups?.write(folder.file('none/copy.db'))).rejects.toMatchObject(unwritable)
    await fill(store, 50)
    const [cut] = await Promise.allSettled([
      store.backups?.write(folder.file('copy.db')),
      store.tasks.close(),
    ])
    expect(cut).toMatchObject({ status: 'rejected', reason: { code: 'STORE_CLOSED' } })
    expect(names().filter(name => !before.includes(name))).toEqual([])
  })

  it('that is read is on no disk any more, nor is one that a crash left', async () => {
    const left = folder.file('tasks.db-backup')
    writeFileSync(left, 'a part of a book')
    const store = openStore('tasks.db')
    expect(existsSync(left)).toBe(false)
    const ids = await fill(store, 3)
    const before = names()
    const copies = await Promise.all([store.backups?.read(), store.backups?.read()])
    expect(names()).toEqual(before)
    for (const [index, copy] of copies.entries()) {
      const parts: Buffer[] = []
      for await (const part of copy?.content ?? []) parts.push(part)
      const bytes = Buffer.concat(parts)
      expect(bytes.length).toBe(copy?.bytes)
      writeFileSync(folder.file(`${index}.db`), bytes)
      expect(await idsIn(openStore(`${index}.db`))).toEqual(new Set(ids))
    }
  })
})

describe('engine.backup', () => {
  it('gives a store that runs what had not ended, and nothing that had', async () => {
    const runs: string[] = []
    let go = () => undefined as unknown
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const task = defineTask({
      type: 'Note',
      parameters: z.object({ name: z.string(), waits: z.boolean() }),
      result: z.string(),
      execute: async ({ parameters: { name, waits } }) => {
        if (waits) await gate
        runs.push(name)
        return name
      },
    })
    const first = await createEngine({ tasks: [task], store: sqlite({ file: folder.file('tasks.db') }) })
    await first.start()
    const ended = await first.submit(task, { name: 'ended', waits: false })
    await ended.result()
    const running = await first.submit(task, { name: 'running', waits: true })
    await first.backup(folder.file('copy.db'))
    go()
    await running.result()
    await first.stop()
    expect(runs).toEqual(['ended', 'running'])

    const second = await createEngine({ tasks: [task], store: sqlite({ file: folder.file('copy.db') }) })
    await second.start()
    expect(await (await second.find(task, running.taskId))?.result()).toBe('running')
    expect(await (await second.find(task, ended.taskId))?.result()).toBe('ended')
    await second.stop()
    expect(runs).toEqual(['ended', 'running', 'running'])
  })

  it('is refused for a store without a file of its own', async () => {
    const engine = await createEngine({ tasks: [], store: sqlite({ file: ':memory:' }) })
    await expect(engine.backup(folder.file('copy.db'))).rejects.toMatchObject({ code: 'BACKUP_UNSUPPORTED' })
    await engine.stop()
    const shared = mongodb({ url: 'mongodb://127.0.0.1:1/none' })
    expect(shared.backups).toBeUndefined()
    await shared.tasks.close()
  })
})
