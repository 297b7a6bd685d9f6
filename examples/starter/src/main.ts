import { createEngine } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { countWords } from './count-words.ts'

const engine = await createEngine({ tasks: [countWords], store: sqlite({ file: 'data/tasks.db' }) })
await engine.start()
const chapter = 'The tide takes what it is owed.\n\nNobody asks it twice.'
// The key finds the task of an earlier run, and nothing is done again.
const task = await engine.submit(countWords, { chapter }, { idempotencyKey: 'chapter 1' })
console.log(await task.result())
await engine.stop()
