import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import SqliteDatabase from 'better-sqlite3'
import { sqlite } from 'quillwork/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { createOne, newTask } from '../../src/testing/store-case.ts'
import { type TestFolder, testFolder } from '../store/sqlite-files.ts'

let folder: TestFolder
beforeEach(() => {
  folder = testFolder()
})
afterEach(() => folder.remove())

/** Runs a command on the data directory of the test, in this process. */
async function quillwork(...args: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const code = await main([...args, '--data', folder.file('data')], { stdin, stdout, stderr })
  const textOf = (stream: PassThrough) => String(stream.read() ?? '')
  return { code, out: textOf(stdout), said: textOf(stderr) }
}

const database = () => folder.file('data/quillwork.db')
/** The databases of the data directory, with what is beside them. A reader that is refused leaves an index of the log, which is nothing. */
const files = () => readdirSync(folder.file('data')).filter(name => /^quillwork.*(?<!-shm)$/.test(name))

/** Stores a task of a user in a file, and returns who has tasks in it. */
async function usersIn(file: string, newUser?: string): Promise<string[]> {
  const store = sqlite({ file })
  try {
    if (newUser !== undefined) await createOne(store, newTask({ userId: newUser }))
    const { items } = await store.queries.list({}, { pageSize: 10 })
    return items.map(({ userId }) => userId).sort()
  } finally {
    await store.tasks.close()
  }
}

describe('quillwork backup and restore', () => {
  it('write the database into a file, and put it back, keeping the one of before', async () => {
    await usersIn(database(), 'ann')
    const backup = folder.file('copy.db')
    const written = await quillwork('backup', backup)
    expect(written).toMatchObject({ code: 0, out: `Wrote ${backup}.\n` })
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    const trail = await quillwork('audit', 'list', '--json')
    expect(JSON.parse(trail.out).items).toMatchObject([{ action: 'GET /v1/backup', status: 200 }])
    expect(await quillwork('backup', backup)).toMatchObject({
      code: 2,
      said: expect.stringContaining('--force'),
    })
    await usersIn(database(), 'bob')

    const refused = await quillwork('restore', backup)
    expect(refused).toMatchObject({
      code: 1,
      said: expect.stringMatching(/^error STORE_NOT_EMPTY: .*--replace/),
    })
    expect(await usersIn(database())).toEqual(['ann', 'bob'])

    const { code, out } = await quillwork('restore', backup, '--replace', '--json')
    const answer = JSON.parse(out) as { database: string; kept: string }
    expect([code, answer]).toEqual([0, { database: database(), kept: expect.any(String) }])
    expect(await usersIn(database())).toEqual(['ann'])
    expect(await usersIn(answer.kept)).toEqual(['ann', 'bob'])
    expect(await usersIn(backup)).toEqual(['ann'])
    expect(files().length).toBe(2)
  })

  it('restores where there is no database yet', async () => {
    await usersIn(folder.file('copy.db'), 'ann')
    // As one that came over a network may be.
    chmodSync(folder.file('copy.db'), 0o644)
    const { code, out } = await quillwork('restore', folder.file('copy.db'))
    expect([code, out]).toEqual([0, expect.stringContaining('run again')])
    expect(statSync(database()).mode & 0o777).toBe(0o600)
    expect(await usersIn(database())).toEqual(['ann'])
  })

  it('refuses what is no backup, and a database that is in use, and changes nothing', async () => {
    await usersIn(database(), 'ann')
    const before = files()
    writeFileSync(folder.file('text.db'), 'not a database'.repeat(1_000))
    writeFileSync(folder.file('empty.db'), '')
    const other = new SqliteDatabase(folder.file('other.db'))
    other.exec('CREATE TABLE recipes (name TEXT)')
    other.close()
    await usersIn(folder.file('damaged.db'), 'bob')
    const bytes = readFileSync(folder.file('damaged.db'))
    for (let at = 8_192; at < bytes.length; at += 4_096) bytes.fill(0xff, at, at + 200)
    writeFileSync(folder.file('damaged.db'), bytes)
    for (const name of ['text.db', 'empty.db', 'other.db', 'damaged.db'])
      expect(await quillwork('restore', folder.file(name), '--replace'), name).toMatchObject({
        code: 1,
        said: expect.stringMatching(/^error BACKUP_UNUSABLE: /),
      })
    expect(await quillwork('restore', folder.file('none.db'), '--replace')).toMatchObject({
      said: expect.stringMatching(/^error FILE_UNREADABLE: /),
    })
    await usersIn(folder.file('copy.db'), 'bob')
    const owner = sqlite({ file: database() })
    expect(await quillwork('restore', folder.file('copy.db'), '--replace')).toMatchObject({
      said: expect.stringMatching(/^error STORE_LOCKED: /),
    })
    await owner.tasks.close()
    expect(files()).toEqual(before)
    expect(existsSync(`${database()}.restoring`)).toBe(false)
    expect(await usersIn(database())).toEqual(['ann'])
  })

  it('refuses a backup that a newer version made', async () => {
    await usersIn(folder.file('newer.db'), 'ann')
    const newer = new SqliteDatabase(folder.file('newer.db'))
    newer.exec("UPDATE schema_versions SET version = 999 WHERE part = 'engine'")
    newer.close()
    expect(await quillwork('restore', folder.file('newer.db'))).toMatchObject({
      code: 1,
      said: expect.stringMatching(/^error STORE_NEWER: /),
    })
    expect(files()).toEqual([])
  })
})
