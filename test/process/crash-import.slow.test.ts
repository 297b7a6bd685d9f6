import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasEnded } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { beforeAll, expect, it } from 'vitest'
import { makeBook } from './crash/book.ts'
import { requireBuilt } from './crash/built.ts'
import { checkAlways, Ends } from './crash/checker.ts'
import type { Child } from './crash/children.ts'
import { databaseOf, type ReadNovel, readNovels } from './crash/novels.ts'
import { readStore } from './crash/records.ts'
import { Runs } from './crash/runs.ts'
import { printedChance } from './crash/seed.ts'

beforeAll(requireBuilt, 120_000)

/** Servers that are killed, one after the other. */
const kills = 100
/** Of so many servers one is killed while it starts. */
const perStart = 5
/** Milliseconds that the others live at least and at most, once they listen. */
const life = [50, 400] as const
/** Tasks, at least and at most, after whose end they live no longer: a quick machine imports the whole book in less time. */
const work = [0, 20] as const
/** Servers that are restarted in order. */
const restarts = 10
const chapters = 60
/** A free port, and less time to end than most steps of an import need. */
const quickly = ['--port', '0', '--no-token', '--grace', '20ms']
const command = fileURLToPath(new URL('../../bin/quillwork.js', import.meta.url))

it(`a server that is killed ${kills} times imports as if nothing had happened`, {
  timeout: 600_000,
}, async () => {
  const { between } = printedChance('killed imports')
  await using runs = new Runs()
  const book = makeBook(chapters)
  const data = path.join(runs.folder, 'data')
  const serve = () =>
    runs.children.run(process.execPath, [command, 'serve', '--data', data, '--port', '0', '--no-token'])

  const importer = new Importer(book)
  const ends = new Ends()
  let busy = 0
  for (let kill = 0; kill < kills; kill++) {
    const server = serve()
    const isStarting = kill % perStart === perStart - 1
    const sending = isStarting ? undefined : importer.send(await urlOf(server)).catch(() => undefined)
    // One of them may be cut while it takes the book; the others have it, however slow the machine is.
    if (kill % perStart > 0) await sending
    if (isStarting) await moment(between(0, life[1]))
    else await Promise.race([moment(between(...life)), moreEnded(await urlOf(server), between(...work))])
    server.signal('SIGKILL')
    expect((await server.ended).signal).toBe('SIGKILL')
    await sending
    const live = await liveIn(data)
    if (live > 0) busy += 1
    else importer.wish()
    if (kill % perStart === 0) {
      const held = await readStore(databaseOf(data))
      expect([...checkAlways(held, []), ...ends.check(held.tasks)]).toEqual([])
    }
  }

  const last = serve()
  const url = await urlOf(last)
  await importer.send(url)
  await untilAllEnded(url)
  last.signal('SIGTERM')
  expect((await last.ended).code).toBe(0)
  process.stderr.write(
    `killed imports: ${busy} of ${kills} kills met live tasks, ${importer.begun.size} imports\n`,
  )
  // A kill that met an idle server proves nothing.
  expect(busy).toBeGreaterThan(kills / 2)

  const held = await readStore(databaseOf(data))
  expect([...checkAlways(held, []), ...ends.check(held.tasks)]).toEqual([])
  expect(held.tasks.filter(({ status }) => status !== 'COMPLETED')).toEqual([])
  const imports = held.tasks.filter(({ taskType }) => taskType === 'ImportNovel')
  expect(imports.map(({ id }) => id).sort()).toEqual([...importer.begun].sort())
  const wanted = await undisturbed(runs, book)
  for (const [, novel] of await readNovels(data, imports)) expect(novel).toEqual(wanted)
})

it('a server that is restarted in order spends no retry of an import', { timeout: 180_000 }, async () => {
  const { between } = printedChance('restarted imports')
  await using runs = new Runs()
  const book = makeBook(chapters)
  const data = path.join(runs.folder, 'data')
  const serve = () => runs.children.run(process.execPath, [command, 'serve', '--data', data, ...quickly])
  const importer = new Importer(book)
  let busy = 0
  for (let restart = 0; restart < restarts; restart++) {
    const server = serve()
    const url = await urlOf(server)
    await importer.send(url)
    await Promise.race([moment(between(...life)), moreEnded(url, between(...work))])
    server.signal('SIGTERM')
    expect(await server.ended).toEqual({ code: 0, signal: null })
    if ((await liveIn(data)) > 0) busy += 1
    else importer.wish()
  }
  const last = serve()
  const url = await urlOf(last)
  await importer.send(url)
  await untilAllEnded(url)
  last.signal('SIGTERM')
  expect((await last.ended).code).toBe(0)
  expect(busy).toBeGreaterThan(0)
  const held = await readStore(databaseOf(data))
  expect(checkAlways(held, [])).toEqual([])
  expect(held.tasks.filter(task => task.retryCount > 0 || task.status !== 'COMPLETED')).toEqual([])
  expect(held.crashes).toBe(0)
})

/** The novel that an import makes which nothing disturbs. */
async function undisturbed(runs: Runs, book: string): Promise<ReadNovel | undefined> {
  const data = path.join(runs.folder, 'undisturbed')
  const file = path.join(runs.folder, 'book.txt')
  writeFileSync(file, book)
  const args = [command, 'import', file, '--yes', '--watch', '--json', '--data', data]
  expect((await runs.children.run(process.execPath, args).ended).code).toBe(0)
  const { tasks } = await readStore(databaseOf(data))
  const novels = await readNovels(
    data,
    tasks.filter(({ depth }) => depth === 0),
  )
  const [novel] = novels.values()
  expect(novel?.overwritten).toBe(0)
  expect(novel?.scenes).toHaveLength(3 * chapters)
  return novel
}

/** A client that sends the book, and asks again under the same name until it is heard. */
class Importer {
  readonly begun = new Set<string>()
  readonly #book: string
  #wished = true
  #upload: string | undefined

  constructor(book: string) {
    this.#book = book
  }

  /** One more import is wanted. */
  wish(): void {
    this.#wished = true
  }

  async send(url: string): Promise<void> {
    if (!this.#wished) return
    if (this.#upload === undefined) {
      const headers = { 'content-type': 'application/octet-stream' }
      const { id } = await post(`${url}/v1/uploads?fileName=book.txt`, headers, this.#book)
      this.#upload = id
    }
    const headers = { 'content-type': 'application/json' }
    const { taskId } = await post(`${url}/v1/uploads/${this.#upload}:confirm`, headers, '{}')
    this.begun.add(taskId ?? '')
    this.#upload = undefined
    this.#wished = false
  }
}

async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ id?: string; taskId?: string }> {
  const answer = await fetch(url, { method: 'POST', headers, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text}`)
  return JSON.parse(text) as { id?: string; taskId?: string }
}

/** The address that a server says it listens on. */
async function urlOf(server: Child): Promise<string> {
  const { line } = await server.says('listening')
  return String(line).replace('listening on ', '')
}

async function liveIn(data: string): Promise<number> {
  const store = sqlite({ file: databaseOf(data) })
  const counts = await store.queries.counts()
  await store.tasks.close()
  return Object.entries(counts).reduce((sum, [status, n]) => sum + (hasEnded(status as never) ? 0 : n), 0)
}

/** Resolves when so many more tasks have ended on a server, or the server itself has. */
async function moreEnded(url: string, count: number): Promise<void> {
  const ended = async () => {
    const answer = await fetch(`${url}/v1/tasks/counts`)
    const { counts } = (await answer.json()) as { counts: { COMPLETED: number } }
    return counts.COMPLETED
  }
  try {
    const before = await ended()
    while ((await ended()) < before + count);
  } catch {
    // It was ended meanwhile.
  }
}

async function untilAllEnded(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/v1/tasks?status=QUEUED&status=RUNNING&status=RETRYING&pageSize=1`)
    const { items } = (await answer.json()) as { items: unknown[] }
    if (items.length === 0) return
    await moment(50)
  }
}

function moment(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
