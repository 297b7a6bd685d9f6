import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createProgram } from '../../src/cli/main.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { compositionOf } from '../../src/server/combinations.ts'
import { resolveConfig } from '../../src/server/config.ts'
import type { SettingName } from '../../src/server/settings.ts'

interface Service {
  image?: string
  command?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  deploy?: { replicas: number }
  stop_grace_period?: string
  volumes?: string[]
}

const root = path.join(import.meta.dirname, '../..')
const file: { services: Record<string, Service>; volumes: Record<string, null> } = parse(
  readFileSync(path.join(root, 'compose.yaml'), 'utf8'),
  { merge: true },
)
const ours = ['api', 'worker', 'maintenance']

/** The options of `serve` by name, as the program reads them. */
function flagsOf(command: readonly string[]): Partial<Record<SettingName, string>> {
  const program = createProgram({} as Terminal, () => undefined)
  const serve = program.commands.find(each => each.name() === 'serve')
  if (serve === undefined || command[0] !== 'serve') throw new Error(`${command.join(' ')} does not serve`)
  const { unknown, operands } = serve.parseOptions([...command.slice(1)])
  expect([unknown, operands]).toEqual([[], []])
  return Object.fromEntries(Object.entries(serve.opts()).filter(([, given]) => typeof given === 'string'))
}

/** What the shell that starts it has to set. */
function filled(text: string): string {
  return text.replace(/\$\{(\w+):\?[^}]+\}/g, 'a-long-random-text')
}

describe('compose.yaml', () => {
  test('starts a broker, a database, an API, two workers and a maintenance', () => {
    expect(Object.keys(file.services).sort()).toEqual([...ours, 'mongodb', 'rabbitmq'].sort())
    expect(file.services['worker']?.deploy?.replicas).toBe(2)
    expect(file.services['rabbitmq']?.image).toMatch(/^rabbitmq:4/)
    expect(file.services['mongodb']?.command).toContain('--replSet')
    for (const { healthcheck } of Object.values(file.services))
      expect(healthcheck?.test.every(word => typeof word === 'string')).toBe(true)
    for (const service of Object.values(file.services))
      for (const volume of service.volumes ?? [])
        expect(Object.keys(file.volumes)).toContain(volume.split(':')[0])
  })

  test.each(ours)('%s has a configuration that can be used', name => {
    const {
      environment = {},
      command = [],
      depends_on = {},
      stop_grace_period = '',
    } = file.services[name] ?? {}
    const env = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, filled(value)]))
    const { config, warnings } = resolveConfig({ env, flags: flagsOf(command) })
    // Between its containers there is no TLS: their network is one of this machine.
    const unencrypted = ['store is mongodb://mongodb:27017/', 'broker is amqp://'].map(
      text => expect.stringContaining(text) as string,
    )
    expect(warnings).toEqual(unencrypted)
    expect(config.roles).toEqual([name])
    expect(compositionOf(config).kind).toBe('distributed')
    expect(Number(stop_grace_period.replace('s', '')) * 1_000).toBeGreaterThan(config.grace)
    for (const [other, { condition }] of Object.entries(depends_on)) {
      expect(condition).toBe('service_healthy')
      expect(file.services[other]?.healthcheck?.test[0]).toBe('CMD')
    }
    // No secret has a value here.
    expect(environment['QUILLWORK_TOKEN']).toMatch(/^\$\{QUILLWORK_TOKEN:\?/)
    expect(environment['QUILLWORK_BROKER']).toContain(
      `:${file.services['rabbitmq']?.environment?.['RABBITMQ_DEFAULT_PASS']}@`,
    )
  })
})
