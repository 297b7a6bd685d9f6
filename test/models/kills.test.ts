import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  call,
  lastJson,
  type Running,
  requireBuilt,
  serve,
  temporaryFolder,
} from '../process/cli/quillwork.ts'
import { type Chance, printedChance } from '../process/crash/seed.ts'
import { describeDistributed, installation } from '../process/distributed/installation.ts'
import { until } from '../servers/until.ts'
import { isFull, isSlow, sizeOf } from '../size.ts'
import {
  api,
  hasEnded,
  modelsAt,
  readBook,
  type SceneSeen,
  type TaskSeen,
  unwriteBook,
  writeBook,
} from './book.ts'
import type { Call } from './ledger.ts'
import { type ModelServer, startModelServer } from './server.ts'
import { textFor } from './texts.ts'

/** Scenes that are written side by side. With TEST_SIZE=full a hundred scenes, killed a hundred times. */
const embedded = sizeOf({ chapters: 4, kills: 2 }, { chapters: 12, kills: 20 }, { chapters: 50, kills: 100 })
/** Scenes that are written one after the other, each by three calls; in the slow run killed a hundred times. */
const inStoryOrder = sizeOf({ chapters: 1, kills: 2 }, { chapters: 30, kills: 100 })
/** In the slow runs alone: what is paid does not hang on who wakes the worker. */
const distributed = isFull ? { chapters: 25, kills: 20 } : { chapters: 15, kills: 12 }
const slots = 2
const patience = sizeOf(300_000, 3_600_000)

beforeAll(requireBuilt, 240_000)

describe('killed at any point', { timeout: patience }, () => {
  const { chapters, kills } = embedded
  it(`a batch of ${chapters * 2} scenes pays for no finished unit twice and ends as an undisturbed one, ${kills} kills`, async () => {
    using folder = temporaryFolder()
    const file = writeBook(`${folder}`, chapters)
    const place = (name: string) => (env: Record<string, string>) =>
      serve(path.join(`${folder}`, name), ['--lanes', `batch=${slots}`], env)
    const undisturbed = await write(file, { start: place('undisturbed') })
    const chance = printedChance('kills of a batch')
    const disturbed = await write(file, { start: place('disturbed'), kills, chance })
    expectSame(undisturbed, disturbed, kills)
  })

  it(`a batch of ${inStoryOrder.chapters * 2} scenes in story order does the same, ${inStoryOrder.kills} kills`, async () => {
    using folder = temporaryFolder()
    const { chapters, kills } = inStoryOrder
    const file = writeBook(`${folder}`, chapters)
    const place = (name: string) => (env: Record<string, string>) =>
      serve(path.join(`${folder}`, name), [], env)
    const undisturbed = await write(file, { start: place('undisturbed'), order: 'story' })
    const chance = printedChance('kills of a batch in story order')
    const disturbed = await write(file, { start: place('disturbed'), order: 'story', kills, chance })
    expectSame(undisturbed, disturbed, kills)
  })

  if (isSlow)
    describeDistributed('workers elsewhere', () => {
      const { chapters, kills } = distributed
      it(`a batch of ${chapters * 2} scenes does the same, ${kills} kills`, async () => {
        using folder = temporaryFolder()
        const file = writeBook(`${folder}`, chapters)
        const undisturbed = await writeElsewhere(file)
        const chance = printedChance('kills of workers')
        const disturbed = await writeElsewhere(file, { kills, chance })
        expectSame(undisturbed, disturbed, kills)
      })
    })
})

describe('killed while a model writes', { timeout: patience }, () => {
  describe.each([
    ['a scene', false],
    ['a scene of a novel with vectors', true],
  ])('%s', (_, makesVectors) => {
    it('goes on with what had arrived: that is usage, and holds nothing of the budget', async () => {
      using folder = temporaryFolder()
      const start = (env: Record<string, string>) => serve(path.join(`${folder}`, 'data'), [], env)
      await cutByKill(`${folder}`, { start, makesVectors })
    })

    describeDistributed('on a worker elsewhere', () => {
      it('does the same', async () => {
        using folder = temporaryFolder()
        await using models = await startModelServer()
        await using home = installation({}, modelsAt(models.url, {}, makesVectors))
        const front = await home.serve('api,maintenance')
        const start = () => home.serve('worker')
        await cutByKill(`${folder}`, { start, apiUrl: front.url, models, makesVectors })
      })
    })
  })
})

/** Has a scene written under a budget that allows its call once and not twice, and kills the process in the middle of the text. */
async function cutByKill(
  folder: string,
  options: Pick<RunOptions, 'start' | 'apiUrl' | 'models'> & { readonly makesVectors: boolean },
): Promise<void> {
  const { makesVectors } = options
  await using own = await startModelServer()
  const models = options.models ?? own
  const start = () => options.start(modelsAt(models.url, {}, makesVectors))
  let worker = await start()
  const url = () => options.apiUrl ?? worker.url
  const get = <T>(route: string) => api<T>(url(), route)
  const ended = (id: string) =>
    until(async () => {
      const task = await get<TaskSeen>(`/v1/tasks/${id}`)
      return hasEnded(task) ? task : undefined
    }, 'end of the task')
  try {
    const imported = await call(['import', writeBook(folder, 1), '--yes', '--json', '--url', url()])
    const { taskId = '', novelId = '' } = lastJson<{ taskId?: string; novelId?: string }>(imported)
    await ended(taskId)
    await unwriteBook(url(), novelId)
    const [scene] = await readBook(url(), novelId)
    const chats = () => models.ledger.calls.filter(({ route }) => route === 'chat')
    const before = chats().length
    models.script.add({ prompt: '^system: ', answer: { is: 'text', heldAt: [12] }, times: 1 })
    // Short enough for one call.
    const parameters = { novelId, sceneId: scene?.id, length: { words: 100 } }
    const budget = { tokens: 1_000_000 }
    const submission = { taskType: 'GenerateScene', parameters, budget }
    const { id } = await api<TaskSeen>(url(), '/v1/tasks', submission)
    const cut = await until(() => {
      const call = chats()[before]
      return call !== undefined && call.text.length >= 144 ? call : undefined
    }, 'text that arrives')
    const { reserved } = await get<BudgetSeen>(`/v1/tasks/${id}/budget`)
    expect(reserved.tokens).toBeGreaterThan(1_000)
    // The call fits once, and not a second time beside what was reserved for the first.
    const less = JSON.stringify({ tokens: Math.ceil(reserved.tokens * 1.5) })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${url()}/v1/tasks/${id}/budget`, { method: 'PUT', headers, body: less })
    const stored = async () => (await get<{ text: string }>(`/v1/tasks/${id}/output`)).text.length
    await until(async () => (await stored()) > 100, 'what arrived in the store')
    worker.child.kill('SIGKILL')
    await worker.ended
    worker = await start()
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', retryCount: 0 })

    const [, rest, ...others] = chats().slice(before)
    expect(others).toEqual([])
    const [, arrived = ''] = /.*<novel-text>\n(.*?)\n<\/novel-text>/su.exec(rest?.prompt ?? '') ?? []
    expect(cut.text.startsWith(arrived)).toBe(true)
    expect(arrived.length).toBeGreaterThan(100)
    const [written] = await readBook(url(), novelId)
    expect(written?.content).toBe(textFor(cut.prompt))
    const [sum] = (await get<UsageSeen>(`/v1/usage?by=task&taskId=${id}`)).items
    expect(sum).toMatchObject({ calls: makesVectors ? 3 : 2, estimatedCalls: 1 })
    const use = await get<BudgetSeen>(`/v1/tasks/${id}/budget`)
    expect(use.spent.tokens + use.reserved.tokens).toBe((sum?.inputTokens ?? 0) + (sum?.outputTokens ?? 0))
  } finally {
    await worker[Symbol.asyncDispose]()
  }
}

interface BudgetSeen {
  readonly spent: { readonly tokens: number }
  readonly reserved: { readonly tokens: number }
}

interface UsageSeen {
  readonly items: readonly {
    readonly calls: number
    readonly inputTokens: number
    readonly outputTokens: number
  }[]
}

function expectSame(undisturbed: Run, disturbed: Run, kills: number): void {
  const repeated = repeatedAnswers(disturbed.calls)
  process.stderr.write(
    `${undisturbed.calls.length} calls, ${disturbed.calls.length} with ${kills} kills, ${repeated.length} answers paid twice\n`,
  )
  expect(disturbed.kills).toHaveLength(kills)
  expect(repeatedAnswers(undisturbed.calls)).toEqual([])
  expect(textsOf(disturbed.scenes)).toEqual(textsOf(undisturbed.scenes))
  for (const { content } of disturbed.scenes) expect(content).not.toBe('')
  // Its answer was whole, and the process died before it could keep it.
  expect(repeated.map(answer => lateFor(answer, disturbed)).filter(late => late !== undefined)).toEqual([])
  expect(repeated.length).toBeLessThanOrEqual(kills * slots)
}

/** What a run leaves behind. */
interface Run {
  readonly scenes: readonly SceneSeen[]
  readonly calls: readonly Call[]
  /** When the process was killed; epoch milliseconds. */
  readonly kills: readonly number[]
}

/** How a run is made: the process that works, how often it is killed, and whose API is asked where it has none. */
interface RunOptions {
  start(env: Record<string, string>): Promise<Running & { readonly url: string }>
  readonly apiUrl?: string
  readonly models?: ModelServer
  readonly kills?: number
  readonly chance?: Chance
  /** Default as many scenes at once as there are slots. In story order the batch alone is disturbed, and not the import. */
  readonly order?: 'parallel' | 'story'
}

async function writeElsewhere(file: string, more: { kills?: number; chance?: Chance } = {}): Promise<Run> {
  await using models = await startModelServer(pace)
  await using home = installation({}, modelsAt(models.url))
  const front = await home.serve('api,maintenance')
  const start = () => home.serve('worker', ['--lanes', `batch=${slots}`])
  return await write(file, { start, apiUrl: front.url, models, ...more })
}

const pace = { pace: { firstMs: 15, chunkMs: 3 } }
/** For longer texts. */
const quickPace = { pace: { firstMs: 15, chunkMs: 1 } }

/** Imports the book, with summaries by the model, takes the texts away, and has every scene written from its summary. */
async function write(file: string, options: RunOptions): Promise<Run> {
  const { kills: wanted = 0, chance, apiUrl, order = 'parallel' } = options
  await using own = await startModelServer(order === 'story' ? quickPace : pace)
  const models = options.models ?? own
  const start = () => options.start(modelsAt(models.url))
  const kills: number[] = []
  let worker = await start()
  const url = () => apiUrl ?? worker.url
  const untilEnded = (id: string) =>
    until(
      async () => {
        const task = await api<TaskSeen>(url(), `/v1/tasks/${id}`)
        return hasEnded(task) ? task : undefined
      },
      'end of the task',
      patience,
      100,
    )
  const killSome = async (some: number) => {
    while (chance !== undefined && kills.length < some) {
      await (order === 'story' ? untilNextCall(models, chance) : untilSomewhere(models, chance))
      worker.child.kill('SIGKILL')
      kills.push(Date.now())
      await worker.ended
      worker = await start()
    }
  }
  try {
    const imported = await call(['import', file, '--yes', '--json', '--url', url()])
    const { taskId = '', novelId = '' } = lastJson<{ taskId?: string; novelId?: string }>(imported)
    if (order === 'parallel') await killSome(Math.floor(wanted / 2))
    expect(await untilEnded(taskId)).toMatchObject({ status: 'COMPLETED' })
    await unwriteBook(url(), novelId)
    // In story order each scene has more than one call: so many more calls than kills are needed where none goes on beside another.
    const parameters = { novelId, length: { words: order === 'story' ? 1_300 : 50 }, order }
    const submission = { taskType: 'BatchGenerateScene', parameters }
    const batch = await api<TaskSeen>(url(), '/v1/tasks', submission)
    await killSome(wanted)
    expect(await untilEnded(batch.id)).toMatchObject({ status: 'COMPLETED' })
    return { scenes: await readBook(url(), novelId), calls: models.ledger.calls, kills }
  } finally {
    await worker[Symbol.asyncDispose]()
  }
}

/** Waits until a few more calls were answered, and then for any moment of a call. */
async function untilSomewhere({ ledger }: ModelServer, chance: Chance): Promise<void> {
  const whole = () => ledger.calls.filter(call => call.whole).length
  const target = whole() + slots + chance.between(0, isSlow ? 0 : 1)
  await until(() => whole() >= target, 'some more answers', 60_000, 1)
  await anyMoment(chance, 120)
}

/** Waits until one more answer was kept, which is before the next call begins, and then for any moment: a second crash without an answer would wait. */
async function untilNextCall({ ledger }: ModelServer, chance: Chance): Promise<void> {
  const { length } = ledger.calls
  const hasNext = () => ledger.calls.slice(length, -1).some(call => call.whole)
  await until(hasNext, 'a call after an answer', 60_000, 1)
  await anyMoment(chance, 300)
}

async function anyMoment(chance: Chance, most: number): Promise<void> {
  const moment = Date.now() + chance.between(0, most)
  await until(() => Date.now() >= moment, 'a moment', 10_000, 1)
}

const textsOf = (scenes: readonly SceneSeen[]) =>
  scenes.map(({ content, summary }) => ({ content, summary: summary?.text }))

/** The whole answers of a prompt that was wholly answered once more later. */
function repeatedAnswers(calls: readonly Call[]): readonly Call[] {
  const last = new Map<string, Call>()
  const repeated: Call[] = []
  for (const call of calls.filter(each => each.whole)) {
    const before = last.get(call.promptHash)
    if (before !== undefined) repeated.push(before)
    last.set(call.promptHash, call)
  }
  return repeated
}

/**
 * Why an answer should have been kept, undefined where it could not: the process died before the slot that got it came to its next call.
 * The other slots may have begun one.
 */
function lateFor(
  { startedAt: askedAt, endedAt = 0, promptHash }: Call,
  { calls, kills }: Run,
): string | undefined {
  // What a process that is dead already has asked for may still be sent to it.
  const killedAt = kills.find(kill => kill >= askedAt)
  if (killedAt === undefined) return `${promptHash}: nothing was killed after it`
  const later = calls.filter(({ startedAt }) => startedAt > endedAt && startedAt < killedAt)
  if (later.length < slots) return undefined
  const begun = later.map(({ startedAt }) => startedAt - endedAt)
  return `${promptHash}: killed ${killedAt - endedAt} ms after it, other calls began after ${begun} ms`
}
