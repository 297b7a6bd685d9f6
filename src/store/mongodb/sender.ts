/** Operations on their way to the server: each has a deadline, and one whose outcome is unknown is sent again. */
import { closedError, isUnknownOutcome, storeError, UnknownOutcome } from './failures.ts'
import type { StoreFaults } from './faults.ts'

/** Sends of one operation whose outcome is unknown. */
const mostSends = 4
const firstWaitMs = 50

/** Sends operations. */
export interface Sender {
  /** As `SharedDatabase.run`. `deadlineMs`: of each send, where another one than usual is meant. */
  run<T>(operation: string, work: () => Promise<T>, options?: { deadlineMs: number }): Promise<T>
  /** As `SharedDatabase.wait`. */
  wait(ms: number): Promise<void>
  /** Operations on their way now, and waits. */
  readonly inFlight: number
  /** From now on every operation fails with STORE_CLOSED. */
  close(): void
}

/** @param usualMs Milliseconds that one send may take. */
export function createSender(usualMs: number, faults: StoreFaults | undefined): Sender {
  let closed = false
  let inFlight = 0

  async function once<T>(operation: string, work: () => Promise<T>, deadlineMs: number): Promise<T> {
    await faults?.before?.(operation)
    const answer = await withDeadline(work(), deadlineMs, operation)
    await faults?.after?.(operation)
    return answer
  }

  async function runAgain<T>(operation: string, work: () => Promise<T>, deadlineMs: number): Promise<T> {
    for (let sends = 1, waitMs = firstWaitMs; ; sends += 1, waitMs *= 2) {
      if (closed) throw closedError()
      try {
        return await once(operation, work, deadlineMs)
      } catch (error) {
        if (closed) throw closedError()
        if (sends >= mostSends || !isUnknownOutcome(error)) throw storeError(error, operation)
        await new Promise(resolve => setTimeout(resolve, waitMs))
      }
    }
  }

  return {
    async run(operation, work, { deadlineMs } = { deadlineMs: usualMs }) {
      inFlight += 1
      try {
        return await runAgain(operation, work, deadlineMs)
      } finally {
        inFlight -= 1
      }
    },
    async wait(ms) {
      inFlight += 1
      await new Promise(resolve => setTimeout(resolve, ms))
      inFlight -= 1
    },
    get inFlight() {
      return inFlight
    },
    close() {
      closed = true
    },
  }
}

/** The driver has no deadline of its own for an operation whose connection hangs; what it answers later is dropped. */
function withDeadline<T>(answer: Promise<T>, deadlineMs: number, operation: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new UnknownOutcome(`no answer to "${operation}" within ${deadlineMs} ms`)),
      deadlineMs,
    )
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
