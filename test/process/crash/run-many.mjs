// A child program: submits many tasks in one call, or runs a parent that submits many sub-tasks in one call, and dies in the middle of it.
import { setImmediate } from 'node:timers/promises'
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'
import { dieNow } from './death.mjs'
import { endWithParent, optionsOf, say } from './program.mjs'

const { file, count, roots = false, turns } = optionsOf()
endWithParent()

const texts = Array.from({ length: count }, (_, number) => `number ${number}`)
const page = defineTask({
  type: 'Page',
  parameters: z.string(),
  result: z.null(),
  execute: () => null,
})
const book = defineTask({
  type: 'Book',
  parameters: z.null(),
  result: z.number(),
  async execute(ctx) {
    const writing = ctx.submitSubTasks(
      page,
      texts.map(text => ({ key: text, parameters: text })),
    )
    await dieAfter(turns)
    await writing
  },
  async onSubTasksSettled(ctx) {
    let found = 0
    for await (const { done } of ctx.subTasks(page)) if (done) found += 1
    return found
  },
})
const engine = await createEngine({
  tasks: [book, page],
  store: sqlite({ file }),
  lanes: { default: { slots: 20 } },
})
if (roots) {
  const writing = engine.submitMany(
    page,
    texts.map(text => ({ parameters: text })),
  )
  await dieAfter(turns)
  await writing
} else {
  await engine.start()
  const task = await engine.submit(book, null, { idempotencyKey: 'book' })
  const found = await task.result()
  const { subTaskStatusSummary } = await engine.tasks.get(task.taskId)
  say('done', { found, subTaskStatusSummary })
}
await engine.stop()
process.stdin.destroy()

/** Ends the process after that many turns of the event loop, if a number is given. */
async function dieAfter(most) {
  if (most === undefined) return
  for (let turn = 0; turn < most; turn++) await setImmediate()
  dieNow()
}
