import { useState } from 'react'
import { newIdempotencyKey } from '../api/idempotency-key.ts'

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
