import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { requireBuilt } from './cli/quillwork.ts'

beforeAll(requireBuilt, 120_000)

const dist = path.join(import.meta.dirname, '../../dist')

/** The drivers that a process has loaded once it imported a file of the built package. */
function driversOf(file: string): string[] {
  const program = `
    const loaded = require.cache
    import(${JSON.stringify(path.join(dist, file))}).then(() => {
      const names = Object.keys(loaded).flatMap(name => /node_modules.(mongodb|amqplib|better-sqlite3|fastify)./.exec(name)?.[1] ?? [])
      console.log(JSON.stringify([...new Set(names)].sort()))
    })`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as string[]
}

describe('drivers load with what needs them', () => {
  test.each([
    ['cli/main.js', []],
    ['server/server.js', ['fastify']],
    ['server/compose-embedded.js', ['better-sqlite3']],
    ['server/compose-distributed.js', ['amqplib', 'mongodb']],
  ])('%s', (file, drivers) => {
    expect(driversOf(file)).toEqual(drivers)
  })
})

test('no file of the built package imports a source file, which is not there', () => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'))
  expect(files.length).toBeGreaterThan(400)
  const importing = /(from|import\()\s*['"]\.{1,2}\/[^'"]*\.ts['"]/
  expect(files.filter(name => importing.test(readFileSync(path.join(dist, name), 'utf8')))).toEqual([])
})
