// A book whose chapters are counted side by side: a parent, its sub-tasks, and a hook that makes the result of theirs.
import { createEngine, defineTask, PermanentError } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'

const countChapter = defineTask({
  type: 'CountChapter',
  parameters: z.object({ text: z.string() }),
  result: z.object({ words: z.number() }),
  execute(ctx) {
    const words = ctx.parameters.text.split(/\s+/).filter(Boolean).length
    // No later attempt would find a word either: the sub-task fails at once, and its siblings go on.
    if (words === 0) throw new PermanentError('the chapter is empty', { code: 'CHAPTER_EMPTY' })
    return { words }
  },
})

const countBook = defineTask({
  type: 'CountBook',
  parameters: z.object({ chapters: z.record(z.string(), z.string()) }),
  result: z.object({ words: z.number(), missing: z.array(z.string()) }),

  // The key names a sub-task within its parent: a second attempt finds the same ones and makes no new ones.
  async execute(ctx) {
    const chapters = Object.entries(ctx.parameters.chapters)
    await ctx.submitSubTasks(
      countChapter,
      chapters.map(([key, text]) => ({ key, parameters: { text } })),
    )
  },

  // Runs in an attempt of its own once no sub-task is live any more. Until then the parent holds no worker slot.
  async onSubTasksSettled(ctx) {
    let words = 0
    const missing: string[] = []
    for await (const chapter of ctx.subTasks(countChapter)) {
      if (chapter.result === undefined) missing.push(chapter.key)
      else words += chapter.result.words
    }
    return { words, missing }
  },
})

const engine = await createEngine({
  tasks: [countChapter, countBook],
  store: sqlite({ file: 'book.db' }),
})
await engine.start()
const chapters = {
  'chapter 1': 'The clock stopped on a Tuesday.',
  'chapter 2': '',
  'chapter 3': 'Nobody wound it again.',
}
// With the key, a second run of this program finds the task of the first one and its result.
const book = await engine.submit(countBook, { chapters }, { idempotencyKey: 'the clock, first draft' })
console.log(await book.result())

const { status, subTaskStatusSummary } = await engine.tasks.get(book.taskId)
console.log(status, subTaskStatusSummary)
const { items } = await engine.tasks.children(book.taskId, {}, { pageSize: 10 })
for (const { subTaskKey, status, errorInfo } of items)
  console.log(subTaskKey, status, errorInfo?.message ?? '')
await engine.stop()
