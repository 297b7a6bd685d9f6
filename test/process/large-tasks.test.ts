import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { requireBuilt } from './crash/built.ts'
import { Children } from './crash/children.ts'

beforeAll(requireBuilt, 120_000)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-large-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('a process holds neither the parameters of large tasks that wait nor the results of those that ended', {
  timeout: 120_000,
}, async () => {
  await using children = new Children(folder)
  const program = fileURLToPath(new URL('crash/run-large.mjs', import.meta.url))
  const options = { file: path.join(folder, 'tasks.db'), count: 80, length: 1_000_000 }
  const child = children.run(process.execPath, ['--max-old-space-size=80', program, JSON.stringify(options)])
  await child.says('done')
  expect(await child.ended).toEqual({ code: 0, signal: null })
})
