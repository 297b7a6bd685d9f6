import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ModelServer, startModelServer } from '../models/server.ts'
import { until } from '../servers/until.ts'
import { call, lastJson, requireBuilt, serve, temporaryFolder } from './cli/quillwork.ts'
import { databaseOf } from './crash/novels.ts'
import { readStore } from './crash/records.ts'

const patience = 180_000
beforeAll(requireBuilt, patience)

let folder: ReturnType<typeof temporaryFolder>
let data: string
let models: ModelServer
beforeEach(async () => {
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
  models = await startModelServer()
  const writer = {
    provider: 'openai-compatible',
    baseUrl: models.url,
    model: 'scripted',
    privateNetwork: true,
    uses: ['prose', 'summary'],
    contextTokens: 32_000,
  }
  mkdirSync(data, { recursive: true })
  writeFileSync(path.join(data, 'quillwork.json'), JSON.stringify({ models: { writer }, cleanup: '1s' }))
  models.script.add(
    {
      prompt: 'obsidian kettle',
      answer: { is: 'text', text: `The writgloam hour came. ${'It rained. '.repeat(200)}` },
    },
    { prompt: 'quillshade', answer: { is: 'context-exceeded' } },
    { prompt: 'marrowmint', answer: { is: 'text', heldAt: [1] } },
    { prompt: 'Vellimere', answer: { is: 'text', text: 'They speak of the sumgloam by the water.' } },
  )
})
afterEach(async () => {
  await models.close()
  folder[Symbol.dispose]()
})

/** Words that stand nowhere but in the book, in what was asked for it, and in what was made of it. */
const words = ['Quartz Heron', 'quartz-heron', 'Vellimere', '渡口灯火', 'Osric Thandle', 'sumgloam']
const made = ['writgloam', 'obsidian kettle', 'quillshade', 'marrowmint', 'handgloam', 'latergloam']

/** A book of so many chapters with two scenes each, in all of which the words are. */
function bookOf(title: string, word: string, chapters: number): string {
  const paragraph = (number: number) =>
    `In the year ${number} the lamps of ${word} were lit again, and Osric Thandle counted them: ${number * 7}. 渡口灯火${number}。`
  const scene = (number: number) =>
    Array.from({ length: 12 }, (_, at) => paragraph(number * 12 + at)).join('\n\n')
  const chapter = (number: number) =>
    `Chapter ${number}: The lamps of ${word} ${number}\n\n${scene(number * 2)}\n\n* * *\n\n${scene(number * 2 + 1)}`
  return `${title}\n\n${Array.from({ length: chapters }, (_, at) => chapter(at + 1)).join('\n\n')}\n`
}

/** Where words are in the files of the data directory, in UTF-8, in lower case too, or in UTF-16. */
function placesOf(wanted: readonly string[]): string[] {
  const places: string[] = []
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(path.join(parentPath, name))
    const text = `${name} ${bytes.toString('latin1')}`.toLowerCase()
    for (const word of wanted)
      for (const encoding of ['utf8', 'utf16le'] as const) {
        const needle = Buffer.from(word, encoding).toString('latin1').toLowerCase()
        const found = text.split(needle).length - 1
        if (found > 0) places.push(`${name}: ${word} (${encoding}) ${found} times`)
      }
  }
  return places
}

const on = (...args: string[]) => call([...args, '--data', data])

function bookFile(name: string, text: string): string {
  const file = path.join(`${folder}`, name)
  writeFileSync(file, text)
  return file
}

interface Scene {
  id: string
  version: number
}

async function firstScene(novel: string): Promise<Scene> {
  const read = await on('novels', 'read', novel, '--chapters', '1', '--text', '--json')
  const [scene] = lastJson<{ scenes: Scene[] }>(read).scenes
  if (scene === undefined) throw new Error('There is no scene.')
  return scene
}

async function ask<T>(url: string, method: string, route: string, body?: object, headers = {}): Promise<T> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(url + route, { method, headers: { ...type, ...headers }, ...json })
  expect(response.status, `${method} ${route}`).toBeLessThan(300)
  return (await response.json()) as T
}

/** Writes, edits, and has written; one task fails, one is cut off in the middle of its text. */
async function workOn(url: string, novel: string): Promise<void> {
  const written = await on('novels', 'write', novel, '1.1', '--instructions', 'Mention the obsidian kettle.')
  expect(written.stdout).toContain('writgloam')
  for (const word of ['handgloam', 'latergloam']) {
    const { id, version } = await firstScene(novel)
    await ask(
      url,
      'PATCH',
      `/v1/scenes/${id}`,
      { content: `By hand: ${word}.` },
      { 'if-match': `"${version}"` },
    )
  }
  const failed = await on('novels', 'write', novel, '1.2', '--instructions', 'Mention quillshade.')
  expect(failed.code).toBe(1)
  const { items } = await ask<{ items: object[] }>(url, 'GET', '/v1/dead-letters')
  expect(items).toHaveLength(1)
  const background = ['--instructions', 'Mention marrowmint.', '--background']
  await on('novels', 'write', novel, '2.1', ...background)
  await until(() => models.ledger.calls.some(({ prompt }) => prompt.includes('marrowmint')), 'a call')
}

describe('a novel that was deleted', { timeout: patience }, () => {
  test('is in no byte of the data directory, while the server runs on and after it', async () => {
    await using server = await serve(data)
    const { url } = server
    expect(
      (
        await on(
          'import',
          bookFile('quartz-heron.txt', bookOf('The Quartz Heron', 'Vellimere', 12)),
          '--yes',
          '--watch',
        )
      ).code,
    ).toBe(0)
    expect(
      (
        await on(
          'import',
          bookFile('plain.txt', bookOf('The Plain Bridge', 'Bramblewick', 12)),
          '--yes',
          '--watch',
        )
      ).code,
    ).toBe(0)
    await workOn(url, 'quartz')
    const exported = path.join(`${folder}`, 'quartz.txt')
    expect((await on('novels', 'export', 'quartz', '--out', exported)).code).toBe(0)
    for (const word of ['Quartz Heron', 'Vellimere', 'sumgloam', ...made])
      expect(placesOf([word]), word).not.toEqual([])

    const refused = await on('novels', 'delete', 'quartz', '--for-good')
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Pass --yes.')])
    expect((await on('novels', 'delete', 'quartz')).stdout).toMatch(
      /^In the bin: The Quartz Heron, 24 scenes, /,
    )
    const binned = lastJson<{ items: { id: string }[] }>(await on('novels', 'bin', '--json')).items[0] ?? {
      id: '',
    }
    expect((await on('novels', 'put-back', binned.id)).stdout).toBe(
      'Put back: The Quartz Heron with 24 scenes.\n',
    )
    expect((await on('novels', 'delete', 'quartz')).code).toBe(0)
    const { code, stdout } = await on('novels', 'delete', binned.id, '--for-good', '--yes')
    // The import with its 27 sub-tasks, three scenes, and the export.
    const deleted = 'Deleted: 12 chapters, 24 scenes, 6,075 words, 1 upload, 1 export, 32 tasks.\n'
    expect([code, stdout]).toEqual([0, deleted])
    const gone = [...words.filter(word => !['渡口灯火', 'Osric Thandle'].includes(word)), ...made]
    expect(placesOf(gone)).toEqual([])
    expect((await ask<{ items: object[] }>(url, 'GET', '/v1/dead-letters')).items).toEqual([])
    const { items } = await ask<{ items: { taskType: string }[] }>(url, 'GET', '/v1/tasks?pageSize=200')
    expect(items.filter(({ taskType }) => taskType === 'EraseNovel')).toHaveLength(1)
    expect((await on('novels', 'search', 'plain', 'Bramblewick')).stdout).toContain('Bramblewick')

    // An upload that was never imported: its name and its preview.
    const book = { method: 'POST', body: bookOf('Tin Lanterns', 'Oxenholme', 3) }
    const received = await fetch(`${url}/v1/uploads?fileName=tinlantern.txt`, {
      ...book,
      headers: { 'content-type': 'text/plain' },
    })
    const { id: uploadId } = (await received.json()) as { id: string }
    await ask(url, 'GET', `/v1/uploads/${uploadId}`)
    const ofUpload = ['Tin Lanterns', 'tinlantern', 'Oxenholme']
    for (const word of ofUpload) expect(placesOf([word]), word).not.toEqual([])
    expect((await fetch(`${url}/v1/uploads/${uploadId}`, { method: 'DELETE' })).status).toBe(204)
    await until(() => placesOf(ofUpload).length === 0, 'the next clean-up')

    // The other one too: what both had is gone only now.
    expect((await on('users', 'erase', 'local', '--yes')).stdout).toMatch(/^Deleted: 1 novel, 12 chapters, /)
    expect(placesOf([...words, ...made, 'Bramblewick', 'Plain Bridge'])).toEqual([])
    server.child.kill('SIGTERM')
    await server.ended
    expect(placesOf([...words, ...made, 'Bramblewick', 'Plain Bridge'])).toEqual([])
  })

  test('is gone also when the server was killed in the middle of its deletion, again and again', async () => {
    const book = bookFile('quartz-heron.txt', bookOf('The Quartz Heron', 'Vellimere', 100))
    expect((await call(['import', book, '--yes', '--data', data])).code).toBe(0)
    let taskId = ''
    let met = 0
    for (let kill = 0; kill < 4; kill += 1) {
      await using server = await serve(data)
      const [novel] = (await ask<{ items: { id: string }[] }>(server.url, 'GET', '/v1/novels')).items
      if (kill === 0) {
        await ask(server.url, 'DELETE', `/v1/novels/${novel?.id}`)
        ;({ id: taskId } = await ask<{ id: string }>(server.url, 'DELETE', `/v1/bin/${novel?.id}`))
      }
      // Hidden at once, whatever is left of it.
      else expect(novel).toBeUndefined()
      server.child.kill('SIGKILL')
      await server.ended
      const { tasks } = await readStore(databaseOf(data))
      if (tasks.some(({ id, status }) => id === taskId && status !== 'COMPLETED')) met += 1
    }
    expect(met).toBeGreaterThan(0)
    await using server = await serve(data)
    const task = () => ask<{ status: string; result?: object }>(server.url, 'GET', `/v1/tasks/${taskId}`)
    await until(async () => (await task()).status === 'COMPLETED', 'the end')
    // No clean-up has taken the novel before it was counted.
    expect((await task()).result).toMatchObject({ chapters: 100, scenes: 200 })
    expect(placesOf(words)).toEqual([])
    expect(readdirSync(path.join(data, 'uploads'))).toEqual([])
  })
})
