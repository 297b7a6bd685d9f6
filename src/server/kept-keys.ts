/**
 * Keys of models that are kept in the store, each encrypted under the id of its model and the origin that it may go to: with a key that scrypt makes of
 * `QUILLWORK_SECRET`, or, without a secret, with that of a file beside the data, which the store alone does not give away.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { QuillworkError } from '../index.ts'
import { makeDataDirectory, placesOf, writePrivately } from './data-directory.ts'
import { base64, deriveKey, keyBytes, newKey, newSalt, seal, sealed, unseal } from './seal.ts'
import { type Config, invalid } from './settings.ts'

const keptKeySchema = z.strictObject({
  ...sealed.shape,
  /** Of the secret; absent: under the key of the file. */
  salt: base64.optional(),
  origin: z.string(),
  lastCharacters: z.string(),
})

const fileSchema = z.strictObject({
  key: base64.refine(key => Buffer.from(key, 'base64').length === keyBytes, 'It is no key.'),
})

/** An encrypted key. */
export type KeptKey = z.output<typeof keptKeySchema>

/** A key with fewer characters shows none. */
const shortest = 12
const shown = 4

/** Encrypts and decrypts the keys of kept models. */
export class KeptKeys {
  readonly #config: Pick<Config, 'data' | 'secret'>
  readonly #isShared: boolean
  /** What takes long to derive, by salt. */
  readonly #derived = new Map<string, Buffer>()

  /** @param isShared Other processes, with data directories of their own, must read the keys. */
  constructor(config: Pick<Config, 'data' | 'secret'>, isShared: boolean) {
    this.#config = config
    this.#isShared = isShared
  }

  /** Encrypts a key. Throws KEPT_MODELS_UNAVAILABLE where processes share the store and there is no secret. */
  seal(id: string, key: string, origin: string): KeptKey {
    const { secret } = this.#config
    if (secret === undefined && this.#isShared)
      throw new QuillworkError(
        'KEPT_MODELS_UNAVAILABLE',
        'Processes share the store, so a key is kept in it only under a secret that all of them have: set QUILLWORK_SECRET to the same long random text for each, and restart them.',
      )
    const salt = secret === undefined ? undefined : newSalt()
    const under = salt === undefined ? this.#ofFile(true) : this.#ofSecret(salt)
    const lastCharacters = key.length < shortest ? '' : key.slice(-shown)
    return {
      ...seal(under, key, labelOf(id, origin)),
      ...(salt === undefined ? {} : { salt }),
      origin,
      lastCharacters,
    }
  }

  /** Decrypts the key of a model. Throws CONFIG_INVALID, with what to do. */
  open(id: string, kept: KeptKey): string {
    const { salt, origin, lastCharacters: _, ...text } = kept
    const key = unseal(
      salt === undefined ? this.#ofFile(false) : this.#ofSecret(salt),
      text,
      labelOf(id, origin),
    )
    if (key !== undefined) return key
    const under = salt === undefined ? placesOf(this.#config.data).modelKey : 'QUILLWORK_SECRET'
    throw invalid(
      `${under} does not decrypt the key of the model "${id}": the key was kept under another one, or changed. Give the key again.`,
    )
  }

  #ofSecret(salt: string): Buffer {
    const { secret } = this.#config
    if (secret === undefined)
      throw invalid(
        'QUILLWORK_SECRET is not set, and the key is encrypted with it. Set it as it was, and restart.',
      )
    const key = this.#derived.get(salt) ?? deriveKey(secret, salt)
    this.#derived.set(salt, key)
    return key
  }

  #ofFile(isMade: boolean): Buffer {
    const file = placesOf(this.#config.data).modelKey
    const read = () => {
      const { key } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
      return Buffer.from(key, 'base64')
    }
    try {
      return read()
    } catch (cause) {
      const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
      if (!isMade || !isMissing)
        throw invalid(
          `${file}, under which the key is encrypted, is missing or cannot be read. Restore it, or give the key again once it is gone.`,
          cause,
        )
    }
    makeDataDirectory(this.#config.data)
    writePrivately(file, { key: newKey() })
    return read()
  }
}

/** Returns an encrypted key of a record. Throws CONFIG_INVALID for what is none. */
export function keptKeyOf(record: unknown): KeptKey {
  const parsed = keptKeySchema.safeParse(record)
  if (parsed.success) return parsed.data
  throw invalid('The key is kept in a form that this version does not read. Give it again.')
}

function labelOf(id: string, origin: string): string {
  return `quillwork model ${JSON.stringify([id, origin])}`
}
