/** Where the key of a model is, and to whom it may go. */
import { z } from 'zod'
import { baseUrlOf, type ModelConfig, type ProviderKind } from '../ai/providers/config.ts'

/** Where a key is: in a variable of the environment, or kept encrypted in the data directory. */
export type KeySource = `env:${string}` | `stored:${string}`

/** The variables that the providers' own programs read. */
export const usualKeys: Partial<Record<ProviderKind, KeySource>> = {
  openai: 'env:OPENAI_API_KEY',
  anthropic: 'env:ANTHROPIC_API_KEY',
  google: 'env:GOOGLE_GENERATIVE_AI_API_KEY',
}

/** The variables of providers, as their pages and the AI SDK name them, each with the hosts of its API. */
export const providerVariables: ReadonlyMap<string, readonly string[]> = new Map([
  ['OPENAI_API_KEY', ['api.openai.com']],
  ['ANTHROPIC_API_KEY', ['api.anthropic.com']],
  ['GOOGLE_GENERATIVE_AI_API_KEY', ['generativelanguage.googleapis.com']],
  ['GEMINI_API_KEY', ['generativelanguage.googleapis.com']],
  ['OPENROUTER_API_KEY', ['openrouter.ai']],
  ['MISTRAL_API_KEY', ['api.mistral.ai']],
  ['DEEPSEEK_API_KEY', ['api.deepseek.com']],
  ['GROQ_API_KEY', ['api.groq.com']],
  ['TOGETHER_API_KEY', ['api.together.ai', 'api.together.xyz']],
  ['XAI_API_KEY', ['api.x.ai']],
  ['COHERE_API_KEY', ['api.cohere.com', 'api.cohere.ai']],
  ['MOONSHOT_API_KEY', ['api.moonshot.ai', 'api.moonshot.cn']],
  ['CEREBRAS_API_KEY', ['api.cerebras.ai']],
  ['FIREWORKS_API_KEY', ['api.fireworks.ai']],
])

/** The variable that may hold the key of a server that the setting `model` names. */
export const shortKeyVariable = 'QUILLWORK_MODEL_KEY'
/** How the variables begin that hold keys for any other address. */
export const keyVariablePrefix = 'QUILLWORK_KEY_'

/** The form of the name of a stored key. A key itself, pasted by mistake, does not match. */
export const keyName = /^(?!sk-)[\w.-]{1,40}$/

/** The place of a key. Errors do not repeat it: it may be the key. */
export const keySource = z.custom<KeySource>(value => sourceProblem(value) === undefined, {
  error: ({ input }) => sourceProblem(input),
})

function sourceProblem(value: unknown): string | undefined {
  const [, place, name = ''] = /^(env|stored):(.*)$/s.exec(typeof value === 'string' ? value : '') ?? []
  const isForm =
    place === 'env' ? /^[A-Za-z_]\w{0,199}$/.test(name) : place === 'stored' && keyName.test(name)
  if (!isForm)
    return (
      'Give the place of the key: "env:VARIABLE", or "stored:NAME" after `quillwork models key set NAME`. Never write a key into the ' +
      'configuration, where every copy and backup would hold it. If this was a key, remove it and let the provider replace it.'
    )
  if (place === 'stored' || name === shortKeyVariable || providerVariables.has(name)) return undefined
  if (name.startsWith(keyVariablePrefix) && name.length > keyVariablePrefix.length) return undefined
  return (
    `Keys are read from variables that begin with ${keyVariablePrefix}, and from those of providers (${[...providerVariables.keys()].join(', ')}), ` +
    `so that no configuration can send another variable anywhere. Put the key into ${keyVariablePrefix}MAIN, and name that: "env:${keyVariablePrefix}MAIN".`
  )
}

/** Returns why a key may not go to the address of its model, undefined where it may: the variable of a provider holds a key for that provider alone. */
export function misplacedKey(
  key: KeySource,
  model: Pick<ModelConfig, 'provider' | 'baseUrl'>,
): string | undefined {
  const variable = key.slice('env:'.length)
  const hosts = key.startsWith('env:') ? providerVariables.get(variable) : undefined
  const address = baseUrlOf(model) ?? ''
  if (hosts === undefined || !URL.canParse(address)) return undefined
  const { protocol, hostname } = new URL(address)
  // Regions have names of their own before it, such as eu.api.openai.com.
  const isTheirs = hosts.some(host => hostname === host || hostname.endsWith(`.${host}`))
  if (isTheirs && protocol === 'https:') return undefined
  return (
    `${variable} is for https://${hosts.join(' and https://')} alone. Put the key for this address into a variable of its own, ` +
    `such as ${keyVariablePrefix}MAIN, and name that: "env:${keyVariablePrefix}MAIN".`
  )
}

/** Returns the origin that a model is called at, such as `https://api.example`: what a stored key is bound to. */
export function originOf(model: Pick<ModelConfig, 'provider' | 'baseUrl'>): string {
  return new URL(baseUrlOf(model) ?? '').origin
}
