import { sharedValue } from '../browser/shared-value.ts'
import { closeStorage, readStored, storedNames, writeStored } from '../browser/state.ts'

/** The token that a server may require. Kept for this tab, or on this device where the person wants that. */

const place = 'quillwork.token'
let token = read('session') ?? read('local')

/** Why a token was refused: what became of it, or that too many wrong ones were sent; undefined where the server says no more. */
type Refusal = 'revoked' | 'expired' | 'throttled' | undefined

const refusal = sharedValue<{ readonly why: Refusal } | undefined>(undefined)

/** A token of an address, until the server has accepted it: any page of another site can link to here with any token. */
let tried = tokenOfAddress()
if (tried !== undefined) {
  const { pathname, search } = window.location
  window.history.replaceState(window.history.state, '', pathname + search)
  token = tried
}

/** The address to which the identity provider of the server leads back. */
export const wayBack = '/sign-in'

/** What the identity provider answered in that address. The code in it is good once: neither the router, nor the history, nor a reload is to have it. */
export const answerOfProvider = takeAnswer()

function takeAnswer(): URLSearchParams | undefined {
  const { pathname, search } = window.location
  if (pathname !== wayBack) return undefined
  window.history.replaceState(window.history.state, '', '/')
  return new URLSearchParams(search)
}

/** Returns the token of an address that the server printed. */
function tokenOfAddress(): string | undefined {
  return /^#token=([\w.~+/-]+=*)$/.exec(window.location.hash)?.[1]
}

// The address was typed into this tab. The page begins anew with it.
window.addEventListener('hashchange', () => tokenOfAddress() !== undefined && window.location.reload())

function read(kind: 'local' | 'session'): string | undefined {
  const stored = readStored(place, kind)
  return typeof stored === 'string' ? stored : undefined
}

/** Returns the token that requests carry, if there is one. */
export function currentToken(): string | undefined {
  return token
}

/** Uses a token from now on; `remember`: also after the browser was closed. */
export function takeToken(given: string, remember: boolean): void {
  token = given
  // An older one in the other storage would be read instead.
  writeStored(place, remember ? given : undefined, 'local')
  writeStored(place, remember ? undefined : given, 'session')
  refusal.set(undefined)
}

/** What stays in the browser when a person signs out: it says nothing of them or their novels. */
const stays = new Set(['quillwork.preferences'])
/** Written at the sign-out, so that the other tabs hear of it. */
const signedOut = 'quillwork.signed-out'

/** Forgets the token, the unsaved changes and all else that a person left in this browser, in every tab, and begins anew. */
export function signOut(): void {
  writeStored(signedOut, Date.now())
  leave()
}

let isLeaving = false

function leave(): void {
  isLeaving = true
  token = undefined
  for (const kind of ['local', 'session'] as const)
    for (const name of storedNames('quillwork.', kind))
      if (!stays.has(name)) writeStored(name, undefined, kind)
  // Somebody may type in this tab until it is gone.
  closeStorage()
  window.location.reload()
}

// Nothing asks before a sign-out: one could stay, signed in. Registered before all that asks, so that it is called first.
window.addEventListener('beforeunload', event => isLeaving && event.stopImmediatePropagation(), {
  capture: true,
})

window.addEventListener('storage', ({ key, newValue }) => {
  if (key === signedOut && newValue !== null) leave()
  // Another tab was signed in.
  if (key === place && newValue !== null && refusal.get() !== undefined) window.location.reload()
})

/** Records that the server accepted a token. One of an address is kept on this device from then on. */
export function tokenWasAccepted(used: string | undefined): void {
  if (tried === undefined || used !== tried) return
  takeToken(tried, true)
  tried = undefined
}

/** Records that the server refused a token, or requires one. `used`: the one that was sent, which may not be the newest. `answer`: what the server said. */
export function tokenWasRefused(used: string | undefined, answer: unknown): void {
  if (used !== token) return
  // The one that was there before the address holds.
  if (tried !== undefined && (read('session') ?? read('local')) !== undefined) window.location.reload()
  else if (refusal.get() === undefined) refusal.set({ why: whyIn(answer) })
}

/** Returns whether the server requires a token that it was not given. */
export function useTokenIsWanted(): boolean {
  return refusal.useValue() !== undefined
}

/** Returns why the server refused the token. */
export function useRefusal(): Refusal {
  return refusal.useValue()?.why
}

/** Returns whether an answer refuses a token: as a wrong one, or because there were too many wrong ones. */
export function refusesToken(status: number, answer: unknown): boolean {
  return status === 401 || (status === 429 && fieldOf(answer, 'code') === throttledCode)
}

const throttledCode = 'CREDENTIALS_THROTTLED'

function whyIn(answer: unknown): Refusal {
  if (fieldOf(answer, 'code') === throttledCode) return 'throttled'
  const ended = fieldOf(answer, 'ended')
  return ended === 'revoked' || ended === 'expired' ? ended : undefined
}

function fieldOf(answer: unknown, name: string): unknown {
  return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>)[name] : undefined
}
