import { readFileSync } from 'node:fs'
import path from 'node:path'
import amqp from 'amqplib'
import { beforeAll, describe, expect, test } from 'vitest'
import { privateRabbit } from '../servers/private-rabbit.ts'
import { describeWithRabbit, freshPrefix, rabbitUrl } from '../servers/rabbit.ts'
import { call, lastError, lastJson, requireBuilt, temporaryFolder } from './cli/quillwork.ts'

const patience = 120_000

beforeAll(requireBuilt, patience)

interface Report {
  ok: boolean
  findings: { kind: string; name: string; state: string }[]
}

describe('quillwork topology show', { timeout: patience }, () => {
  test('prints the diagram that the documentation carries', async () => {
    using folder = temporaryFolder()
    const shown = await call(['topology', 'show', '--data', `${folder}`])
    expect(shown.code).toBe(0)
    const document = readFileSync(path.join(import.meta.dirname, '../../docs/architecture.md'), 'utf8')
    expect(document).toContain(shown.stdout)
    expect(shown.stdout).toContain('tasks.batch.queue')
    const json = lastJson<{ queues: object[] }>(
      await call(['topology', 'show', '--json', '--data', `${folder}`], {
        env: { QUILLWORK_BROKER_PREFIX: '', QUILLWORK_LANES: 'night=1' },
      }),
    )
    expect(json.queues).toContainEqual(expect.objectContaining({ name: 'tasks.night.queue' }))
  })

  test('without a broker there is nothing to check', async () => {
    using folder = temporaryFolder()
    const checked = await call(['topology', 'check', '--json', '--data', `${folder}`])
    expect(checked.code).toBe(2)
    expect(lastError(checked).code).toBe('CONFIG_INVALID')
  })

  test('a broker that does not answer is told without its password', async () => {
    using folder = temporaryFolder()
    const away = {
      QUILLWORK_STORE: 'mongodb://127.0.0.1:1',
      QUILLWORK_BROKER: 'amqp://ann:s3cret@127.0.0.1:1/work',
    }
    const checked = await call(['topology', 'check', '--data', `${folder}`], { env: away })
    expect(checked.code).toBe(3)
    expect(checked.stderr).toMatch(/^error BROKER_UNREACHABLE: .*127\.0\.0\.1:1\/work/)
    expect(checked.stderr).not.toContain('s3cret')
  })
})

describeWithRabbit('quillwork topology check and apply', () => {
  test('name what is missing, make it, and find what differs', { timeout: patience }, async () => {
    using folder = temporaryFolder()
    await using names = freshPrefix(['batch'])
    const env = {
      QUILLWORK_DATA: `${folder}`,
      QUILLWORK_STORE: 'mongodb://127.0.0.1:1',
      QUILLWORK_BROKER: names.url,
      QUILLWORK_BROKER_PREFIX: names.prefix,
    }
    const before = await call(['topology', 'check', '--json'], { env })
    expect(before.code).toBe(1)
    expect(new Set(lastJson<Report>(before).findings.map(({ state }) => state))).toEqual(new Set(['missing']))

    const applied = await call(['topology', 'apply'], { env })
    expect(applied.code).toBe(0)
    expect(applied.stdout).toMatch(/has what it should have\.\n$/)

    await unbind(names.prefix)
    const unbound = await call(['topology', 'check', '--json'], { env })
    expect(unbound.code).toBe(1)
    expect(wrong(unbound)).toEqual([['missing', 'binding']])
    expect((await call(['topology', 'apply', '--json'], { env })).code).toBe(0)

    await replaceByClassic(`${names.prefix}tasks.batch.queue`)
    const differs = await call(['topology', 'check'], { env })
    expect(differs.code).toBe(1)
    expect(differs.stdout).toMatch(/^differs .*tasks\.batch\.queue: .*delete it/m)
    const refused = await call(['topology', 'apply', '--json'], { env })
    expect([refused.code, lastError(refused).code]).toEqual([1, 'BROKER_UNSUITABLE'])
  })

  test('as a user that may not see a part, say why and what to do', { timeout: patience }, async () => {
    using folder = temporaryFolder()
    await using server = await privateRabbit()
    const env = { QUILLWORK_DATA: `${folder}`, QUILLWORK_STORE: 'mongodb://127.0.0.1:1' }
    const asOwner = { ...env, QUILLWORK_BROKER: server.url }
    const asOther = { ...env, QUILLWORK_BROKER: server.url.replace('guest:guest', 'ann:s3cret') }
    expect((await call(['topology', 'apply'], { env: asOwner })).code).toBe(0)
    await server.ctl('add_user', 'ann', 's3cret')

    await server.ctl('set_permissions', 'ann', '^$', '.*', '.*')
    const refused = await call(['topology', 'check'], { env: asOther })
    expect(refused.code).toBe(1)
    expect(refused.stdout).toMatch(
      /^unknown tasks\.queue: .*access.* refused .*Give the user that permission/m,
    )
    expect(refused.stdout).toMatch(/^\d+ parts wrong\.$/m)
    const doctor = await call(['doctor'], { env: asOther })
    expect(doctor.stdout).toMatch(/queue tasks\.queue could not be inspected/)

    const unmade = await call(['topology', 'apply', '--json'], { env: asOther })
    expect([unmade.code, lastError(unmade).code]).toEqual([1, 'BROKER_UNSUITABLE'])
    expect(lastError(unmade).message).toMatch(
      /^The user may not make the exchange .*access.* refused.*Give it/,
    )

    await server.ctl('set_permissions', 'ann', '.*', '^$', '.*')
    const untried = await call(['topology', 'check', '--json'], { env: asOther })
    expect([untried.code, lastJson<Report>(untried).ok]).toEqual([1, false])
    const unknown = lastJson<Report>(untried).findings.filter(({ state }) => state === 'unknown')
    expect(unknown).toContainEqual(
      expect.objectContaining({ kind: 'binding', detail: expect.stringMatching(/refused .*permission/) }),
    )
  })
})

function wrong(ended: Awaited<ReturnType<typeof call>>): [state: string, kind: string][] {
  const { findings } = lastJson<Report>(ended)
  return findings
    .filter(({ state }) => state === 'missing' || state === 'differs')
    .map(({ state, kind }) => [state, kind])
}

/** Takes the way of the work exchange to the default lane away. */
async function unbind(prefix: string): Promise<void> {
  await withChannel(channel =>
    channel.unbindQueue(`${prefix}tasks.queue`, `${prefix}tasks.exchange`, 'task.default.#'),
  )
}

async function replaceByClassic(queue: string): Promise<void> {
  await withChannel(async channel => {
    await channel.deleteQueue(queue)
    await channel.assertQueue(queue)
  })
}

async function withChannel(work: (channel: amqp.Channel) => Promise<unknown>): Promise<void> {
  const connection = await amqp.connect(rabbitUrl())
  try {
    await work(await connection.createChannel())
  } finally {
    await connection.close()
  }
}
