import { closeStorage, readStored, sharedValue, storedNames, writeStored } from '../browser/state.ts'

/** The token that a server may require. Kept for this tab, or on this device where the person wants that. */

const place = 'quillwork.token'
let token = read('session') ?? read('local')
const isRefused = sharedValue(false)

/** A token of an address, until the server has accepted it: any page of another site can link to here with any token. */
let tried = tokenOfAddress()
if (tried !== undefined) {
  const { pathname, search } = window.location
  window.history.replaceState(window.history.state, '', pathname + search)
  token = tried
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
  isRefused.set(false)
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
  if (key === place && newValue !== null && isRefused.get()) window.location.reload()
})

/** Records that the server accepted a token. One of an address is kept on this device from then on. */
export function tokenWasAccepted(used: string | undefined): void {
  if (tried === undefined || used !== tried) return
  takeToken(tried, true)
  tried = undefined
}

/** Records that the server refused a token, or requires one. `used`: the one that was sent, which may not be the newest. */
export function tokenWasRefused(used: string | undefined): void {
  if (used !== token) return
  // The one that was there before the address holds.
  if (tried !== undefined && (read('session') ?? read('local')) !== undefined) window.location.reload()
  else isRefused.set(true)
}

/** Returns whether the server requires a token that it was not given. */
export function useTokenIsWanted(): boolean {
  return isRefused.useValue()
}
