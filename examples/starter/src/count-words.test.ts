import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runHandler, testEngine } from 'quillwork/testing'
import { countWords } from './count-words.ts'

const chapter = 'The tide takes what it is owed.\n\nNobody asks it twice.'

test('the handler alone', async () => {
  const { result } = await runHandler(countWords, { chapter })
  assert.deepEqual(result, { words: 11, paragraphs: 2 })
})

test('in an engine, whose process dies before the task has run', async () => {
  await using t = await testEngine({ tasks: [countWords], persistent: true })
  const { taskId } = await t.submit(countWords, { chapter })
  await t.crash()
  const task = await t.find(countWords, taskId)
  await t.drain()
  assert.deepEqual(await task?.result(), { words: 11, paragraphs: 2 })
})
