import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { createMongoStore } from '../../src/store/mongodb/store.ts'
import { describeWithMongo, type FreshDatabase, freshDatabase } from '../servers/mongo.ts'
import { until } from '../servers/until.ts'
import { fill } from '../store/filled.ts'
import {
  call,
  type Ended,
  lastError,
  lastJson,
  requireBuilt,
  serve,
  start,
  story,
  temporaryFolder,
} from './cli/quillwork.ts'
import { recordsIn } from './migrate/records.ts'

const patience = 240_000

beforeAll(requireBuilt, patience)

let folder: ReturnType<typeof temporaryFolder>
let database: FreshDatabase
let data: string
let file: string
beforeEach(async () => {
  folder = temporaryFolder()
  database = freshDatabase()
  data = path.join(`${folder}`, 'data')
  file = path.join(data, 'quillwork.db')
})
afterEach(async () => {
  await database.drop()
  folder[Symbol.dispose]()
})

const filled = temporaryFolder()
afterAll(() => filled[Symbol.dispose]())

/** A data directory with tasks of every kind and an imported novel; made once, and copied. */
async function fillData(): Promise<void> {
  if (!existsSync(path.join(`${filled}`, 'quillwork.db'))) {
    await fill(path.join(`${filled}`, 'quillwork.db'))
    const imported = await call(['import', story, '--yes', '--watch', '--json', '--data', `${filled}`])
    expect([imported.code, lastJson(imported)]).toMatchObject([0, { status: 'COMPLETED' }])
  }
  cpSync(`${filled}`, data, { recursive: true })
}

/** Kills a move after its first rows. One that was faster is made again, into an emptied database. */
async function cutOff(): Promise<void> {
  for (;;) {
    await using cut = start(['migrate', '--from', `sqlite:${file}`, '--to', database.url])
    const store = createMongoStore({ url: database.url }, { filling: true })
    await store.open()
    await until(
      async () => Object.values(await store.queries.counts()).some(count => count > 0),
      'first tasks',
    )
    cut.child.kill('SIGKILL')
    const { signal } = await cut.ended
    await store.tasks.close()
    if (signal === 'SIGKILL') return
    await database.drop()
  }
}

describeWithMongo('quillwork migrate', () => {
  test('moves tasks, trees, dead letters and novels to MongoDB and back, record by record', {
    timeout: patience,
  }, async () => {
    await fillData()
    const original = await recordsIn({ file })
    const there = await call(['migrate', '--from', `sqlite:${file}`, '--to', database.url, '--json'])
    expect([there.code, there.stderr]).toEqual([0, ''])
    const { kinds } = lastJson<{ kinds: { kind: string; copied: number; same: boolean }[] }>(there)
    expect(kinds.every(({ same }) => same)).toBe(true)
    const counts = new Map(kinds.map(({ kind, copied }) => [kind, copied]))
    for (const kind of ['tasks', 'dead letters', 'log lines', 'scenes', 'summaries', 'uploaded files'])
      expect(counts.get(kind), kind).toBeGreaterThan(0)
    expect(await recordsIn({ url: database.url })).toEqual(original)

    const back = path.join(`${folder}`, 'back', 'quillwork.db')
    const again = await call(['migrate', '--from', database.url, '--to', `sqlite:${back}`])
    expect(again.code).toBe(0)
    expect(again.stdout).toMatch(/^dead letters +\d+ +\d+$/m)
    expect(again.stdout).not.toContain('@')
    expect(await recordsIn({ file: back })).toEqual(original)
    expect(readdirSync(path.dirname(back)).sort()).toEqual(['quillwork.db', 'uploads'])
    expect(readdirSync(path.join(path.dirname(back), 'uploads'))).toHaveLength(1)

    const listed = await call(['novels', 'list', '--json', '--data', path.dirname(back)])
    expect(lastJson<{ items: object[] }>(listed).items).toHaveLength(1)
  })

  test('finds the uploads of the configured store in its data directory, and tells of those without a file', {
    timeout: patience,
  }, async () => {
    const elsewhere = path.join(`${folder}`, 'fast', 'quillwork.db')
    mkdirSync(path.dirname(elsewhere))
    const env = { QUILLWORK_STORE: `sqlite:${elsewhere}`, QUILLWORK_DATA: data }
    expect((await call(['import', story, '--yes', '--watch'], { env })).code).toBe(0)
    const copy = (name: string) => `sqlite:${path.join(`${folder}`, name, 'quillwork.db')}`
    const filesOf = (ended: Ended) => {
      const { kinds, missingFiles } = lastJson<{
        kinds: { kind: string; copied: number }[]
        missingFiles: number
      }>(ended)
      return [ended.code, missingFiles, kinds.find(({ kind }) => kind === 'uploaded files')?.copied]
    }
    for (const name of ['configured', 'named']) mkdirSync(path.join(`${folder}`, name))
    expect(filesOf(await call(['migrate', '--to', copy('configured'), '--json'], { env }))).toEqual([0, 0, 1])
    expect(readdirSync(path.join(`${folder}`, 'configured', 'uploads'))).toHaveLength(1)
    const named = ['migrate', '--from', `sqlite:${elsewhere}`, '--to', copy('named')]
    expect(filesOf(await call([...named, '--data', data, '--json']))).toEqual([0, 0, 1])
    const without = ['migrate', '--from', `sqlite:${elsewhere}`, '--to', database.url]
    const told = await call(without)
    expect(told.code).toBe(1)
    expect(told.stdout).toContain(`Without its file: 1 upload. ${path.dirname(elsewhere)}/uploads does`)
    await database.drop()
    expect(filesOf(await call([...without, '--json']))).toEqual([1, 1, undefined])
    await database.drop()
    const toConfigured = [...without, '--data', data, '--json']
    const configured = { env: { QUILLWORK_STORE: database.url, QUILLWORK_BROKER: 'amqp://127.0.0.1:1' } }
    expect(filesOf(await call(toConfigured, configured))).toEqual([0, 0, 1])
  })

  test('neither a store in use nor one that holds something is touched', { timeout: patience }, async () => {
    await fillData()
    const to = ['--to', database.url, '--json']
    {
      await using server = await serve(data)
      expect(server.url).toContain('http')
      const used = await call(['migrate', '--from', `sqlite:${file}`, ...to])
      expect([used.code, lastError(used).code]).toEqual([3, 'STORE_LOCKED'])
    }
    const other = path.join(`${folder}`, 'other', 'quillwork.db')
    mkdirSync(path.dirname(other))
    copyFileSync(file, other)
    const full = await call(['migrate', '--from', `sqlite:${file}`, '--to', `sqlite:${other}`, '--json'])
    expect([full.code, lastError(full).code]).toEqual([1, 'STORE_NOT_EMPTY'])
    expect((await call(['migrate', '--data', data, ...to])).code).toBe(0)
    const twice = await call(['migrate', '--data', data, ...to])
    expect([twice.code, lastError(twice).code]).toEqual([1, 'STORE_NOT_EMPTY'])
    const store = mongodb({ url: database.url })
    await store.open()
    await store.nodes?.report({
      nodeId: 'busy-1',
      roles: [],
      lanes: {},
      running: 0,
      startedAt: 1,
      pid: 1,
      host: 'busy',
    })
    await store.tasks.close()
    const busy = await call(['migrate', '--from', database.url, '--to', `sqlite:${other}.db`, '--json'])
    expect([busy.code, lastError(busy)]).toMatchObject([
      3,
      { code: 'STORE_LOCKED', message: expect.stringContaining('busy-1') },
    ])
    const gone = await call(['migrate', '--from', `sqlite:${folder}/gone.db`, ...to])
    expect([gone.code, lastError(gone).code]).toEqual([1, 'FILE_UNREADABLE'])
    expect(existsSync(`${folder}/gone.db`)).toBe(false)
    const same = await call(['migrate', '--data', data, '--json'])
    expect([same.code, lastError(same).code]).toEqual([2, 'USAGE_INVALID'])
  })

  test('one that was killed in the middle leaves nothing that can be used, and is run again', {
    timeout: patience,
  }, async () => {
    await fillData()
    const original = await recordsIn({ file })
    await cutOff()
    const served = await call(['serve', '--port', '0', '--json', '--data', `${folder}/none`], {
      env: { QUILLWORK_STORE: database.url, QUILLWORK_BROKER: 'amqp://127.0.0.1:1' },
    })
    expect([served.code, lastError(served).code]).toEqual([1, 'TRANSFER_INCOMPLETE'])
    const again = await call(['migrate', '--from', `sqlite:${file}`, '--to', database.url])
    expect([again.code, again.stderr]).toEqual([0, ''])
    expect(await recordsIn({ url: database.url })).toEqual(original)
  })
})
