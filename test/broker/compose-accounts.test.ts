/** The accounts that the container of RabbitMQ has, made by the scripts of `deploy/` as they are. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { topologyOf } from '../../src/broker/rabbitmq/index.ts'
import { resolveConfig } from '../../src/server/config.ts'
import { serverTasks } from '../../src/server/tasks.ts'
import { inspectTopology, isWrong } from '../../src/server/topology.ts'
import { resolveTask } from '../../src/task/definition.ts'
import { canConnect, type PrivateRabbit, privateRabbit } from '../servers/private-rabbit.ts'
import { makeFolder, removeFolder } from '../servers/process.ts'
import { describeWithRabbit } from '../servers/rabbit.ts'

const root = path.join(import.meta.dirname, '../..')
const roles = ['deploy', 'api', 'worker', 'maintenance']

describeWithRabbit('the accounts of compose.yaml', () => {
  const folder = makeFolder('compose')
  const secrets = path.join(folder, 'secrets')
  let node: PrivateRabbit

  /** Does what is done before the container starts, and what it does at its start. */
  function prepare(): void {
    execFileSync('sh', [path.join(root, 'deploy/make-secrets.sh'), secrets])
    const env = { PATH: process.env['PATH'], SECRETS: secrets, SETTINGS: folder }
    execFileSync('sh', [path.join(root, 'deploy/rabbitmq-accounts.sh'), 'true'], { env })
  }

  /** The address of an account, as its processes have it, but for where the broker is. */
  function addressOf(role: string, port: number): string {
    const secret = readFileSync(path.join(secrets, `broker-${role}`), 'utf8').trim()
    expect(secret).toContain('@rabbitmq:5672/quillwork')
    return secret.replace('rabbitmq:5672', `127.0.0.1:${port}`)
  }

  beforeAll(async () => {
    prepare()
    const conf = readFileSync(path.join(folder, 'rabbitmq.conf'), 'utf8').trim().split('\n')
    node = await privateRabbit({ conf, url: port => addressOf('deploy', port) })
  }, 120_000)
  afterAll(async () => {
    await node?.stop()
    removeFolder(folder)
  })

  it('are one for each role, with the rights of the page, and nobody else', async () => {
    const page = readFileSync(path.join(root, 'docs/operations.md'), 'utf8')
    const wanted = [
      ...page.matchAll(/^rabbitmqctl set_permissions -p quillwork (\S+) +'(.*)' '(.*)' '(.*)'$/gm),
    ]
      .filter(([, user = '']) => roles.includes(user))
      .map(([, user, configure, write, read]) => ({ user, configure, write, read }))
    expect(wanted.map(({ user }) => user)).toEqual(roles)
    const reads = new RegExp(wanted.find(({ user }) => user === 'worker')?.read ?? '')
    const { names } = topologyOf({ lanes: [] })
    const queues = serverTasks.map(task => names.laneQueue(resolveTask(task).lane))
    expect(queues.filter(queue => !reads.test(queue))).toEqual([])
    const inVhost = await node.ctl('list_permissions', '-p', 'quillwork', '--formatter', 'json')
    expect(JSON.parse(inVhost)).toEqual(expect.arrayContaining(wanted))
    expect(JSON.parse(inVhost)).toHaveLength(wanted.length)
    const users = JSON.parse(await node.ctl('list_users', '--formatter', 'json')) as object[]
    expect(users).toHaveLength(roles.length)
    expect(users).toEqual(expect.arrayContaining(roles.map(user => ({ user, tags: [] }))))
    expect(JSON.parse(await node.ctl('list_vhosts', '--formatter', 'json'))).toEqual([{ name: 'quillwork' }])
    expect(readFileSync(path.join(folder, 'enabled_plugins'), 'utf8').trim()).toBe('[].')
  })

  it('let each role in by its own password alone; that of deploy declares what a version wants', async () => {
    for (const role of roles) {
      const address = addressOf(role, node.port)
      expect(await canConnect(address), role).toBe(true)
      expect(await canConnect(address.replace(/:[^:@]+@/, ':guessed@')), role).toBe(false)
      expect(await canConnect(address.replace(`//${role}`, '//guest')), role).toBe(false)
    }
    const env = { QUILLWORK_BROKER: addressOf('deploy', node.port), QUILLWORK_STORE: 'mongodb://127.0.0.1/x' }
    await using inspection = await inspectTopology(resolveConfig({ env, flags: {} }).config)
    await inspection.apply()
    const findings = await inspection.check()
    expect(findings.length).toBeGreaterThan(10)
    expect(findings.filter(isWrong)).toEqual([])
  })

  it('take a changed password with the next start, and keep the others', { timeout: 180_000 }, async () => {
    const [before, other] = [addressOf('api', node.port), addressOf('worker', node.port)]
    rmSync(path.join(secrets, 'broker-api'))
    prepare()
    await node.restart()
    expect(await canConnect(before)).toBe(false)
    expect(await canConnect(addressOf('api', node.port))).toBe(true)
    expect(await canConnect(other)).toBe(true)
  })

  it('are not made from an address without a password', () => {
    const env = { PATH: process.env['PATH'], SECRETS: path.join(folder, 'nowhere'), SETTINGS: folder }
    const start = () =>
      execFileSync('sh', [path.join(root, 'deploy/rabbitmq-accounts.sh'), 'true'], { env, stdio: 'pipe' })
    expect(start).toThrow(/There is no password in .*broker-deploy\. Make it with deploy\/make-secrets\.sh\./)
  })
})
