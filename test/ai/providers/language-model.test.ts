import { describe, expect, it } from 'vitest'
import { ModelError } from '../../../src/ai/model-error.ts'
import { createLanguageModel } from '../../../src/ai/providers/language-model.ts'
import type { Answer } from '../../models/script.ts'
import { startModelServer } from '../../models/server.ts'
import { configFor, type Outcome, outcomeOf, secret } from './kit.ts'

const price = { input: 2, output: 8, currency: 'EUR' }

/** Asks a model on a server that answers as scripted. */
async function answered(answer: Answer, changes: Parameters<typeof configFor>[1] = {}): Promise<Outcome> {
  await using server = await startModelServer()
  server.script.add({ answer })
  const model = createLanguageModel('prose', configFor(server.url, changes), { key: secret })
  return await outcomeOf(model)
}

describe('a whole answer', () => {
  it('comes as a stream, with what the provider says of it', async () => {
    await using server = await startModelServer()
    server.script.add({ answer: { is: 'text', text: '渡船在雾里慢慢靠岸。 The ferry came in.' } })
    const model = createLanguageModel('prose', configFor(server.url, { price, temperature: 0.5 }), {
      key: secret,
    })
    const stretches: string[] = []
    const outcome = await outcomeOf(
      model,
      { system: 'You write.', maxOutputTokens: 9_000 },
      { onText: text => stretches.push(text) },
    )
    const [call] = server.ledger.calls
    expect(outcome.error).toBeUndefined()
    expect(outcome.answer?.text).toBe('渡船在雾里慢慢靠岸。 The ferry came in.')
    expect(outcome.text).toBe(outcome.answer?.text)
    expect(stretches.length).toBeGreaterThan(1)
    expect(outcome.answer?.finishReason).toBe('stop')
    expect(outcome.answer?.parameters).toEqual({
      providerModel: 'scripted',
      maxOutputTokens: 4_000,
      temperature: 0.5,
    })
    const inputTokens = call?.inputTokens ?? 0
    const outputTokens = call?.outputTokens ?? 0
    expect(outcome.answer?.usage).toEqual({
      model: 'prose',
      inputTokens,
      outputTokens,
      cost: (inputTokens * 2 + outputTokens * 8) / 1_000_000,
    })
    expect(call).toMatchObject({ key: secret, model: 'scripted', streamed: true })
    expect(call?.prompt).toContain('You write.')
    expect(outcome.partial).toEqual([])
  })

  it.each<[Extract<Answer, { is: 'text' }>['cached'], number | undefined]>([
    [undefined, undefined],
    [{ tokens: 0 }, undefined],
    [{ tokens: 1 }, 1],
    [{ tokens: 2, as: 'hit' }, 2],
    // Cached tokens are part of the input: more of them cannot be right.
    [{ tokens: 100_000 }, undefined],
    [{ tokens: 100_000, as: 'hit' }, undefined],
  ])('that tells cached tokens as %j has %s of them, at their own price', async (cached, read) => {
    const prices = { ...price, cachedInput: 0.5 }
    const { answer } = await answered({ is: 'text', ...(cached && { cached }) }, { price: prices })
    const usage = answer?.usage ?? expect.fail()
    const { inputTokens, outputTokens } = usage
    expect(inputTokens).toBeGreaterThan(2)
    expect(usage.cachedInputTokens).toBe(read)
    expect(usage).not.toHaveProperty('isEstimated')
    expect(usage.cost).toBeCloseTo((inputTokens * 2 - (read ?? 0) * 1.5 + outputTokens * 8) / 1_000_000, 12)
  })
})

const told: readonly [Answer, string][] = [
  [{ is: 'rate-limited', retryAfter: 2 }, 'MODEL_RATE_LIMITED'],
  [{ is: 'quota-gone' }, 'MODEL_QUOTA_EXHAUSTED'],
  [{ is: 'failed', status: 500 }, 'MODEL_UNAVAILABLE'],
  [{ is: 'failed', status: 503 }, 'MODEL_UNAVAILABLE'],
  [{ is: 'failed', status: 529 }, 'MODEL_UNAVAILABLE'],
  [{ is: 'wrong-key' }, 'MODEL_KEY_REJECTED'],
  [{ is: 'unknown-model' }, 'MODEL_UNKNOWN'],
  [{ is: 'context-exceeded' }, 'MODEL_CONTEXT_EXCEEDED'],
  [{ is: 'bad-request' }, 'MODEL_REQUEST_REFUSED'],
  [{ is: 'empty' }, 'MODEL_ANSWER_EMPTY'],
  [{ is: 'filtered' }, 'MODEL_ANSWER_FILTERED'],
  [{ is: 'filtered', text: 'The ferry' }, 'MODEL_ANSWER_FILTERED'],
  [{ is: 'refused' }, 'MODEL_ANSWER_REFUSED'],
  [{ is: 'truncated' }, 'MODEL_ANSWER_TRUNCATED'],
  [{ is: 'garbage' }, 'MODEL_ANSWER_MALFORMED'],
  [{ is: 'half-json' }, 'MODEL_ANSWER_MALFORMED'],
  [{ is: 'no-finish' }, 'MODEL_ANSWER_CUT'],
  [{ is: 'error-event' }, 'MODEL_UNAVAILABLE'],
  [{ is: 'cut', after: 0 }, 'MODEL_ANSWER_CUT'],
  [{ is: 'cut' }, 'MODEL_ANSWER_CUT'],
  [{ is: 'redirect', to: 'http://127.0.0.1:9/v1' }, 'MODEL_REQUEST_REFUSED'],
]

describe('what is not a whole answer', () => {
  it.each(told)('%j is %s', async (answer, code) => {
    const outcome = await answered(answer)
    expect(outcome.answer).toBeUndefined()
    expect(outcome.error).toBeInstanceOf(ModelError)
    expect(outcome.error).toMatchObject({ code })
  })
})
