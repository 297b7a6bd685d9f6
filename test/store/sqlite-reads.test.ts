import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { statementsOf } from '../../src/records/sqlite.ts'
import { type DatabaseFile, openDatabase } from '../../src/store/sqlite/database.ts'
import { sqlite } from '../../src/store/sqlite/index.ts'
import { readTasksInSteps } from '../../src/store/sqlite/rows.ts'
import { createAll, newTask } from '../../src/testing/store-case.ts'
import { type TestFolder, testFolder } from './sqlite-files.ts'

let folder: TestFolder
beforeEach(() => {
  folder = testFolder()
})
afterEach(() => folder.remove())

describe('a query in steps', () => {
  let file: DatabaseFile
  beforeEach(() => {
    file = openDatabase(folder.file('numbers.db'))
    file.db.exec('CREATE TABLE numbers (number INTEGER)')
  })
  afterEach(() => file.close())

  const sum = () => Number(file.db.prepare('SELECT total(number) FROM numbers').pluck().get())

  /** Steps of which each takes longer than a turn; what they read is read before the first and after each. */
  function* longSteps(count: number) {
    const seen = [sum()]
    for (let step = 0; step < count; step++) {
      const until = performance.now() + 9
      while (performance.now() < until);
      yield
      seen.push(sum())
    }
    return seen
  }

  it('lets the event loop turn, and nothing is written between two of its steps', async () => {
    let isDone = false
    const reading = file
      .readInSteps(() => longSteps(5))
      .finally(() => {
        isDone = true
      })
    const written: Promise<unknown>[] = []
    let turns = 0
    while (!isDone) {
      turns += 1
      written.push(file.write(db => db.prepare('INSERT INTO numbers VALUES (1)').run()))
      await new Promise(resolve => setImmediate(resolve))
    }
    const seen = await reading
    expect(turns).toBeGreaterThan(5)
    expect(new Set(seen).size).toBe(1)
    await Promise.all(written)
    expect(await file.read(sum)).toBe(turns)
  })

  it('rejects with what a step throws, and the next one goes on', async () => {
    function* failing() {
      yield
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_READ' })
    }
    await expect(file.readInSteps(failing)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(await file.readInSteps(() => longSteps(1))).toEqual([0, 0])
  })
})

describe('the tasks of a listing', () => {
  it.each([
    ['ten small ones', 1, 10],
    ['one large one', 70_000, 1],
  ])('are read at most %s at a time', async (_, characters, perStep) => {
    const store = sqlite({ file: folder.file('tasks.db') })
    const parameters = JSON.stringify('x'.repeat(characters))
    await createAll(
      store,
      Array.from({ length: 25 }, () => newTask({ parameters })),
    )
    const fetched = await store.database.read(db => {
      const sql = statementsOf(db)
      let steps = 0
      const reading = readTasksInSteps(sql, 'tasks ORDER BY seq')
      for (;;) {
        const { done, value } = reading.next()
        if (done === true) return { steps, read: value.map(({ record }) => record.parameters) }
        steps += 1
      }
    })
    expect(fetched.read).toEqual(Array.from({ length: 25 }, () => parameters))
    expect(fetched.steps).toBe(Math.floor(25 / perStep))
    await store.tasks.close()
  })
})
