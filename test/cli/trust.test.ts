import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'

const usual = { cwd: process.cwd(), state: process.env['XDG_STATE_HOME'] }
let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-trust-cli-'))
  mkdirSync(path.join(folder, '.quillwork'))
  process.chdir(folder)
  process.env['XDG_STATE_HOME'] = path.join(folder, 'state')
})
afterEach(() => {
  process.chdir(usual.cwd)
  if (usual.state === undefined) delete process.env['XDG_STATE_HOME']
  else process.env['XDG_STATE_HOME'] = usual.state
  rmSync(folder, { recursive: true })
})

/** Runs a command on a terminal, where somebody types an answer. */
async function onTerminal(
  args: readonly string[],
  answer: string,
): Promise<{ code: number; printed: string }> {
  let printed = ''
  const screen = () =>
    Object.assign(
      new Writable({
        write(chunk, _, done) {
          printed += String(chunk)
          done()
        },
      }),
      { isTTY: true, columns: 80 },
    )
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  stdin.end(`${answer}\n`)
  const code = await main(args, { stdin, stdout: screen(), stderr: screen() })
  return { code, printed }
}

test('quillwork trust shows a person what the file sets, without controls, and trusts it by their answer alone', async () => {
  const models = { m: { provider: 'openai', model: 'a\u001b[2Jb' }, n: { provider: 'anthropic', model: 'c' } }
  writeFileSync(path.join(folder, '.quillwork', 'quillwork.json'), JSON.stringify({ models }))
  const declined = await onTerminal(['trust'], 'n')
  expect(declined.code).toBe(1)
  expect(declined.printed).toMatch(
    / {2}models\.m +\{"provider":"openai".*\n {2}models\.n +\{"provider":"anthropic"/,
  )
  expect(declined.printed).toMatch(/Trust \S+quillwork\.json\? \[y\/N\] [\s\S]*Nothing was trusted\.\n$/)
  expect(declined.printed).not.toContain('\u001b[2J')
  expect((await onTerminal(['models', 'list'], '')).printed).toContain('sets models.')
  const agreed = await onTerminal(['trust'], 'y')
  expect([agreed.code, agreed.printed]).toEqual([0, expect.stringContaining('You trust this file as it is.')])
  expect((await onTerminal(['models', 'list'], '')).code).toBe(0)
  const again = await onTerminal(['trust'], '')
  expect([again.code, again.printed.includes('[y/N]')]).toEqual([0, false])
})
