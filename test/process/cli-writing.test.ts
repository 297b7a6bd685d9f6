import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outlineOf, scriptOutlines } from '../models/outlines.ts'
import { type ModelServer, startModelServer } from '../models/server.ts'
import { until } from '../servers/until.ts'
import {
  call,
  lastError,
  lastJson,
  requireBuilt,
  serve,
  start,
  story,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 180_000
let folder: ReturnType<typeof temporaryFolder>
let data: string
let models: ModelServer
let server: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  requireBuilt()
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
  models = await startModelServer()
  const writer = {
    provider: 'openai-compatible',
    baseUrl: models.url,
    model: 'scripted',
    privateNetwork: true,
    uses: ['prose'],
    contextTokens: 32_000,
    price: { input: 1, output: 2, currency: 'EUR' },
  }
  mkdirSync(data, { recursive: true })
  writeFileSync(path.join(data, 'quillwork.json'), JSON.stringify({ models: { writer } }))
  server = await serve(data)
  await on('import', story, '--yes', '--watch')
}, patience)
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await models.close()
  folder[Symbol.dispose]()
})

const on = (...args: string[]) => call([...args, '--data', data])
const lastText = () => models.ledger.calls.at(-1)?.text ?? ''

interface SceneJson {
  id: string
  content: string
  version: number
}

/** A scene as the API has it. */
async function sceneAt(chapter: number, scene: number): Promise<SceneJson> {
  const read = await on('novels', 'read', 'salt', '--chapters', String(chapter), '--text', '--json')
  const found = lastJson<{ scenes: SceneJson[] }>(read).scenes[scene - 1]
  if (found === undefined) throw new Error(`There is no scene ${chapter}.${scene}.`)
  return found
}

async function edit({ id, version }: SceneJson, content: string): Promise<void> {
  const response = await fetch(`${server.url}/v1/scenes/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
    body: JSON.stringify({ content }),
  })
  expect(response.status).toBe(200)
}

describe('quillwork novels write', { timeout: patience }, () => {
  test('prints the scene as it is written, says what it took, and keeps the old text', async () => {
    models.script.add({ answer: { is: 'text', cached: { tokens: 12 } }, times: 1 })
    const before = await sceneAt(1, 1)
    const wishes = ['--words', '300', '--tone', 'wry', '--instructions', 'Mention rain.']
    const inPlace = ['--accept', 'automatically']
    const { code, stdout, stderr } = await on('novels', 'write', 'salt', '1.1', ...wishes, ...inPlace)
    expect([code, stdout]).toEqual([0, `${lastText()}\n`])
    expect(stderr).toMatch(
      /^-- \d+ words by writer; [\d,]+ tokens in \(12 from the cache\), \d+ out, cost 0\.\d+ --\n/,
    )
    expect(models.ledger.calls.at(-1)?.prompt).toMatch(/about 300 words\.\n- Tone: wry\n- Mention rain\./)
    expect((await sceneAt(1, 1)).content).toBe(lastText())
    const history = await on('novels', 'history', 'salt', '1.1', '--json')
    expect(lastJson<{ items: object[] }>(history).items).toMatchObject([{ why: 'overwritten' }])
    expect((await on('novels', 'history', 'salt', '1.2')).stdout).toBe('Nothing was overwritten.\n')
    expect(before.content).not.toBe(lastText())
  })

  test('rewrites a passage as a candidate, and refuses words that the scene does not have once', async () => {
    const { content } = await sceneAt(2, 1)
    const words = content.trim().split(' ')
    const [first = '', last = ''] = [words.slice(0, 4).join(' '), words.slice(4, 9).join(' ')]
    const asked = ['--passage', first, '--to', last, '--edit', 'expand']
    const { code, stdout, stderr } = await on('novels', 'rewrite', 'salt', '2.1', ...asked)
    expect([code, stdout]).toEqual([0, `${lastText()}\n`])
    expect(stderr).toContain('This text is a candidate')
    expect(models.ledger.calls.at(-1)?.prompt).toMatch(/- Expand the passage: .*\n- Length: about 18 words\./)
    expect((await sceneAt(2, 1)).content).toBe(content)
    const listed = lastJson<{ items: { id: string }[] }>(
      await on('novels', 'candidates', 'salt', '2.1', '--json'),
    )
    await on('novels', 'accept', 'salt', '2.1', listed.items[0]?.id ?? '')
    expect((await sceneAt(2, 1)).content).toBe(content.replace(words.slice(0, 9).join(' '), lastText()))
    const refused = await on('novels', 'rewrite', 'salt', '2.1', '--passage', 'No such words')
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('does not have these words')])
  })

  test('names the state of a novel, says what changed since, and brings it back', async () => {
    const { content } = await sceneAt(2, 1)
    expect((await on('novels', 'snapshot', 'salt', 'Before the rewrite')).stdout).toMatch(
      /^Snapshot .* scenes\.\n$/,
    )
    await on('novels', 'write', 'salt', '2.1', '--accept', 'automatically', '--words', '30')
    const listed = await on('novels', 'snapshots', 'salt', '--json')
    const id = lastJson<{ items: { id: string }[] }>(listed).items[0]?.id ?? ''
    const compared = await on('novels', 'compare', 'salt', id)
    expect(compared.stdout).toMatch(/unchanged, 1 changed, 0 added, 0 deleted\n[^\n]*WORDS THEN/)
    const restored = await on('novels', 'restore-snapshot', 'salt', id, '2.1')
    expect(restored.stdout).toContain('1 scene restored, 0 unchanged, 0 left as they were.')
    expect((await sceneAt(2, 1)).content).toBe(content)
    expect((await on('novels', 'snapshots', 'salt')).stdout).toContain('before restoring Before the rewrite')
    expect((await on('novels', 'delete-snapshot', 'salt', id)).code).toBe(0)
  })

  test('with --estimate only tells what it would cost', async () => {
    const calls = models.ledger.calls.length
    const { code, stdout } = await on('novels', 'write', 'salt', '1.1', '--words', '300', '--estimate')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^MODEL +CALLS .*\nwriter +1 .* EUR\n/)])
    expect(models.ledger.calls).toHaveLength(calls)
  })

  test('adds a scene to a chapter', async () => {
    const summary = 'Ines reads the ledger alone.'
    const asked = ['--title', 'At night', '--summary', summary, '--json']
    const ended = lastJson<{ status: string }>(await on('novels', 'write', 'salt', '2.new', ...asked))
    expect(ended).toMatchObject({ status: 'COMPLETED', result: { model: 'writer', accepted: true } })
    expect(models.ledger.calls.at(-1)?.prompt).toContain(summary)
    const read = await on('novels', 'read', 'salt', '--chapters', '2', '--text')
    expect(read.stdout).toContain('At night')
    expect(read.stdout).toContain(lastText())
  })

  test('leaves what was edited meanwhile, and says how to take the other text', async () => {
    models.script.add({ prompt: 'SLOWLY', answer: { is: 'text', heldAt: [1] }, times: 1 })
    await using writing = start([
      'novels',
      'write',
      'salt',
      '1.2',
      '--instructions',
      'SLOWLY',
      '--words',
      '300',
      '--data',
      data,
    ])
    await writing.says(/\w/)
    await edit(await sceneAt(1, 2), 'By hand.')
    models.script.release()
    const { code, stdout, stderr } = await writing.ended
    expect([code, stdout]).toEqual([0, `${lastText()}\n`])
    expect((await sceneAt(1, 2)).content).toBe('By hand.')
    const [, sceneId = '', candidateId = ''] = /novels accept "salt" (\S+) (\S+)/.exec(stderr) ?? []
    const listed = await on('novels', 'candidates', 'salt', '1.2')
    expect(listed.stdout).toMatch(new RegExp(`^${candidateId} +open `, 'm'))
    const whole = await on('novels', 'candidates', 'salt', '1.2', '--candidate', candidateId)
    expect(whole.stdout).toContain(lastText())
    expect((await on('novels', 'accept', 'salt', sceneId, candidateId)).stdout).toMatch(/^Accepted\. /)
    expect((await sceneAt(1, 2)).content).toBe(lastText())
    const { taskId } = lastJson<{ writtenBy: { taskId: string } }>(
      await on('novels', 'candidates', 'salt', '1.2', '--candidate', candidateId, '--json'),
    ).writtenBy
    expect((await on('tasks', 'undo-texts', taskId)).stdout).toMatch(/^1 scene of \S+ as before\.$/m)
    expect((await sceneAt(1, 2)).content).toBe('By hand.')
  })

  test('says why nothing comes, and leaves the task to the server at Ctrl-C', async () => {
    await using writing = start(['novels', 'write', 'salt', '2.1', '--budget-tokens', '10', '--data', data])
    await writing.says(/-- BUDGET_EXHAUSTED: .* --/)
    writing.child.kill('SIGINT')
    const { code, stderr } = await writing.ended
    expect(code).toBe(130)
    const taskId = /tasks cancel (\S+)/.exec(stderr)?.[1] ?? ''
    expect(lastJson(await on('tasks', 'show', taskId, '--json'))).toMatchObject({ status: 'RETRYING' })
    expect((await on('tasks', 'cancel', taskId)).code).toBe(0)
    const output = await on('tasks', 'output', taskId, '--follow')
    expect([output.code, output.stderr]).toEqual([1, expect.stringContaining('ended CANCELLED')])
  })

  test('with --chapters writes what has no text, and with --also-written the rest, beside it', async () => {
    const calls = models.ledger.calls.length
    const left = await on('novels', 'write', 'salt', '--chapters', '4-5')
    expect(left.code).toBe(0)
    expect(left.stdout).toMatch(/^BatchGenerateScene COMPLETED \d+ skipped$/m)
    expect(left.stderr).toContain('--also-written')
    expect(models.ledger.calls).toHaveLength(calls)
    const written = await on(
      'novels',
      'write',
      'salt',
      '--chapters',
      '4-5',
      '--also-written',
      '--words',
      '50',
    )
    expect(written.stdout).toMatch(/^BatchGenerateScene COMPLETED \d+ with candidates$/m)
    expect(models.ledger.calls.length).toBeGreaterThan(calls)
  })

  test('fails with the error of the task', async () => {
    models.script.add({ prompt: 'FORBIDDEN', answer: { is: 'filtered' } })
    const failed = await on('novels', 'write', 'salt', '1.1', '--instructions', 'FORBIDDEN', '--json')
    expect([failed.code, lastError(failed).code]).toEqual([1, 'MODEL_ANSWER_FILTERED'])
    expect(lastJson(failed)).toMatchObject({ status: 'FAILED' })
  })

  test.each([
    [[], 'USAGE_INVALID', 2],
    [['1.1', '--chapters', '2'], 'USAGE_INVALID', 2],
    [['1.1', '--also-written'], 'USAGE_INVALID', 2],
    [['1.1', '--candidates', 'many'], 'USAGE_INVALID', 2],
    [['--chapters', '1,3'], 'USAGE_INVALID', 2],
    [['--chapters', '1-2', '--summary', 'x'], 'USAGE_INVALID', 2],
    [['1.1', '--words', 'many'], 'USAGE_INVALID', 2],
    [['1.1', '--words', '9', '--characters', '9'], 'USAGE_INVALID', 2],
    [['9.1'], 'SCENE_NOT_FOUND', 1],
    [['9.new', '--summary', 'x'], 'CHAPTER_NOT_FOUND', 1],
    [['1.new'], 'SCENE_EMPTY', 1],
    [['1.1', '--model', 'nobody'], 'PROVIDER_NOT_CONFIGURED', 1],
  ])('refuses %j', async (args, code, exit) => {
    const refused = await on('novels', 'write', 'salt', ...args, '--json')
    expect([lastError(refused).code, refused.code]).toEqual([code, exit])
  })
})

describe('quillwork novels brief', { timeout: patience }, () => {
  test('prints what helps to write a scene, and says what it is', async () => {
    const calls = models.ledger.calls.length
    const { code, stdout } = await on('novels', 'brief', 'salt', '3.1')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^writing brief, not generated prose\n\nWhat happens:\n {2}1\. \S/)
    expect(stdout).toMatch(/\nClose passages:\n {2}Chapter \d/)
    const json = lastJson(await on('novels', 'brief', 'salt', '3.1', '--summary', 'She leaves.', '--json'))
    expect(json).toMatchObject({ status: 'COMPLETED', result: { beats: ['She leaves.'] } })
    expect(models.ledger.calls).toHaveLength(calls)
  })
})

describe('quillwork tasks submit', { timeout: patience }, () => {
  test('submits any task, once for a key', async () => {
    const { id } = await sceneAt(3, 1)
    const novels = lastJson<{ items: { id: string }[] }>(await on('novels', 'list', '--json'))
    const parameters = JSON.stringify({ novelId: novels.items[0]?.id, sceneId: id })
    const submit = (...more: string[]) =>
      on('tasks', 'submit', 'SceneBrief', '--parameters', parameters, '--key', 'once', ...more, '--json')
    const watched = lastJson<{ taskId: string }>(await submit('--watch'))
    expect(watched).toMatchObject({ status: 'COMPLETED', result: { sceneId: id } })
    expect(lastJson(await submit())).toEqual({ taskId: watched.taskId, status: 'COMPLETED' })
  })

  test('refuses what is no task and what is no JSON', async () => {
    const unknown = await on('tasks', 'submit', 'Nothing', '--json')
    expect([unknown.code, lastError(unknown).code]).toEqual([2, 'TASK_TYPE_UNKNOWN'])
    const broken = await on('tasks', 'submit', 'SceneBrief', '--parameters', '{novelId', '--json')
    expect([broken.code, lastError(broken).code]).toEqual([2, 'USAGE_INVALID'])
  })
})

describe('quillwork novels continue', { timeout: patience }, () => {
  test('plans chapters that wait for the author, and writes what was approved', async () => {
    const { code, stdout } = await on(
      'novels',
      'continue',
      'salt',
      '--chapters',
      '2',
      '--scenes',
      '2',
      '--estimate',
    )
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^MODEL +CALLS .*\nwriter +10 .* EUR\n/)])
    expect((await on('novels', 'outlines', 'salt')).stdout).toBe('No plan waits.\n')
    scriptOutlines(models, outlineOf(1), outlineOf(2))
    await using writing = start([
      ...['novels', 'continue', 'salt', '--chapters', '2', '--scenes', '2', '--words', '60', '--data', data],
    ])
    await until(
      async () => (await on('novels', 'outlines', 'salt')).stdout.includes('1. The road 1 (open)'),
      'plan',
    )
    const shown = await on('novels', 'outlines', 'salt')
    expect(shown.stdout).toContain(outlineOf(2).scenes[1]?.summary)
    const id = /tasks signal (\S+) review/.exec(shown.stdout)?.[1] ?? ''
    await on('tasks', 'signal', id, 'review', '--payload', '{"decision":"reject","chapter":1}')
    await on('tasks', 'signal', id, 'review', '--payload', '{"decision":"approve"}')
    const ended = await writing.ended
    expect([ended.code, ended.stderr]).toEqual([
      0,
      expect.stringContaining('1 chapter written, 2 scenes; 1 rejected.'),
    ])
    expect((await on('novels', 'show', 'salt')).stdout).toContain('The road 2')
  })
})

describe('quillwork codex pin and bar', { timeout: patience }, () => {
  test('choose what the prompts of one scene tell, and undo it', async () => {
    const { items } = (await (await fetch(`${server.url}/v1/novels`)).json()) as { items: { id: string }[] }
    await fetch(`${server.url}/v1/novels/${items[0]?.id}/codex`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'place', name: 'The Lantern Reef', text: 'Nobody rows there.' }),
    })
    const codex = async (verb: string, ...more: string[]) => {
      const { code, stdout } = await on('codex', verb, 'salt', '1.1', 'the lantern reef', ...more)
      expect(code).toBe(0)
      return stdout
    }
    const isShown = async () => {
      const preview = await on('novels', 'write', 'salt', '1.1', '--preview', '--json')
      const { blocks } = lastJson<{ blocks: { text: string }[] }>(preview)
      return blocks.some(({ text }) => text.includes('Nobody rows there.'))
    }
    expect(await isShown()).toBe(false)
    expect(await codex('pin')).toContain('The Lantern Reef is pinned in the prompts of the scene.')
    expect(await isShown()).toBe(true)
    expect(await codex('bar')).toContain('is barred from the prompts of the scene.')
    expect(await isShown()).toBe(false)
    const choice = async () => {
      const scene = await fetch(`${server.url}/v1/scenes/${(await sceneAt(1, 1)).id}`)
      return ((await scene.json()) as { codex?: Record<string, string[]> }).codex
    }
    expect(await choice()).toMatchObject({ pinned: [], barred: [expect.any(String)] })
    expect(await codex('bar', '--undo')).toContain('is no longer barred from the prompts of the scene.')
    expect((await choice()) ?? { pinned: [], barred: [] }).toEqual({ pinned: [], barred: [] })
    const unknown = await on('codex', 'pin', 'salt', '1.1', 'Nobody')
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('no entry "Nobody"')])
  })
})
