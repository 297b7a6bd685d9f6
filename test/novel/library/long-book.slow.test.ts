import { expect, test } from 'vitest'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { ann, draftOf } from './case.ts'
import { SqliteUnderTest } from './under-test.ts'

const megabyte = 1_000_000
const size = 200 * megabyte
const sceneLength = 40_000
const scenesPerBatch = 25

/** Writes a book of `size` bytes, a batch at a time, and returns by how much the process grew meanwhile. */
async function writeLongBook(library: NovelLibrary): Promise<{ grown: number; scenes: number }> {
  const draft = await library.drafts.create(draftOf('long'))
  await library.drafts.write(draft, { volumes: [{ position: 0, title: '' }] })
  const batches = size / (sceneLength * scenesPerBatch)
  const before = process.memoryUsage().rss
  let peak = before
  for (let chapter = 0; chapter < batches; chapter++) {
    const scenes = Array.from({ length: scenesPerBatch }, (_, position) => ({
      ...{ chapterPosition: chapter, position },
      content: `${chapter} ${position} `.padEnd(sceneLength, 'Somebody crosses the bridge at dawn. '),
    }))
    const chapters = [{ position: chapter, volumePosition: 0, title: `Chapter ${chapter + 1}` }]
    expect(await library.drafts.write(draft, { chapters, scenes })).toBe('written')
    peak = Math.max(peak, process.memoryUsage().rss)
  }
  const totals = { volumes: 1, chapters: batches, scenes: batches * scenesPerBatch }
  expect(await library.drafts.publish(draft, totals)).toMatchObject({ outcome: 'published' })
  return { grown: peak - before, scenes: totals.scenes }
}

test('200 MB of text are imported, read and removed in a small part of that memory', {
  timeout: 300_000,
}, async () => {
  await using under = new SqliteUnderTest()
  const { library } = under
  const { grown, scenes } = await writeLongBook(library)
  expect(grown / megabyte).toBeLessThan(150)
  const novelId = draftOf('long').novelId
  expect(await library.shelf.novel(ann, novelId)).toMatchObject({ scenes })
  const page = await library.shelf.texts(ann, { novelId }, { pageSize: 1_000 })
  expect(page.items).toHaveLength(10)
  while ((await library.shelf.remove(ann, novelId)) === 'more') {}
  expect(await library.drafts.find(novelId)).toBeUndefined()
})
