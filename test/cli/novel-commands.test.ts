import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { novelIdOf } from '../../src/novel/library/ids.ts'
import { type NovelApi, serveNovels } from '../http/novel-api.ts'
import { importBook } from '../novel/library/case.ts'

let api: NovelApi
let folder: string
beforeAll(async () => {
  api = await serveNovels()
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-novel-commands-'))
  await importBook(api.novels.library, 'told')
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await api[Symbol.asyncDispose]()
})

/** Runs `quillwork ARGS` in this process. */
async function quillwork(...args: string[]): Promise<{ code: number; out: string; said: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const place = ['--data', path.join(folder, 'data'), '--url', api.url]
  const code = await main([...args, ...place], { stdin, stdout, stderr })
  const textOf = (stream: PassThrough) => String(stream.read() ?? '')
  return { code, out: textOf(stdout), said: textOf(stderr) }
}

test('a plan alone takes no options of texts', async () => {
  const texts = ['--words', '60', '--accept', 'by-author', '--review-chapters', '--instructions', 'Older.']
  expect(await quillwork('novels', 'continue', 'told', '--outlines-only', ...texts)).toMatchObject({
    ...{ code: 2, out: '' },
    said: expect.stringContaining('leave out --instructions, --words, --accept, --review-chapters.'),
  })
})

test('the style of a novel is printed by chapter', async () => {
  const { code, out } = await quillwork('novels', 'style', 'told')
  expect(code).toBe(0)
  expect(out.split('\n')).toEqual([
    '25 words, 6 sentences of 4.2 words, 0% in quotation marks',
    '0 sentences with the beginning of the sentence before',
    '',
    expect.stringMatching(/^CHAPTER {2}WORDS {2}SENTENCES {2}MEAN {2}DIALOGUE {2}REPEATED/),
    expect.stringMatching(/^ +1 +17 +4 +4\.3 +0% +0$/),
    expect.stringMatching(/^ +2 +0 +0 +0\.0 +0% +0$/),
    expect.stringMatching(/^ +3 +8 +2 +4\.0 +0% +0$/),
    '',
  ])
  const json = await quillwork('novels', 'style', 'told', '--json')
  expect(JSON.parse(json.out)).toMatchObject({ whole: { words: 25 } })
})

const threads = (...args: string[]) => quillwork('threads', ...args)

test('a thread is added, gets its events, is shown with how far it is, changed and deleted', async () => {
  const { out: none } = await threads('list', 'told')
  expect(none).toBe('The novel has no threads.\n')
  const plan = ['--plan', 'It is late.', '--note', 'Mine.', '--plant-by', '3.1', '--resolve-by', '3.2']
  const added = await threads('put', 'told', 'The rabbit', ...plan)
  expect(added).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^The rabbit \(planned, overdue\)\nIt is late\.\n/),
  })
  expect((await threads('list', 'told', '--before', '3.1')).out).toMatch(/ planned, due +0 +The rabbit\n/)
  expect((await threads('list', 'told', '--overdue')).out).toMatch(/ planned, overdue +0 +The rabbit\n/)
  const wrong = await threads('event', 'told', 'the rabbit', 'planted', '3.1', 'a Hatter')
  expect(wrong).toMatchObject({ code: 1, said: expect.stringContaining('error QUOTATION_NOT_FOUND: ') })
  const event = await threads('event', 'told', 'the rabbit', 'planted', '3.1', 'White Rabbit')
  expect(event.out).toMatch(/^The rabbit \(open, overdue\)\n[\s\S]*\nplanted in scene \S+: White Rabbit\n/)
  expect(event.out).toMatch(/Private note:\nMine\.\n$/)
  const shown = await threads('show', 'told', 'The rabbit', '--before', '3.2', '--json')
  const { createdAt, version, ...standing } = JSON.parse(shown.out)
  expect(standing).toMatchObject({ state: 'open', due: true, overdue: false })
  expect(version).toBe(Date.parse(createdAt) + 1)
  const moved = ['--title', 'The white one', '--resolve-by', 'none']
  expect((await threads('put', 'told', 'The rabbit', ...moved)).out).not.toContain('To be resolved')
  expect((await threads('list', 'told', '--overdue')).out).toBe('No thread is overdue.\n')
  expect(await threads('put', 'told', 'The white one')).toMatchObject({ code: 2 })
  expect(await threads('delete', 'told', 'The white one')).toMatchObject({
    ...{ code: 2, out: '' },
    said: expect.stringContaining('Pass --yes.'),
  })
  expect((await threads('delete', 'told', 'The white one', '--yes')).out).toBe('The thread is deleted.\n')
  expect(await threads('show', 'told', 'The white one')).toMatchObject({
    said: expect.stringContaining('error THREAD_NOT_FOUND: '),
  })
})

test('of threads or entries with one name none is taken, unless one has it letter by letter', async () => {
  const novel = `/v1/novels/${novelIdOf('told')}`
  const put = { method: 'PUT', headers: { 'if-match': '"0"' }, json: { title: 'The letter' } }
  for (const id of ['first', 'second']) await api.ask(`${novel}/threads/${id}`, put)
  const refused = await threads('delete', 'told', 'the letter', '--yes')
  expect(refused).toMatchObject({
    code: 1,
    said: expect.stringContaining(
      'has 2 threads of the name "the letter". Give the id of one: first, second.',
    ),
  })
  expect((await threads('list', 'told')).out.match(/The letter/g)).toHaveLength(2)
  for (const id of ['first', 'second']) expect((await threads('delete', 'told', id, '--yes')).code).toBe(0)

  for (const name of ['Will', 'will', 'Bill']) await api.post(`${novel}/codex`, { name, kind: 'person' })
  const merged = await quillwork('codex', 'merge', 'told', 'WILL', 'Bill')
  expect(merged).toMatchObject({ code: 1, said: expect.stringContaining('has 2 entries of the name "WILL"') })
  const exact = await quillwork('codex', 'merge', 'told', 'will', 'Bill', '--preview')
  expect(exact).toMatchObject({ code: 0, out: expect.stringMatching(/^The entry would be:\nwill, Bill\n/) })
})

test('a prompt is printed, tried with a scene, saved for the novel and removed', async () => {
  const prompt = (...args: string[]) => quillwork('novels', 'prompt', 'told', 'generate-scene.en', ...args)
  const usual = await prompt()
  expect(usual.out).toMatch(/^# System\n/)
  const file = path.join(folder, 'prompt.md')
  const save = (text: string) => {
    writeFileSync(file, text)
    return prompt('--save', file)
  }
  const spaced = '\n    - indented   once\n\tTab\n　　全角\n'
  const own = usual.out.replace('You are a novelist', 'You are a dry novelist') + spaced
  writeFileSync(file, own)
  const tried = await quillwork(
    'novels',
    'write',
    'told',
    '3.1',
    '--preview',
    '--prompt',
    file,
    '--summary',
    'A.',
  )
  expect(tried).toMatchObject({ code: 0, out: expect.stringContaining('You are a dry novelist') })
  expect((await prompt()).out).toBe(usual.out)
  expect(await save(own)).toMatchObject({ code: 0, out: 'Saved for this novel.\n' })
  expect((await prompt()).out).toBe(own)
  expect((await quillwork('novels', 'prompts', 'told')).out).toMatch(/generate-scene\.en +novel /)
  const faulty = await save(own.replaceAll('{{tone}}', ''))
  expect(faulty).toMatchObject({ code: 2, said: expect.stringMatching(/PROMPT_INVALID.*\{\{tone\}\}/) })
  expect(await prompt('--save', path.join(folder, 'none'))).toMatchObject({
    said: expect.stringContaining('error FILE_UNREADABLE: '),
  })
  expect(await prompt('--save', file, '--remove')).toMatchObject({ code: 2 })
  expect((await prompt('--remove')).out).toBe('The novel uses that of the product again.\n')
  expect((await prompt()).out).toBe(usual.out)
})

test('a novel is begun, shaped and renamed, and what was removed is put back', async () => {
  const novels = (...args: string[]) => quillwork('novels', ...args)
  expect((await novels('begin', 'The Mill', '--language', 'en')).out).toMatch(/^The novel is \S+\.\n$/)
  expect((await novels('add-chapter', 'mill', 'b')).out).toMatch(/^Chapter 2 is \S+\.\n$/)
  expect((await novels('rename-chapter', 'mill', '1', 'a')).out).toBe('Chapter 1: a, as it is now.\n')
  expect((await novels('move-chapter', 'mill', '2', '--before', '1')).out).toBe(
    'Chapter 1: b, as it is now.\n',
  )
  expect((await novels('add-chapter', 'mill', '--before', '2')).out).toMatch(/^Chapter 2 is /)
  expect((await novels('rename', 'mill', 'The River', '--author', 'Ann')).out).toBe(
    'The novel is called The River.\n',
  )
  await novels('begin', 'The Old Ferry')
  expect((await novels('references', 'river', 'ferry')).said).toContain('error NOVEL_NOT_REFERENCE: ')
  expect((await novels('reference', 'ferry')).out).toBe(
    'The Old Ferry is a reference: no model writes in it.\n',
  )
  expect((await novels('list')).out).toContain('The Old Ferry (reference)')
  expect((await novels('references', 'river', 'ferry')).out).toMatch(/ used +The Old Ferry\n$/)
  expect((await novels('reference', 'ferry', '--unmark')).out).toContain('is no reference')
  expect((await novels('references', 'river')).out).toMatch(/ no reference any more +The Old Ferry\n$/)
  expect((await novels('references', 'river', '--none')).out).toBe('The River names no references.\n')
  const file = path.join(folder, 'raft.txt')
  writeFileSync(file, 'The Raft\n\nChapter 1\n\nIt went down the river.\n')
  const imported = await quillwork('import', file, '--yes', '--reference', '--title', 'The Raft')
  expect(imported.code).toBe(0)
  await api.novels.t.drain()
  expect((await novels('list')).out).toContain('The Raft (reference)')
  const removed = await novels('remove', 'river', '3')
  const [, entry = ''] = /^In the bin as (\S+): 1 scene, 0 words\.\n$/.exec(removed.out) ?? []
  const binned = JSON.parse((await novels('bin', 'river', '--json')).out)
  expect(binned.items).toMatchObject([{ id: entry, what: 'chapter', title: 'a', scenes: 1 }])
  expect((await novels('bin', 'river')).out).toMatch(/ chapter +\S+ \S+ +1 +0 +a\n/)
  expect((await novels('put-back', 'river', entry)).out).toBe('Put back: a chapter with 1 scene.\n')
  expect((await novels('remove', 'river', '3.1')).out).toMatch(/: 1 scene, 0 words\.\n$/)
  expect((await novels('put-back', 'river', entry)).said).toContain('error BIN_ENTRY_NOT_FOUND: ')
  expect(await novels('move-chapter', 'river', 'first')).toMatchObject({
    code: 2,
    said: expect.stringContaining('"first" is not the number of a chapter.'),
  })
  expect((await novels('remove', 'river', '9')).said).toContain('error CHAPTER_NOT_FOUND: ')
})
