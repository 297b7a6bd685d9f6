// One language model of a child program, by the adapter that the server uses.
import { createLanguageModel } from '../../dist/ai/providers/language-model.js'

export function openModel({ id, url, key, maxOutputTokens = 80 }) {
  const config = {
    provider: 'openai-compatible',
    model: 'm',
    uses: ['prose'],
    baseUrl: url,
    account: key,
    privateNetwork: true,
    contextTokens: 16_000,
    maxOutputTokens,
    fallbacks: [],
    timeouts: { first: 20_000, idle: 20_000, total: 60_000 },
  }
  return createLanguageModel(id, config, { key })
}
