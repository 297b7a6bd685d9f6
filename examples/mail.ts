// A mail that is sent once and tried five times, at most 600 a minute: docs/moving.md.
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'

const welcome = defineTask({
  type: 'Welcome',
  lane: 'mail',
  parameters: z.object({ to: z.email() }),
  result: z.object({ messageId: z.string() }),
  retry: { maxAttempts: 5, backoff: ['1s', '2s', '4s', '8s'] },
  async execute(ctx) {
    await ctx.acquire('mail')
    return ctx.checkpoint('send', () => send(ctx.parameters.to))
  },
})

const engine = await createEngine({
  tasks: [welcome],
  store: sqlite({ file: 'mail.db' }),
  lanes: { mail: { slots: 4 } },
  limits: { mail: { requestsPerMinute: 600 } },
})
await engine.start()
const to = 'ann@example.org'
const first = await engine.submit(welcome, { to }, { idempotencyKey: `welcome ${to}` })
const again = await engine.submit(welcome, { to }, { idempotencyKey: `welcome ${to}` })
console.log(await again.result(), first.taskId === again.taskId)
await engine.stop()

/** Stands for a provider of mail. */
async function send(address: string): Promise<{ messageId: string }> {
  console.log(`a mail to ${address}`)
  return { messageId: 'm-1' }
}
