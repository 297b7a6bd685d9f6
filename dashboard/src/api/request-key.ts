import { useState } from 'react'

/**
 * A new `Idempotency-Key`: 32 hexadecimal digits of chance. Made once for what a person wants, and sent with each try of it.
 * `crypto.randomUUID` is not there over plain HTTP from another machine; this is.
 */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** The `Idempotency-Key` of what a person wants. */
export interface WishKey {
  /** The key of a wish: that of the last time for the same one, sent once more because no answer came, else a new one. */
  readonly of: (wish: unknown) => string
  /** It was answered: the same wish from now on is another one. */
  readonly answered: () => void
}

/** Keeps the key of a wish until it is answered. */
export function useWishKey(): WishKey {
  const [key] = useState(createWishKey)
  return key
}

function createWishKey(): WishKey {
  let sent = { wish: '', key: '' }
  return {
    of(wish) {
      const text = JSON.stringify(wish)
      if (sent.wish !== text) sent = { wish: text, key: newIdempotencyKey() }
      return sent.key
    },
    answered() {
      sent = { wish: '', key: '' }
    },
  }
}
