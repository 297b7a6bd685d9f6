import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireBuilt } from '../process/crash/built.ts'
import { blocksOf, looksLike } from './markdown.ts'
import { root } from './project.ts'

const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
const [transcript = ''] = blocksOf(readme)
  .filter(({ language }) => language === 'text')
  .map(({ text }) => text)

/** Starts what `npm start` starts, and stops it by Ctrl-C once it says that it can be. */
function start(data: string): Promise<{ printed: string; code: number | null }> {
  const child = spawn(
    process.execPath,
    [path.join(root, 'scripts', 'start.mjs'), '--port', '0', '--data', data],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let printed = ''
  let asked = false
  const listen = (chunk: unknown) => {
    printed += String(chunk)
    if (asked || !printed.includes('Ctrl-C stops the server')) return
    asked = true
    child.kill('SIGINT')
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  return new Promise(resolve => {
    child.once('close', code => resolve({ printed, code }))
  })
}

describe('README, and what it leads to', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-readme-'))
  beforeAll(requireBuilt, 120_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('shows what npm start prints', async () => {
    const { printed } = await start(path.join(folder, 'data'))
    const lines = printed.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:7420').split('\n')
    // How far a task is when it is looked at depends on the machine; how it ends does not.
    const shown = transcript.split('\n').filter(line => line !== '' && !/ (RUNNING|QUEUED)/.test(line))
    expect(shown.length).toBeGreaterThan(10)
    expect(shown.filter(line => !lines.some(each => looksLike(line, each)))).toEqual([])
  })

  it.each([
    ['README.md', 'word-count.ts'],
    ['docs/moving.md', 'mail.ts'],
  ])('%s shows the example %s as it is', (page, file) => {
    const example = readFileSync(path.join(root, 'examples', file), 'utf8')
    const blocks = blocksOf(readFileSync(path.join(root, page), 'utf8'))
    const [program] = blocks.filter(({ language }) => language === 'ts')
    expect(example.split('\n').slice(1).join('\n')).toBe(program?.text)
  })

  it('names only scripts and commands that there are', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const named = [...readme.matchAll(/npm (?:run )?(start|test|[a-z]+)/g)].map(([, name]) => name ?? '')
    expect(named.filter(name => !(name in scripts))).toEqual([])
    const reference = readFileSync(path.join(root, 'docs', 'command-line.md'), 'utf8')
    const commands = [
      ...readme.matchAll(/^node bin\/quillwork\.js ([a-z-]+(?: (?:list|read|search|show))?)/gm),
    ]
    expect(commands.length).toBeGreaterThan(4)
    const unknown = commands.filter(([, command]) => !reference.includes(`quillwork ${command}`))
    expect(unknown.map(([line]) => line)).toEqual([])
  })
})
