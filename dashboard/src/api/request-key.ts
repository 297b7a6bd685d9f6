import { useState } from 'react'

/**
 * A new `Idempotency-Key`: 32 hexadecimal digits of chance. Made once for what a person wants, and sent with each try of it.
 * `crypto.randomUUID` is not there over plain HTTP from another machine; this is.
 */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** The `Idempotency-Key` of a request, or of several that make one change together. */
export interface RequestKey {
  /** Returns the key of a request: that of the last time for the same one, sent once more because no answer came, else a new one. */
  readonly of: (request: unknown) => string
  /** All were answered: the same request from now on gets a new key. */
  readonly answered: () => void
}

/** Keeps the keys of requests until they are answered. */
export function useRequestKey(): RequestKey {
  const [key] = useState(createRequestKey)
  return key
}

function createRequestKey(): RequestKey {
  const sent = new Map<string, string>()
  return {
    of(request) {
      const text = JSON.stringify(request)
      const key = sent.get(text) ?? newIdempotencyKey()
      sent.set(text, key)
      return key
    },
    answered: () => sent.clear(),
  }
}
