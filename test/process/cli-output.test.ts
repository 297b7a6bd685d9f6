import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, lastError, lastJson, requireBuilt, run, start, temporaryFolder } from './cli/quillwork.ts'
import { Children } from './crash/children.ts'

const patience = 120_000
let folder: ReturnType<typeof temporaryFolder> | undefined
beforeAll(() => {
  requireBuilt()
  folder = temporaryFolder()
}, patience)
afterAll(() => folder?.[Symbol.dispose]())

/** The words of a text, without the attempt that wrote them. */
function wordsOf(text: string): string[] {
  return text
    .trim()
    .split(' ')
    .map(word => word.replace(/由\d+$/, ''))
}

const words = (scenes: number) =>
  Array.from({ length: scenes * 20 }, (_, index) => `${Math.floor(index / 20) + 1}.${(index % 20) + 1}`)

describe('quillwork tasks output', { timeout: patience }, () => {
  test('prints the text so far, and with --follow what comes, over a server that dies', async () => {
    await using children = new Children(`${folder}`)
    const options = { file: path.join(`${folder}`, 'tasks.db'), api: true, submits: true, scenes: 12 }
    const first = children.start('run-output.mjs', options)
    const { url, taskId } = await first.says('started')
    const on = (...args: string[]) => ['tasks', 'output', String(taskId), ...args, '--url', String(url)]
    await first.says('scene')
    await using following = start(on('--follow'))
    await using telling = start(on('--follow', '--json'))
    await following.says(/^1\.1由1 /)
    await telling.says(/"text"/)
    first.signal('SIGKILL')
    await first.ended
    children.start('run-output.mjs', { ...options, port: Number(new URL(String(url)).port) })
    const followed = await following.ended
    expect(followed.code).toBe(0)
    expect(followed.stderr).toMatch(/^-- attempt 2 starts over/m)
    const [before = '', after = ''] = followed.stdout.trimEnd().split('\n')
    expect(wordsOf(after)).toEqual(words(12))
    expect(wordsOf(before)).toEqual(words(12).slice(0, wordsOf(before).length))

    const told = (await telling.ended).stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { text?: string; reset?: number })
    const reset = told.findIndex(line => line.reset === 2)
    expect(told.slice(reset + 1).map(line => line.text)).not.toContain(undefined)
    expect(
      wordsOf(
        told
          .slice(reset + 1)
          .map(({ text }) => text)
          .join(''),
      ),
    ).toEqual(words(12))

    const { stdout } = await run(on())
    expect(stdout.trimEnd()).toBe(after.trimEnd())
    const json = lastJson<{ text: string }>(await call(on('--json')))
    expect(json).toMatchObject({ attempt: 2, status: 'COMPLETED' })
    expect(json.text.trimEnd()).toBe(after.trimEnd())
  })

  test('says why a completed task shows no text', async () => {
    await using children = new Children(`${folder}`)
    const options = { file: path.join(`${folder}`, 'silent.db'), api: true, submits: true, scenes: 0 }
    const { url, taskId } = await children.start('run-output.mjs', options).says('started')
    const on = ['tasks', 'output', String(taskId), '--url', String(url)]
    expect((await call([...on, '--follow'])).code).toBe(0)
    expect(await call(on)).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('no text') })
  })

  test('of no task is an error', async () => {
    const data = path.join(`${folder}`, 'data')
    const missing = await call(['tasks', 'output', 'nobody', '--json', '--data', data])
    expect([missing.code, lastError(missing).code]).toEqual([1, 'TASK_NOT_FOUND'])
    const followed = await call(['tasks', 'output', 'nobody', '--follow', '--json', '--data', data])
    expect([followed.code, lastError(followed).code]).toEqual([1, 'TASK_NOT_FOUND'])
  })
})
