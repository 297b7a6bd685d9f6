/** What a call of a model leaves behind, however it ends: its use counted, nothing reserved, and no word after the end of its attempt. */
import { defineTask } from 'quillwork'
import { createGate, testEngine } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { LanguageModel } from '../../../src/ai/model.ts'
import { ModelError } from '../../../src/ai/model-error.ts'
import { callModel, type ModelAnswer } from '../../../src/novel/models/call-model.ts'

const usage = { model: 'prose', inputTokens: 5, outputTokens: 1 }
const whole = {
  text: 'Once upon a time.',
  finishReason: 'stop',
  usage,
  parameters: { providerModel: 'prose', maxOutputTokens: 10 },
}

/** A task that asks a model so often, one call after the other; `told` and `answers` are what it heard. */
function calling(
  calls: number,
  write: LanguageModel['write'],
  unitOf = (call: number, _attempt: number) => `unit ${call}`,
) {
  const told: string[] = []
  const answers: ModelAnswer[] = []
  const model: LanguageModel = {
    id: 'prose',
    limit: 'prose',
    contextTokens: 1_000,
    maxOutputTokens: 10,
    fallbacks: [],
    countTokens: text => text.length,
    costOf: () => undefined,
    write,
  }
  const task = defineTask({
    type: 'Calling',
    parameters: z.null(),
    result: z.void(),
    async execute(ctx) {
      for (let call = 1; call <= calls; call++) {
        const answer = await callModel(
          ctx,
          { languageModel: () => model },
          {
            unit: unitOf(call, ctx.attempt),
            use: 'prose',
            model,
            subject: 'novel',
            onText: text => told.push(text),
            takesTruncated: true,
            request: () => ({ prompt: 'Write.', maxOutputTokens: 10 }),
          },
        )
        answers.push(answer)
      }
    },
  })
  return { task, told, answers }
}

const budget = { tokens: 1_000 }
const once = { spent: { tokens: 6 }, reserved: { tokens: 0 } }

it('a call that fails counts at what it used', async () => {
  const { task } = calling(1, async (_request, { onPartialUsage } = {}) => {
    onPartialUsage?.(usage, true)
    throw new ModelError('MODEL_ANSWER_REFUSED', 'No.')
  })
  await using t = await testEngine({ tasks: [task], limits: { prose: {} } })
  const { taskId } = await t.submit(task, null, { budget })
  await t.drain()
  expect(await t.tasks.get(taskId)).toMatchObject({ status: 'FAILED' })
  expect(await t.tasks.usage(taskId)).toMatchObject([{ ...usage, calls: 1 }])
  expect(await t.budgets.get(taskId)).toMatchObject(once)
})

it('a model that goes on after the end of its attempt is not heard, but counted', async () => {
  const gate = createGate()
  const { task, told, answers } = calling(1, async (_request, { onText } = {}) => {
    onText?.('Once ')
    await gate.opened
    onText?.('upon a time.')
    return whole
  })
  await using t = await testEngine({ tasks: [task], limits: { prose: {} } })
  const handle = await t.submit(task, null, { budget })
  const { taskId } = handle
  await t.drain()
  await handle.cancel()
  gate.open()
  await t.drain()
  expect(await t.tasks.get(taskId)).toMatchObject({ status: 'CANCELLED' })
  expect(told).toEqual(['Once'])
  expect(answers).toEqual([])
  expect(await t.tasks.usage(taskId)).toMatchObject([{ ...usage, calls: 1 }])
  expect(await t.budgets.get(taskId)).toMatchObject(once)
})

it('a call that has to wait for its limit keeps no part of the budget', async () => {
  const { task } = calling(2, async () => whole)
  await using t = await testEngine({ tasks: [task], limits: { prose: { requestsPerMinute: 1 } } })
  const { taskId } = await t.submit(task, null, { budget })
  await t.drain()
  expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RETRYING', retryCount: 0 })
  expect(await t.budgets.get(taskId)).toMatchObject(once)
})

it('an answer that broke off and is taken names no model of the provider, which was not told', async () => {
  const { task, answers } = calling(1, async (_request, { onText, onPartialUsage } = {}) => {
    onText?.('Once upon a time')
    onPartialUsage?.(usage, true)
    throw new ModelError('MODEL_ANSWER_TRUNCATED', 'It goes on.')
  })
  await using t = await testEngine({ tasks: [task], limits: { prose: {} } })
  await t.submit(task, null)
  await t.drain()
  expect(answers).toMatchObject([{ text: 'Once upon a', truncated: true, model: 'prose', usage }])
  expect(answers[0]?.parameters).toEqual({ maxOutputTokens: 10 })
})

const never = () => new Promise<never>(() => undefined)

it('a call that its process is killed in ends as a dead letter in the end: that it begins is no progress', async () => {
  let calls = 0
  const { task } = calling(1, async (_request, { onText } = {}) => {
    calls += 1
    onText?.('Once upon a time ')
    return never()
  })
  await using t = await testEngine({ tasks: [task], limits: { prose: {} }, persistent: true })
  const { taskId } = await t.submit(task, null)
  // Some come while it waits for its next attempt.
  for (let kill = 0; kill < 30; kill++) {
    await t.advance('6m')
    await t.crash()
  }
  expect(await t.tasks.get(taskId)).toMatchObject({
    status: 'DEAD_LETTER',
    deadLetter: { reason: 'crashes' },
  })
  expect(calls).toBeLessThanOrEqual(8)
})

it('a call that its process was killed in is settled by the next one, whatever that is for', async () => {
  const { task } = calling(
    1,
    async () => {
      if (isKilled) return whole
      return never()
    },
    (_, attempt) => `unit of ${attempt}`,
  )
  let isKilled = false
  await using t = await testEngine({ tasks: [task], limits: { prose: {} }, persistent: true })
  const { taskId } = await t.submit(task, null, { budget })
  await t.advance('1s')
  isKilled = true
  await t.crash()
  await t.advance('1s')
  expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED' })
  // The prompt of the killed call, as it is counted, beside what the other used.
  const promptTokens = 'Write.'.length
  expect(await t.tasks.usage(taskId)).toMatchObject([{ calls: 2, outputTokens: 1 }])
  const [sum] = (await t.tasks.usageReport({ taskId }, { by: 'task' })).items
  expect(sum).toMatchObject({ calls: 2, estimatedCalls: 1 })
  expect(sum?.inputTokens).toBeGreaterThanOrEqual(5 + promptTokens)
  const { inputTokens = 0, outputTokens = 0 } = sum ?? {}
  expect(await t.budgets.get(taskId)).toMatchObject({
    spent: { tokens: inputTokens + outputTokens },
    reserved: { tokens: 0 },
  })
})
