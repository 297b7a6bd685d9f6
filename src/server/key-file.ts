/**
 * Keys of model providers, encrypted in the data directory: AES-256-GCM, each under its name and the origins that it may go to, with a key that
 * scrypt makes of `QUILLWORK_SECRET`. The file alone reveals no key, and a changed file is detected when it is read.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { makeDataDirectory, placesOf, writePrivately } from './data-directory.ts'
import { base64, deriveKey, newSalt, seal, sealed, unseal } from './seal.ts'
import { invalid } from './settings.ts'

const version = 1
const fileSchema = z.strictObject({
  version: z.literal(version),
  salt: base64,
  /** A known text under the same key, to distinguish a wrong secret from a changed entry. */
  check: sealed,
  keys: z.record(
    z.string(),
    // Without origins, an earlier version stored it.
    sealed.extend({ storedAt: z.iso.datetime(), origins: z.array(z.string()).default([]) }),
  ),
})
type KeyFile = z.output<typeof fileSchema>

/** A stored key, as a listing shows it. */
export interface StoredKey {
  readonly name: string
  /** RFC 3339. */
  readonly storedAt: string
  /** The origins that it may go to, such as `https://api.example`. */
  readonly origins: readonly string[]
}

/** Returns the stored key of a name for an origin, undefined for none; the origins that it is for, where this one is none of them. Throws CONFIG_INVALID for one that was changed. */
export type ReadKey = (name: string, origin: string) => string | readonly string[] | undefined

/** Returns whether a text can be a key: it goes into a header, which cannot hold blanks and line ends. */
export function isKey(text: string): boolean {
  return /^[\x21-\x7e]{1,4096}$/.test(text)
}

/** Returns the names of the stored keys, without the secret. Throws CONFIG_INVALID for a file that cannot be read. */
export function listKeys(data: string): readonly StoredKey[] {
  const entries = Object.entries(readFile(data)?.keys ?? {})
  return entries
    .map(([name, { storedAt, origins }]) => ({ name, storedAt, origins }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Opens the file and returns its reader. Throws CONFIG_INVALID without the secret, with a wrong one, and for a file that cannot be read. */
export function openKeys(data: string, secret: string | undefined): ReadKey {
  const file = readFile(data)
  if (file === undefined) return () => undefined
  const key = unlock(file, data, secret)
  return (name, origin) => {
    const entry = Object.hasOwn(file.keys, name) ? file.keys[name] : undefined
    if (entry === undefined) return undefined
    if (!entry.origins.includes(origin)) return entry.origins
    const text = unseal(key, entry, labelOf(name, entry.origins))
    if (text !== undefined) return text
    throw invalid(
      `The key ${name} in ${fileOf(data)} was changed after it was stored, so it is not used. ` +
        `Store it again: quillwork models key set ${name}`,
    )
  }
}

/** Stores a key for some origins, or replaces the one of that name. Throws CONFIG_INVALID as `openKeys` does. */
export function storeKey(
  data: string,
  secret: string | undefined,
  entry: { name: string; key: string; origins: readonly string[] },
): void {
  makeDataDirectory(data)
  const file = readFile(data) ?? newFile(data, secret)
  const key = unlock(file, data, secret)
  const { name, origins } = entry
  const sealedKey = seal(key, entry.key, labelOf(name, origins))
  const stored = { ...sealedKey, storedAt: new Date().toISOString(), origins }
  writePrivately(fileOf(data), { ...file, keys: { ...file.keys, [name]: stored } })
}

/** Deletes a key, without the secret. Returns false where there is none of that name. */
export function removeKey(data: string, name: string): boolean {
  const file = readFile(data)
  if (file === undefined || !Object.hasOwn(file.keys, name)) return false
  const { [name]: _removed, ...keys } = file.keys
  writePrivately(fileOf(data), { ...file, keys })
  return true
}

const checkText = 'quillwork'
const checkLabel = `quillwork keys ${version} check`

/** Returns what an entry is bound to: one that was moved to another name, or to other origins, does not decrypt. */
function labelOf(name: string, origins: readonly string[]): string {
  return `quillwork keys ${version} key ${[name, ...origins].join(' ')}`
}

function fileOf(data: string): string {
  return placesOf(data).keys
}

function newFile(data: string, secret: string | undefined): KeyFile {
  const salt = newSalt()
  const key = deriveKey(requireSecret(data, secret), salt)
  return { version, salt, check: seal(key, checkText, checkLabel), keys: {} }
}

function unlock(file: KeyFile, data: string, secret: string | undefined): Buffer {
  const key = deriveKey(requireSecret(data, secret), file.salt)
  if (unseal(key, file.check, checkLabel) === checkText) return key
  throw invalid(
    `QUILLWORK_SECRET does not decrypt ${fileOf(data)}: its keys were stored with another secret. ` +
      'Set that secret, or remove the file and store the keys again.',
  )
}

function requireSecret(data: string, secret: string | undefined): string {
  if (secret !== undefined) return secret
  throw invalid(
    `QUILLWORK_SECRET is not set, and the keys in ${fileOf(data)} are encrypted with it. ` +
      'Set it to a long random text, the same each time, in the environment of the server and of this command.',
  )
}

function readFile(data: string): KeyFile | undefined {
  const file = fileOf(data)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw invalid(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  try {
    return fileSchema.parse(JSON.parse(text))
  } catch {
    throw invalid(
      `${file} is not a key file that this version reads. Restore a copy of it, or remove it and store the keys again.`,
    )
  }
}
