import { defineTask, QuillworkError, SnoozeError } from 'quillwork'
import { createGate, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { LanguageModel, ModelFallback } from '../../../src/ai/model.ts'
import { ModelError, type ModelErrorCode } from '../../../src/ai/model-error.ts'
import { type CallContext, callModel } from '../../../src/novel/models/call-model.ts'

/** Models that remember who was asked; each answers, or fails with its code, which costs something too. */
function models(failures: Record<string, ModelErrorCode | undefined>, fallbacks: readonly ModelFallback[]) {
  const asked: string[] = []
  const languageModel = (_use: string, id = 'first'): LanguageModel => ({
    id,
    limit: id,
    contextTokens: id === 'first' ? 100 : 1_000,
    maxOutputTokens: 10,
    fallbacks: id === 'first' ? fallbacks : [],
    countTokens: text => text.length,
    costOf: () => undefined,
    async write(_request, { onPartialUsage } = {}) {
      asked.push(id)
      const code = failures[id]
      const usage = { model: id, inputTokens: 5, outputTokens: 1 }
      if (code !== undefined) {
        onPartialUsage?.(usage, code !== 'MODEL_STALLED')
        throw new ModelError(
          code,
          'No answer.',
          code === 'MODEL_RATE_LIMITED' ? { retryAfterMs: 60_000 } : {},
        )
      }
      return {
        text: `by ${id}`,
        finishReason: 'stop',
        usage,
        parameters: { providerModel: id, maxOutputTokens: 10 },
      }
    },
  })
  return { asked, languageModel }
}

/** A task that asks the first model once. */
function asking(made: ReturnType<typeof models>, promptLength = 5) {
  return defineTask({
    type: 'Asking',
    parameters: z.null(),
    result: z.string(),
    async execute(ctx) {
      const answer = await ctx.checkpoint('unit', () =>
        callModel(ctx, made, {
          unit: 'unit',
          use: 'summary',
          model: made.languageModel('summary'),
          subject: 'novel',
          request({ contextTokens }) {
            if (promptLength > contextTokens) throw new ModelError('MODEL_CONTEXT_EXCEEDED', 'Too long.')
            return { prompt: 'x'.repeat(promptLength), maxOutputTokens: 10 }
          },
        }),
      )
      return answer.text
    },
  })
}

const limits = { first: {}, second: {}, third: {} }

describe('a fallback', () => {
  it('that has to wait for its limit or the budget is asked next, not the model that failed and was paid', async () => {
    const made = models({ first: 'MODEL_ANSWER_FILTERED' }, [
      { model: 'second', on: ['MODEL_ANSWER_FILTERED'] },
    ])
    const task = asking(made)
    await using t = await testEngine({
      tasks: [task],
      limits: { ...limits, second: { requestsPerMinute: 1 } },
    })
    const handles = [await t.submit(task, null), await t.submit(task, null), await t.submit(task, null)]
    await t.advance('5m')
    for (const { taskId } of handles) expect((await t.tasks.get(taskId)).status).toBe('COMPLETED')
    expect(made.asked.filter(id => id === 'first')).toHaveLength(3)
    expect(made.asked.filter(id => id === 'second')).toHaveLength(3)
  })

  it('is asked for a text that is too long for the first model', async () => {
    const made = models({}, [{ model: 'second', on: ['MODEL_CONTEXT_EXCEEDED'] }])
    const task = asking(made, 500)
    await using t = await testEngine({ tasks: [task], limits })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"by second"' })
    expect(made.asked).toEqual(['second'])
  })

  it('for a refusal with a time is asked alone until then, and the refusing model again after it', async () => {
    const made = models({ first: 'MODEL_RATE_LIMITED' }, [{ model: 'second', on: ['MODEL_RATE_LIMITED'] }])
    const task = asking(made)
    await using t = await testEngine({
      tasks: [task],
      limits: { ...limits, first: { requestsPerMinute: 600 } },
    })
    const ask = async () => {
      const { taskId } = await t.submit(task, null)
      await t.drain()
      expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"by second"' })
    }
    await ask()
    await ask()
    expect(made.asked).toEqual(['first', 'second', 'second'])
    await t.advance('61s')
    await ask()
    expect(made.asked.slice(3)).toEqual(['first', 'second'])
  })

  it('is asked while the call of another task probes whether the first model takes calls again', async () => {
    const made = models({}, [{ model: 'second', on: ['MODEL_RATE_LIMITED'] }])
    const probe = createGate()
    const { languageModel } = made
    made.languageModel = (use, id) => {
      const model = languageModel(use, id)
      const write: LanguageModel['write'] = async (...call) => {
        if (model.id === 'first') await probe.opened
        return model.write(...call)
      }
      return { ...model, write }
    }
    const task = asking(made)
    await using t = await testEngine({ tasks: [task], limits, lanes: { default: { slots: 2 } } })
    await t.limiter.park('first', t.clock.now() + 86_400_000)
    await t.advance('15m')
    const probing = await t.submit(task, null)
    await t.drain()
    expect((await probing.state()).status).toBe('RUNNING')
    const other = await t.submit(task, null)
    await t.drain()
    expect(await t.tasks.get(other.taskId)).toMatchObject({ status: 'COMPLETED', result: '"by second"' })
    probe.open()
    await t.drain()
    const late = await t.submit(task, null)
    await t.drain()
    for (const { taskId } of [probing, late])
      expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"by first"' })
  })

  it.each([
    { code: 'MODEL_STALLED', isProbed: true },
    { code: 'MODEL_ANSWER_CUT', isProbed: undefined },
  ] as const)('$code of a call that probes says whether the next one does', async ({ code, isProbed }) => {
    const task = asking(models({ first: code }, []))
    await using t = await testEngine({ tasks: [task], limits })
    await t.limiter.park('first', t.clock.now() + 86_400_000)
    await t.advance('15m')
    await t.submit(task, null)
    await t.advance('100ms')
    expect((await t.tasks.counts()).RETRYING).toBe(1)
    expect(t.limiter.describe().find(({ key }) => key === 'first')?.isProbed).toBe(isProbed)
  })

  it('that fails for good takes no retry from a model that may answer later', async () => {
    const on = ['MODEL_UNAVAILABLE'] as const
    const made = models({ first: on[0], second: 'MODEL_KEY_REJECTED' }, [{ model: 'second', on }])
    const task = asking(made)
    await using t = await testEngine({ tasks: [task], limits })
    const { taskId } = await t.submit(task, null)
    await t.advance('100ms')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'RETRYING',
      errorInfo: { code: 'MODEL_UNAVAILABLE' },
    })
    expect(made.asked).toEqual(['first', 'second'])
  })

  it('that is not configured is passed over', async () => {
    const on = ['MODEL_RATE_LIMITED', 'MODEL_UNAVAILABLE'] as const
    const made = models({ first: 'MODEL_UNAVAILABLE' }, [
      { model: 'without a key', on },
      { model: 'third', on },
    ])
    const { languageModel } = made
    made.languageModel = (use, id) => {
      if (id === 'without a key') throw new QuillworkError('PROVIDER_NOT_CONFIGURED', 'Its key is not set.')
      return languageModel(use, id)
    }
    const task = asking(made)
    await using t = await testEngine({ tasks: [task], limits })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', result: '"by third"' })
  })

  it('is asked at once where only asking for a place tells that the provider refuses all calls', async () => {
    const made = models({}, [{ model: 'second', on: ['MODEL_RATE_LIMITED'] }])
    const parked = new Set<string>()
    const ctx: CallContext = {
      attempt: 1,
      signal: new AbortController().signal,
      isParked: limit => parked.has(limit),
      checkpointKey: key => key,
      async call({ limit }, make) {
        if (limit !== 'first') return make({ used() {}, refused() {} })
        // Another process was told so.
        parked.add(limit)
        throw new SnoozeError(Date.now() + 3_600_000, 'In an hour.', { limit })
      },
      addUsage: async () => undefined,
      logInfo: () => undefined,
      async checkpoint(_, step) {
        return step()
      },
    }
    const request = () => ({ prompt: 'x', maxOutputTokens: 10 })
    const model = made.languageModel('summary')
    const call = { unit: 'unit', use: 'summary', model, subject: 'novel', request } as const
    expect(await callModel(ctx, made, call)).toMatchObject({ text: 'by second' })
    expect(made.asked).toEqual(['second'])
  })

  it('that is refused too leaves the task waiting for its own model', async () => {
    const refused = 'MODEL_RATE_LIMITED' as const
    const made = models({ first: refused, second: refused }, [{ model: 'second', on: [refused] }])
    const task = asking(made)
    await using t = await testEngine({ tasks: [task], limits })
    const handle = await t.submit(task, null)
    await t.advance('30s')
    expect(await t.tasks.get(handle.taskId)).toMatchObject({ status: 'RETRYING', retryCount: 0 })
    expect(made.asked).toEqual(['first', 'second'])
  })

  it('that fails for good is not parked for the refusal of the model before it', async () => {
    const made = models({ first: 'MODEL_RATE_LIMITED', second: 'MODEL_ANSWER_FILTERED' }, [
      { model: 'second', on: ['MODEL_RATE_LIMITED'] },
    ])
    const task = asking(made)
    await using t = await testEngine({ tasks: [task], limits })
    const { taskId } = await t.submit(task, null)
    await t.advance('100ms')
    expect(await t.tasks.get(taskId)).toMatchObject({ errorInfo: { code: 'MODEL_RATE_LIMITED' } })
    const parked = t.limiter.describe().filter(({ parkedUntil }) => parkedUntil !== undefined)
    expect(parked.map(({ key }) => key)).toEqual(['first'])
  })
})

it('a window that another call lowers has no other failure asked again', async () => {
  const made = models({ first: 'MODEL_ANSWER_CUT' }, [])
  const { languageModel } = made
  let contextTokens = 100
  made.languageModel = (use, id) => {
    const { write, ...model } = languageModel(use, id)
    return {
      ...model,
      get contextTokens() {
        return contextTokens
      },
      write(...call) {
        contextTokens = 50
        return write(...call)
      },
    }
  }
  const task = asking(made)
  await using t = await testEngine({ tasks: [task], limits })
  const { taskId } = await t.submit(task, null)
  await t.advance('100ms')
  expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RETRYING' })
  expect(made.asked).toEqual(['first'])
})
