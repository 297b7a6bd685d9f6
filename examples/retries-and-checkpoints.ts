// One task that meets everything a provider does: it asks to wait, it breaks off, and in the end it answers. What was paid for
// is not paid for again.
import { createEngine, defineTask, PermanentError, SnoozeError } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'

/** Stands in for a model provider. */
const provider = {
  calls: 0,
  outline(topic: string): string[] {
    provider.calls += 1
    return [`${topic}: the arrival`, `${topic}: the flood`]
  },
}

const draft = defineTask({
  type: 'Draft',
  parameters: z.object({ topic: z.string() }),
  progress: z.object({ written: z.number(), of: z.number() }),
  result: z.object({ text: z.string() }),
  attemptTimeout: '1m',
  deadline: '10m',
  retry: { maxAttempts: 3, backoff: ['200ms', '1s'] },

  async execute(ctx) {
    if (ctx.parameters.topic === '') throw new PermanentError('there is no topic', { code: 'TOPIC_MISSING' })

    // Run once for the task, whatever becomes of this attempt: a later one gets the stored value.
    const scenes = await ctx.checkpoint('outline', () => provider.outline(ctx.parameters.topic))
    ctx.logInfo('outlined', { scenes: scenes.length })

    // Ends the attempt until the named time. No retry is spent.
    if (ctx.attempt === 1) throw new SnoozeError(Date.now() + 1_000, 'the provider asks for a second')
    // Anything else that is thrown is retried by the policy above.
    if (ctx.attempt === 2) throw new Error('the connection was reset')

    const written: string[] = []
    for (const scene of scenes) {
      ctx.signal.throwIfAborted()
      written.push(await ctx.checkpoint(scene, () => `${scene}.`))
      ctx.updateProgress({ written: written.length, of: scenes.length })
    }
    await ctx.addUsage({ model: 'example/model', inputTokens: 40, outputTokens: 90 })
    return { text: written.join(' ') }
  },
})

const engine = await createEngine({ tasks: [draft], store: sqlite({ file: 'drafts.db' }) })
engine.events.on('retrying', event => {
  console.log(`attempt ${event.attempt} ended: ${event.errorInfo?.message} (retries: ${event.retryCount})`)
})
await engine.start()

const task = await engine.submit(draft, { topic: 'The ferry' })
console.log(await task.result())
const { attempt, retryCount } = await engine.tasks.get(task.taskId)
console.log(`attempts: ${attempt}, retries: ${retryCount}, calls of the outline: ${provider.calls}`)
console.log(await engine.tasks.usage(task.taskId))

// A permanent error opens a dead letter with the write that ends the task.
const hopeless = await engine.submit(draft, { topic: '' })
await hopeless.result().catch(error => console.log(error.message))
const { items } = await engine.deadLetters.list({}, { pageSize: 10 })
for (const { taskType, deadLetter } of items)
  console.log(taskType, deadLetter?.reason, deadLetter?.error.code)
await engine.stop()
