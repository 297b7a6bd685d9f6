/** What completed tasks wrote goes in steps, whatever its size, and whenever it came. */

import { createGate } from 'quillwork/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { StoreFaults } from '../../src/store/mongodb/failures.ts'
import { openDatabase } from '../../src/store/sqlite/database.ts'
import { sqlite } from '../../src/store/sqlite/index.ts'
import { engineMigrations } from '../../src/store/sqlite/schema.ts'
import { completed, givenBack } from '../../src/task/transition.ts'
import { complete, createOne, move, read, start, startNew } from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { MongoContext } from './mongodb-context.ts'
import { testFolder } from './sqlite-files.ts'

describe('the trimming of a file', () => {
  async function openStore() {
    const ran: string[] = []
    const store = sqlite({ file: ':memory:', now: () => 5 })
    onTestFinished(() => store.tasks.close())
    await store.database.write(db => {
      const prepare = db.prepare.bind(db)
      db.prepare = ((sql: string) => {
        ran.push(sql)
        return prepare(sql)
      }) as typeof db.prepare
    })
    const count = (table: string) =>
      store.database.read(db => Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()))
    return { store, ran, count }
  }

  it('deletes a few megabytes or a thousand rows in a write, and goes on with the same task', async () => {
    const { store, count } = await openStore()
    const running = await startNew(store)
    const { id: taskId, attempt } = running
    const value = 'x'.repeat(1_500_000)
    const keys = Array.from({ length: 10 }, (_, index) => `step ${index}`)
    await store.attempts.checkpoint(keys.map(key => ({ taskId, attempt, key, value })))
    const small = Array.from({ length: 2_500 }, (_, index) => ({ taskId, attempt, sequence: index + 1 }))
    await store.output.append(small.map(piece => ({ ...piece, text: '' })))
    await move(store, completed(running, '"x"', 5))
    const left: [checkpoints: number, pieces: number][] = []
    while (await store.tasks.trim(0, 500)) left.push([await count('checkpoints'), await count('output')])
    expect(left).toEqual([
      [7, 1_500],
      [4, 500],
      [1, 0],
    ])
    expect([await count('checkpoints'), await count('output')]).toEqual([0, 0])
  })

  it('takes what an earlier version left', async () => {
    const folder = testFolder()
    onTestFinished(() => folder.remove())
    const file = folder.file('tasks.db')
    const earlier = openDatabase(file)
    const before = engineMigrations.findIndex(step => String(step).includes('checkpoints_task'))
    earlier.migrate('engine', engineMigrations.slice(0, before))
    const columns = {
      ...{
        id: 'a',
        task_type: 'Write',
        user_id: 'ann',
        lane: 'default',
        priority: 1,
        rank: 1,
        parameters: '{}',
      },
      ...{ status: 'COMPLETED', phase: 'executing', version: 3, attempt: 1, retry_count: 0, crash_count: 0 },
      ...{ created_at: 1, updated_at: 2, completed_at: 2, depth: 0, parameters_version: 1, result: '1' },
    }
    const names = Object.keys(columns)
    await earlier.write(db => {
      db.prepare(`INSERT INTO tasks (${names}) VALUES (${names.map(name => `:${name}`)})`).run(columns)
      db.exec(`INSERT INTO checkpoints VALUES (1, 'k', '1'); INSERT INTO output VALUES (1, 1, 1, 'x')`)
    })
    await earlier.close()
    const store = sqlite({ file })
    await store.tasks.trim(0, 500)
    expect((await store.attempts.checkpoints('a')).size).toBe(0)
    expect((await store.output.read('a', { attempt: 0, sequence: 0 }, 5)).pieces).toEqual([])
    await store.tasks.close()
  })

  it('walks along an index of what is left, and over no table', async () => {
    const { store, ran } = await openStore()
    await store.tasks.trim(0, 500)
    const walks = ran.filter(sql => sql.startsWith('WITH RECURSIVE holders'))
    expect(walks).toHaveLength(2)
    for (const sql of walks) {
      const steps = await store.database.read(
        db => db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(0, 1, 0) as { detail: string }[],
      )
      const plan = steps.map(({ detail }) => detail).join('\n')
      expect(plan).toMatch(/SEARCH (checkpoints|output) USING COVERING INDEX \w+_task \(task_seq>\?\)/)
      expect(plan).toContain('SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)')
      expect(plan).not.toMatch(/SCAN (checkpoints|output|tasks)/)
    }
  })
})

describeWithMongo('the large parameters of a submission that failed', () => {
  it('are deleted an hour later; those of a task, and of one that may still come, stay', async () => {
    let fails = false
    const context = new MongoContext({
      before(operation) {
        if (fails && operation === 'create') throw new Error('the server is gone')
      },
    })
    onTestFinished(() => context.end())
    const [store] = await context.makeStores(1)
    const large = { parameters: JSON.stringify('x'.repeat(100_000)) }
    const kept = await createOne(store, large)
    const submitInVain = async () => {
      fails = true
      await expect(createOne(store, large)).rejects.toThrow()
      fails = false
    }
    await submitInVain()
    context.advance(3_599_000)
    await submitInVain()
    await store.tasks.trim(0, 10)
    expect(await context.count('task_payloads')).toBe(3)
    context.advance(2_000)
    await store.tasks.trim(0, 10)
    expect(await context.count('task_payloads')).toBe(2)
    expect((await read(store, kept.id)).parameters).toBe(large.parameters)
  })
})

describeWithMongo('what comes after its task was trimmed', () => {
  /** Two stores on one database; the nth operation of that name by the first is held until it is let go. */
  async function openStores(operation: string, nth = 1) {
    const [held, toGoOn] = [createGate(), createGate()]
    let seen = 0
    const faults: StoreFaults = {
      before(each) {
        if (each !== operation || ++seen !== nth) return
        held.open()
        return toGoOn.opened
      },
    }
    const context = new MongoContext(faults)
    onTestFinished(async () => {
      toGoOn.open()
      await context.end()
    })
    const [slow, other] = await context.makeStores(2)
    return { slow, other, context, held: held.opened, goOn: toGoOn.open }
  }

  it.each(['COMPLETED', 'gone'])('is deleted all the same: of a task that is %s', async how => {
    const { slow, other, context, held, goOn } = await openStores('output pieces')
    const first = await startNew(slow)
    const { id: taskId } = first
    const late = slow.output.append([{ taskId, attempt: 1, sequence: 1, text: 'late' }])
    await held
    const second = await start(other, await move(other, givenBack(first)))
    await move(other, completed(second, '"x"', context.now))
    await other.tasks.trim(0, 10)
    context.advance(1)
    if (how === 'gone') expect(await other.tasks.prune({ COMPLETED: 0 }, 10)).toBe(1)
    goOn()
    await late
    expect(await context.count('task_output')).toBe(1)
    await other.tasks.trim(0, 10)
    expect(await context.count('task_output')).toBe(0)
  })

  it('is deleted all the same: a line of the log of a task that is gone; those of others stay', async () => {
    // The number of the last line, the task, and the line itself.
    const { slow, other, context, held, goOn } = await openStores('log', 3)
    const line = { at: context.now, attempt: 1, level: 'info', message: 'x' } as const
    const [kept, gone] = [await createOne(other), await createOne(other)]
    const late = slow.attempts.log(gone.id, [line])
    await held
    await other.attempts.log(kept.id, [line])
    await complete(other, gone, context.now)
    await complete(other, kept, context.now)
    expect(await other.tasks.erase(gone.id, 10)).toBe(1)
    goOn()
    await late
    expect(await context.count('task_logs')).toBe(2)
    await other.tasks.trim(0, 10)
    expect(await context.count('task_logs')).toBe(1)
    expect(await other.queries.logs(kept.id, 0, 10)).toHaveLength(1)
  })

  it('is deleted all the same: the value of a step', async () => {
    // Of the two writes of a checkpoint, to the task and of its value, the second.
    const { slow, other, context, held, goOn } = await openStores('checkpoint', 2)
    const first = await startNew(slow)
    const late = slow.attempts.checkpoint([{ taskId: first.id, attempt: 1, key: 'a', value: '1' }])
    await held
    const second = await start(other, await move(other, givenBack(first)))
    await move(other, completed(second, '"x"', context.now))
    await other.tasks.trim(0, 10)
    goOn()
    await late
    expect(await context.count('task_checkpoints')).toBe(1)
    await other.tasks.trim(0, 10)
    expect(await context.count('task_checkpoints')).toBe(0)
  })
})
