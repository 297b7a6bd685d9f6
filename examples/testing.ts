// Tests of one's own task: a handler run alone, then the task in an engine whose clock is moved by hand. An hour of retries takes
// a moment. Run it with `node --test`; any other test runner does as well.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineTask } from 'quillwork'
import { runHandler, testEngine } from 'quillwork/testing'
import { z } from 'zod'

interface Mailer {
  send(to: string): Promise<void>
}

// What the handler needs is a typed service: `createEngine` does not compile without it.
const notify = defineTask.withServices<{ mailer: Mailer }>()({
  type: 'Notify',
  parameters: z.object({ to: z.email() }),
  result: z.object({ sent: z.boolean() }),
  retry: { maxAttempts: 3, backoff: ['30m'] },
  async execute(ctx) {
    await ctx.services.mailer.send(ctx.parameters.to)
    return { sent: true }
  },
})

/** A mailer that fails so many times before it works. */
function mailer({ failures }: { failures: number }) {
  const sent: string[] = []
  let left = failures
  return {
    sent,
    async send(to: string) {
      left -= 1
      if (left >= 0) throw new Error('the mail server is away')
      sent.push(to)
    },
  }
}

test('the handler alone: no engine, no store', async () => {
  const post = mailer({ failures: 0 })
  const { result } = await runHandler(notify, { to: 'a@example.org' }, { services: { mailer: post } })
  assert.deepEqual(result, { sent: true })
  assert.deepEqual(post.sent, ['a@example.org'])
})

test('two failures are retried half an hour apart', async () => {
  const post = mailer({ failures: 2 })
  await using t = await testEngine({ tasks: [notify], services: { mailer: post } })
  const task = await t.submit(notify, { to: 'a@example.org' })
  await t.drain()
  assert.equal((await t.tasks.get(task.taskId)).status, 'RETRYING')
  await t.advance('1h')
  assert.deepEqual(await task.result(), { sent: true })
  assert.deepEqual(t.recorder.storyOf(task.taskId), [
    'submitted',
    'started',
    'retrying',
    'started',
    'retrying',
    'started',
    'completed',
  ])
})

test('the third failure is a dead letter', async () => {
  await using t = await testEngine({ tasks: [notify], services: { mailer: mailer({ failures: 3 }) } })
  const task = await t.submit(notify, { to: 'a@example.org' })
  await t.advance('2h')
  const { status, deadLetter } = await t.tasks.get(task.taskId)
  assert.equal(status, 'DEAD_LETTER')
  assert.equal(deadLetter?.reason, 'attempts-exhausted')
})

test('a crash in the middle has it run again at once, and spends no retry', async () => {
  let runs = 0
  const stuckOnce: Mailer = {
    send: () => (++runs === 1 ? new Promise(() => undefined) : Promise.resolve()),
  }
  await using t = await testEngine({ tasks: [notify], services: { mailer: stuckOnce }, persistent: true })
  const task = await t.submit(notify, { to: 'a@example.org' })
  await t.drain()
  await t.crash()
  await t.advance('1m')
  const { status, attempt, retryCount } = await t.tasks.get(task.taskId)
  assert.deepEqual({ status, attempt, retryCount }, { status: 'COMPLETED', attempt: 2, retryCount: 0 })
})
