import { QuillworkError } from '../index.ts'
import type { Client } from './client.ts'

/** Between two looks. */
const lookMs = 200
/** A server that restarts is waited for. */
const patienceMs = 10_000

/** Asks a server again and again, for as long as somebody watches; one that is away for a while is waited for. */
export interface Patience {
  /** The server as it was last found. */
  readonly client: Client
  /** The server answered. */
  answered(): void
  /** The server did not: finds it anew. Throws what was thrown when it is another error, or the server has been away too long. */
  bear(error: unknown): Promise<void>
  /** Waits a moment. Throws the signal's reason. */
  pause(): Promise<void>
}

/** @param renew Finds the server anew when it does not answer. */
export function createPatience(options: {
  client: Client
  renew?: () => Promise<Client | undefined>
  signal: AbortSignal
}): Patience {
  const { renew, signal } = options
  let { client } = options
  let awaySince: number | undefined
  return {
    get client() {
      return client
    },
    answered() {
      awaySince = undefined
    },
    async bear(error) {
      const now = performance.now()
      awaySince ??= now
      if (!isAway(error) || now - awaySince > patienceMs) throw error
      client = (await renew?.()) ?? client
    },
    pause: () => pause(lookMs, signal),
  }
}

/** It does not answer, or says that it cannot now, such as while its database is away. */
function isAway(error: unknown): boolean {
  if (!(error instanceof QuillworkError)) return false
  const { status, retryable } = error.details ?? {}
  return error.code === 'SERVER_UNREACHABLE' || (status === 503 && retryable === true)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
