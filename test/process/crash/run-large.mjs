// A child program: submits large tasks that wait, and runs as many with large results, in a heap that cannot hold them all.
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'
import { endWithParent, optionsOf, say } from './program.mjs'

const { file, count, length } = optionsOf()
endWithParent()

const text = number => `${number} ${'x'.repeat(length)}`
const large = defineTask({
  type: 'Large',
  parameters: z.string(),
  result: z.null(),
  execute: () => null,
})
const answers = defineTask({
  type: 'Answers',
  parameters: z.number(),
  result: z.string(),
  execute: ctx => text(ctx.parameters),
})
const engine = await createEngine({
  tasks: [large, answers],
  store: sqlite({ file }),
  lanes: { default: { slots: 2 }, waiting: { slots: 0 } },
})
await engine.start()
for (let number = 0; number < count; number++) {
  await engine.submit(large, text(number), { lane: 'waiting' })
  const task = await engine.submit(answers, number)
  const result = await task.result()
  // A wait that begins after the end has to be answered too.
  const again = await (await engine.find(answers, task.taskId)).result()
  if (result !== text(number) || again !== result) throw new Error(`The result of ${number} is another.`)
}
await engine.stop()
say('done')
process.stdin.destroy()
