import { type ComponentType, type LazyExoticComponent, lazy } from 'react'

/** Milliseconds between two tries to load a part from a server that is away. */
const tryAgainAfter = 1_500
const reloadedAt = 'quillwork.reloaded'

interface LazyPart {
  /** Begins to load it. */
  preload(): Promise<void>
  /** Loads it, and resolves once it is there. */
  ready(): Promise<unknown>
}

/**
 * A part of the pages that is loaded when it is shown first, or when a link to it is pointed at. While the server is away the rest of
 * what is shown stays, and the part comes as soon as the server is back.
 */
export function lazyPart<Name extends string, Props = object>(
  load: () => Promise<{ [Key in Name]: ComponentType<Props> }>,
  name: Name,
): LazyExoticComponent<ComponentType<Props>> & LazyPart {
  let loading: Promise<{ default: ComponentType<Props> }> | undefined
  const loadOnce = () => {
    loading ??= patiently(load).then(module => ({ default: module[name] }))
    return loading
  }
  return Object.assign(lazy(loadOnce), {
    ready: loadOnce,
    async preload() {
      // Nothing waits for what is only pointed at.
      loadOnce().catch(() => undefined)
    },
  })
}

async function patiently<T>(load: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await load()
    } catch (error) {
      if (await serverAnswers()) reloadOnce(error)
      await new Promise(resolve => setTimeout(resolve, tryAgainAfter))
    }
  }
}

async function serverAnswers(): Promise<boolean> {
  return fetch('/healthz').then(
    ({ ok }) => ok,
    () => false,
  )
}

/** Reloads a page that was updated on the server, which answers and has no such file. Throws where a reload a moment ago did not help. */
function reloadOnce(error: unknown): void {
  const before = Number(sessionStorage.getItem(reloadedAt) ?? 0)
  if (Date.now() - before < 30_000) throw error
  sessionStorage.setItem(reloadedAt, String(Date.now()))
  window.location.reload()
}
