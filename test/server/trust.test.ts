import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { QuillworkError } from 'quillwork'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ConfigSources, resolveConfig, trustPlace } from '../../src/server/config.ts'
import { settingNames, settings } from '../../src/server/settings.ts'
import { endTrust, harmlessSettings, trustedFiles, trustFile, trustPlaceOf } from '../../src/server/trust.ts'

let folder: string
let cwd: string
let env: Record<string, string>
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'quillwork-trust-')))
  cwd = path.join(folder, 'work')
  env = { HOME: path.join(folder, 'home'), XDG_STATE_HOME: path.join(folder, 'state') }
})
afterEach(() => rmSync(folder, { recursive: true }))

function plant(values: object, data = path.join(cwd, '.quillwork')): string {
  mkdirSync(data, { recursive: true })
  const file = path.join(data, 'quillwork.json')
  writeFileSync(file, JSON.stringify(values), { mode: 0o600 })
  return file
}

function resolve(sources: ConfigSources = {}) {
  return resolveConfig({ cwd, ...sources, env: { ...env, ...sources.env } })
}

function refusal(sources: ConfigSources = {}): QuillworkError {
  try {
    resolve(sources)
  } catch (error) {
    if (error instanceof QuillworkError && error.code === 'CONFIG_INVALID') return error
    throw error
  }
  return expect.fail('it was taken')
}

/** As `quillwork trust --yes` does. */
function trust(): void {
  const { needsTrust } = resolve({ countsUntrusted: true })
  trustFile(trustPlace(env), needsTrust ?? expect.fail('nothing needs trust'))
}

const gpt = { provider: 'openai', model: 'gpt' }
const sensitive: Record<string, unknown> = {
  store: 'sqlite:elsewhere.db',
  database: 'other',
  broker: 'amqp://evil.example',
  brokerSecret: ['x'.repeat(32)],
  brokerPrefix: 'evil.',
  eventsStream: true,
  host: '0.0.0.0',
  token: 'a-token-that-the-stranger-knows',
  url: 'https://evil.example',
  allowedHosts: ['evil.example'],
  allowedOrigins: ['https://evil.example'],
  trustedProxies: ['10.0.0.0/8'],
  oidc: { issuer: 'https://evil.example', audience: 'a', defaultRole: 'admin' },
  webhookHosts: ['evil.example'],
  model: 'm@https://evil.example/v1',
  models: { gpt },
  keepModels: true,
  keepSummaries: { after: '1s' },
  prompts: './prompts',
  retention: { COMPLETED: 0 },
  usageRetention: { calls: 0 },
  auditRetention: '1s',
  originals: '1s',
  lease: 1,
}

describe('a file that was found', () => {
  test.each(Object.entries(sensitive))('sets %s only once it is trusted', (name, value) => {
    const file = plant({ port: 8_080, [name]: value })
    const { message, details } = refusal()
    expect(message).toMatch(
      new RegExp(`^${file} was found here, not named, and sets ${name}\\. .*: quillwork trust$`),
    )
    expect(details).toEqual({ file, settings: [name] })
    expect(message).not.toMatch(/evil|stranger/)
  })

  test('every setting that a file can set is known to be harmless, or needs trust', () => {
    const inFile = settingNames.filter(name => !('notInFile' in settings[name]))
    expect([...harmlessSettings, ...Object.keys(sensitive)].toSorted()).toEqual(inFile.toSorted())
  })

  test('counts with its harmless settings', () => {
    const values = { port: 8_080, lanes: { batch: { slots: 2 } }, logLevel: 'warn', grace: '1s' }
    plant(values)
    const { config, needsTrust } = resolve()
    expect([config, needsTrust]).toMatchObject([{ ...values, grace: 1_000 }, undefined])
    expect(existsSync(trustPlace(env))).toBe(false)
  })

  test('counts once it is trusted, until it changes what it sets of these', () => {
    plant({ port: 8_080, retention: { FAILED: '1d' } })
    expect(refusal().message).not.toContain('changed')
    trust()
    expect(resolve().config.retention).toEqual({ FAILED: 86_400_000 })
    plant({ port: 9_090, logLevel: 'warn', retention: { FAILED: '1d' } })
    expect(resolve().config).toMatchObject({ port: 9_090, logLevel: 'warn' })
    for (const change of [
      { retention: { FAILED: '2d' } },
      { retention: { FAILED: '1d' }, model: 'openai:gpt' },
    ]) {
      plant({ port: 8_080, ...change })
      expect(refusal().message).toContain('It has changed them since you trusted it.')
    }
  })

  test('is trusted where it is, and nowhere else', () => {
    plant({ retention: {} })
    trust()
    expect(() => resolve()).not.toThrow()
    const elsewhere = path.join(folder, 'elsewhere')
    renameSync(cwd, elsewhere)
    expect(refusal({ cwd: elsewhere }).message).toContain('quillwork trust')
    symlinkSync(elsewhere, cwd)
    expect(refusal().message).toContain(path.join(elsewhere, '.quillwork'))
  })

  test('needs no trust for what the environment or the command line sets instead', () => {
    plant({ retention: { FAILED: 0 }, model: 'm@https://evil.example/v1' })
    expect(refusal({ env: { QUILLWORK_RETENTION: '{}' } }).details?.['settings']).toEqual(['model'])
    const own = { QUILLWORK_RETENTION: '{}', QUILLWORK_MODEL: 'openai:gpt' }
    expect(resolve({ env: own }).config).toMatchObject({ retention: {}, model: 'openai:gpt' })
  })

  test.each<[string, ConfigSources]>([
    ['its directory is named on the command line', { flags: { data: '.quillwork' } }],
    ['its directory is named in the environment', { env: { QUILLWORK_DATA: '.quillwork' } }],
    ['it is named itself', { file: '.quillwork/quillwork.json' }],
    ['it is named in the environment', { env: { QUILLWORK_CONFIG: '.quillwork/quillwork.json' } }],
  ])('counts where %s: then it was not found', (_, sources) => {
    plant({ model: 'openai:gpt', url: 'https://tasks.example' })
    expect(resolve(sources)).toMatchObject({
      config: { url: 'https://tasks.example' },
      needsTrust: undefined,
    })
  })

  test('has no database closed that it names, before it is trusted, also while somebody looks', () => {
    mkdirSync(cwd)
    const named = path.join(cwd, 'of-another-program.db')
    writeFileSync(named, '')
    chmodSync(named, 0o644)
    plant({ store: `sqlite:${named}` })
    refusal()
    resolve({ countsUntrusted: true })
    expect(statSync(named).mode & 0o777).toBe(0o644)
    trust()
    resolve()
    expect(statSync(named).mode & 0o777).toBe(0o600)
  })
})

describe('the trust of a user', () => {
  test('is kept for this user alone, and not beside the file', () => {
    const file = plant({ model: 'openai:gpt' })
    trust()
    const place = path.join(folder, 'state', 'quillwork', 'trust.json')
    expect(trustPlace(env)).toBe(place)
    expect([statSync(place).mode & 0o777, statSync(path.dirname(place)).mode & 0o777]).toEqual([0o600, 0o700])
    expect(readFileSync(place, 'utf8')).not.toContain('openai')
    expect(trustedFiles(place)).toEqual([{ file, settings: ['model'], trustedAt: expect.any(String) }])
    expect([endTrust(place, file), endTrust(place, file), endTrust(place, 'toString')]).toEqual([
      true,
      false,
      false,
    ])
    expect(refusal().message).toContain('quillwork trust')
  })

  test.each(['', '{', '[1]', '{"/x": true}'])('that reads %j is none, and says so', text => {
    plant({ model: 'openai:gpt' })
    mkdirSync(path.dirname(trustPlace(env)), { recursive: true })
    writeFileSync(trustPlace(env), text)
    expect(refusal().message).toMatch(/trust\.json is not what Quillwork keeps there\. Remove it/)
  })

  test.each<[NodeJS.Platform, Record<string, string>, string]>([
    ['linux', { HOME: '/home/ann' }, '/home/ann/.local/state/quillwork/trust.json'],
    ['linux', { HOME: '/home/ann', XDG_STATE_HOME: '/state' }, '/state/quillwork/trust.json'],
    ['linux', { HOME: '/home/ann', XDG_STATE_HOME: '.' }, '/home/ann/.local/state/quillwork/trust.json'],
    ['darwin', { HOME: '/Users/ann' }, '/Users/ann/Library/Application Support/Quillwork/trust.json'],
    ['win32', { LOCALAPPDATA: '/Users/ann/AppData/Local' }, '/Users/ann/AppData/Local/Quillwork/trust.json'],
    ['win32', { USERPROFILE: '/Users/ann' }, '/Users/ann/AppData/Local/Quillwork/trust.json'],
  ])('is on %s with %j in %s', (platform, variables, place) => {
    expect(trustPlaceOf(variables, platform)).toBe(place)
  })
})
