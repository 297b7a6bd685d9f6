import { beforeAll, expect, test } from 'vitest'
import { privateMongo } from '../servers/private-mongo.ts'
import { privateRabbit } from '../servers/private-rabbit.ts'
import { until } from '../servers/until.ts'
import { lastJson, requireBuilt, story } from './cli/quillwork.ts'
import { ask, describeDistributed, installation, untilReady } from './distributed/installation.ts'

const patience = 240_000

beforeAll(requireBuilt, patience)

describeDistributed('quillwork serve without one of its servers', () => {
  test('while the broker is away tasks are taken and health says so; when it is back they run', {
    timeout: patience,
  }, async () => {
    await using broker = await privateRabbit()
    await using home = installation({ broker: broker.url })
    const server = await home.serve('api,worker,maintenance')
    await untilReady(server.url, 'readiness', ({ status }) => status === 'ready')
    await broker.kill()
    const degraded = await untilReady(server.url, 'word of the broker', ({ status }) => status === 'degraded')
    expect(degraded).toMatchObject({ http: 200 })
    expect(degraded.reasons?.join()).toMatch(/The broker is unreachable: tasks are accepted/)
    const imported = await home.run(['import', story, '--yes', '--json', '--url', server.url])
    expect(imported.code).toBe(0)
    const { taskId = '' } = lastJson<{ taskId?: string }>(imported)
    const doctor = await home.run(['doctor'])
    expect(doctor.code).toBe(1)
    expect(doctor.stdout).toMatch(/^wrong +broker +BROKER_UNREACHABLE: /m)
    expect(doctor.stdout).not.toContain('guest:guest')
    await broker.start()
    await untilReady(server.url, 'readiness', ({ status }) => status === 'ready')
    await until(
      async () => {
        const { status } = await ask<{ status: string }>(server.url, `/v1/tasks/${taskId}`)
        return status === 'COMPLETED'
      },
      'end of the import',
      60_000,
    )
  })

  test('while the store is away health says 503 and why; when it is back work goes on', {
    timeout: patience,
  }, async () => {
    await using database = await privateMongo()
    await using home = installation({ store: database.url })
    const server = await home.serve('api,worker,maintenance')
    await untilReady(server.url, 'readiness', ({ status }) => status === 'ready')
    await database.kill()
    const away = await untilReady(server.url, 'word of the store', ({ http }) => http === 503)
    expect(away).toMatchObject({
      code: 'STORE_FAILED',
      detail: expect.stringMatching(/^The store does not answer: /),
    })
    expect(await fetch(`${server.url}/healthz`)).toMatchObject({ status: 200 })
    const started = await home.run(['serve', '--port', '0'])
    expect(started.code).toBe(3)
    expect(started.stderr).toMatch(/error STORE_FAILED: /)
    await database.start()
    await untilReady(server.url, 'readiness', ({ status }) => status === 'ready')
    const imported = await home.run(['import', story, '--yes', '--watch', '--json', '--url', server.url])
    expect([imported.code, lastJson(imported)]).toMatchObject([0, { status: 'COMPLETED' }])
  })
})
