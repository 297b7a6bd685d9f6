import { expect, it } from 'vitest'
import { createLanguageModel } from '../../../src/ai/providers/language-model.ts'
import { type ModelServerOptions, startModelServer } from '../../models/server.ts'
import { configFor, secret } from './kit.ts'

/** Returns the window of a model that was prepared, on a server that says this of itself. */
async function windowOf(
  options: ModelServerOptions,
  changes: Parameters<typeof configFor>[1] = { assumesWindow: true },
): Promise<number> {
  await using server = await startModelServer(options)
  const model = createLanguageModel('prose', configFor(server.url, { contextTokens: 8_192, ...changes }), {
    key: secret,
  })
  await model.prepare?.()
  return model.contextTokens
}

const told: readonly [by: string, ModelServerOptions, number][] = [
  ['OpenRouter', { about: { context_length: 131_072 } }, 131_072],
  ['vLLM', { about: { max_model_len: 2_048 } }, 2_048],
  [
    'a llama.cpp that says what it runs with',
    { about: { meta: { n_ctx: 4_096, n_ctx_train: 32_768 } } },
    4_096,
  ],
  [
    'llama.cpp beside its API',
    { about: { meta: { n_ctx_train: 32_768 } }, props: { default_generation_settings: { n_ctx: 2_048 } } },
    2_048,
  ],
  ['the training, where it is less than is assumed', { about: { meta: { n_ctx_train: 1_024 } } }, 1_024],
  ['nobody', {}, 8_192],
  ['nobody who makes sense', { about: { context_length: '32k', max_model_len: 3 } }, 8_192],
]
it.each(told)('reads the window as it is told by %s', async (_, options, window) => {
  expect(await windowOf(options)).toBe(window)
})

it('believes the configuration, and allows no more than the tokens of a minute', async () => {
  const server = { about: { context_length: 131_072 } }
  expect(await windowOf(server, {})).toBe(8_192)
  expect(await windowOf(server, { assumesWindow: true, limits: { tokensPerMinute: 20_000 } })).toBe(20_000)
})

it('looks for its own name in a list of several', async () => {
  expect(await windowOf({ models: ['one', 'two'], about: { context_length: 512 } })).toBe(8_192)
  expect(await windowOf({ models: ['one', 'scripted'], about: { context_length: 512 } })).toBe(512)
})

it('asks a server once, and one that did not answer again with the next call', async () => {
  await using first = await startModelServer()
  const { port } = first
  await first.close()
  const config = configFor(`http://127.0.0.1:${port}/v1`, { contextTokens: 8_192, assumesWindow: true })
  const model = createLanguageModel('prose', config, { key: secret })
  await model.prepare?.()
  expect(model.contextTokens).toBe(8_192)
  await using server = await startModelServer({ about: { context_length: 2_048 } }, port)
  await model.prepare?.()
  expect(model.contextTokens).toBe(2_048)
  await server.close()
  await model.prepare?.()
  expect(model.contextTokens).toBe(2_048)
})
