import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { type TestFolder, testFolder } from '../store/sqlite-files.ts'
import { repository } from './cli/quillwork.ts'

let folder: TestFolder
beforeEach(() => {
  folder = testFolder()
})
afterEach(() => folder.remove())

/** Runs the command in this process. */
async function init(...args: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const code = await main(['init', ...args], { stdin, stdout, stderr })
  return { code, out: String(stdout.read() ?? ''), said: String(stderr.read() ?? '') }
}

/** Puts what `npm install` brings into a project. */
function install(project: string): void {
  const modules = path.join(project, 'node_modules')
  mkdirSync(path.join(modules, '@types'), { recursive: true })
  symlinkSync(repository, path.join(modules, 'quillwork'), 'dir')
  for (const name of ['zod', 'typescript', '.bin', '@types/node'])
    symlinkSync(path.join(repository, 'node_modules', name), path.join(modules, name), 'dir')
}

const npm = (project: string, ...args: string[]) =>
  spawnSync('npm', args, { cwd: project, encoding: 'utf8', timeout: 150_000 })

describe('quillwork init', () => {
  it('makes a project whose test passes, and whose program finds its task again', async () => {
    const project = folder.file('My Tasks!')
    const { code, out } = await init(project)
    expect(code).toBe(0)
    expect(out).toContain(`Made a project in ${project}.\n`)
    expect(out).toContain('  npm install\n  npm test\n  npm start\n')
    const manifest = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8'))
    expect(manifest).toMatchObject({
      name: 'my-tasks',
      dependencies: { quillwork: `file:${path.relative(project, repository)}` },
    })
    expect(readFileSync(path.join(project, '.gitignore'), 'utf8')).toContain('node_modules/')
    install(project)
    const tested = npm(project, 'test')
    expect(tested.stdout + tested.stderr).toMatch(/pass 2$/m)
    expect(tested.status).toBe(0)
    for (const run of ['first', 'second'])
      expect(npm(project, '--silent', 'start'), run).toMatchObject({
        status: 0,
        stdout: '{ words: 11, paragraphs: 2 }\n',
      })
  })

  it('overwrites nothing', async () => {
    mkdirSync(folder.file('there/src'), { recursive: true })
    writeFileSync(folder.file('there/package.json'), '{}')
    const refused = await init(folder.file('there'))
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.said).toContain('has package.json, src already, and nothing was written.')
    expect(readdirSync(folder.file('there')).sort()).toEqual(['package.json', 'src'])
    expect(await init(folder.file('there/package.json'))).toMatchObject({
      code: 2,
      said: expect.stringContaining('cannot be read as a folder'),
    })
    mkdirSync(folder.file('mine'))
    writeFileSync(folder.file('mine/notes.txt'), 'mine')
    const { code, out } = await init(folder.file('mine'), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({ folder: folder.file('mine') })
    expect(existsSync(folder.file('mine/src/main.ts'))).toBe(true)
  })
})
