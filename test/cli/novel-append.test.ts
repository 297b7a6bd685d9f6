import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { type NovelApi, serveNovels } from '../http/novel-api.ts'

let api: NovelApi
let folder: string
let novelId: string
beforeAll(async () => {
  api = await serveNovels()
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-append-'))
  novelId = await api.novels.importText(book(chapter(1), chapter(2), chapter(3)))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await api[Symbol.asyncDispose]()
})

const chapter = (number: number, words = 'as ever') =>
  `Chapter ${number}: Lock ${number}\n\nThe barge came to lock ${number}, ${words}.\n\nNobody was there at number ${number}.\n\n`
const book = (...chapters: string[]) => `The Barge\n\n${chapters.join('')}`

/** Runs `quillwork novels append barge FILE ARGS` in this process. */
async function append(text: string, args: readonly string[], isTTY = false) {
  const file = path.join(folder, 'newer.txt')
  writeFileSync(file, text)
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  Object.assign(stdout, { isTTY })
  const server = ['--data', path.join(folder, 'data'), '--url', api.url]
  const code = await main(['novels', 'append', 'barge', file, ...args, ...server], { stdin, stdout, stderr })
  const textOf = (stream: PassThrough) => String(stream.read() ?? '')
  return { code, out: textOf(stdout), said: textOf(stderr) }
}

const uploads = async () =>
  (await api.ask<{ items: { status: string }[] }>('/v1/uploads')).body.items.map(({ status }) => status)

describe('quillwork novels append', () => {
  const newer = book(chapter(1), chapter(2, 'late'), chapter(4))

  test('shows what the file has that the novel does not have, and keeps nothing', async () => {
    const { code, out } = await append(newer, ['--preview'])
    expect(code).toBe(0)
    expect(out.split('\n').map(line => line.replace(/ +/g, ' '))).toEqual([
      '1 new, 1 changed, 1 known; 1 chapter of the novel not in the file',
      ' 2 changed Chapter 2: Lock 2 13 words, 14 in the novel',
      ' 3 new Chapter 4: Lock 4 14 words, behind Chapter 2: Lock 2',
      '',
    ])
    const told = await append(newer, ['--preview', '--json'])
    expect(JSON.parse(told.out)).toMatchObject({
      novelId,
      counts: { known: 1, changed: 1, new: 1, missing: 1 },
    })
    expect(await uploads()).toEqual(['confirmed'])
  })

  test('needs a yes, and refuses numbers that make no sense', async () => {
    const usage = (words: string) => ({ code: 2, said: expect.stringContaining(words) })
    expect(await append(newer, [])).toMatchObject(usage('nobody can be asked here'))
    expect(await append(newer, ['--yes', '--chapters', '9'])).toMatchObject(usage('There is no chapter 9'))
    expect(await append(newer, ['--yes', '--replace', '3'])).toMatchObject(
      usage('chapter 3, which is not changed'),
    )
    expect((await append(book(chapter(1)), ['--yes'])).said).toContain('Nothing was added.')
    expect(await uploads()).toEqual(['confirmed'])
  })

  test('adds what is new and replaces what is asked for', async () => {
    const { code, out } = await append(newer, ['--yes', '--json', '--replace', '2'])
    expect(code).toBe(0)
    const { taskId } = JSON.parse(out) as { taskId: string }
    await api.novels.t.drain()
    expect((await api.ask(`/v1/tasks/${taskId}`)).body).toMatchObject({
      taskType: 'AppendToNovel',
      status: 'COMPLETED',
      result: { added: 1, replaced: 1 },
    })
    const scenes = await api.novels.scenes(novelId)
    expect(scenes.map(({ content }) => /lock (\d), (\w+)/.exec(content)?.slice(1).join(' '))).toEqual([
      '1 as',
      '2 late',
      '4 as',
      '3 as',
    ])
  })
})
