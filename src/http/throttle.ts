/** Throttling of wrong credentials by client address. */
import { createHash } from 'node:crypto'
import type { Logger } from '../runtime/log.ts'
import { QuillworkError } from '../task/errors.ts'

/** Different wrong credentials that an address may send within a window. The same one again is no other guess: a page that stayed open sends it. */
const mostWrong = 10
const windowMs = 60_000
/** Addresses that are remembered; beyond that, the one that began first is forgotten. */
const mostAddresses = 10_000

interface Window {
  readonly endsAt: number
  readonly seen: Set<string>
  isReported: boolean
}

/** Counts wrong credentials by client address. */
export interface Throttle {
  /** Throws CREDENTIALS_THROTTLED where the address sent too many other wrong ones within a minute. Called for a wrong one alone. */
  refuse(address: string, credential: string): void
}

/** @param now Milliseconds of a clock that never goes back. */
export function createThrottle(log: Logger, now: () => number = () => performance.now()): Throttle {
  const windows = new Map<string, Window>()

  function windowOf(address: string): Window {
    const open = windows.get(address)
    if (open !== undefined && open.endsAt > now()) return open
    windows.delete(address)
    const [first] = windows.keys()
    if (windows.size >= mostAddresses && first !== undefined) windows.delete(first)
    const opened = { endsAt: now() + windowMs, seen: new Set<string>(), isReported: false }
    windows.set(address, opened)
    return opened
  }

  return {
    refuse(address, credential) {
      const window = windowOf(address)
      // A part of the digest is enough to tell them apart, and is small however long a credential is.
      const guess = createHash('sha256').update(credential).digest('base64url').slice(0, 12)
      if (window.seen.has(guess)) return
      if (window.seen.size < mostWrong) return void window.seen.add(guess)
      if (!window.isReported) log.warn({ client: address }, 'too many wrong credentials; throttling')
      window.isReported = true
      const retryAfter = Math.max(1, Math.ceil((window.endsAt - now()) / 1_000))
      throw new QuillworkError(
        'CREDENTIALS_THROTTLED',
        `This address sent ${mostWrong} different wrong tokens or keys within a minute. Try again in ${retryAfter} s, or send the right one.`,
        { details: { retryAfter } },
      )
    },
  }
}
