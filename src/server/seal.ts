/** Texts that are encrypted at rest: AES-256-GCM, each bound to a label, under a key of 32 bytes or one that scrypt makes of a secret. */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { z } from 'zod'

/** Costs of scrypt (RFC 7914): 32 MiB and about 0.1 s, for secrets that are not as long and random as they should be. */
const scrypt = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1_024 * 1_024 }
const cipher = 'aes-256-gcm'
const [saltBytes, nonceBytes, tagBytes] = [16, 12, 16]
/** Of a key. */
export const keyBytes = 32

/** Bytes as a text of a file or a record. */
export const base64 = z.base64().max(8_192)

/** An encrypted text. */
export const sealed = z.strictObject({ nonce: base64, tag: base64, text: base64 })
export type Sealed = z.output<typeof sealed>

/** Returns a new salt for `deriveKey`. */
export function newSalt(): string {
  return randomBytes(saltBytes).toString('base64')
}

/** Returns a new key, as base64. */
export function newKey(): string {
  return randomBytes(keyBytes).toString('base64')
}

/** Returns the key that a secret makes with a salt. It takes about 0.1 s. */
export function deriveKey(secret: string, salt: string): Buffer {
  return scryptSync(secret.normalize('NFC'), Buffer.from(salt, 'base64'), keyBytes, scrypt)
}

/** Encrypts a text. What was moved to another label cannot be decrypted. */
export function seal(key: Buffer, text: string, label: string): Sealed {
  const nonce = randomBytes(nonceBytes)
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes })
  sealing.setAAD(Buffer.from(label))
  const bytes = Buffer.concat([sealing.update(text, 'utf8'), sealing.final()])
  const tag = sealing.getAuthTag()
  return { nonce: nonce.toString('base64'), tag: tag.toString('base64'), text: bytes.toString('base64') }
}

/** Returns the text, undefined for anything that this key did not encrypt under this label. */
export function unseal(key: Buffer, { nonce, tag, text }: Sealed, label: string): string | undefined {
  try {
    const opening = createDecipheriv(cipher, key, Buffer.from(nonce, 'base64'), { authTagLength: tagBytes })
    opening.setAAD(Buffer.from(label))
    opening.setAuthTag(Buffer.from(tag, 'base64'))
    return opening.update(text, 'base64', 'utf8') + opening.final('utf8')
  } catch {
    return undefined
  }
}
