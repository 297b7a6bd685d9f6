import { QuillworkError } from 'quillwork'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClient } from '../../src/cli/client.ts'
import { retryWhileUnavailable } from '../../src/cli/watch.ts'

const away = new QuillworkError('SERVER_UNREACHABLE', 'It does not answer.')
const busy = new QuillworkError('STORE_FAILED', 'No primary.', { details: { status: 503, retryable: true } })
const notFound = new QuillworkError('TASK_NOT_FOUND', 'There is no such task.', { details: { status: 404 } })

beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

/** Watches a server that answers each request after some time with an error, or with nothing new. */
async function watch(answers: readonly { after: number; error?: QuillworkError }[]) {
  const client = createClient({ url: 'http://127.0.0.1:9' })
  let asked = 0
  const watched = retryWhileUnavailable({ client, signal: new AbortController().signal }, async () => {
    const answer = answers[asked++]
    vi.advanceTimersByTime(answer?.after ?? 0)
    if (answer?.error !== undefined) throw answer.error
    return answer === undefined ? 'ended' : undefined
  }).catch(error => error)
  await vi.runAllTimersAsync()
  return { asked, ended: await watched }
}

test('a server that was silent for long, and goes away or says that it cannot now, is waited for', async () => {
  const { asked, ended } = await watch([
    { after: 600_000, error: away },
    { after: 8_000, error: busy },
    { after: 0, error: notFound },
  ])
  expect(ended).toBe(notFound)
  expect(asked).toBe(3)
})

test('one that does not come back within ten seconds is not, however slowly it fails', async () => {
  const { asked, ended } = await watch([
    { after: 0, error: away },
    { after: 300_000, error: away },
    { after: 0 },
  ])
  expect(ended).toBe(away)
  expect(asked).toBe(2)
})

test('one that came back is waited for anew', async () => {
  const { asked, ended } = await watch([
    { after: 0, error: away },
    { after: 5_000 },
    { after: 300_000, error: away },
    { after: 8_000, error: away },
  ])
  expect(ended).toBe('ended')
  expect(asked).toBe(5)
})
