import { writeFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { startModelServer } from '../models/server.ts'
import { until } from '../servers/until.ts'
import { lastJson, makeNovel, requireBuilt, start, story, temporaryFolder } from './cli/quillwork.ts'
import { ask, describeDistributed, installation, readyz, untilReady } from './distributed/installation.ts'

const patience = 240_000

beforeAll(requireBuilt, patience)

interface TaskJson {
  id: string
  status: string
  attempt: number
  error?: { code: string }
}

describeDistributed('quillwork serve in several processes', () => {
  test('an API without workers takes a novel, a worker elsewhere does the work, and any command reads it', {
    timeout: patience,
  }, async () => {
    await using home = installation({}, { QUILLWORK_SECRET: 'a-long-random-secret' })
    const api = await home.serve('api')
    const alone = await readyz(api.url)
    expect(alone).toMatchObject({ http: 200, status: 'degraded' })
    expect(alone.reasons?.join()).toMatch(/No process runs tasks.*No process rescues/)
    const worker = await home.serve('worker,maintenance', ['--lanes', 'default=3,batch=1'])
    await untilReady(api.url, 'readiness', ({ status }) => status === 'ready')
    expect(await readyz(worker.url)).toMatchObject({ http: 200, status: 'ready' })
    expect((await fetch(`${worker.url}/v1/tasks`)).status).toBe(404)
    expect((await fetch(`${worker.url}/metrics`)).status).toBe(200)

    const stream = await fetch(`${api.url}/v1/events`)
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    const imported = await home.run(['import', story, '--yes', '--watch', '--json', '--url', api.url])
    expect([imported.code, lastJson(imported)]).toMatchObject([0, { status: 'COMPLETED' }])
    let told = ''
    while (!told.includes('event: task.completed')) {
      const { value, done } = (await reader?.read()) ?? { done: true, value: undefined }
      if (done) break
      told += value
    }
    expect(told).toContain('event: task.completed')
    await reader?.cancel()

    const { novelId = '' } = lastJson<{ novelId?: string }>(imported)
    const read = await home.call(['novels', 'read', novelId, '--chapters', '1'], { QUILLWORK_URL: api.url })
    expect(read.stdout).toMatch(/^1 {2}Chapter 1: The Weighing House$/m)
    // Without an API to speak to, a command answers itself, on the same store, and leaves the tasks to the workers.
    const listed = await home.call(['tasks', 'list', '--json', '--roots'])
    expect(lastJson<{ items: TaskJson[] }>(listed).items.map(({ status }) => status)).toEqual(['COMPLETED'])
    const parameters = JSON.stringify({ novelId })
    const submitted = await home.call([
      'tasks',
      'submit',
      'BatchGenerateSummary',
      '--parameters',
      parameters,
      '--json',
    ])
    const { taskId = '', status } = lastJson<{ taskId?: string; status: string }>(submitted)
    expect(status).toBe('QUEUED')
    expect(await home.call(['tasks', 'show', taskId, '--watch'])).toMatchObject({ code: 0 })
    expect(await home.call(['tasks', 'rerun', taskId])).toMatchObject({ code: 0, stderr: '' })

    const { items } = await ask<{ items: { roles: string[]; lanes: object; pid: number }[] }>(
      api.url,
      '/v1/workers',
    )
    expect(items).toContainEqual(
      expect.objectContaining({
        pid: worker.child.pid,
        lanes: { default: 3, batch: 1, bulk: 10, webhooks: 10 },
      }),
    )
    await useKeptModel(api.url, novelId)

    const doctor = await home.call(['doctor', '--json'])
    expect([doctor.code, lastJson(doctor)]).toMatchObject([0, { ok: true }])
    for (const server of [api, worker]) server.child.kill('SIGTERM')
    expect(await worker.ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^running as worker, maintenance$/m),
    })
    expect((await api.ended).code).toBe(0)
    expect((await worker.ended).stderr).toContain('"roles":"worker,maintenance"')
    expect((await worker.ended).stderr).not.toContain('guest:guest')
  })

  test('a worker that listens nowhere needs no token, whatever its host', { timeout: patience }, async () => {
    await using home = installation()
    using folder = temporaryFolder()
    const args = ['serve', '--data', `${folder}`, '--roles', 'worker', '--host', '0.0.0.0']
    await using worker = start(args, { env: { ...home.env } })
    await worker.says(/^running as worker$/m)
    worker.child.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)
  })

  test('a worker that is killed in the middle of an import costs nothing but time', {
    timeout: patience,
  }, async () => {
    await using home = installation()
    using folder = temporaryFolder()
    const file = `${folder}/miller.txt`
    writeFileSync(file, makeNovel(12))
    const api = await home.serve('api,maintenance')
    const doomed = await home.serve('worker')
    const imported = await home.call(['import', file, '--yes', '--json', '--url', api.url])
    const { taskId = '' } = lastJson<{ taskId?: string }>(imported)
    await until(async () => {
      const { counts } = await ask<{ counts: Record<string, number> }>(api.url, '/v1/tasks/counts')
      return (counts['COMPLETED'] ?? 0) > 3
    }, 'work of the first worker')
    doomed.child.kill('SIGKILL')
    await doomed.ended
    await home.serve('worker', ['--lanes', 'default=4,batch=0'])
    await home.serve('worker', ['--lanes', 'default=0,batch=2'])
    const task = await until(
      async () => {
        const found = await ask<TaskJson>(api.url, `/v1/tasks/${taskId}`)
        return found.status === 'RUNNING' || found.status === 'QUEUED' || found.status === 'RETRYING'
          ? undefined
          : found
      },
      'end of the import',
      60_000,
    )
    expect(task.status).toBe('COMPLETED')
    const { counts } = await ask<{ counts: Record<string, number> }>(api.url, '/v1/tasks/counts')
    expect(Object.keys(counts).filter(status => (counts[status] ?? 0) > 0)).toEqual(['COMPLETED'])
  })
})

/** Sets a model up on one process, has another one call it, changes its key and removes it: no process is started anew. */
async function useKeptModel(url: string, novelId: string): Promise<void> {
  const keys = ['sk-first-0123456789', 'sk-second-0123456789']
  await using models = await startModelServer({ keys })
  const fields = {
    ...{ provider: 'openai-compatible', baseUrl: models.url, model: 'scripted' },
    ...{ privateNetwork: true, contextTokens: 16_000 },
  }
  const send = async (method: string, path: string, body: object, version?: number) => {
    const headers = {
      'content-type': 'application/json',
      ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
    }
    const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) })
    return { status: response.status, answer: (await response.json()) as { id: string; code?: string } }
  }
  /** Has the worker summarise the novel by the model. Returns how it ended: its status, or why it was refused or failed. */
  const summarise = async () => {
    const parameters = { novelId, model: 'kept', overwriteExisting: true }
    const { status, answer } = await send('POST', '/v1/tasks', {
      taskType: 'BatchGenerateSummary',
      parameters,
    })
    if (status >= 300) return answer.code
    return until(async () => {
      const task = await ask<TaskJson>(url, `/v1/tasks/${answer.id}`)
      return /^(COMPLETED|FAILED|DEAD_LETTER)/.test(task.status) && (task.error?.code ?? task.status)
    }, 'end of the summaries')
  }
  for (const [version, key] of keys.entries()) {
    expect(await send('PUT', '/v1/models/kept', { fields, key }, version)).toMatchObject({ status: 200 })
    // The worker looks every two seconds.
    const isUsed = async () =>
      (await summarise()) === 'COMPLETED' && models.ledger.calls.some(call => call.key === key)
    await until(isUsed, 'use by the worker', 20_000, 200)
  }
  const before = models.ledger.calls.length
  expect(await send('DELETE', '/v1/models/kept', {}, keys.length)).toMatchObject({ status: 200 })
  expect(await summarise()).toBe('PROVIDER_NOT_CONFIGURED')
  expect(models.ledger.calls).toHaveLength(before)
}
