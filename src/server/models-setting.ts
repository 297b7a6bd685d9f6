/** The settings `models` and `model`: models that fit together, and the short form of one model. */

import { inspect } from 'node:util'
import { z } from 'zod'
import { limitKeyOf } from '../ai/providers/config.ts'
import { type ModelSetting, modelSchema } from './configured-model.ts'
import { shortKeyVariable } from './key-source.ts'

/** The models of a configuration by id, in its order. */
export type ModelSettings = Readonly<Record<string, ModelSetting>>

/** Id of the model that the setting `model` names. */
const shortId = 'default'

const modelId = z
  .string()
  .regex(
    /^[a-z][\w.:/-]{0,99}$/i,
    "Ids of models begin with a letter and have up to 100 letters, digits, '_', '.', ':', '/' or '-'.",
  )
  .refine(id => id !== 'extractive', 'This is the built-in model that quotes the text. Choose another id.')

/** Models by id, each checked, and all of them together. */
export const modelsSchema = z.record(modelId, modelSchema).superRefine((models, context) => {
  for (const { path, message } of problemsOf(models)) context.addIssue({ code: 'custom', path, message })
})

/** Why models do not fit together. `path`: the id of the model, and its field. */
export interface ModelsProblem {
  path: string[]
  message: string
}

/** Returns why models do not fit together. */
export function problemsOf(models: ModelSettings): ModelsProblem[] {
  return [fallbackProblems, currencyProblems, limitProblems].flatMap(check => [...check(models)])
}

function* fallbackProblems(models: ModelSettings): Generator<ModelsProblem> {
  for (const [id, model] of Object.entries(models)) {
    for (const { model: other } of model.fallbacks) {
      const message = fallbackProblem(model, models[other], other)
      if (message !== undefined) yield { path: [id, 'fallbacks'], message }
    }
    const cycle = cycleFrom(id, models)
    if (cycle !== undefined)
      yield {
        path: [id, 'fallbacks'],
        message: `The fallbacks form a circle: ${cycle.join(' -> ')}. Leave one of them out.`,
      }
  }
}

function fallbackProblem(
  model: ModelSetting,
  other: ModelSetting | undefined,
  otherId: string,
): string | undefined {
  if (other === undefined) return `There is no model "${otherId}". Configure it, or leave it out.`
  const missing = model.uses.filter(use => !other.uses.includes(use))
  if (missing.length === 0) return undefined
  return `The model "${otherId}" is not for ${missing.join(' and ')}. Add that to its uses, or name another one.`
}

/** Returns the path from a model along its fallbacks back to it, undefined where there is none. */
function cycleFrom(start: string, models: ModelSettings): string[] | undefined {
  const seen = new Set<string>()
  const paths = [[start]]
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    for (const { model } of models[path.at(-1) ?? '']?.fallbacks ?? []) {
      if (model === start) return [...path, start]
      if (!seen.has(model)) paths.push([...path, model])
      seen.add(model)
    }
  }
  return undefined
}

/** Yields prices in different currencies, over which costs cannot be summed. */
function* currencyProblems(models: ModelSettings): Generator<ModelsProblem> {
  let first: { id: string; currency: string } | undefined
  for (const [id, { price }] of Object.entries(models)) {
    if (price === undefined) continue
    first ??= { id, currency: price.currency }
    if (price.currency !== first.currency)
      yield {
        path: [id, 'price', 'currency'],
        message: `It is ${price.currency}, and that of "${first.id}" is ${first.currency}. Costs are summed, so give all prices in one currency.`,
      }
  }
}

function* limitProblems(models: ModelSettings): Generator<ModelsProblem> {
  const first = new Map<string, { id: string; limits: string }>()
  for (const [id, model] of Object.entries(models)) {
    if (model.limits === undefined) continue
    const key = limitKeyOf(model)
    const limits = JSON.stringify(Object.entries(model.limits).sort())
    const before = first.get(key)
    if (before === undefined) first.set(key, { id, limits })
    else if (before.limits !== limits)
      yield {
        path: [id, 'limits'],
        message:
          `It is the same model of the same account as "${before.id}", which has other limits. ` +
          'Give both the same, or another account to one.',
      }
  }
}

/** The text of the setting `model`. */
export const shortModel = z.string().superRefine((text, context) => {
  const result = modelSchema.safeParse(fromShort(text))
  if (!result.success)
    context.addIssue(
      'Give openai:NAME, anthropic:NAME, google:NAME, or NAME@https://HOST/v1 without a password; http:// for a private address alone.',
    )
})

/** Returns the models of the setting `model`. `hasKey`: its variable holds a key for a server. */
export function modelsOfShort(text: string, hasKey: boolean): ModelSettings {
  const { key, ...model } = modelSchema.parse(fromShort(text))
  const isSent = key !== undefined && (key !== `env:${shortKeyVariable}` || hasKey)
  return { [shortId]: isSent ? { ...model, key } : model }
}

/** Returns the fields of a model in the short form, without its key; undefined for a text that is none. */
export function fieldsOfShort(text: string): Record<string, unknown> | undefined {
  if (!shortModel.safeParse(text).success) return undefined
  const { key: _, ...fields } = fromShort(text)
  return fields
}

/** Returns what the file would hold for it. An http:// address means a server of one's own, so a private network is allowed. */
function fromShort(text: string): Record<string, unknown> {
  const ofProvider = /^(openai|anthropic|google):(.+)$/.exec(text.trim())
  if (ofProvider !== null) return { provider: ofProvider[1], model: ofProvider[2] }
  const ofServer = /^(.+?)@(https?:\/\/.+)$/i.exec(text.trim())
  return {
    provider: 'openai-compatible',
    model: ofServer?.[1],
    baseUrl: ofServer?.[2],
    key: `env:${shortKeyVariable}`,
    privateNetwork: /^http:/i.test(ofServer?.[2] ?? ''),
  }
}

/** Keys in variables of the environment. Code that prints, copies or stores the configuration does not see them. */
export class EnvironmentKeys {
  readonly #keys: ReadonlyMap<string, string>

  /** @param keys The keys by the names of their variables. */
  constructor(keys: ReadonlyMap<string, string>) {
    this.#keys = keys
  }

  /** Returns the key in a variable, undefined when it is not set. */
  read(variable: string): string | undefined {
    return this.#keys.get(variable)
  }

  toJSON(): string {
    return '(not shown)'
  }

  [inspect.custom](): string {
    return '(not shown)'
  }
}
