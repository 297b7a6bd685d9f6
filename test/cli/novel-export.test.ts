import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { Archive } from '../../src/novel/import/archive.ts'
import { bytesSource } from '../../src/novel/import/source.ts'
import { type NovelApi, serveNovels } from '../http/novel-api.ts'
import { importBook } from '../novel/library/case.ts'

let api: NovelApi
let folder: string
beforeAll(async () => {
  api = await serveNovels()
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-export-'))
  await importBook(api.novels.library, 'told')
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await api[Symbol.asyncDispose]()
})

const place = (name: string) => path.join(folder, name)

/** Runs `quillwork novels export told ARGS` in this process. */
function exportTold(args: readonly string[], isTTY = false) {
  return runExport(['novels', 'export', 'told', ...args], isTTY)
}

async function runExport(command: readonly string[], isTTY = false) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  Object.assign(stdout, { isTTY })
  const server = ['--data', place('data'), '--url', api.url]
  const code = await main([...command, ...server], { stdin, stdout, stderr })
  const textOf = (stream: PassThrough) => String(stream.read() ?? '')
  return { code, out: textOf(stdout), said: textOf(stderr) }
}

describe('quillwork novels export', () => {
  test('writes the file, and says what is in it', async () => {
    const file = place('told.txt')
    const { code, out, said } = await exportTold(['--out', file])
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/Wrote \S+told\.txt: 3 chapters, 5 scenes, 25 words, \d+ B\.\n$/),
    ])
    expect(said).toBe(`note: using the server at ${api.url}\n`)
    expect(readFileSync(file, 'utf8')).toContain('Alice saw the White Rabbit run.')
  })

  test('overwrites nothing without --force, and needs a folder', async () => {
    const file = place('mine.txt')
    writeFileSync(file, 'mine')
    expect(await exportTold(['--out', file])).toMatchObject({
      ...{ code: 2, out: '' },
      said: expect.stringMatching(/error USAGE_INVALID: \S+mine\.txt is there already\. .*--force/),
    })
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect((await exportTold(['--out', file, '--force'])).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('Alice')
    expect(await exportTold(['--out', place('nowhere/a.txt')])).toMatchObject({
      ...{ code: 1, out: '' },
      said: expect.stringContaining('error FILE_UNWRITABLE: '),
    })
    const begun = (await api.novels.t.tasks.list({ taskType: ['ExportNovel'] }, { pageSize: 50 })).items
      .length
    await exportTold(['--out', file])
    const { items } = await api.novels.t.tasks.list({ taskType: ['ExportNovel'] }, { pageSize: 50 })
    expect(items).toHaveLength(begun)
  })

  test('writes an archive, which the import shows and takes', async () => {
    const file = place('told.quillwork')
    expect(await exportTold(['--out', file])).toMatchObject({
      ...{ code: 0, out: expect.stringContaining('told.quillwork: 3 chapters, 5 scenes') },
    })
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const server = ['--data', place('data'), '--url', api.url]
    expect(await main(['import', file, '--preview', ...server], { stdin, stdout, stderr })).toBe(0)
    expect(String(stdout.read())).toMatch(/The archive of a novel: summaries 0, .* in the bin 0\n/)
  })

  test('with --json prints the result and where the file is', async () => {
    const file = place('part.zip')
    const args = ['--out', file, '--chapters', '2-3', '--file-per-chapter', '--format', 'txt', '--json']
    const { code, out } = await exportTold(args)
    expect(code).toBe(0)
    const [line = '', ...rest] = out.trimEnd().split('\n')
    expect(rest).toEqual([])
    expect(JSON.parse(line)).toMatchObject({
      ...{ status: 'COMPLETED', file },
      result: { chapters: 2, scenes: 3, mediaType: 'application/zip', fileName: 'Book told.zip' },
    })
    expect(readFileSync(file).subarray(0, 2).toString()).toBe('PK')
  })

  test('with --out - writes the file to standard output, and all else to standard error', async () => {
    const plain = await exportTold(['--format', 'txt', '--out', '-'])
    expect(plain).toMatchObject({
      code: 0,
      said: expect.stringContaining('Wrote standard output: 3 chapters'),
    })
    expect(plain.out).toContain('Alice saw the White Rabbit run.')
    expect(plain.out).not.toContain('Wrote')
    const json = await exportTold(['--format', 'txt', '--out', '-', '--json'])
    expect(json.out).toBe(plain.out)
    expect(JSON.parse(json.said)).toMatchObject({ status: 'COMPLETED', file: '-' })
    expect(await exportTold(['--format', 'txt', '--out', '-'], true)).toMatchObject({
      ...{ code: 2, out: '' },
      said: expect.stringContaining('Standard output is a terminal here'),
    })
  })

  test('puts files before and after the story, and writes the codex', async () => {
    const [front, end, file] = [place('front.txt'), place('end.txt'), place('around.txt')]
    writeFileSync(front, '\ufeffFor Ann.\n')
    writeFileSync(end, '# About the author\r\n\r\nLives by the weir.')
    const matter = ['--front-matter', front, '--end-matter', end, '--end-matter', front]
    expect((await exportTold(['--out', file, ...matter])).code).toBe(0)
    const lines = readFileSync(file, 'utf8').trim().split(/\n+/)
    expect(lines[1]).toBe('For Ann.')
    expect(lines.slice(-3)).toEqual(['About the author', 'Lives by the weir.', 'For Ann.'])
    const codex = await exportTold(['--out', place('codex.txt'), '--content', 'codex'])
    expect(codex.out).toMatch(/Wrote \S+codex\.txt: 0 entries, 0 words, \d+ B\.\n$/)
    expect(
      await exportTold(['--out', file, '--force', '--front-matter', place('nowhere.txt')]),
    ).toMatchObject({
      ...{ code: 1, out: '' },
      said: expect.stringContaining('error FILE_UNREADABLE: '),
    })
  })

  test('refuses formats and layouts that are not there', async () => {
    for (const args of [
      ['--format', 'pdf'],
      ['--format', 'txt', '--layout', 'manuscript', '--out', place('layout.txt')],
      ['--layout', 'poem'],
      ['--content', 'poem'],
      ['--format', 'docx', '--contact', '1 Mill Lane', '--out', place('layout.txt')],
      ['--chapters', '1,3', '--out', place('gaps.txt')],
    ])
      expect((await exportTold(args)).code, args.join(' ')).toBe(2)
    expect(existsSync(place('layout.txt'))).toBe(false)
  })

  test('asks again where the download breaks off, and leaves no half file', async () => {
    const before = readdirSync(folder)
    const { uploads } = api.novels.services
    const { open } = uploads
    const broken = vi.spyOn(uploads, 'open').mockImplementation(async (location, name) => {
      const source = await open(location, name)
      const read = async function* () {
        yield Buffer.from('half')
        throw new Error('The disk is gone.')
      }
      return source && { ...source, read, readRange: read }
    })
    const file = place('broken.txt')
    const running = exportTold(['--out', file])
    await expect.poll(() => broken.mock.calls.length).toBe(2)
    broken.mockRestore()
    expect((await running).code).toBe(0)
    expect(readdirSync(folder).sort()).toEqual([...before, 'broken.txt'].sort())
    expect(readFileSync(file, 'utf8')).toContain('Alice')
  })
})

describe('quillwork users export', () => {
  test('writes all that a user has, whoever asks, and says what is in it', async () => {
    await importBook(api.novels.library, 'of bob', undefined, 'bob')
    const file = place('bob.zip')
    const { code, out } = await runExport(['users', 'export', 'bob', '--out', file])
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(
        /Wrote \S+bob\.zip: 1 novel, 5 scenes, 25 words, 0 uploads, 1 task, [\d.]+ kB\.\n$/,
      ),
    ])
    const archive = await Archive.open(bytesSource(readFileSync(file)))
    expect([...archive.names]).toEqual([
      expect.stringMatching(/^novels\/Book of bob-.*\.quillwork$/),
      ...['tasks.jsonl', 'usage.jsonl', 'manifest.json'],
    ])
    expect(await runExport(['users', 'export', 'bob', '--out', file])).toMatchObject({
      ...{ code: 2, said: expect.stringContaining('--force') },
    })
  })
})
