import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { other, runAsOther, withoutRoot } from '../other-user.ts'
import {
  call,
  type Ended,
  lastError,
  lastJson,
  repository,
  requireBuilt,
  run,
  serve,
  story,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 120_000
/** Words of the story. */
const words = 'a heavy book with a spine of sealskin'

beforeAll(requireBuilt, patience)

let folder: ReturnType<typeof temporaryFolder>
let data: string
beforeEach(() => {
  folder = temporaryFolder()
  // Only what Quillwork does is in the way of another user.
  chmodSync(`${folder}`, 0o755)
  data = path.join(`${folder}`, 'data')
})
afterEach(() => folder[Symbol.dispose]())

/** Makes a folder that any user may look into. */
function openFolder(place: string): string {
  mkdirSync(place, { recursive: true })
  chmodSync(place, 0o755)
  return place
}

/** Prints the files under a folder that hold the words, and how many it could not read. */
const search = `
  const fs = require('node:fs')
  const [folder, words] = process.argv.slice(1)
  const found = []
  const walk = place => {
    try {
      if (fs.statSync(place).isDirectory()) for (const name of fs.readdirSync(place)) walk(place + '/' + name)
      else if (fs.readFileSync(place).includes(words)) found.push(place)
    } catch {}
  }
  walk(folder)
  console.log(JSON.stringify(found))`

function foundByOther(place: string): string[] {
  return JSON.parse(runAsOther(search, place, words))
}

function foundByOwner(place: string): string[] {
  return JSON.parse(spawnSync(process.execPath, ['-e', search, place, words], { encoding: 'utf8' }).stdout)
}

/** Each path under a folder whose mode lets other users in. */
function openPaths(place: string): string[] {
  const within = readdirSync(place, { recursive: true, encoding: 'utf8' }).map(name => path.join(place, name))
  return [place, ...within].filter(each => (statSync(each).mode & 0o077) !== 0)
}

function expectRefused(ended: Ended, text: string): void {
  expect([ended.code, lastError(ended)]).toEqual([
    2,
    { code: 'CONFIG_INVALID', message: expect.stringContaining(text) },
  ])
}

describe.skipIf(withoutRoot !== undefined)(`another user${withoutRoot ?? ''}`, { timeout: patience }, () => {
  test('reads no word of a manuscript, also in a directory that was there and open', async () => {
    openFolder(path.join(data, 'uploads'))
    const copy = path.join(openFolder(path.join(`${folder}`, 'open')), 'copy.txt')
    copyFileSync(story, copy)
    chmodSync(copy, 0o644)
    openFolder(data)
    writeFileSync(path.join(data, 'quillwork.json'), '{}', { mode: 0o644 })
    await using server = await serve(data, ['--grace', '0s'])
    await server.says(/^closed to other users: \S+ \(was 755\), /m)
    const imported = await run(['import', story, '--yes', '--watch', '--json', '--data', data])
    expect([imported.code, lastJson(imported)]).toMatchObject([0, { status: 'COMPLETED' }])
    expect(foundByOther(path.dirname(copy))).toEqual([copy])
    expect(foundByOther(data)).toEqual([])
    expect(foundByOwner(data).length).toBeGreaterThan(1)
    expect(openPaths(data)).toEqual([])
  })

  test('gets nothing written through a directory of theirs', async () => {
    const victim = path.join(`${folder}`, 'victim.db')
    writeFileSync(victim, '')
    openFolder(data)
    symlinkSync(victim, path.join(data, 'quillwork.db'))
    chownSync(data, other, other)
    for (const args of [
      ['serve', '--port', '0'],
      ['tasks', 'list'],
      ['models', 'key', 'set', 'main'],
    ])
      expectRefused(
        await call([...args, '--json', '--data', data], {
          input: 'key',
          env: { QUILLWORK_SECRET: 'a secret of this test' },
        }),
        `${data} belongs to another user (uid ${other})`,
      )
    const linked = await call(['tasks', 'list', '--json', '--allow-open-data', '--data', data])
    expectRefused(linked, 'quillwork.db is a link')
    expect(statSync(victim).size).toBe(0)
    expect(readdirSync(data)).toEqual(['quillwork.db'])
  })

  test('gets nothing moved to or from a file of theirs', async () => {
    expect(await call(['lanes', 'resume', 'default', '--data', data])).toMatchObject({ code: 0 })
    const theirs = path.join(openFolder(path.join(`${folder}`, 'theirs')), 'tasks.db')
    chownSync(path.dirname(theirs), other, other)
    for (const way of ['--from', '--to'])
      expectRefused(
        await call(['migrate', way, `sqlite:${theirs}`, '--json', '--data', data]),
        `${path.dirname(theirs)} belongs to another user`,
      )
    expect(readdirSync(path.dirname(theirs))).toEqual([])
  })

  test('is not obeyed: a directory of theirs that is found sends nothing anywhere', async () => {
    const found = openFolder(path.join(`${folder}`, '.quillwork'))
    const files = { 'quillwork.json': '{"url": "http://127.0.0.1:9"}', 'server.json': '{}' }
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(found, name), text)
    for (const name of ['.', 'quillwork.json', 'server.json']) chownSync(path.join(found, name), other, other)
    const options = { cwd: `${folder}` }
    expectRefused(await call(['tasks', 'list', '--json'], options), `${found} belongs to another user`)
    chownSync(found, 0, 0)
    expectRefused(await call(['tasks', 'list', '--json'], options), 'belongs to another user')
    expect(readFileSync(path.join(found, 'server.json'), 'utf8')).toBe('{}')
  })
})

test('migrate closes its own files beside others, and names them', { timeout: patience }, async () => {
  const home = path.join(`${folder}`, 'home')
  expect(await call(['lanes', 'resume', 'default', '--data', home])).toMatchObject({ code: 0 })
  const uploads = openFolder(path.join(home, 'uploads'))
  const uploaded = path.join(uploads, '0f8fad5b-d9cb-469f-a165-70867728950e.txt')
  const mine = path.join(uploads, 'notes.txt')
  for (const file of [uploaded, mine]) writeFileSync(file, 'text')
  for (const file of [uploaded, mine]) chmodSync(file, 0o644)
  const target = path.join(openFolder(path.join(`${folder}`, 'new')), 'quillwork.db')
  const ends = ['--from', `sqlite:${path.join(home, 'quillwork.db')}`, '--to', `sqlite:${target}`]
  const moved = await run(['migrate', ...ends], { env: { QUILLWORK_DATA: data } })
  expect(moved).toMatchObject({ code: 0, stderr: expect.stringContaining(`: ${uploaded} (was 644)\n`) })
  expect([uploads, mine, uploaded].map(place => (statSync(place).mode & 0o777).toString(8))).toEqual([
    '755',
    '644',
    '600',
  ])
})

test('what a command creates is for its owner alone, whatever the umask', { timeout: patience }, () => {
  const program = `
    process.umask(0)
    const { main } = await import(process.argv[1])
    const running = main(process.argv.slice(2))
    const during = process.umask()
    const code = await running
    console.log(JSON.stringify({ code, during, after: process.umask() }))`
  const main = path.join(repository, 'dist/cli/main.js')
  const args = ['import', story, '--yes', '--data', data]
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program, main, ...args], {
    encoding: 'utf8',
  })
  const ended = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  expect(ended).toEqual({ code: 0, during: 0o077, after: 0 })
  expect(existsSync(path.join(data, 'quillwork.db'))).toBe(true)
  expect(openPaths(data)).toEqual([])
})
