import { confirmUpload, deleteNovel, generateSummary } from 'quillwork/novel'
import { createGate } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { subjectTags } from '../../../src/novel/subject-tags.ts'
import { liveStatuses } from '../../../src/task/status.ts'
import { isCancelRequested, type TaskRecord } from '../../../src/task/task.ts'
import { ann, bookOf, type NovelEngine, novelEngine, scriptedModel } from './novel-engine.ts'

const book = bookOf([['Volume One', 12]])

/** An import whose novel is on the shelf, and whose scenes are being summarised: 4 at a time, by a model that waits. */
async function summarising(tagsOf: (uploadId: string) => readonly string[] = () => []) {
  const model = scriptedModel()
  const gate = createGate()
  model.before = () => gate.opened
  const atRemoval: TaskRecord[] = []
  const n = await novelEngine({
    ...{ model, slots: 4 },
    faults: ({ shelf }) => ({
      shelf: {
        ...shelf,
        async remove(...asked) {
          atRemoval.push(...(await n.t.tasks.list({ status: liveStatuses }, all)).items)
          return shelf.remove(...asked)
        },
      },
    }),
  })
  const { id: uploadId } = await n.upload(book)
  const imported = await confirmUpload(n.t, n.services, { userId: ann, uploadId, tags: tagsOf(uploadId) })
  await n.t.drain()
  const { novelId } = imported
  expect(
    (await n.t.tasks.list({ status: ['RUNNING'], taskType: ['GenerateSummary'] }, all)).items,
  ).toHaveLength(4)
  return { n, gate, novelId, atRemoval, taskId: imported.taskId }
}

const all = { pageSize: 100 }

/** How many tasks of a type ended how. */
async function endsOf({ t }: NovelEngine): Promise<Record<string, number>> {
  const ends: Record<string, number> = {}
  for (const { taskType, status } of (await t.tasks.list({}, all)).items) {
    const end = `${taskType} ${status}`
    ends[end] = (ends[end] ?? 0) + 1
  }
  return ends
}

const cancelledImport = {
  'ImportNovel CANCELLED': 1,
  'ParseFile COMPLETED': 1,
  'BatchGenerateSummary CANCELLED': 1,
  'GenerateSummary CANCELLED': 24,
}

describe('deleting a novel', () => {
  it.each([
    ['during its import', (uploadId: string) => subjectTags('ImportNovel', { uploadId })],
    ['during an import that was submitted without tags', () => []],
  ])('%s cancels the import, and leaves no dead letter', async (_, tagsOf) => {
    const { n, gate, novelId, atRemoval } = await summarising(tagsOf)
    await using _n = n
    await deleteNovel(n.t, n.services, { userId: ann, novelId })
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
    // What still ran had been asked to stop before anything of the novel went.
    expect(atRemoval.filter(task => !isCancelRequested(task))).toEqual([])
    gate.open()
    await n.t.drain()
    expect(await endsOf(n)).toEqual(cancelledImport)
    expect((await n.t.deadLetters.list({}, all)).items).toEqual([])
  })

  it('cancels tasks of its scenes by their tag, those of its owner', async () => {
    const { n, gate, novelId } = await summarising()
    await using _n = n
    const [scene] = await n.scenes(novelId)
    const asked = { novelId, sceneId: scene?.id ?? '' }
    const tags = subjectTags('GenerateSummary', asked)
    const task = await n.t.submit(generateSummary, asked, { userId: ann, tags })
    const others = await n.t.submit(generateSummary, asked, { userId: 'bob', tags })
    await deleteNovel(n.t, n.services, { userId: ann, novelId })
    expect(await task.state()).toMatchObject({ status: 'CANCELLED' })
    expect(await others.state()).not.toMatchObject({ status: 'CANCELLED' })
    gate.open()
    await n.t.drain()
  })

  it('cancels nothing for another user, or of a novel that is not there', async () => {
    const { n, gate, novelId, taskId } = await summarising()
    await using _n = n
    for (const asked of [
      { userId: 'bob', novelId },
      { userId: ann, novelId: 'nowhere' },
    ])
      await expect(deleteNovel(n.t, n.services, asked)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
    gate.open()
    await n.t.drain()
    expect(await n.t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED' })
  })

  it('that no task works on deletes it all the same', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(book, { summarise: true })
    await deleteNovel(n.t, n.services, { userId: ann, novelId })
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
    expect(await endsOf(n)).toMatchObject({ 'ImportNovel COMPLETED': 1, 'GenerateSummary COMPLETED': 24 })
  })
})
