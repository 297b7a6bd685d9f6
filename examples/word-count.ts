// The smallest useful program: one task type, one file that keeps the tasks, one result.
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'

const countWords = defineTask({
  type: 'CountWords',
  parameters: z.object({ text: z.string() }),
  result: z.object({ words: z.number() }),
  execute: ctx => ({ words: ctx.parameters.text.split(/\s+/).filter(Boolean).length }),
})

const engine = await createEngine({ tasks: [countWords], store: sqlite({ file: 'word-count.db' }) })
await engine.start()
const task = await engine.submit(countWords, { text: 'The tide takes what it is owed.' })
console.log(await task.result())
await engine.stop()
