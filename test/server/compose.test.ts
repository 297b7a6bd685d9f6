import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createProgram } from '../../src/cli/program.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { compositionOf } from '../../src/server/combinations.ts'
import { resolveConfig } from '../../src/server/config.ts'
import type { SettingName } from '../../src/server/settings.ts'

type Secret = string | { source: string; target: string }

interface Service {
  image?: string
  build?: string
  user?: string
  command?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test?: string[] }
  deploy?: { replicas: number }
  stop_grace_period?: string
  volumes?: string[]
  networks?: string[] | Record<string, unknown>
  ports?: string[]
  secrets?: Secret[]
  profiles?: string[]
}

const root = path.join(import.meta.dirname, '../..')
const textOf = (name: string) => readFileSync(path.join(root, name), 'utf8')
const file: {
  services: Record<string, Service>
  volumes: Record<string, null>
  networks: Record<string, { internal?: boolean } | null>
  secrets: Record<string, { file: string }>
} = parse(textOf('compose.yaml'), { merge: true })
const ours = ['api', 'worker', 'maintenance']
const others = ['mongodb', 'rabbitmq', 'proxy']
const services = Object.entries(file.services)

const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-compose-'))
const makeSecrets = () => execFileSync('sh', [path.join(root, 'deploy/make-secrets.sh'), folder]).toString()
beforeAll(() => void makeSecrets())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The options of `serve` by name, as the program reads them. */
function flagsOf(command: readonly string[]): Partial<Record<SettingName, string>> {
  const program = createProgram({} as Terminal, () => undefined)
  const serve = program.commands.find(each => each.name() === 'serve')
  if (serve === undefined || command[0] !== 'serve') throw new Error(`${command.join(' ')} does not serve`)
  const { unknown, operands } = serve.parseOptions([...command.slice(1)])
  expect([unknown, operands]).toEqual([[], []])
  return Object.fromEntries(Object.entries(serve.opts()).filter(([, given]) => typeof given === 'string'))
}

/** The secrets of a service: the file in its container, and the one here. */
function secretsOf({ secrets = [] }: Service): Map<string, string> {
  return new Map(
    secrets.map(secret => {
      const { source, target } = typeof secret === 'string' ? { source: secret, target: secret } : secret
      return [`/run/secrets/${target}`, source]
    }),
  )
}

describe('compose.yaml', () => {
  test('starts a broker, a database, an API, two workers and a maintenance; a proxy where it is asked for', () => {
    expect(Object.keys(file.services).sort()).toEqual([...ours, ...others, 'topology'].sort())
    expect(file.services['worker']?.deploy?.replicas).toBe(2)
    expect(file.services['rabbitmq']?.image).toMatch(/^rabbitmq:4/)
    expect(textOf('compose.yaml')).toContain('mongod --replSet quillwork --bind_ip_all --keyFile')
    for (const [name, { healthcheck, volumes = [], profiles }] of services) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('./')) expect(statSync(path.join(root, source)).isFile()).toBe(true)
        else expect(Object.keys(file.volumes)).toContain(source)
      }
      expect(profiles).toEqual(name === 'proxy' ? ['tls'] : undefined)
      if (ours.includes(name) || volumes.length > 1) expect(healthcheck?.test?.[0], name).toBe('CMD')
    }
  })

  test.each(services)('%s can do no more than it needs', (name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      mem_limit: expect.stringMatching(/^\d+[mg]$/),
      cpus: expect.any(Number),
      pids_limit: expect.any(Number),
    })
    for (const right of ['privileged', 'cap_add', 'network_mode', 'pid', 'ipc', 'devices'])
      expect(service).not.toHaveProperty(right)
    // Nothing runs as root: the image of the proxy and ours have a user of their own.
    if (name === 'mongodb' || name === 'rabbitmq') expect(service.user).toBe(name)
    if (service.build === undefined) expect(service.image).toMatch(/^[\w./-]+:[\w.-]+@sha256:[\da-f]{64}$/)
    // What it may write to is in memory, but for the two databases.
    for (const volume of service.volumes ?? [])
      if (volume.startsWith('./')) expect(volume).toMatch(/:ro$/)
      else expect(['mongodb', 'rabbitmq']).toContain(name)
  })

  test('our image is built on images by digest, and does not run as root', () => {
    const dockerfile = textOf('Dockerfile')
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
    expect(images).toHaveLength(2)
    for (const image of images) expect(image).toMatch(/^node:[\w-]+@sha256:[\da-f]{64}$/)
    expect(dockerfile).toMatch(/^USER node$/m)
  })

  test('the databases are in a network that leads nowhere, and the machine has one open port, on the loopback', () => {
    const networksOf = ({ networks = [] }: Service) =>
      (Array.isArray(networks) ? networks : Object.keys(networks)).sort()
    expect(Object.fromEntries(services.map(([name, service]) => [name, networksOf(service)]))).toEqual({
      api: ['back', 'front'],
      worker: ['back', 'out'],
      maintenance: ['back'],
      topology: ['back'],
      proxy: ['front'],
      mongodb: ['back'],
      rabbitmq: ['back'],
    })
    expect(file.networks['back']).toEqual({ internal: true })
    const open = services.flatMap(([name, { ports = [] }]) => ports.map(port => `${name} ${port}`))
    expect(open).toEqual(['api 127.0.0.1:7420:7420', 'proxy 443:8443'])
  })

  test('no secret is in it, or in the environment of a container, and each is handed to those that need it', () => {
    expect(textOf('compose.yaml')).not.toMatch(/\$\{/)
    for (const [name, { environment = {} }] of services)
      for (const [variable, value] of Object.entries(environment)) {
        if (/TOKEN|SECRET|PASS|BROKER/.test(variable)) expect(variable, name).toMatch(/_FILE$/)
        expect(value, name).not.toMatch(/:\/\/[^/]*@/)
      }
    const holders: Record<string, string[]> = {}
    for (const [name, service] of services)
      for (const source of secretsOf(service).values()) holders[source] = [...(holders[source] ?? []), name]
    expect(holders).toEqual({
      store: ['api', 'worker', 'maintenance', 'mongodb'],
      token: ours,
      'broker-secret': ours,
      secret: ours,
      'broker-api': ['api', 'rabbitmq'],
      'broker-worker': ['worker', 'rabbitmq'],
      'broker-maintenance': ['maintenance', 'rabbitmq'],
      'broker-deploy': ['topology', 'rabbitmq'],
      'mongodb-admin': ['mongodb'],
      'mongodb-key': ['mongodb'],
      'tls-certificate': ['proxy'],
      'tls-key': ['proxy'],
    })
    for (const [name, { file: place }] of Object.entries(file.secrets)) expect(place).toBe(`secrets/${name}`)
    for (const ignoring of ['.gitignore', '.dockerignore']) expect(textOf(ignoring)).toMatch(/^secrets\/?$/m)
  })

  /** The configuration of a service, whose secrets are those that were made here. */
  function configOf(name: string, flags = {}) {
    const service = file.services[name] ?? {}
    const secrets = secretsOf(service)
    const env = Object.entries(service.environment ?? {}).map(([key, value]) => {
      const secret = secrets.get(value)
      if (value.startsWith('/run/secrets/')) expect(secret, `${value} of ${name}`).toBeDefined()
      return [key, secret === undefined ? value : path.join(folder, secret)]
    })
    return resolveConfig({ env: Object.fromEntries(env) as Record<string, string>, flags })
  }

  test.each(ours)('%s has a configuration that can be used', name => {
    const { command = [], depends_on = {}, stop_grace_period = '' } = file.services[name] ?? {}
    const { config, warnings } = configOf(name, flagsOf(command))
    // Between its containers there is no TLS: their network is one of this machine.
    const unencrypted = ['store is mongodb://mongodb:27017/', 'broker is amqp://'].map(
      text => expect.stringContaining(text) as string,
    )
    expect(warnings).toEqual(unencrypted)
    expect(config.roles).toEqual([name])
    expect(config.store).toMatch(/^mongodb:\/\/quillwork:[\da-f]{48}@mongodb:27017\/quillwork\?replicaSet=/)
    expect(config.broker).toMatch(new RegExp(`^amqp://${name}:[\\da-f]{48}@rabbitmq:5672/quillwork$`))
    expect(config.token).toEqual([expect.stringMatching(/^[\da-f]{64}$/)])
    expect(config.brokerSecret).toEqual([expect.stringMatching(/^[\da-f]{64}$/)])
    // Without it no key of a model can be kept in the store.
    expect(config.secret).toMatch(/^[\da-f]{64}$/)
    expect(compositionOf(config).kind).toBe('distributed')
    expect(Number(stop_grace_period.replace('s', '')) * 1_000).toBeGreaterThan(config.grace)
    expect(depends_on).toEqual({
      mongodb: { condition: 'service_healthy' },
      topology: { condition: 'service_completed_successfully' },
    })
  })

  test('what declares the queues has its own account, and no password of the database', () => {
    const { command, depends_on } = file.services['topology'] ?? {}
    expect(command).toEqual(['topology', 'apply'])
    expect(depends_on).toEqual({ rabbitmq: { condition: 'service_healthy' } })
    const { config } = configOf('topology')
    expect(config.broker).toMatch(/^amqp:\/\/deploy:[\da-f]{48}@rabbitmq:5672\/quillwork$/)
    expect(config.store).toBe('mongodb://mongodb:27017/quillwork?replicaSet=quillwork')
  })
})

describe('deploy/make-secrets.sh', () => {
  test('makes each secret once, in a folder that only its user may enter', () => {
    const names = readdirSync(folder).sort()
    const wanted = Object.keys(file.secrets).filter(name => !name.startsWith('tls-'))
    expect(names).toEqual(wanted.sort())
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const texts = names.map(name => readFileSync(path.join(folder, name), 'utf8'))
    // The users of the containers read them, whoever they are.
    for (const name of names) expect(statSync(path.join(folder, name)).mode & 0o777, name).toBe(0o444)
    expect(new Set(texts.map(text => /[\da-zA-Z+/=]{40,}/.exec(text)?.[0])).size).toBe(names.length)
    expect(makeSecrets()).toBe('')
    expect(names.map(name => readFileSync(path.join(folder, name), 'utf8'))).toEqual(texts)
    rmSync(path.join(folder, 'token'))
    expect(makeSecrets()).toBe(`made ${folder}/token\n`)
  })
})
