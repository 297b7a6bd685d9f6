import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Connection, type ConnectOptions, connect } from '../../src/cli/connect.ts'
import { main } from '../../src/cli/main.ts'
import type { TaskJson } from '../../src/http/index.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { composeEmbedded } from '../../src/server/compose-embedded.ts'
import { resolveConfig } from '../../src/server/config.ts'
import { placesOf } from '../../src/server/data-directory.ts'
import { type ModelServer, startModelServer } from '../models/server.ts'
import { importBook } from '../novel/library/case.ts'
import { until } from '../servers/until.ts'

/** Commands that find no server, and start one in their own process. */
let folder: string
let data: string
let models: ModelServer
let novelId: string
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-own-server-'))
  data = path.join(folder, 'data')
  models = await startModelServer()
  mkdirSync(data, { mode: 0o700 })
  const writer = {
    ...{ provider: 'openai-compatible', baseUrl: models.url, model: 'scripted', privateNetwork: true },
    ...{ uses: ['prose', 'summary'], contextTokens: 32_000 },
  }
  writeFileSync(path.join(data, 'quillwork.json'), JSON.stringify({ models: { writer } }), { mode: 0o600 })
  const { config } = resolved()
  const { engine, services } = await composeEmbedded(placesOf(data).database, { config, log: silentLog })
  novelId = await importBook(services.library, 'told', undefined, 'local')
  await engine.stop({ grace: 0 })
})
afterEach(async () => {
  await models.close()
  rmSync(folder, { recursive: true })
})

const resolved = () => resolveConfig({ flags: { data }, env: {} })

/** Runs `quillwork ARGS` in this process. */
async function quillwork(...args: string[]): Promise<{ code: number; out: string; said: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const code = await main([...args, '--data', data], { stdin, stdout, stderr })
  const textOf = (stream: PassThrough) => String(stream.read() ?? '')
  return { code, out: textOf(stdout), said: textOf(stderr) }
}

/** Connects as a command does, and disconnects afterwards. */
async function connected<T>(
  options: Omit<ConnectOptions, 'command'>,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await connect(resolved(), { command: 'test', ...options })
  try {
    return await use(connection)
  } finally {
    await connection.close()
  }
}

/** Submits the writing of a scene of the last chapter. Returns the id of the task. */
async function submitScene({ client }: Connection, scene: number, summary = 'She falls.'): Promise<string> {
  const { outline } = await client.get<{ outline: { chapters: { id: string }[] }[] }>(`/v1/novels/${novelId}`)
  const chapter = outline.at(-1)?.chapters.at(-1)?.id
  const { scenes } = await client.get<{ scenes: { id: string }[] }>(
    `/v1/novels/${novelId}/chapters/${chapter}`,
  )
  const parameters = { novelId, sceneId: scenes[scene - 1]?.id, summary }
  return (await client.post<TaskJson>('/v1/tasks', { taskType: 'GenerateScene', parameters })).id
}

const taskOf = ({ client }: Connection, taskId: string) => client.get<TaskJson>(`/v1/tasks/${taskId}`)

test('a command that only looks runs no task that waits', async () => {
  const taskId = await connected({ works: false }, async connection => {
    await connection.client.post(`/v1/novels/${novelId}/codex`, { name: 'Alice', kind: 'person' })
    return submitScene(connection, 1)
  })
  for (const command of [
    ['novels', 'write', 'told', '3.2', '--summary', 'She falls.', '--estimate'],
    ['novels', 'write', 'told', '3.2', '--summary', 'She falls.', '--preview'],
    ['codex', 'rename', 'told', 'Alice', 'Alice', 'Ann', '--preview'],
    ['codex', 'propose', 'told', '--estimate'],
    ['novels', 'outlines', 'told'],
  ])
    expect(await quillwork(...command), command.join(' ')).toMatchObject({ code: 0, said: '' })
  const task = await connected({ works: false }, connection => taskOf(connection, taskId))
  expect(task).toMatchObject({ status: 'QUEUED', attempt: 0 })
  expect(models.ledger.calls).toEqual([])
})

test('a command that ends waits for the tasks of others that run in it, and a signal cuts them off', async () => {
  models.script.add({ prompt: 'HELD', answer: { is: 'text', heldAt: [1] } })
  for (const [isCutOff, status, calls] of [
    [false, 'COMPLETED', 1],
    [true, 'QUEUED', 2],
  ] as const) {
    const asked = new AbortController()
    const connection = await connect(resolved(), { command: 'test', works: true, signal: asked.signal })
    const taskId = await submitScene(connection, 2, `HELD ${calls}`)
    await until(() => models.ledger.calls.length === calls, 'call of the model')
    const closed = connection.close()
    const { url } = connection.client
    const answers = () =>
      fetch(`${url}/healthz`).then(
        () => true,
        () => false,
      )
    await until(async () => !(await answers()), 'server that takes nothing more')
    if (isCutOff) asked.abort()
    else models.script.release()
    await closed
    const task = await connected({ works: false }, next => taskOf(next, taskId))
    expect(task).toMatchObject({ status, attempt: 1 })
    expect(models.ledger.calls).toHaveLength(calls)
  }
})
