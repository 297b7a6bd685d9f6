import { expect, it } from 'vitest'
import { answerLimit, partTokens } from '../../../src/novel/models/lengths.ts'

const model = { contextTokens: 100_000, maxOutputTokens: 20_000 }

it('leaves an answer room for what the model thinks before it', () => {
  expect(answerLimit(model, 200)).toBe(400 + 1_024)
  expect(answerLimit({ ...model, thinkingTokens: 8_000 }, 200)).toBe(400 + 8_000)
  expect(answerLimit({ ...model, thinkingTokens: 0 }, 200)).toBe(400)
})

it('asks a model that thinks for shorter parts where its thoughts take the room', () => {
  expect(partTokens({ ...model, thinkingTokens: 8_000 })).toBe(2_500)
  expect(partTokens({ ...model, maxOutputTokens: 9_000, thinkingTokens: 8_000 })).toBe(500)
})
