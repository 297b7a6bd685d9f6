import { useSyncExternalStore } from 'react'

/** The token that a server may ask for. Kept for this tab, or on this device where the person wants that. */

const place = 'quillwork.token'
const listeners = new Set<() => void>()
let token = read()
let isRefused = false

function read(): string | undefined {
  try {
    return sessionStorage.getItem(place) ?? localStorage.getItem(place) ?? undefined
  } catch {
    return undefined
  }
}

function tellAll(): void {
  for (const listener of listeners) listener()
}

/** The token that requests carry, if there is one. */
export function currentToken(): string | undefined {
  return token
}

/** Uses a token from now on; `remember`: also after the browser was closed. */
export function takeToken(given: string, remember: boolean): void {
  token = given
  isRefused = false
  try {
    const [kept, other] = remember ? [localStorage, sessionStorage] : [sessionStorage, localStorage]
    kept.setItem(place, given)
    // An older one there would be read instead.
    other.removeItem(place)
  } catch {
    // It holds for this page then.
  }
  tellAll()
}

/** The server did not accept the token, or wants one. `used`: the one that was sent, which may not be the newest. */
export function tokenWasRefused(used: string | undefined): void {
  if (used !== token || isRefused) return
  isRefused = true
  tellAll()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Whether the server wants a token that it was not given. */
export function useTokenIsWanted(): boolean {
  return useSyncExternalStore(subscribe, () => isRefused)
}
