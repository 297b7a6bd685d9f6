import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  call,
  lastError,
  lastJson,
  requireBuilt,
  run,
  serve,
  story,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 120_000
let folder: ReturnType<typeof temporaryFolder>
let data: string

beforeAll(async () => {
  requireBuilt()
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
  expect((await call(['import', story, '--yes', '--data', data])).code).toBe(0)
}, patience)
afterAll(() => folder[Symbol.dispose]())

/** Exports the novel into the folder; by default in this process. */
const exportSalt = (args: readonly string[], act = call) =>
  act(['novels', 'export', 'salt', '--format', 'txt', ...args, '--data', data], { cwd: `${folder}` })

describe('quillwork novels export', { timeout: patience }, () => {
  test('without a server writes the file itself, under the title of the novel, and nothing over it', async () => {
    const written = await exportSalt(['--json'])
    expect([written.code, written.stderr]).toEqual([0, ''])
    const { file, result } = lastJson<{ file: string; result: { bytes: number } }>(written)
    expect(file).toBe('The Salt Ledger.txt')
    const bytes = readFileSync(path.join(`${folder}`, file))
    expect(bytes.length).toBe(result.bytes)
    expect(bytes.toString()).toContain('Chapter 5: A Fair Balance')
    const again = await exportSalt(['--json'])
    expect([again.code, lastError(again).code]).toEqual([2, 'USAGE_INVALID'])
  })

  test('at a server pipes the file as it is', async () => {
    await using server = await serve(data)
    expect(server.url).toContain('http')
    const out = path.join(`${folder}`, 'whole.txt')
    expect((await exportSalt(['--out', out])).stdout).toMatch(
      /^Wrote \S+whole\.txt: 5 chapters, 13 scenes, /m,
    )
    const piped = await exportSalt(['--out', '-'], run)
    expect([piped.code, piped.stdout]).toEqual([0, readFileSync(out, 'utf8')])
    expect(piped.stderr).toMatch(/^Wrote standard output: 5 chapters, /m)
    expect(existsSync(path.join(`${folder}`, '-'))).toBe(false)
  })
})
