import { QuillworkError } from '../../task/errors.ts'
import type { ModelConfig } from './config.ts'
import { guardedFetch } from './guarded-fetch.ts'
import { baseUrlOf, type Connection } from './sdk.ts'

/** As whom a model is called. */
export interface Access {
  /** The key of the account; a server of one's own may need none. */
  readonly key: string | undefined
  /** Default: one that refuses addresses that models may not be called at. */
  readonly fetch?: typeof fetch
}

/**
 * Checks what a call of the model would need. Throws `PROVIDER_NOT_CONFIGURED` where the address or the key is missing or the key
 * cannot be sent; the message never holds it.
 */
export function connectionTo(id: string, config: ModelConfig, { key, fetch }: Access): Connection {
  if (baseUrlOf(config) === undefined) {
    throw lacking(`Model "${id}" has no address: set its baseUrl.`)
  }
  if (key === undefined && config.provider !== 'openai-compatible') {
    throw lacking(`Model "${id}" has no key: set the key of account "${config.account}".`)
  }
  if (key !== undefined && !/^[\x21-\x7e]{1,4096}$/u.test(key)) {
    throw lacking(
      `The key of model "${id}" has characters that no key has, such as a line end or a space: set it again.`,
    )
  }
  return { config, key, fetch: fetch ?? guardedFetch({ privateNetwork: config.privateNetwork }) }
}

function lacking(message: string): QuillworkError {
  return new QuillworkError('PROVIDER_NOT_CONFIGURED', message)
}
