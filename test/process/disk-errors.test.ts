import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it } from 'vitest'
import { until } from '../servers/until.ts'
import { requireBuilt } from './crash/built.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

const command = fileURLToPath(new URL('../../bin/quillwork.js', import.meta.url))
const source = fileURLToPath(new URL('crash/fail-syncs.c', import.meta.url))

/** A server whose syncs of its log can be made to fail. */
interface Server {
  ended: Promise<{ code: number | null }>
  errors(): string
  signal(name: NodeJS.Signals): void
  /** Sends a request; returns its status and its body. */
  ask(method: 'GET' | 'POST', path: string): Promise<{ status: number; body: Record<string, unknown> }>
}

/** Runs a test with a way to start servers, and to make their syncs fail; skips it, loudly, where no C compiler is. */
async function withServers(
  skip: (why: string) => void,
  test: (tools: { start(): Promise<Server>; fail(how: 'EIO' | 'lose'): void; mend(): void }) => Promise<void>,
): Promise<void> {
  await using runs = new Runs()
  const library = path.join(runs.folder, 'fail-syncs.so')
  const compiled = spawnSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl'], { stdio: 'pipe' })
  if (compiled.status !== 0) {
    process.stderr.write('SKIPPED: the test of a disk that fails needs a C compiler (cc) and Linux.\n')
    return skip('no C compiler')
  }
  const control = path.join(runs.folder, 'fail-syncs')
  const data = path.join(runs.folder, 'data')
  await test({
    async start() {
      const environment = [`LD_PRELOAD=${library}`, `FAIL_SYNCS=${control}`]
      const serve = [process.execPath, command, 'serve', '--data', data, '--port', '0', '--no-token']
      const child = runs.children.run('env', [...environment, ...serve])
      const url = String((await child.says('listening'))['line']).replace('listening on ', '')
      return {
        ended: child.ended,
        errors: child.errors,
        signal: child.signal,
        async ask(method, route) {
          const response = await fetch(url + route, { method })
          return { status: response.status, body: (await response.json()) as Record<string, unknown> }
        },
      }
    },
    fail: how => writeFileSync(control, how),
    mend: () => rmSync(control),
  })
}

/** Returns which lanes are paused. */
async function lanesPaused(server: Server): Promise<Record<string, boolean>> {
  const { body } = await server.ask('GET', '/v1/lanes')
  const lanes = body['items'] as { lane: string; paused: boolean }[]
  return Object.fromEntries(lanes.map(({ lane, paused }) => [lane, paused]))
}

const isNotReady = async (server: Server) => (await server.ask('GET', '/readyz')).status === 503

it('a server whose disk fails to sync refuses, and goes on by itself when the disk works again', ({ skip }) =>
  withServers(skip, async ({ start, fail, mend }) => {
    const server = await start()
    fail('EIO')
    // Whether it was written before the sync that failed is chance; whoever asked learns nothing, or what is so.
    const paused = server.ask('POST', '/v1/lanes/batch:pause')
    await until(() => isNotReady(server), 'a server that is not ready')
    const refused = await server.ask('POST', '/v1/lanes/default:pause')
    expect(refused).toMatchObject({ status: 503, body: { code: 'STORE_FAILED', retryable: true } })
    mend()
    await until(async () => !(await isNotReady(server)), 'a server that is ready')
    const isPaused = await lanesPaused(server)
    expect(isPaused['default']).toBe(false)
    expect(isPaused['batch'] || (await paused).status === 503).toBe(true)
    server.signal('SIGTERM')
    expect((await server.ended).code).toBe(0)
    expect(await lanesPaused(await start())).toEqual(isPaused)
  }))

it('a server whose disk lost what was written ends with exit code 1; the next one has all that was acknowledged', ({
  skip,
}) =>
  withServers(skip, async ({ start, fail }) => {
    const server = await start()
    expect((await server.ask('POST', '/v1/lanes/default:pause')).status).toBe(200)
    fail('lose')
    const answer = server.ask('POST', '/v1/lanes/batch:pause').catch(() => undefined)
    expect((await server.ended).code).toBe(1)
    expect(server.errors()).toContain('STORE_DAMAGED')
    expect([undefined, 500]).toContain((await answer)?.status)
    expect(await lanesPaused(await start())).toMatchObject({ default: true, batch: false })
  }))
