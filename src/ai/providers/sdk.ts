import type { EmbeddingModelV3, LanguageModelV3 } from '@ai-sdk/provider'
import { importPart } from '../../runtime/installed.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { type Access, baseUrlOf, type ModelConfig } from './config.ts'
import { guardedFetch } from './guarded-fetch.ts'

/**
 * The AI SDK loads with the first call of a model, so that a process without models never pays for it. Every setting is passed: what is
 * left out, the SDK reads from the environment.
 */

/** Where a model is called and as whom. */
export interface Connection {
  readonly config: ModelConfig
  readonly key: string | undefined
  readonly fetch: typeof fetch
}

/** Loads a model and all that its first call would load: several hundred milliseconds of a process's life. Throws PACKAGE_MISSING. */
export async function loadForCalls({ config }: Connection, load: () => Promise<unknown>): Promise<void> {
  const packages = ['ai', 'undici', `@ai-sdk/${config.provider}`]
  await importPart(`A model of the provider ${config.provider}`, packages, () =>
    Promise.all([load(), import('ai'), import('undici')]),
  )
}

/** Loads what speaks to the provider. OpenAI by its chat API: the newer one keeps texts at the provider unless asked not to. */
export async function loadLanguageModel(connection: Connection): Promise<LanguageModelV3> {
  const { model } = connection.config
  const provider = await loadProvider(connection)
  return 'chatModel' in provider ? provider.chatModel(model) : provider.chat(model)
}

/** As `loadLanguageModel`, by a name that the provider has for it. The SDK of Anthropic throws, since it has none. */
export async function loadEmbeddingModel(connection: Connection, model: string): Promise<EmbeddingModelV3> {
  return (await loadProvider(connection)).embeddingModel(model)
}

async function loadProvider(connection: Connection) {
  const { config, key, fetch } = connection
  const baseURL = baseUrlOf(config) ?? ''
  const settings = { apiKey: key ?? '', baseURL, fetch }
  switch (config.provider) {
    case 'openai-compatible':
      return (await import('@ai-sdk/openai-compatible')).createOpenAICompatible({
        name: 'openai-compatible',
        baseURL,
        fetch,
        // Without it a streamed answer says nothing of its tokens.
        includeUsage: true,
        ...defined({ apiKey: key }),
      })
    case 'openai':
      return (await import('@ai-sdk/openai')).createOpenAI(settings)
    case 'anthropic':
      return (await import('@ai-sdk/anthropic')).createAnthropic(settings)
    case 'google':
      return (await import('@ai-sdk/google')).createGoogleGenerativeAI(settings)
  }
}

/**
 * Checks what a call of the model would need. Throws `PROVIDER_NOT_CONFIGURED` where the address or the key is missing or the key
 * cannot be sent; the message never holds it.
 */
export function connectionTo(id: string, config: ModelConfig, { key, fetch }: Access): Connection {
  if (baseUrlOf(config) === undefined) throw lacking(`Model "${id}" has no address: set its baseUrl.`)
  if (key === undefined && config.provider !== 'openai-compatible')
    throw lacking(`Model "${id}" has no key: set the key of account "${config.account}".`)
  if (key !== undefined && !/^[\x21-\x7e]{1,4096}$/u.test(key))
    throw lacking(
      `The key of model "${id}" has characters that no key has, such as a line end or a space: set it again.`,
    )
  const send = fetch ?? guardedFetch({ privateNetwork: config.privateNetwork })
  return { config, key, fetch: withReadableCounts(send) }
}

/** A count of tokens in JSON that is a text, a truth value, null or a number. Within a text, its quotes would be escaped. */
const tokenCount =
  /("\w{0,40}(?:_tokens|TokenCount)"\s*:\s*)("[^"\\]{0,100}"|true|false|null|-?\d[\d.eE+-]*)/gu

/** A `fetch` whose answers have only token counts that the SDK can read: it would refuse a whole answer for one of them. */
function withReadableCounts(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const { ok, status, headers, body } = await send(input, init)
    if (!ok || body === null) return new Response(body, { status, headers })
    const decoded = body.pipeThrough(new TextDecoderStream())
    const lines = decoded.pipeThrough(readableCounts()).pipeThrough(new TextEncoderStream())
    return new Response(lines, { status, headers })
  }
}

/** Passes lines on as soon as they are whole. */
function readableCounts(): TransformStream<string, string> {
  const parts: string[] = []
  const readable = (text: string) =>
    text.replaceAll(tokenCount, (_, name: string, value: string) => `${name}${readableCount(value)}`)
  return new TransformStream({
    transform(text, controller) {
      const end = text.lastIndexOf('\n') + 1
      parts.push(text.slice(0, end))
      if (end > 0) controller.enqueue(readable(parts.splice(0).join('')))
      parts.push(text.slice(end))
    },
    flush: controller => controller.enqueue(readable(parts.join(''))),
  })
}

/** Returns a number in place of what is none, and one that is too high, and so not believed, in place of one that cannot be read. */
function readableCount(value: string): number {
  const count = Number(value.replaceAll('"', ''))
  if (Number.isNaN(count)) return 0
  return Math.min(Math.max(0, count), Number.MAX_SAFE_INTEGER)
}

function lacking(message: string): QuillworkError {
  return new QuillworkError('PROVIDER_NOT_CONFIGURED', message)
}
