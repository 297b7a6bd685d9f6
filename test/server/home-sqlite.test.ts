import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { sqlite } from 'quillwork/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteLibraryRecords } from '../../src/novel/index.ts'
import { keptModels } from '../../src/novel/library/kinds.ts'
import { write } from '../../src/records/records.ts'
import type { Home } from '../../src/server/home.ts'
import { sqliteHome } from '../../src/server/home-sqlite.ts'
import { createOne } from '../../src/testing/store-case.ts'
import { type TestFolder, testFolder } from '../store/sqlite-files.ts'

let folder: TestFolder
let homes: Home[]
beforeEach(() => {
  folder = testFolder()
  homes = []
})
afterEach(async () => {
  for (const home of homes) await home.close()
  folder.remove()
})

/** Opens a file in a folder of its own as a home. */
async function homeOf(file: string, isTarget: boolean): Promise<Home> {
  const uploads = path.join(path.dirname(file), 'uploads')
  const home = await sqliteHome({ address: `sqlite:${file}`, isTarget, uploads, allowOpenData: true })
  homes.push(home)
  return home
}

/** Fills a home with the tasks of another one. */
async function copyTasks(from: Home, to: Home): Promise<void> {
  await to.begin(from.shown)
  for await (const tasks of from.tasks.tasks.read()) await to.tasks.tasks.write(tasks)
}

describe('a file that was filled', () => {
  it('gets its name only when all of its log is in it', async ({ skip }) => {
    const disk = folder.file('disk')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      skip('no right to mount a small file system')
    }
    try {
      const source = sqlite({ file: folder.file('source.db') })
      const parameters = JSON.stringify('x'.repeat(100_000))
      for (let count = 0; count < 30; count++) await createOne(source, { parameters })
      await source.tasks.close()
      const from = await homeOf(folder.file('source.db'), false)
      const to = await homeOf(path.join(disk, 'target.db'), true)
      await copyTasks(from, to)
      takeSpace(disk)
      await expect(to.finish()).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect(existsSync(path.join(disk, 'target.db'))).toBe(false)
      rmSync(path.join(disk, 'ballast'))
      const again = await homeOf(path.join(disk, 'target.db'), true)
      await copyTasks(from, again)
      await again.finish()
      const target = sqlite({ file: path.join(disk, 'target.db') })
      expect((await target.queries.counts()).QUEUED).toBe(30)
      await target.tasks.close()
    } finally {
      for (const home of homes) await home.close()
      execFileSync('umount', [disk])
    }
  })
})

describe('a file that is to be filled', () => {
  it('is refused where it holds the tables of another program, and left as it is', async () => {
    const file = folder.file('app.db')
    const app = new SqliteDatabase(file)
    app.exec('CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (7)')
    app.close()
    const before = readFileSync(file)
    await expect(homeOf(file, true)).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('is refused where it holds a kept model alone', async () => {
    const file = folder.file('kept.db')
    const model = { id: 'kept', models: [] } as never
    const open = () => {
      const store = sqlite({ file })
      return { store, records: sqliteLibraryRecords(store.database) }
    }
    const { store, records } = open()
    await records.commit(write(keptModels, [model]))
    await store.tasks.close()
    await expect(homeOf(file, true)).rejects.toMatchObject({
      code: 'STORE_NOT_EMPTY',
      message: expect.stringContaining('library_models'),
    })
    const again = open()
    expect(await again.records.find(keptModels, { limit: 2 })).toHaveLength(1)
    await again.store.tasks.close()
  })

  it('is taken where it is a database without anything', async () => {
    const file = folder.file('empty.db')
    await sqlite({ file }).tasks.close()
    expect((await homeOf(file, true)).shown).toBe(`sqlite:${file}`)
  })
})

/** Takes the space of a disk, but for half a megabyte. */
function takeSpace(disk: string): void {
  const descriptor = openSync(path.join(disk, 'ballast'), 'w')
  let size = 0
  try {
    for (;;) size += writeSync(descriptor, Buffer.alloc(65_536))
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
    ftruncateSync(descriptor, size - 524_288)
  } finally {
    closeSync(descriptor)
  }
}
