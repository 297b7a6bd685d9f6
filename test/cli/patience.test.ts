import { QuillworkError } from 'quillwork'
import { afterEach, expect, test, vi } from 'vitest'
import { createClient } from '../../src/cli/client.ts'
import { createPatience } from '../../src/cli/watch.ts'

const away = new QuillworkError('SERVER_UNREACHABLE', 'It does not answer.')
const busy = new QuillworkError('STORE_FAILED', 'No primary.', { details: { status: 503, retryable: true } })
const gone = new QuillworkError('TASK_NOT_FOUND', 'There is no such task.', { details: { status: 404 } })

afterEach(() => vi.restoreAllMocks())

/** A patience, and how to let time pass. */
function waiting() {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const client = createClient({ url: 'http://127.0.0.1:9' })
  const patience = createPatience({ client, signal: new AbortController().signal })
  return {
    patience,
    pass: (ms: number) => {
      now += ms
    },
  }
}

test('a server that was silent for long, and goes away or says that it cannot now, is waited for', async () => {
  const { patience, pass } = waiting()
  pass(600_000)
  await patience.bear(away)
  pass(9_000)
  await patience.bear(busy)
  await expect(patience.bear(gone)).rejects.toBe(gone)
})

test('one that does not come back within ten seconds is not, however slowly it fails', async () => {
  const { patience, pass } = waiting()
  await patience.bear(away)
  pass(300_000)
  await expect(patience.bear(away)).rejects.toBe(away)
  patience.answered()
  await patience.bear(away)
})
