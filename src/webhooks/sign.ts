/** Signatures after Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, under secrets that two parties share. */
import { createHmac, randomBytes } from 'node:crypto'

/** What a secret begins with. */
const prefix = 'whsec_'
/** Of a secret; the specification asks for 24 to 64. */
const secretBytes = 32

/** Returns a new secret: `whsec_` and 32 random bytes as base64. */
export function newSecret(): string {
  return prefix + randomBytes(secretBytes).toString('base64')
}

/** What is signed. */
export interface Signed {
  /** `webhook-id`: the same at every attempt. */
  id: string
  /** `webhook-timestamp`: Unix seconds of this attempt. */
  timestamp: number
  body: string
}

/** Returns the header `webhook-signature`: one signature for each secret that is valid, the newest first. */
export function signaturesOf({ id, timestamp, body }: Signed, secrets: readonly string[]): string {
  return secrets
    .map(secret => {
      const key = Buffer.from(secret.slice(secret.startsWith(prefix) ? prefix.length : 0), 'base64')
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
    })
    .join(' ')
}
