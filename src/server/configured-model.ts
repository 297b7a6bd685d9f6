/** One model of the setting `models`: its fields, their defaults, and what is refused and why. */

import { z } from 'zod'
import { mayBePlain } from '../ai/providers/address-scope.ts'
import {
  type ConfiguredTimeouts,
  googleTaskTypes,
  type ModelConfig,
  type ProviderKind,
} from '../ai/providers/config.ts'
import { defined } from '../task/defined.ts'
import { type ErrorCode, errorCatalogue } from '../task/errors.ts'
import { type KeySource, keySource, misplacedKey, usualKeys } from './key-source.ts'
import { atLeastOne, limit, longer, nearestName, text } from './setting-values.ts'

/** A model of the configuration. */
export interface ModelSetting extends ModelConfig {
  /** Where its key is, never what it is. Absent: it needs none. */
  readonly key?: KeySource
}

const providers = ['openai-compatible', 'openai', 'anthropic', 'google'] as const
const uses = ['prose', 'summary', 'embedding'] as const

/** Default tokens of prompt and answer together. Of an unknown server, no more can be assumed. */
const usualContext: Record<ProviderKind, number> = {
  'openai-compatible': 8_192,
  openai: 128_000,
  anthropic: 200_000,
  google: 1_000_000,
}
const usualOutput = 4_096
/** Least tokens per minute: a passage has about 1,200 tokens at most, and its prefix as many as it has characters. */
const leastPerMinute = 2_500

const baseUrl = z.string('Give the base URL of the API.').superRefine((value, context) => {
  const problem = addressProblem(value)
  if (problem !== undefined) context.addIssue(problem)
})

function addressProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    return 'Give the base URL of the API, such as https://api.example/v1.'
  if (url.username !== '' || url.password !== '')
    return 'Leave user and password out of the address: use "key".'
  if (url.search !== '' || url.hash !== '')
    return 'Leave out what follows "?" or "#". A key belongs into "key".'
  return undefined
}

const amount = z.number('Give a number.').min(0, 'Give at least 0.')

const price = z
  .strictObject({
    input: amount,
    cachedInput: amount.exactOptional(),
    output: amount.exactOptional(),
    currency: z.string().regex(/^[A-Z]{3}$/, 'Give a currency by its three letters, such as "USD".'),
  })
  .refine(({ input, cachedInput = 0 }) => cachedInput <= input, {
    path: ['cachedInput'],
    error: 'Give at most the price of input, at which calls are reserved.',
  })

const failures = Object.keys(errorCatalogue).filter(code => code.startsWith('MODEL_'))
const failure = z.custom<ErrorCode>(
  code => typeof code === 'string' && failures.includes(code),
  `Give codes of calls that failed: ${failures.join(', ')}.`,
)

const embeddedAs = {
  prefix: z
    .string('Give a text, such as "passage: ".')
    .min(1, 'Give a text, or leave it out.')
    .max(1_000)
    .exactOptional(),
  taskType: z.enum(googleTaskTypes, `Give one of ${googleTaskTypes.join(', ')}.`).exactOptional(),
}

const usualTimeouts = { first: 60_000, idle: 60_000, total: 600_000 }
/** For every 1,000 tokens of a prompt: a local server took 163 s for 4,000. */
const usualGrowth = 60_000

/** Fills in the timeouts. Those that are given do not grow with the prompt. A longer `first` leaves the whole answer as much time as without it. */
function timeoutsOf({
  first,
  idle,
  total,
}: {
  first?: number
  idle?: number
  total?: number
}): ConfiguredTimeouts {
  const growth = {
    ...(first === undefined && { first: usualGrowth }),
    ...(total === undefined && { total: usualGrowth }),
  }
  const more = Math.max(0, (first ?? 0) - usualTimeouts.first)
  const usual = { ...usualTimeouts, total: usualTimeouts.total + more }
  const given = { ...usual, ...defined({ first, idle, total }) }
  return first === undefined || total === undefined ? { ...given, growth } : given
}

const shape = {
  provider: z.enum(providers, `Give one of ${providers.join(', ')}.`),
  model: text.max(200),
  baseUrl: baseUrl.exactOptional(),
  uses: z
    .array(z.enum(uses, `Give some of ${uses.join(', ')}.`))
    .min(1, `Give some of ${uses.join(', ')}.`)
    .transform(given => uses.filter(use => given.includes(use)))
    .default(['prose', 'summary']),
  key: keySource.exactOptional(),
  account: z
    .string()
    .regex(/^[\w.@[\]:-]{1,100}$/, "Give up to 100 letters, digits, '_', '.', '@', ':' or '-'.")
    .exactOptional(),
  privateNetwork: z.boolean('Give true or false.').default(false),
  contextTokens: atLeastOne.exactOptional(),
  maxOutputTokens: atLeastOne.exactOptional(),
  /** 0: it does not think. */
  thinkingTokens: z.int('Give a whole number.').min(0, 'Give 0 or more.').exactOptional(),
  dimensions: atLeastOne.exactOptional(),
  passage: z.strictObject(embeddedAs).exactOptional(),
  query: z.strictObject({ ...embeddedAs, model: text.max(200).exactOptional() }).exactOptional(),
  temperature: amount.max(2, 'Give at most 2.').exactOptional(),
  price: price.exactOptional(),
  limits: limit.exactOptional(),
  fallbacks: z
    .array(z.strictObject({ model: text, on: z.array(failure).min(1, 'Give at least one code.') }))
    .default([]),
  timeouts: z
    .strictObject({
      first: longer.exactOptional(),
      idle: longer.exactOptional(),
      total: longer.exactOptional(),
    })
    .refine(({ first = 0, total = first }) => first <= total, {
      path: ['first'],
      error: 'It is longer than total, which ends the whole call: give at most total.',
    })
    .default({})
    .transform(timeoutsOf),
}

/** The fields of a model, for the reference. */
export const modelFields: readonly string[] = Object.keys(shape)

type Given = z.output<z.ZodObject<typeof shape>>

/** One model, checked, with all defaults filled in. */
export const modelSchema = z
  .strictObject(shape, { error: unknownFields })
  .superRefine((given, context) => {
    for (const [path, message] of contradictions(given))
      context.addIssue({ code: 'custom', path: [path], message })
  })
  .transform(resolved)

function unknownFields(issue: { code: string; keys?: unknown }): string | undefined {
  if (issue.code !== 'unrecognized_keys') return issue.code === 'invalid_type' ? 'Give an object.' : undefined
  const names = Array.isArray(issue.keys) ? issue.keys.map(String) : []
  return names.map(unknownField).join(' ')
}

function unknownField(name: string): string {
  if (/key|secret|token$|password|authorization/i.test(name))
    return `There is no field "${name}". Never write a key here: use "key": "env:VARIABLE".`
  const nearest = nearestName(name, modelFields)
  const hint =
    nearest === undefined ? `The fields are ${modelFields.join(', ')}.` : `Did you mean "${nearest}"?`
  return `There is no field "${name}". ${hint}`
}

/** Least tokens for the answer beside the thoughts. With fewer, each paid call would give a few words. */
const smallestAnswer = 200

type Contradictions = Generator<readonly [path: keyof Given, message: string]>

function* contradictions(given: Given): Contradictions {
  yield* addressContradictions(given)
  const misplaced = given.key && misplacedKey(given.key, given)
  if (misplaced !== undefined) yield ['key', misplaced]
  const { contextTokens, maxOutputTokens } = withWindow(given)
  const available = Math.min(maxOutputTokens, Math.floor(contextTokens / 2))
  if (maxOutputTokens >= contextTokens)
    yield [
      'maxOutputTokens',
      `It leaves no tokens for the prompt: contextTokens, or the lower limits.tokensPerMinute, is ${contextTokens} for both.`,
    ]
  if ((given.thinkingTokens ?? 0) >= maxOutputTokens)
    yield [
      'thinkingTokens',
      `It leaves no tokens for the answer: maxOutputTokens, for both, is ${maxOutputTokens}.`,
    ]
  else if (given.thinkingTokens !== undefined && given.thinkingTokens + smallestAnswer > available)
    yield [
      'thinkingTokens',
      `It leaves no tokens for the answer: both have at most ${available} tokens, the smaller of maxOutputTokens and half of contextTokens (or of the lower limits.tokensPerMinute).`,
    ]
  if (given.uses.includes('embedding')) yield* embeddingContradictions(given)
  else yield* writerContradictions(given)
}

function* addressContradictions({ provider, baseUrl: address, key, privateNetwork }: Given): Contradictions {
  if (address === undefined) {
    if (provider === 'openai-compatible')
      yield ['baseUrl', 'Give the base URL of the server, such as http://127.0.0.1:11434/v1.']
    return
  }
  if (/^http:/i.test(address) && !privateNetwork)
    yield [
      'baseUrl',
      'http:// sends the key and the texts unencrypted. Use https://, or set "privateNetwork": true for a server of your own.',
    ]
  else if (/^http:/i.test(address) && URL.canParse(address) && !mayBePlain(new URL(address).hostname))
    yield [
      'baseUrl',
      'http:// sends the key and the texts unencrypted, so it is for private addresses alone. Use https://.',
    ]
  if (provider !== 'openai-compatible' && key === undefined)
    yield ['key', `Give the key for that address: the default key is for ${provider} itself.`]
}

function* embeddingContradictions(given: Given): Contradictions {
  if (given.provider === 'anthropic')
    yield ['uses', 'Anthropic has no embedding models: name another provider.']
  if (given.uses.length > 1)
    yield ['uses', 'An embedding model writes no text: configure another model for the other uses.']
  if (given.dimensions === undefined) yield ['dimensions', 'Give the length of its vectors.']
  if ((given.limits?.tokensPerMinute ?? leastPerMinute) < leastPerMinute)
    yield ['limits', `A passage alone may need ${leastPerMinute} tokens: give tokensPerMinute at least that.`]
  if (given.fallbacks.length > 0)
    yield [
      'fallbacks',
      'Vectors of two models cannot be compared, so an embedding model has no fallback. Leave it out.',
    ]
  for (const field of ['temperature', 'thinkingTokens'] as const)
    if (given[field] !== undefined) yield [field, 'It has no effect on vectors. Leave it out.']
  if (given.price?.cachedInput !== undefined)
    yield ['price', 'A call for vectors has no cached input: leave cachedInput out.']
  if (given.provider !== 'google') {
    for (const purpose of ['passage', 'query'] as const)
      if (given[purpose]?.taskType !== undefined)
        yield [purpose, 'Only Google has task types: give a "prefix", if the model was trained with one.']
  }
}

function* writerContradictions(given: Given): Contradictions {
  for (const field of ['dimensions', 'passage', 'query'] as const)
    if (given[field] !== undefined) yield [field, 'Only models with the use "embedding" have it.']
  if (given.price !== undefined && given.price.output === undefined)
    yield ['price', 'Give the price of a million tokens of output too.']
}

/** Returns both numbers of tokens, at most the tokens of a minute: a call that needs more could never start. */
function withWindow({ provider, contextTokens = usualContext[provider], maxOutputTokens, limits }: Given) {
  const window = Math.min(contextTokens, limits?.tokensPerMinute ?? contextTokens)
  const usual = Math.min(usualOutput, Math.max(1, Math.floor(window / 2)))
  return { contextTokens: window, maxOutputTokens: maxOutputTokens ?? usual }
}

function resolved({ price: paid, ...given }: Given): ModelSetting {
  const key = given.key ?? usualKeys[given.provider]
  return {
    ...given,
    ...withWindow(given),
    ...(given.contextTokens === undefined && { assumesWindow: true as const }),
    account: given.account ?? (given.baseUrl === undefined ? 'default' : new URL(given.baseUrl).host),
    ...defined({ key, price: paid && { output: 0, ...paid } }),
  }
}
