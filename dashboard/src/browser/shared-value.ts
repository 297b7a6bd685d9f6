import { useSyncExternalStore } from 'react'

/** A value outside of the component tree. */
export interface SharedValue<T> {
  readonly get: () => T
  readonly set: (value: T) => void
  /** Calls it at each change. Returns an unsubscribe function. */
  readonly subscribe: (listener: () => void) => () => void
  /** Returns the value; the component is drawn again when it changes. */
  readonly useValue: () => T
}

/** Makes a value that all components share. */
export function sharedValue<T>(first: T): SharedValue<T> {
  const listeners = new Set<() => void>()
  let value = first
  const get = () => value
  const subscribe = (listener: () => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    get,
    set(next) {
      value = next
      for (const listener of listeners) listener()
    },
    subscribe,
    useValue: () => useSyncExternalStore(subscribe, get),
  }
}
