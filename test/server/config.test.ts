import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { QuillworkError } from 'quillwork'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addressesOf, shownAddress } from '../../src/server/addresses.ts'
import { compositionOf, shownComposition } from '../../src/server/combinations.ts'
import { type ConfigSources, pageOpener, resolveConfig, shownValue } from '../../src/server/config.ts'
import { settingNames, settings, variableOf } from '../../src/server/settings.ts'
import { brokerOptions } from '../../src/server/topology.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'quillwork-config-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function resolve(sources: Omit<ConfigSources, 'cwd'> = {}) {
  return resolveConfig({ env: {}, ...sources, cwd })
}

function writeConfig(text: string, folder = '.quillwork'): string {
  const file = path.join(cwd, folder, 'quillwork.json')
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

function refusal(sources: Omit<ConfigSources, 'cwd'>): string {
  try {
    resolve(sources)
  } catch (error) {
    expect(error).toBeInstanceOf(QuillworkError)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    return (error as QuillworkError).message
  }
  return expect.fail('it was taken')
}

describe('the configuration', () => {
  test('without anything has every default', () => {
    const { config, origins, file, warnings } = resolve()
    expect(config).toEqual({
      data: path.join(cwd, '.quillwork'),
      allowOpenData: false,
      store: undefined,
      database: undefined,
      broker: undefined,
      brokerPrefix: '',
      brokerDelay: 'wait-queues',
      eventsStream: false,
      roles: ['api', 'worker', 'maintenance'],
      port: 7420,
      host: '127.0.0.1',
      token: undefined,
      noToken: false,
      healthPort: undefined,
      url: undefined,
      allowedHosts: [],
      trustedProxies: [],
      streams: 500,
      streamsPerClient: 24,
      allowedOrigins: [],
      uploadLimit: 500_000_000,
      lanes: { default: { slots: 10 }, batch: { slots: 4 } },
      limits: {},
      model: undefined,
      models: {},
      keepModels: true,
      originals: 86_400_000,
      secret: undefined,
      environmentKeys: expect.anything(),
      admission: {},
      retention: { COMPLETED: 2_592_000_000, COMPLETED_WITH_ERRORS: 2_592_000_000, CANCELLED: 2_592_000_000 },
      usageRetention: { calls: 2_592_000_000, days: 94_608_000_000 },
      webhookHosts: [],
      auditRetention: 7_776_000_000,
      lease: 30_000,
      sweepInterval: 5_000,
      grace: 30_000,
      abortGrace: 10_000,
      cleanup: 600_000,
      logLevel: 'info',
      logFormat: 'auto',
    })
    expect(Object.keys(origins)).toEqual(settingNames)
    expect(new Set(Object.values(origins))).toEqual(new Set(['default']))
    expect([file, warnings]).toEqual([undefined, []])
  })

  test('is frozen to the bottom', () => {
    const { config } = resolve()
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.lanes['default'])).toBe(true)
    expect(Object.isFrozen(settings.lanes.fallback)).toBe(false)
  })

  test('takes the command line before the environment, before the file, before the defaults', () => {
    writeConfig(JSON.stringify({ port: 1, grace: '1s', logLevel: 'warn', sweepInterval: '9s' }))
    const env = { QUILLWORK_PORT: '2', QUILLWORK_GRACE: '2s' }
    const { config, origins } = resolve({ env, flags: { port: '3' } })
    expect(config).toMatchObject({
      port: 3,
      grace: 2_000,
      logLevel: 'warn',
      sweepInterval: 9_000,
      lease: 30_000,
    })
    expect(origins).toMatchObject({
      port: 'command line',
      grace: 'environment',
      logLevel: 'file',
      sweepInterval: 'file',
      lease: 'default',
    })
  })

  test('an empty variable counts as not set', () => {
    expect(resolve({ env: { QUILLWORK_PORT: '', QUILLWORK_DATA: '  ' } }).origins).toMatchObject({
      port: 'default',
      data: 'default',
    })
  })

  test('the file is looked for in the data directory that was named, or where it was named itself', () => {
    const inData = writeConfig('{"port": 1}', 'elsewhere')
    expect(resolve({ flags: { data: 'elsewhere' } })).toMatchObject({ config: { port: 1 }, file: inData })
    expect(resolve({ env: { QUILLWORK_DATA: 'elsewhere' } }).config.port).toBe(1)
    const named = writeConfig('{"port": 2}', 'other')
    expect(resolve({ file: 'other/quillwork.json' })).toMatchObject({ config: { port: 2 }, file: named })
    expect(resolve({ env: { QUILLWORK_CONFIG: named } }).config.port).toBe(2)
  })

  test.each([
    ['QUILLWORK_UPLOAD_LIMIT', '1.5GB', 'uploadLimit', 1_500_000_000],
    ['QUILLWORK_UPLOAD_LIMIT', '200', 'uploadLimit', 200],
    ['QUILLWORK_LEASE', '1500', 'lease', 1_500],
    ['QUILLWORK_STREAMS', '2000', 'streams', 2_000],
    ['QUILLWORK_STREAMS_PER_CLIENT', '100', 'streamsPerClient', 100],
    ['QUILLWORK_TRUSTED_PROXIES', '10.0.0.0/8, ::1', 'trustedProxies', ['10.0.0.0/8', '::1']],
    ['QUILLWORK_ALLOWED_HOSTS', 'a.example, b.example', 'allowedHosts', ['a.example', 'b.example']],
    ['QUILLWORK_LANES', '{"night":{"slots":1}}', 'lanes', { night: { slots: 1 } }],
    ['QUILLWORK_RETENTION', '{"FAILED":"1d"}', 'retention', { FAILED: 86_400_000 }],
    ['QUILLWORK_USAGE_RETENTION', '{"calls":"7d"}', 'usageRetention', { calls: 604_800_000 }],
    ['QUILLWORK_ADMISSION', '{"perUser":5}', 'admission', { perUser: 5 }],
    ['QUILLWORK_SWEEP_INTERVAL', '2s', 'sweepInterval', 2_000],
    ['QUILLWORK_ABORT_GRACE', '3s', 'abortGrace', 3_000],
    ['QUILLWORK_PORT', '0', 'port', 0],
    ['QUILLWORK_LANES', 'default=3, night=1', 'lanes', { default: { slots: 3 }, night: { slots: 1 } }],
    ['QUILLWORK_ROLES', 'maintenance,api,worker,api', 'roles', ['api', 'worker', 'maintenance']],
    ['QUILLWORK_URL', 'https://tasks.example/base/', 'url', 'https://tasks.example/base'],
  ] as const)('%s=%s', (variable, text, name, value) => {
    expect(resolve({ env: { [variable]: text } }).config[name]).toEqual(value)
  })

  test('every setting has a variable of its own', () => {
    expect(new Set(settingNames.map(variableOf)).size).toBe(settingNames.length)
    expect(variableOf('uploadLimit')).toBe('QUILLWORK_UPLOAD_LIMIT')
  })

  test('a secret is never shown', () => {
    const resolved = resolve({ env: { QUILLWORK_TOKEN: 'a-long-random-secret' } })
    expect(resolved.config.token).toEqual(['a-long-random-secret'])
    expect(shownValue(resolved, 'token')).toBe('(set, not shown)')
    expect(shownValue(resolve(), 'token')).toBeUndefined()
    expect(refusal({ env: { QUILLWORK_TOKEN: 'hunter2' } })).not.toContain('hunter2')
  })
})

describe('a configuration that cannot be used', () => {
  test.each([
    [{ flags: { port: '99999' } }, /^--port is 99999: Give a whole number from 0 to 65535/],
    [{ flags: { port: 'http' } }, /^--port is "http"/],
    [{ env: { QUILLWORK_PORT: '-1' } }, /^QUILLWORK_PORT is "-1"/],
    [{ env: { QUILLWORK_GRACE: 'soon' } }, /^QUILLWORK_GRACE is "soon": Give milliseconds/],
    [{ env: { QUILLWORK_LEASE: '0' } }, /Give a time above 0/],
    [{ env: { QUILLWORK_GRACE: '3651d' } }, /^QUILLWORK_GRACE is "3651d": Give .* from 0 to ten years/],
    [{ env: { QUILLWORK_LOG_LEVEL: 'loud' } }, /Give one of debug, info/],
    [{ env: { QUILLWORK_LANES: '{' } }, /^QUILLWORK_LANES is not JSON/],
    [{ env: { QUILLWORK_LANES: '{"a b":{"slots":1}}' } }, /a b/],
    [{ env: { QUILLWORK_LANES: '{"a":{"slots":0}}' } }, /lanes\.a\.slots is 0.*Give at least 1/],
    [{ flags: { lanes: 'default=-1' } }, /^--lanes .*default\.slots/],
    [{ flags: { lanes: 'default' } }, /^--lanes .*default\.slots/],
    [
      { flags: { roles: 'api,boss' } },
      /^--roles is \["api","boss"\]: 1: Give some of api, worker, maintenance/,
    ],
    [{ env: { QUILLWORK_EVENTS_STREAM: 'perhaps' } }, /Give true or false/],
    [{ env: { QUILLWORK_BROKER_DELAY: 'sleep' } }, /Give one of auto, wait-queues, delayed-exchange/],
    [{ env: { QUILLWORK_URL: 'tasks.example' } }, /Give an address such as/],
    [{ env: { QUILLWORK_LANES: '{"a":{"slot":1}}' } }, /slot/],
    [{ env: { QUILLWORK_RETENTION: '{"DONE":"1d"}' } }, /DONE/],
    [{ env: { QUILLWORK_UPLOAD_LIMIT: 'much' } }, /200MB/],
    [{ flags: { streams: '0' } }, /^--streams is 0: Give at least 1/],
    [{ env: { QUILLWORK_TRUSTED_PROXIES: 'proxy.example' } }, /Give addresses, or networks such as/],
    [{ env: { QUILLWORK_TRUSTED_PROXIES: '0.0.0.0/0' } }, /Give addresses, or networks such as/],
    [{ env: { QUILLWORK_OBEY: '5s' } }, /^QUILLWORK_OBEY is set, which is now called QUILLWORK_ABORT_GRACE/],
    [{ env: { QUILLWORK_SWEEP: '5s' } }, /^QUILLWORK_SWEEP .* called QUILLWORK_SWEEP_INTERVAL/],
    [{ env: { QUILLWORK_WAITING: '{}' } }, /^QUILLWORK_WAITING .* called QUILLWORK_ADMISSION/],
    [{ file: 'nowhere.json' }, /There is no configuration file .*nowhere\.json/],
  ])('%j', (sources, message) => {
    expect(refusal(sources)).toMatch(message)
  })

  test.each([
    ['{"prot": 1}', /unknown setting "prot"\. Did you mean "port"\?/],
    ['{"uploadLimti": 1}', /Did you mean "uploadLimit"/],
    ['{"colour": "red"}', /unknown setting "colour"\. The settings are store, database/],
    ['{"toString": 1}', /unknown setting "toString"/],
    ['{"data": "x"}', /cannot set data; use --data or QUILLWORK_DATA/],
    ['{"port": "8080"}', /port in .*quillwork\.json is "8080"/],
    ['{"obey": "5s"}', /quillwork\.json sets "obey", which is now called "abortGrace"/],
    ['{"sweep": "5s"}', /"sweep", which is now called "sweepInterval"/],
    ['{"waiting": {}}', /"waiting", which is now called "admission"/],
    ['[]', /must hold one JSON object/],
    ['{', /is not JSON/],
  ])('file %s', (text, message) => {
    writeConfig(text)
    expect(refusal({})).toMatch(message)
  })

  test('a mistyped variable is told, not refused; one of another program is neither', () => {
    const env = { QUILLWORK_PROT: '1', QUILLWORK_SOMETHING_ELSE_ALTOGETHER: '1' }
    expect(resolve({ env }).warnings).toEqual([
      'QUILLWORK_PROT is not a setting. Did you mean QUILLWORK_PORT?',
    ])
  })
})

const mongo = 'mongodb://ann:s3cret@db1.example:27017,db2.example/tasks?replicaSet=rs&authSource=admin'
const rabbit = 'amqp://ann:s3cret@mq1.example:5672/work, amqps://ann:s3cret@mq2.example'

describe('the composition', () => {
  test('is embedded, in the data directory, unless an SQLite file is named', () => {
    const { config } = resolve()
    expect(compositionOf(config)).toEqual({ kind: 'embedded', file: path.join(config.data, 'quillwork.db') })
    const named = resolve({ flags: { store: 'sqlite:here/tasks.db' } }).config
    expect(compositionOf(named)).toEqual({ kind: 'embedded', file: path.join(cwd, 'here', 'tasks.db') })
  })

  test('is distributed with MongoDB and RabbitMQ', () => {
    const { config } = resolve({ env: { QUILLWORK_STORE: mongo, QUILLWORK_BROKER: rabbit } })
    expect(compositionOf(config)).toEqual({ kind: 'distributed', store: mongo, broker: rabbit })
    expect(addressesOf(rabbit)).toEqual([
      'amqp://ann:s3cret@mq1.example:5672/work',
      'amqps://ann:s3cret@mq2.example',
    ])
    const srv = { store: 'mongodb+srv://cluster.example', broker: 'amqp://mq' }
    expect(resolve({ flags: { ...srv, lanes: 'default=0', roles: 'worker' } }).config.roles).toEqual([
      'worker',
    ])
  })

  test('shows where its servers are, and nothing that opens them', () => {
    const resolved = resolve({ env: { QUILLWORK_STORE: mongo, QUILLWORK_BROKER: rabbit } })
    expect(shownValue(resolved, 'store')).toBe('mongodb://db1.example:27017,db2.example/tasks')
    expect(shownValue(resolved, 'broker')).toBe('amqp://mq1.example:5672/work,amqps://mq2.example')
    expect(shownValue(resolve(), 'store')).toBeUndefined()
    expect(shownAddress('mongodb://ann:p@ss/w0rd@db.example/?x=1')).toBe('mongodb://db.example/')
    expect(shownAddress('ann:s3cret@db.example')).toBe('(not shown)')
    expect(shownAddress('sqlite:a@b.db')).toBe('sqlite:a@b.db')
  })

  test.each([
    ['mongodb://ann:s3cret@db1,db2:27018/?x=1', undefined, 'mongodb://db1,db2:27018/quillwork'],
    ['mongodb://db', 'tasks', 'mongodb://db/tasks'],
    ['mongodb://db/own?x=1', undefined, 'mongodb://db/own'],
    ['mongodb+srv://db/own', 'tasks', 'mongodb+srv://db/tasks'],
  ])('of %s with the database %s it tells %s', (store, database, shown) => {
    const { config } = resolve({ env: { QUILLWORK_STORE: store, QUILLWORK_BROKER: 'amqp://ann:s3cret@mq' } })
    expect(shownComposition({ ...config, database })).toEqual({ store: shown, broker: 'amqp://mq' })
  })

  test.each([
    ['mongodb://ann:s3cret@db.example/?x=1', 'amqps://mq', ['store is mongodb://db.example/:']],
    ['mongodb://127.0.0.1,db.example', 'amqps://mq', ['store is mongodb://127.0.0.1,db.example:']],
    ['mongodb://localhost:27017,127.0.0.1,[::1]:2/?x=1', 'amqp://ann:s3cret@127.0.0.1:5672/x', []],
    ['mongodb://db.example/?x=1&tls=true', 'amqps://mq.example', []],
    ['mongodb://db.example/?ssl=true&x=1', 'amqp://localhost', []],
    [
      'mongodb+srv://db.example',
      'amqps://a,amqp://ann:s3cret@b,amqp://c',
      ['broker is amqp://b:', 'broker is amqp://c:'],
    ],
  ])('%s with %s warns of what crosses the network unencrypted', (store, broker, warnings) => {
    const told = resolve({ env: { QUILLWORK_STORE: store, QUILLWORK_BROKER: broker } }).warnings
    expect(told.map(warning => /^.*?: (?=passwords)/.exec(warning)?.[0].trim())).toEqual(warnings)
    expect(told.join()).not.toContain('s3cret')
  })

  test('takes the secrets of the messages from one place, the first of them a secret', () => {
    const file = path.join(cwd, 'secrets')
    const [fresh, old] = ['n'.repeat(32), 'o'.repeat(32)]
    writeFileSync(file, `${fresh}\n${old}\n\n`)
    const servers = { QUILLWORK_STORE: mongo, QUILLWORK_BROKER: rabbit }
    const secretsOf = (env: Record<string, string>) =>
      brokerOptions(rabbit, resolve({ env: { ...servers, ...env } }).config).secret
    expect(secretsOf({})).toBeUndefined()
    expect(secretsOf({ QUILLWORK_BROKER_SECRET: `${fresh}, unsigned` })).toEqual([fresh, 'unsigned'])
    expect(secretsOf({ QUILLWORK_BROKER_SECRET_FILE: file })).toEqual([fresh, old])
    expect(shownValue(resolve({ env: { ...servers, QUILLWORK_BROKER_SECRET: fresh } }), 'brokerSecret')).toBe(
      '(set, not shown)',
    )
    const refused = (env: Record<string, string>) => {
      const said = refusal({ env: { ...servers, ...env } })
      expect(said).not.toContain('nnn')
      return said
    }
    expect(refused({ QUILLWORK_BROKER_SECRET: 'nnn' })).toMatch(/BROKER_SECRET: .*shorter than 32/)
    expect(refused({ QUILLWORK_BROKER_SECRET: `unsigned,${fresh}` })).toMatch(/Give a secret first/)
    expect(refused({ QUILLWORK_BROKER_SECRET: fresh, QUILLWORK_BROKER_SECRET_FILE: file })).toMatch(
      /both set/,
    )
    expect(refusal({ env: { QUILLWORK_BROKER_SECRET_FILE: file } })).toMatch(/no broker is configured/)
    writeFileSync(file, 'unsigned\n')
    expect(() => secretsOf({ QUILLWORK_BROKER_SECRET_FILE: file })).toThrow(
      /secrets \(\w+_FILE\): .*Give a secret first/,
    )
    rmSync(file)
    expect(() => secretsOf({ QUILLWORK_BROKER_SECRET_FILE: file })).toThrow(/cannot be read/)
  })

  const both = { store: 'mongodb://db', broker: 'amqp://mq' }
  test.each([
    [{ store: 'mongodb://db' }, /no broker is configured/],
    [{ broker: 'amqp://mq' }, /A broker is configured, but the store is an SQLite file/],
    [{ store: 'sqlite:x.db', broker: 'amqp://mq' }, /A broker is configured/],
    [{ roles: 'worker' }, /its one process has to do everything/],
    [{ database: 'tasks' }, /database is "tasks", but the store is an SQLite file/],
    [{ brokerPrefix: 'a.' }, /brokerPrefix is "a\."/],
    [{ eventsStream: 'true' }, /no broker is configured/],
    [{ ...both, port: '7000', healthPort: '7000' }, /healthPort and port are both 7000/],
    [{ noToken: 'true', oidc: '{"issuer":"https://id.example","audience":"a"}' }, /oidc is set, and noToken/],
    [{ oidc: '{"issuer":"http://id.example","audience":"a"}' }, /oidc.*issuer: Give the issuer/],
  ])('%j is refused', (flags, message) => {
    expect(refusal({ flags })).toMatch(message)
  })

  test.each([
    'postgres://ann:s3cret@db',
    'mongodb//ann:s3cret@db',
    'mongodb://ann:s3cret@',
    'mongodb://ann:s3/cret@db',
    'sqlite:',
    'sqlite://x.db',
  ])('the store %s is refused without a word of the secret', store => {
    const message = refusal({ flags: { store, broker: 'amqp://mq' } })
    expect(message).toMatch(/^--store: Give sqlite:FILE/)
    expect(message).not.toContain('cret')
  })

  test.each(['http://ann:s3cret@mq', 'amqp://', 'amqp://ann:s3cret@mq:port', 'amqp://mq,ann:s3cret'])(
    'the broker %s is refused without a word of the secret',
    broker => {
      const message = refusal({ flags: { store: 'mongodb://db', broker } })
      expect(message).toMatch(/^--broker: Give amqp:/)
      expect(message).not.toContain('cret')
    },
  )
})

test.each<[NodeJS.Platform, Record<string, string>, string | undefined]>([
  ['linux', { DISPLAY: ':0' }, 'xdg-open'],
  ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, 'xdg-open'],
  ['linux', {}, undefined],
  ['linux', { DISPLAY: ':10', SSH_CONNECTION: '10.0.0.7 50000 10.0.0.8 22' }, undefined],
  ['darwin', {}, 'open'],
  ['darwin', { SSH_CONNECTION: '10.0.0.7 50000 10.0.0.8 22' }, undefined],
  ['win32', {}, 'explorer.exe'],
])('on %s with %j the pages are opened by %s', (platform, env, program) => {
  expect(pageOpener(env, platform)).toBe(program)
})
