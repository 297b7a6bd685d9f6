import { Readable } from 'node:stream'
import { decode, hasEnded, PermanentError } from 'quillwork'
import {
  binNovel,
  confirmUpload,
  deleteNovel,
  deleteUser,
  eraseNovel,
  generateSummary,
  storeUpload,
  sweepBinnedNovels,
  sweepDrafts,
  vectorize,
} from 'quillwork/novel'
import { createGate } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { subjectTags } from '../../../src/novel/subject-tags.ts'
import { liveStatuses } from '../../../src/task/status.ts'
import { isCancelRequested, type TaskRecord } from '../../../src/task/task.ts'
import { ann, bookOf, fourChapters, type NovelEngine, novelEngine, scriptedModel } from './novel-engine.ts'

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

async function resultOf({ t }: NovelEngine, taskId: string): Promise<unknown> {
  return decode((await t.tasks.get(taskId)).result ?? 'null')
}

/** How many tasks of a type were cancelled, as the recorder saw. */
function cancelledIn({ t }: NovelEngine): Record<string, number> {
  const types = t.recorder.all('cancelled').map(({ taskType }) => taskType)
  return Object.fromEntries(
    [...new Set(types)].map(type => [type, types.filter(each => each === type).length]),
  )
}

const cancelledImport = { ImportNovel: 1, BatchGenerateSummary: 1, GenerateSummary: 24 }

describe('deleting a novel', () => {
  it('into the bin cancels what works on it; what was there for 30 days is deleted for good', async () => {
    const { n, gate, novelId } = await summarising()
    await using _n = n
    await binNovel(n.t, n.services, { userId: ann, novelId })
    await expect(n.library.shelf.novel(ann, novelId)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
    gate.open()
    await n.t.advance('1s')
    expect(cancelledIn(n)).toEqual(cancelledImport)
    expect(await sweepBinnedNovels(n.t, n.services)).toBe(0)
    await n.library.binnedNovels.restore(ann, novelId)
    expect(await n.library.shelf.novel(ann, novelId)).toMatchObject({ scenes: 24 })
    await binNovel(n.t, n.services, { userId: ann, novelId })
    // What has expired is for the cases of the library to say.
    const { binnedNovels } = n.library
    const expired = async () => {
      const [novel] = await binnedNovels.list(ann)
      return novel && { userId: ann, novelId: novel.id }
    }
    const library = { ...n.library, binnedNovels: { ...binnedNovels, expired } }
    expect(await sweepBinnedNovels(n.t, { library })).toBe(1)
    await n.t.drain()
    expect((await n.t.tasks.list({ taskType: ['EraseNovel'] }, all)).items).toMatchObject([
      { status: 'COMPLETED' },
    ])
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
    expect(await n.library.binnedNovels.list(ann)).toEqual([])
  })

  it.each([
    ['during its import', (uploadId: string) => subjectTags('ImportNovel', { uploadId })],
    ['during an import that was submitted without tags', () => []],
  ])('%s cancels the import, and leaves no dead letter', async (_, tagsOf) => {
    const { n, gate, novelId, atRemoval } = await summarising(tagsOf)
    await using _n = n
    const { record } = await deleteNovel(n.t, n.services, { userId: ann, novelId })
    await expect(n.library.shelf.novel(ann, novelId)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
    // What still ran had been asked to stop before anything of the novel went.
    const worksOn = atRemoval.filter(({ taskType }) => taskType !== 'EraseNovel')
    expect(worksOn.filter(task => !isCancelRequested(task))).toEqual([])
    gate.open()
    await n.t.advance('1s')
    expect(cancelledIn(n)).toEqual(cancelledImport)
    expect(n.t.recorder.all('failed')).toEqual([])
    expect(await endsOf(n)).toEqual({ 'EraseNovel COMPLETED': 1 })
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
    expect(n.files()).toEqual([])
    expect(await resultOf(n, record.id)).toEqual({
      tasks: 27,
      uploads: 1,
      exports: 0,
      chapters: 12,
      scenes: 24,
      words: 672,
    })
  })

  it('cancels and deletes tasks of its scenes by their tag, those of its owner', async () => {
    const { n, gate, novelId } = await summarising()
    await using _n = n
    const [scene] = await n.scenes(novelId)
    const asked = { novelId, sceneId: scene?.id ?? '' }
    const tags = subjectTags('GenerateSummary', asked)
    const task = await n.t.submit(generateSummary, asked, { userId: ann, tags })
    const others = await n.t.submit(generateSummary, asked, { userId: 'bob', tags })
    await deleteNovel(n.t, n.services, { userId: ann, novelId })
    expect(await others.state()).not.toMatchObject({ status: 'CANCELLED' })
    gate.open()
    await n.t.advance('1s')
    expect(cancelledIn(n)['GenerateSummary']).toBe(25)
    await expect(n.t.tasks.get(task.taskId)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    expect((await n.t.tasks.get(others.taskId)).status).toBe('FAILED')
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

  it('deletes what was done with it, tagged or not, dead letters too, and leaves the other novels', async () => {
    await using n = await novelEngine()
    const [novelId, other] = [await n.importText(book, { summarise: true }), await n.importText(book)]
    await n.t.submit(vectorize, { novelId }, { userId: ann })
    const dead = await n.t.submit(vectorize, { novelId, model: 'lexical' }, { userId: ann, tags: ['mine'] })
    const foreign = await n.t.submit(vectorize, { novelId: other }, { userId: ann })
    const noScene = { novelId, sceneId: 'nowhere' }
    await n.t.submit(generateSummary, noScene, { userId: ann })
    await n.t.drain()
    expect((await n.t.deadLetters.list({}, all)).items).toHaveLength(1)
    const { record } = await deleteNovel(n.t, n.services, { userId: ann, novelId })
    await n.t.drain()
    // The import with its 27 sub-tasks, and three more.
    expect(await resultOf(n, record.id)).toMatchObject({ tasks: 31, uploads: 1, scenes: 24 })
    await expect(n.t.tasks.get(dead.taskId)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    expect((await n.t.tasks.get(foreign.taskId)).status).toBe('COMPLETED')
    expect((await n.t.deadLetters.list({}, all)).items).toEqual([])
    expect(await n.scenes(other)).toHaveLength(24)
    expect(n.files()).toHaveLength(1)
  })

  it('asked for twice is one task; asked for afterwards there is no novel', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(fourChapters)
    await n.t.lanes.pause('default')
    const asked = { userId: ann, novelId }
    const [first, second] = [
      await deleteNovel(n.t, n.services, asked),
      await deleteNovel(n.t, n.services, asked),
    ]
    expect([second.record.id, second.isNew]).toEqual([first.record.id, false])
    // Until the task has a slot, the clean-up leaves what is hidden already to it: it tells how much that was.
    expect(await sweepDrafts(n.services, n.t)).toBe(0)
    expect((await n.library.shelf.novels(ann, all)).items).toEqual([])
    await n.t.lanes.resume('default')
    await n.t.drain()
    expect(await resultOf(n, first.record.id)).toMatchObject({ chapters: 4, scenes: 8 })
    await expect(deleteNovel(n.t, n.services, asked)).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
    await expect(n.t.submit(eraseNovel, { novelId }, { userId: ann })).rejects.toMatchObject({
      code: 'NOVEL_NOT_FOUND',
    })
  })

  it.each(['failed', 'was cancelled'])('that %s goes on when somebody asks again', async how => {
    let broken = how === 'failed'
    await using n = await novelEngine({
      faults: ({ uploads }) => ({
        uploads: {
          ...uploads,
          every: userId => (broken ? Promise.reject(new PermanentError('No.')) : uploads.every(userId)),
        },
      }),
    })
    const novelId = await n.importText(fourChapters)
    if (!broken) await n.t.lanes.pause('default')
    const asked = { userId: ann, novelId }
    const { record } = await deleteNovel(n.t, n.services, asked)
    if (!broken) await n.t.tasks.cancel(record.id)
    await n.t.drain()
    expect((await n.t.tasks.get(record.id)).status).toBe(broken ? 'FAILED' : 'CANCELLED')
    expect(await sweepDrafts(n.services, n.t)).toBe(0)
    broken = false
    await n.t.lanes.resume('default')
    const again = await deleteNovel(n.t, n.services, asked)
    expect([again.record.id, again.isNew]).toEqual([record.id, false])
    expect(hasEnded(again.record.status)).toBe(false)
    await n.t.drain()
    expect(await resultOf(n, record.id)).toMatchObject({ tasks: 3, uploads: 1, chapters: 4, scenes: 8 })
    expect(await endsOf(n)).toEqual({ 'EraseNovel COMPLETED': 1 })
    expect(n.files()).toEqual([])
  })

  it('that is retried late, or run anew, spares what was imported since under the same id', async () => {
    let broken = true
    await using n = await novelEngine({
      faults: ({ drafts }) => ({
        drafts: {
          ...drafts,
          discard: (...asked) =>
            broken ? Promise.reject(new PermanentError('No.')) : drafts.discard(...asked),
        },
      }),
    })
    const importAgain = async () => {
      const content = Readable.from([Buffer.from(fourChapters)])
      const { id: uploadId } = await storeUpload(n.services, {
        ...{ id: 'sample', userId: ann, fileName: 'sample.txt', content },
      })
      const imported = await confirmUpload(n.t, n.services, { userId: ann, uploadId, summarise: false })
      await n.t.drain()
      return imported
    }
    const { novelId } = await importAgain()
    const { record } = await deleteNovel(n.t, n.services, { userId: ann, novelId })
    await n.t.drain()
    expect((await n.t.tasks.get(record.id)).status).toBe('FAILED')
    broken = false
    await n.t.jump('1h')
    const { taskId } = await importAgain()
    const { taskId: later } = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    await expect(n.t.tasks.rerun(record.id)).rejects.toMatchObject({ code: 'SUBMISSION_REFUSED' })
    await n.t.tasks.retry(record.id)
    await n.t.drain()
    expect((await n.t.tasks.get(record.id)).status).toBe('COMPLETED')
    expect(await n.scenes(novelId)).toHaveLength(8)
    expect(await n.library.uploads.every()).toHaveLength(1)
    for (const id of [taskId, later]) expect((await n.t.tasks.get(id)).status).toBe('COMPLETED')
  })

  it('that was killed between its steps goes on to its end', async () => {
    let step = 0
    let killAt = 0
    const never = new Promise<never>(() => undefined)
    const maybeDie = async () => {
      step += 1
      if (step === killAt) await never
    }
    for (killAt = 1; killAt <= 6; killAt += 1) {
      await using n = await novelEngine({
        persistent: true,
        faults: ({ drafts, uploads }) => ({
          drafts: {
            ...drafts,
            async discard(...asked) {
              await maybeDie()
              const discarded = await drafts.discard(...asked)
              await maybeDie()
              return discarded
            },
          },
          uploads: {
            ...uploads,
            async every(...asked) {
              await maybeDie()
              return uploads.every(...asked)
            },
            async remove(...asked) {
              await maybeDie()
              await uploads.remove(...asked)
              await maybeDie()
            },
          },
        }),
      })
      step = 0
      const novelId = await n.importText(fourChapters, { summarise: true })
      const { record } = await deleteNovel(n.t, n.services, { userId: ann, novelId })
      await n.t.drain()
      await n.t.crash()
      await n.t.drain()
      expect((await n.t.tasks.get(record.id)).status, `killed at ${killAt}`).toBe('COMPLETED')
      expect(await endsOf(n)).toEqual({ 'EraseNovel COMPLETED': 1 })
      expect(await n.library.drafts.find(novelId)).toBeUndefined()
      expect(await n.library.uploads.every()).toEqual([])
      expect(n.files()).toEqual([])
    }
  })
})

describe('deleting what a user has', () => {
  it('deletes novels, drafts, uploads and tasks of that user alone', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(fourChapters, { summarise: true })
    await n.upload('never imported')
    await n.t.submit(vectorize, { novelId }, { userId: 'bob' })
    const [kept, imported] = [await uploadOf(n, 'bob'), await uploadOf(n, 'bob')]
    const { novelId: other } = await confirmUpload(n.t, n.services, {
      ...{ userId: 'bob', uploadId: imported.id, summarise: false },
    })
    const draft = await n.library.drafts.create({
      novelId: 'half',
      userId: ann,
      title: 'Half a book',
      importTaskId: 'gone',
    })
    // More than are read at a time.
    for (let more = 0; more < 120; more += 1)
      await n.t.submit(vectorize, { novelId }, { userId: ann, delay: '1h' })
    await n.t.drain()
    const nightly = { cron: '@daily', taskType: 'Vectorize', parameters: { novelId } }
    await n.t.schedules.create({ ...nightly, id: 'of-ann', userId: ann })
    await n.t.schedules.create({ ...nightly, id: 'of-bob', userId: 'bob' })
    const { record } = await deleteUser(n.t, { userId: ann })
    await n.t.drain()
    expect(await resultOf(n, record.id)).toEqual({
      ...{ novels: 2, tasks: 132, uploads: 2, exports: 0, chapters: 4, scenes: 8, words: 224 },
    })
    const ofBob = { 'ImportNovel COMPLETED': 1, 'ParseFile COMPLETED': 1, 'Vectorize COMPLETED': 1 }
    expect((await n.t.schedules.list()).map(({ id }) => id)).toEqual(['of-bob'])
    expect(await endsOf(n)).toEqual({ 'EraseUser COMPLETED': 1, 'Vectorize FAILED': 1, ...ofBob })
    for (const id of [novelId, draft.novelId]) expect(await n.library.drafts.find(id)).toBeUndefined()
    expect(await n.library.drafts.find(other)).toMatchObject({ status: 'published', counts: { scenes: 8 } })
    expect((await n.library.uploads.every()).map(({ id }) => id)).toEqual([kept.id, imported.id])
    expect([...n.files()].sort()).toEqual([kept.location, imported.location].sort())
  })

  it('deletes what a running import publishes meanwhile, and refuses the file that is arriving', async () => {
    const [publishing, goOn, arrive] = [createGate(), createGate(), createGate()]
    await using n = await novelEngine({
      faults: ({ drafts }) => ({
        drafts: {
          ...drafts,
          async publish(...asked) {
            publishing.open()
            await goOn.opened
            return drafts.publish(...asked)
          },
        },
      }),
    })
    const { id: uploadId } = await n.upload(book)
    const { novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId, summarise: false })
    await publishing.opened
    const slow = (async function* () {
      yield Buffer.from('The beginning')
      await arrive.opened
      yield Buffer.from(' and the end.')
    })()
    const arriving = storeUpload(n.services, { userId: ann, fileName: 'slow.txt', content: slow })
    const refused = expect(arriving).rejects.toMatchObject({ code: 'UPLOAD_NOT_FOUND' })
    const { record } = await deleteUser(n.t, { userId: ann })
    await n.t.advance('1s')
    expect((await n.t.tasks.get(record.id)).status).toBe('RUNNING')
    arrive.open()
    await refused
    goOn.open()
    await n.t.advance('1s')
    expect(await endsOf(n)).toEqual({ 'EraseUser COMPLETED': 1 })
    expect(await resultOf(n, record.id)).toMatchObject({ novels: 1, uploads: 1, chapters: 12, scenes: 24 })
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
    expect(await n.library.uploads.every()).toEqual([])
    expect(n.files()).toEqual([])
  })

  it('spares what came after it was asked for, but nothing that names a novel that it deletes', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(fourChapters)
    await n.t.lanes.pause('default')
    const { record } = await deleteUser(n.t, { userId: ann })
    await n.t.jump('1h')
    const upload = await n.upload(fourChapters)
    const { taskId } = await n.t.submit(vectorize, { novelId }, { userId: ann })
    const other = await confirmUpload(n.t, n.services, { userId: ann, uploadId: upload.id, summarise: false })
    await n.t.lanes.resume('default')
    await n.t.drain()
    expect(await resultOf(n, record.id)).toMatchObject({ novels: 1, uploads: 1, scenes: 8 })
    await expect(n.t.tasks.get(taskId)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
    expect((await n.t.tasks.get(other.taskId)).status).toBe('COMPLETED')
    expect(await n.scenes(other.novelId)).toHaveLength(8)
    // Run anew it would delete these.
    await expect(n.t.tasks.rerun(record.id)).rejects.toMatchObject({ code: 'SUBMISSION_REFUSED' })
  })
})

function uploadOf(n: NovelEngine, userId: string) {
  const content = Readable.from([Buffer.from(fourChapters)])
  return storeUpload(n.services, { userId, fileName: 'book.txt', content })
}
