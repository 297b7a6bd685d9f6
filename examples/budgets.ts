// A tree that may use 500 tokens. It stops before the call that would be too many, says so, and goes on when it may use more.
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'

const writeScene = defineTask({
  type: 'WriteScene',
  parameters: z.object({ scene: z.number() }),
  result: z.object({ text: z.string() }),
  async execute(ctx) {
    // The estimate is 100 tokens. Where it does not fit this throws, and the task comes back when it does: let it pass.
    const hold = await ctx.reserve({ tokens: 100 })
    const text = `scene ${ctx.parameters.scene}`
    await hold.commit({ tokens: 90 })
    await ctx.addUsage({ model: 'example/model', inputTokens: 60, outputTokens: 30 })
    return { text }
  },
})

const writeBook = defineTask({
  type: 'WriteBook',
  parameters: z.object({ scenes: z.number() }),
  result: z.object({ written: z.number() }),
  async execute(ctx) {
    const scenes = Array.from({ length: ctx.parameters.scenes }, (_, scene) => ({
      key: `${scene}`,
      parameters: { scene },
    }))
    await ctx.submitSubTasks(writeScene, scenes)
  },
  async onSubTasksSettled(ctx) {
    let written = 0
    for await (const { status } of ctx.subTasks(writeScene)) if (status === 'COMPLETED') written += 1
    return { written }
  },
})

const engine = await createEngine({ tasks: [writeBook, writeScene], store: sqlite({ file: 'budgets.db' }) })
await engine.start()
const book = await engine.submit(writeBook, { scenes: 8 }, { budget: { tokens: 500 } })

// Five calls of 90 fit: the sixth would need 100, and 50 are left.
let use = await engine.budgets.get(book.taskId)
for (; use.waiting < 3 || use.reserved.tokens > 0; use = await engine.budgets.get(book.taskId))
  await sleep(20)
console.log(`spent ${use.spent.tokens} of ${use.budget?.tokens}, ${use.waiting} scenes wait`)

await engine.budgets.set(book.taskId, { tokens: 1_000 })
console.log(await book.result())
console.log(`spent ${(await engine.budgets.get(book.taskId)).spent.tokens}`)
await engine.stop()
