/** Kept models as this process can use them: what their fields mean, their keys, and whether they fit together with those of the configuration. */
import type { ModelFields } from '../ai/model-settings.ts'
import type { ModelConfig } from '../ai/providers/config.ts'
import { QuillworkError } from '../index.ts'
import type { KeptModel } from '../novel/library/models.ts'
import { defined } from '../task/defined.ts'
import { messageOf } from '../task/thrown.ts'
import { modelSchema } from './configured-model.ts'
import { type KeptKeys, keptKeyOf } from './kept-keys.ts'
import { originOf } from './key-source.ts'
import type { KeptInUse } from './models.ts'
import { type ModelSettings, type ModelsProblem, problemsOf } from './models-setting.ts'

/** A field that is wrong, as a JSON Pointer, and what to do. */
interface Issue {
  readonly pointer: string
  readonly detail: string
}

/** A kept model, read. */
export interface ReadModel {
  readonly kept: KeptModel
  /** Absent where it cannot be used at all. */
  readonly use?: KeptInUse
  readonly problem?: string
}

/** Returns the models that are kept, each with what this process can use of it, or why it cannot. Those of the configuration win. */
export function readKept(
  kept: readonly KeptModel[],
  { models, keys }: { models: ModelSettings; keys: KeptKeys },
): ReadModel[] {
  let read = readEach(kept, { models, keys })
  for (;;) {
    const wrong = misfits(usesOf(read), models)
    if (wrong.size === 0) return read
    read = read.map(each => {
      const problem = wrong.get(each.kept.id)
      return problem === undefined ? each : { kept: each.kept, problem }
    })
  }
}

/** The same, whether they fit together or not. */
export function readEach(
  kept: readonly KeptModel[],
  { models, keys }: { models: ModelSettings; keys: KeptKeys },
): ReadModel[] {
  return kept.map(each => (Object.hasOwn(models, each.id) ? { kept: each } : readOne(each, keys)))
}

/** Returns what of read models is used. */
export function usesOf(read: readonly ReadModel[]): KeptInUse[] {
  return read.flatMap(({ use }) => use ?? [])
}

function readOne(kept: KeptModel, keys: KeptKeys): ReadModel {
  const { id, settings, key } = kept
  const parsed = parseFields(settings, key !== undefined)
  if ('issues' in parsed)
    return { kept, problem: parsed.issues.map(({ pointer, detail }) => `${pointer}: ${detail}`).join(' ') }
  return { kept, use: { id, config: parsed.config, ...openKey(kept, parsed.config, keys) } }
}

function openKey(
  { id, key: sealed }: KeptModel,
  { provider }: ModelConfig,
  keys: KeptKeys,
): Pick<KeptInUse, 'key' | 'problem'> {
  const problem = (cause: 'KEY_NOT_GIVEN' | 'KEYS_UNREADABLE', why: string) => ({
    problem: { cause, key: `kept:${id}`, message: `The model "${id}" cannot be used: ${why}` },
  })
  if (sealed === undefined && provider !== 'openai-compatible')
    return problem('KEY_NOT_GIVEN', 'it has no key. Give it one on the settings page.')
  try {
    return sealed === undefined ? {} : { key: keys.open(id, keptKeyOf(sealed)) }
  } catch (error) {
    return problem('KEYS_UNREADABLE', messageOf(error))
  }
}

/** Reads the fields of a model. `hasKey`: it has one of its own. */
function parseFields(fields: ModelFields, hasKey: boolean): { config: ModelConfig } | { issues: Issue[] } {
  // The name stands for the key, which is kept apart.
  const parsed = modelSchema.safeParse({ ...fields, ...(hasKey && { key: 'stored:kept' }) })
  if (!parsed.success)
    return {
      issues: parsed.error.issues.map(({ path, message }) => ({
        pointer: `/${path.join('/')}`,
        detail: message,
      })),
    }
  const { key: _, ...config } = parsed.data
  return { config }
}

/** Returns the models that do not fit together with the others, each with the first reason. */
function misfits(uses: readonly KeptInUse[], models: ModelSettings): Map<string, string> {
  const kept = new Set(uses.map(({ id }) => id))
  const found = problemsOf(togetherOf(uses, models)).filter(({ path: [id = ''] }) => kept.has(id))
  return new Map(found.toReversed().map(({ path: [id = ''], message }) => [id, message]))
}

/** Those of the configuration stand first, as in the order of preference. */
function togetherOf(uses: readonly KeptInUse[], models: ModelSettings): ModelSettings {
  return { ...models, ...Object.fromEntries(uses.map(({ id, config }) => [id, config])) }
}

/** Throws REQUEST_INVALID for a change after which a model does not fit together with others that did before. */
export function requireFitting(
  before: readonly KeptInUse[],
  after: readonly KeptInUse[],
  models: ModelSettings,
): void {
  const say = ({ path, message }: ModelsProblem) => `${path.join(' ')} ${message}`
  const earlier = new Set(problemsOf(togetherOf(before, models)).map(say))
  const fresh = problemsOf(togetherOf(after, models)).filter(problem => !earlier.has(say(problem)))
  if (fresh.length > 0)
    throw refused(
      fresh.map(({ path: [id, ...field], message }) => ({
        pointer: `/${field.join('/')}`,
        detail: `Model "${id}": ${message}`,
      })),
    )
}

/** They stand in addresses of the API. */
const keptId = /^[a-z][\w.-]{0,99}$/i

/** Throws REQUEST_INVALID for an id that no kept model may have. */
export function requireId(id: string, models: ModelSettings): void {
  if (!keptId.test(id) || id === 'extractive')
    throw refused([
      {
        pointer: '/id',
        detail:
          "Ids of kept models begin with a letter and have up to 100 letters, digits, '_', '.' or '-'; extractive is taken.",
      },
    ])
  if (!Object.hasOwn(models, id)) return
  throw refused([
    {
      pointer: '/id',
      detail: `The configuration of the server has a model "${id}", which is used. Change it there, or take another id.`,
    },
  ])
}

/** Returns the model of fields, checked. Throws REQUEST_INVALID with each field that is wrong. */
export function requireConfig(fields: ModelFields, hasKey: boolean): ModelConfig {
  const parsed = parseFields(fields, hasKey)
  if ('issues' in parsed) throw refused(parsed.issues)
  return parsed.config
}

/** Throws REQUEST_INVALID where the kept key of a model may not go to its new address: who can change an address could otherwise have the key. */
export function requireSameOrigin({ key }: Pick<KeptModel, 'key'>, config: ModelConfig): void {
  if (key === undefined) return
  const { origin } = keptKeyOf(key)
  if (origin === originOf(config)) return
  throw refused([
    {
      pointer: '/key',
      detail: `The key was given for ${origin} and may not go to ${originOf(config)}: give the key again.`,
    },
  ])
}

/** Returns the error for fields that are wrong. */
export function refused(issues: readonly Issue[]): QuillworkError {
  const message = issues.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`).join(' ')
  return new QuillworkError('REQUEST_INVALID', message, { details: defined({ issues }) })
}
