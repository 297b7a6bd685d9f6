import type { Budget } from 'quillwork'
import { generateSummary } from 'quillwork/novel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SceneText } from '../../src/novel/library/shelf.ts'
import { defined } from '../../src/task/defined.ts'
import { compositions } from './compositions.ts'
import type { Answer } from './script.ts'
import { textFor } from './texts.ts'
import { ann, describeOn, type Writing } from './writing.ts'

/** What is answered, what the task says of it, and whether tokens were used all the same. */
interface Case {
  readonly answer: Answer
  readonly code: string
  readonly paid: boolean
}

/** The task tries again: the next answer may be a good one. */
const passing: readonly Case[] = [
  { answer: { is: 'empty' }, code: 'MODEL_ANSWER_EMPTY', paid: true },
  { answer: { is: 'garbage' }, code: 'MODEL_ANSWER_MALFORMED', paid: true },
  { answer: { is: 'half-json' }, code: 'MODEL_ANSWER_MALFORMED', paid: true },
  { answer: { is: 'huge' }, code: 'MODEL_ANSWER_MALFORMED', paid: true },
  { answer: { is: 'stalled', after: 0 }, code: 'MODEL_STALLED', paid: true },
  { answer: { is: 'stalled' }, code: 'MODEL_STALLED', paid: true },
  { answer: { is: 'cut' }, code: 'MODEL_ANSWER_CUT', paid: true },
  { answer: { is: 'no-finish' }, code: 'MODEL_ANSWER_CUT', paid: true },
  { answer: { is: 'error-event' }, code: 'MODEL_UNAVAILABLE', paid: true },
  { answer: { is: 'failed', status: 500 }, code: 'MODEL_UNAVAILABLE', paid: false },
  { answer: { is: 'failed', status: 503 }, code: 'MODEL_UNAVAILABLE', paid: false },
  { answer: { is: 'rate-limited' }, code: 'MODEL_RATE_LIMITED', paid: false },
]

/** The next answer would be the same: the task fails at once, and asks no second time. */
const final: readonly Case[] = [
  { answer: { is: 'filtered' }, code: 'MODEL_ANSWER_FILTERED', paid: true },
  { answer: { is: 'filtered', text: 'The miller cross' }, code: 'MODEL_ANSWER_FILTERED', paid: true },
  { answer: { is: 'refused' }, code: 'MODEL_ANSWER_REFUSED', paid: true },
  { answer: { is: 'truncated' }, code: 'MODEL_ANSWER_TRUNCATED', paid: true },
  { answer: { is: 'context-exceeded' }, code: 'MODEL_CONTEXT_EXCEEDED', paid: false },
  { answer: { is: 'quota-gone' }, code: 'MODEL_QUOTA_EXHAUSTED', paid: false },
  { answer: { is: 'wrong-key' }, code: 'MODEL_KEY_REJECTED', paid: false },
  { answer: { is: 'unknown-model' }, code: 'MODEL_UNKNOWN', paid: false },
  { answer: { is: 'bad-request' }, code: 'MODEL_REQUEST_REFUSED', paid: false },
]

const nameOf = ({ answer }: Case) => JSON.stringify(answer)

describeOn(compositions, 'answers that are no text', open => {
  let w: Writing
  let novelId: string
  let scenes: SceneText[]
  beforeAll(async () => {
    w = await open({
      models: {
        prose: {
          timeouts: { first: 2_000, idle: 2_000, total: 30_000 },
          key: 'secret-key-1234',
          price: { input: 2, cachedInput: 0.5, output: 4, currency: 'USD' },
        },
      },
    })
    novelId = await w.novel(12)
    scenes = [...(await w.scenes(novelId))]
  })
  afterAll(() => w[Symbol.asyncDispose]())

  /** Summarises the next scene, whose first answer is the given one. */
  async function summarise({ answer }: Case, times: number, budget?: Budget) {
    const scene = scenes.shift()
    if (scene === undefined) throw new Error('The novel has too few scenes.')
    const [sentence = ''] = scene.content.split('\n')
    w.server.script.add({ answer, prompt: sentence, times })
    const task = await w.t.submit(
      generateSummary,
      { novelId, sceneId: scene.id },
      { userId: ann, ...defined({ budget }) },
    )
    await w.t.drain()
    const calls = () =>
      w.server.ledger.of({ refused: true }).filter(({ prompt }) => prompt.includes(sentence))
    return { scene, task, calls }
  }

  /** Nothing of the prompt, of the key or of the answer is in what an author is told. */
  function expectPlain(message: string, scene: SceneText) {
    expect(message).toContain('prose')
    expect(message).not.toMatch(/secret-key|lantern|miller|Incorrect API key|<html>/)
    expect(message).not.toContain(scene.content.slice(0, 15))
  }

  async function tokensOf(taskId: string): Promise<number> {
    const models = await w.t.tasks.usage(taskId)
    return models.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
  }

  it('keeps an answer whose tokens cannot be right, and counts what was asked for', async () => {
    const told = 9e15
    const { scene, task, calls } = await summarise(
      { answer: { is: 'text', usage: told }, code: '', paid: true },
      1,
    )
    expect((await w.t.tasks.get(task.taskId)).status).toBe('COMPLETED')
    expect(calls()).toHaveLength(1)
    expect((await w.scene(scene.id)).summary?.text).toBe(textFor(calls()[0]?.prompt ?? ''))
    const { items } = await w.t.tasks.usageReport({ taskId: task.taskId }, { by: 'model' })
    expect(items).toMatchObject([{ calls: 1, estimatedCalls: 1 }])
    const mostTokens = scene.content.length * 3 + 2_000
    expect(items[0]?.inputTokens).toBeLessThan(mostTokens)
    expect(items[0]?.cost).toBeLessThan((mostTokens * 4) / 1_000_000)
    const [limit] = w.t.limiter.describe()
    expect(limit?.tokens ?? 0).toBeLessThan(100_000)
  })

  it('counts cached input at its own price, in the usage and in the budget', async () => {
    const tokens = 100
    const { task } = await summarise(
      { answer: { is: 'text', cached: { tokens } }, code: '', paid: true },
      1,
      { tokens: 100_000, cost: 1 },
    )
    const [used] = await w.t.tasks.usage(task.taskId)
    const { inputTokens = 0, outputTokens = 0, cost = 0 } = used ?? {}
    expect(used).toMatchObject({ calls: 1, cachedInputTokens: tokens })
    expect(cost).toBeCloseTo((inputTokens * 2 - tokens * 1.5 + outputTokens * 4) / 1_000_000, 12)
    const { spent, reserved } = (await w.t.budgets.get(task.taskId)) ?? expect.fail()
    // Of the budget, tokens count in full.
    expect(spent).toEqual({ tokens: inputTokens + outputTokens, cost: expect.closeTo(cost, 6) })
    expect(reserved).toMatchObject({ tokens: 0 })
  })

  describe('D1, D2, D3: retried', () => {
    it.each(passing.map(each => [nameOf(each), each] as const))('%s', async (_, each) => {
      const { scene, task, calls } = await summarise(each, 1)
      const first = await w.t.tasks.get(task.taskId)
      expect(first).toMatchObject({ status: 'RETRYING', retryCount: 1, errorInfo: { code: each.code } })
      expectPlain(first.errorInfo?.message ?? '', scene)
      const untouched = await w.scene(scene.id)
      expect([untouched.content, untouched.summary]).toEqual([scene.content, undefined])
      expect((await tokensOf(task.taskId)) > 0, 'tokens were used').toBe(each.paid)
      await w.t.jump('20s')
      expect((await task.state()).status).toBe('COMPLETED')
      expect(calls()).toHaveLength(2)
      expect((await w.scene(scene.id)).summary?.text).toBe(textFor(calls()[1]?.prompt ?? ''))
    })
  })

  describe('D1, D3, E6: final', () => {
    it.each(final.map(each => [nameOf(each), each] as const))('%s', async (_, each) => {
      const { scene, task, calls } = await summarise(each, 9)
      await w.t.jump('20s')
      const { status, error } = await task.state()
      expect([status, error?.code]).toEqual(['FAILED', each.code])
      expectPlain(error?.message ?? '', scene)
      expect(calls()).toHaveLength(1)
      const untouched = await w.scene(scene.id)
      expect([untouched.content, untouched.summary]).toEqual([scene.content, undefined])
      expect((await tokensOf(task.taskId)) > 0, 'tokens were used').toBe(each.paid)
    })
  })
})
