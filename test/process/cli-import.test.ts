import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  behindTls,
  call,
  certificate,
  lastError,
  lastJson,
  makeNovel,
  requireBuilt,
  run,
  serve,
  start,
  story,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 120_000

beforeAll(requireBuilt, patience)

let folder: ReturnType<typeof temporaryFolder>
let data: string
beforeEach(() => {
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
})
afterEach(() => folder[Symbol.dispose]())

const novels = async () =>
  lastJson<{ items: { id: string; chapters: number; title: string; summaries: number; scenes: number }[] }>(
    await call(['novels', 'list', '--json', '--data', data]),
  ).items

describe('quillwork import without a server', { timeout: patience }, () => {
  test('--preview --json prints exactly what scripts are promised, and imports nothing', async () => {
    const ended = await call(['import', story, '--preview', '--json', '--data', data])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout.split('\n')).toHaveLength(2)
    const preview = lastJson<{
      encoding: object
      volumes: { chapters: object[] }[]
      warnings: unknown[]
    }>(ended)
    expect(Object.keys(preview)).toEqual(['title', 'encoding', 'volumes', 'warnings'])
    expect(preview).toMatchObject({
      title: 'The Salt Ledger',
      encoding: { name: 'utf-8', confidence: 1 },
      warnings: [],
    })
    expect(Object.keys(preview.encoding)).toEqual(['name', 'confidence'])
    expect(preview.volumes).toHaveLength(2)
    for (const volume of preview.volumes) {
      expect(Object.keys(volume)).toEqual(['title', 'chapters'])
      for (const chapter of volume.chapters)
        expect(Object.keys(chapter)).toEqual(['title', 'characters', 'words'])
    }
    expect(preview.volumes[0]?.chapters[0]).toEqual({
      title: 'Chapter 1: The Weighing House',
      characters: expect.any(Number),
      words: expect.any(Number),
    })
    expect(await novels()).toEqual([])
  })

  test('--yes --watch --json imports every chapter and ends with the task, the novel and the status', async () => {
    const ended = await run(['import', story, '--yes', '--watch', '--json', '--data', data])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const last = lastJson(ended)
    expect(Object.keys(last)).toEqual(['taskId', 'novelId', 'status'])
    expect(last['status']).toBe('COMPLETED')
    const [novel] = await novels()
    expect(novel).toMatchObject({ id: last['novelId'], chapters: 5, title: 'The Salt Ledger' })
    expect(novel?.summaries).toBe(novel?.scenes)
  })

  test('stays until the work is done, as nobody else would do it, and tells the tree in plain lines', async () => {
    const ended = await run(['import', story, '--yes', '--data', data])
    expect(ended.code).toBe(0)
    const lines = ended.stdout.split('\n')
    for (const type of ['ParseFile', 'BatchGenerateSummary', 'Vectorize', 'ImportNovel'])
      expect(lines.filter(line => line.startsWith(`${type} COMPLETED`))).toHaveLength(1)
    expect(ended.stdout).toMatch(/^The novel is \S+\.$/m)
    expect(ended.stdout).not.toContain('\u001b')
  })

  test('--chapters and --title choose', async () => {
    const args = ['--chapters', '2,4-5', '--title', 'Chosen', '--yes', '--watch', '--data', data]
    expect((await call(['import', story, ...args])).code).toBe(0)
    expect(await novels()).toMatchObject([{ chapters: 3, title: 'Chosen' }])
  })

  test('--rename, --merge and --remove-lines shape what is imported', async () => {
    const file = path.join(`${folder}`, 'votes.txt')
    const chapters = ['rain', 'salt', 'wind', 'snow', 'fire'].map(
      (word, at) => `Chapter ${at + 1}\n\nThe ${word} went on all night.\n\nPlease vote for this story\n`,
    )
    writeFileSync(file, chapters.join('\n'))
    const shown = await call(['import', file, '--preview', '--data', data])
    expect(shown.stdout).toContain('  1  Please vote for this story (5 chapters)')
    const args = ['--rename', '1=The Rain', '--rename', '5=Fire', '--merge', '2-3', '--remove-lines', '1']
    const ended = await call(['import', file, ...args, '--yes', '--watch', '--json', '--data', data])
    expect(ended.code).toBe(0)
    const { novelId = '' } = lastJson<{ novelId?: string }>(ended)
    const { stdout } = await call(['novels', 'read', novelId, '--text', '--data', data])
    expect(stdout).not.toContain('Please vote')
    expect(stdout.split('\n').filter(line => /^\d/.test(line))).toEqual([
      '1  The Rain',
      '2  Chapter 4',
      '3  Fire',
    ])
    for (const kept of ['Chapter 2', 'The wind went on']) expect(stdout).toContain(kept)
  })

  test.each([
    [['--merge', '6'], 2, 'USAGE_INVALID', /--merge names chapter 6, but the file has 5 chapters/],
    [['--merge', '1'], 2, 'USAGE_INVALID', /no chapter before the first one/],
    [['--rename', '3'], 2, 'USAGE_INVALID', /give a number and a title/],
    [['--merge', '3', '--rename', '3=X'], 2, 'USAGE_INVALID', /renamed and merged/],
    [['--remove-lines', '1'], 2, 'USAGE_INVALID', /the file has 0 repeated lines/],
    [['--chapters', '9'], 2, 'USAGE_INVALID', /chapter 9, but the file has 5 chapters/],
    [['--chapters', 'some'], 2, 'USAGE_INVALID', /names no chapters/],
    [['--encoding', 'klingon'], 2, 'ENCODING_UNKNOWN', /klingon/],
  ] as const)('%j is refused', async (options, code, name, message) => {
    const ended = await call(['import', story, '--yes', '--json', '--data', data, ...options])
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(lastError(ended)).toMatchObject({ code: name, message: expect.stringMatching(message) })
    expect(await novels()).toEqual([])
  })

  test('without --yes, where nobody can answer, imports nothing and says what to pass', async () => {
    const ended = await run(['import', story, '--data', data])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/^error USAGE_INVALID: .*--preview.*--yes/)
  })

  test('a file that is not there, or is a folder, is told', async () => {
    for (const file of [path.join(data, 'nowhere.txt'), `${folder}`]) {
      const ended = await call(['import', file, '--yes', '--json', '--data', data])
      expect(ended.code).toBe(1)
      expect(lastError(ended).code).toBe('FILE_UNREADABLE')
    }
  })

  test('an import that fails ends with 1, its status, and why', async () => {
    const file = path.join(`${folder}`, 'empty.txt')
    writeFileSync(file, '  \n')
    const ended = await call(['import', file, '--yes', '--watch', '--json', '--data', data])
    expect(ended.code).toBe(1)
    expect(lastJson(ended)['status']).toBe('FAILED')
    expect(lastError(ended).code).toBe('TEXT_UNREADABLE')
  })

  test('reads other encodings, named or found out', async () => {
    const file = path.join(`${folder}`, 'utf16.txt')
    writeFileSync(file, Buffer.from(`\uFEFF${readFileSync(story, 'utf8')}`, 'utf16le'))
    const found = lastJson<{ encoding: { name: string } }>(
      await call(['import', file, '--preview', '--json', '--data', data]),
    )
    expect(found.encoding.name).toBe('utf-16le')
  })
})

describe('quillwork import to a server elsewhere', { timeout: patience }, () => {
  test('sends the file over https', async () => {
    await using server = await serve(data)
    await using proxy = await behindTls(server.url)
    const ended = await run(['import', story, '--yes', '--watch', '--json', '--url', proxy.url], {
      env: { NODE_EXTRA_CA_CERTS: certificate },
    })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(await novels()).toMatchObject([{ id: lastJson(ended)['novelId'], chapters: 5 }])
  })
})

describe('an import that is interrupted', { timeout: patience }, () => {
  test('goes on when a server is started, and every scene is summarised once', async () => {
    const book = path.join(`${folder}`, 'book.txt')
    writeFileSync(book, makeNovel(120))
    {
      await using importing = start(['import', book, '--yes', '--watch', '--data', data])
      await importing.says(/^BatchGenerateSummary RUNNING/m)
      importing.child.kill('SIGINT')
      const { code, stderr } = await importing.ended
      expect(code).toBe(130)
      expect(stderr).toContain('Stopped. The import continues when a server is started')
    }
    await using server = await serve(data)
    const roots = await call(['tasks', 'list', '--roots', '--json', '--data', data])
    const taskId = lastJson<{ items: { id: string }[] }>(roots).items[0]?.id ?? ''
    expect((await call(['tasks', 'show', taskId, '--watch', '--data', data])).code).toBe(0)
    const [novel] = await novels()
    expect(novel).toMatchObject({ scenes: 360, summaries: 360 })
    server.child.kill('SIGTERM')
    expect((await server.ended).code).toBe(0)
  })

  test('is watched on when its server is killed and started again on another port', async () => {
    const book = path.join(`${folder}`, 'book.txt')
    writeFileSync(book, makeNovel(120))
    const killed = await serve(data)
    await using importing = start(['import', book, '--yes', '--watch', '--data', data])
    {
      await using _ = killed
      await importing.says(/^BatchGenerateSummary RUNNING/m)
      killed.child.kill('SIGKILL')
      await killed.ended
    }
    await using server = await serve(data)
    expect(server.url).not.toBe(killed.url)
    expect((await importing.ended).code).toBe(0)
    expect(await novels()).toMatchObject([{ scenes: 360, summaries: 360 }])
  })
})
