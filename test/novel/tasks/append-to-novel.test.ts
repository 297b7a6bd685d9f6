import {
  appendToNovel,
  appendUpload,
  compareUpload,
  importNovel,
  novelIdOf,
  storeUpload,
} from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import { removeUpload } from '../../../src/novel/upload-files.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'

/** A chapter of a file: its scenes, each of two paragraphs of its own words. */
const chapter = (number: number, scenes: readonly string[] = ['a', 'b']) =>
  [
    `Chapter ${number}: The ${number}th Lock`,
    ...scenes.map(
      name => `Of chapter ${number}, scene ${name}.\n\nThe barge of ${name} passed lock ${number} at noon.`,
    ),
  ]
    .join('\n\n***\n\n')
    .replace('\n\n***\n\n', '\n\n')

const book = (chapters: readonly string[], title = 'The Barge') => `${title}\n\n${chapters.join('\n\n')}\n`

async function upload({ services }: Writing, text: string): Promise<string> {
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }
  const stored = await storeUpload(services, { userId: ann, fileName: 'barge.txt', content: content() })
  return stored.id
}

async function imported(w: Writing, text: string): Promise<string> {
  const uploadId = await upload(w, text)
  const task = await w.t.submit(importNovel, { uploadId, summarise: true }, { userId: ann })
  await w.t.drain()
  await task.result()
  return novelIdOf(uploadId)
}

const compare = (w: Writing, uploadId: string, novelId: string) =>
  compareUpload(w.services, { userId: ann, uploadId, novelId })

async function append(
  w: Writing,
  asked: { uploadId: string; novelId: string; chapters?: number[]; replace?: number[]; summarise?: boolean },
) {
  const { taskId } = await appendUpload(w.t, w.services, { userId: ann, ...asked })
  await w.t.drain()
  const task = await w.t.find(appendToNovel, taskId)
  const { progress = '{}' } = await w.t.tasks.get(taskId)
  return { taskId, state: await task?.state(), progress: JSON.parse(progress) }
}

async function outline(w: Writing, novelId: string) {
  const { shelf } = w.library
  const { items } = await shelf.chapters(ann, { novelId }, { pageSize: 200 })
  const volumes = await shelf.volumes(ann, novelId)
  return items.map(({ title, volumeId, sceneIds }) => {
    const volume = volumes.find(({ id }) => id === volumeId)?.title
    return `${volume}|${title.replace(/: .*/, '')}|${sceneIds.length}`
  })
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describeWriting('AppendToNovel', open => {
  it('adds the chapters that are new, and touches nothing that is known', async () => {
    await using w = await open()
    const novelId = await imported(w, book(numbers(1, 4).map(number => chapter(number))))
    const before = await w.scenes(novelId)
    const uploadId = await upload(w, book(numbers(1, 6).map(number => chapter(number))))
    const comparison = await compare(w, uploadId, novelId)
    expect(comparison.counts).toEqual({ known: 4, changed: 0, new: 2, missing: 0 })
    const { items: chapters } = await w.library.shelf.chapters(ann, { novelId }, { pageSize: 10 })
    expect(comparison.chapters.at(-1)).toEqual({
      ...{ index: 5, title: 'Chapter 6: The 6th Lock', volume: '', words: 28, status: 'new' },
      behind: chapters[3]?.id,
    })
    const { state, progress } = await append(w, { uploadId, novelId })
    expect(progress).toEqual({ stage: 'indexing', done: 4, total: 4 })
    expect(state).toMatchObject({
      status: 'COMPLETED',
      result: {
        ...{ novelId, added: 2, replaced: 0, scenes: 4, skipped: [], skippedChapters: 0, index: 'lexical' },
        summaries: { total: 4, success: 4, failed: 0, conflict: 0, skipped: 0 },
      },
    })
    const after = await w.scenes(novelId)
    expect(after.slice(0, before.length)).toEqual(before)
    expect(after).toHaveLength(12)
    expect(after.every(({ hasSummary }) => hasSummary)).toBe(true)
    const novel = await w.library.shelf.novel(ann, novelId)
    expect(novel).toMatchObject({ volumes: 1, chapters: 6, scenes: 12, summaries: 12, words: 28 * 6 })
    const found = await w.library.index.search(ann, novelId, { query: 'lock 6' })
    expect(found.hits.map(({ sceneId }) => sceneId)).toContain(after.at(-1)?.id)
    expect(await w.library.index.state(ann, novelId)).toMatchObject({ outOfDateScenes: 0 })
    // The same file once more has nothing to add.
    const again = await append(w, {
      uploadId: await upload(w, book(numbers(1, 6).map(number => chapter(number)))),
      novelId,
    })
    expect(again.state).toMatchObject({ status: 'COMPLETED', result: { added: 0, replaced: 0, scenes: 0 } })
    expect(await w.scenes(novelId)).toEqual(after)
  })

  it('continues with a file of new chapters alone, and puts others between those that it knows', async () => {
    await using w = await open()
    const novelId = await imported(w, book([1, 2, 5, 6].map(number => chapter(number))))
    const tail = await upload(w, book([7, 8].map(number => chapter(number, ['c']))))
    const { state, progress } = await append(w, { uploadId: tail, novelId, summarise: false })
    expect(state).toMatchObject({
      result: { added: 2, summaries: { total: 0 }, index: 'lexical' },
    })
    expect(progress).toEqual({ stage: 'indexing', done: 3, total: 3 })
    const between = await upload(w, book([2, 3, 4, 5].map(number => chapter(number))))
    expect(await compare(w, between, novelId)).toMatchObject({
      counts: { known: 2, changed: 0, new: 2, missing: 4 },
      missing: [{ position: 0 }, { position: 3 }, { position: 4 }, { position: 5 }],
    })
    await append(w, { uploadId: between, novelId, chapters: [2], summarise: false })
    expect((await outline(w, novelId)).map(each => each.split('|')[1])).toEqual(
      [1, 2, 4, 5, 6, 7, 8].map(number => `Chapter ${number}`),
    )
  })

  it('makes the volumes that begin, and goes on in those that are there', async () => {
    await using w = await open()
    const inVolumes = (last: number) =>
      book([
        ...['Part One: Locks', chapter(1), chapter(2)],
        ...['Part Two: Weirs', ...numbers(3, Math.min(last, 5)).map(number => chapter(number))],
        ...(last > 5 ? ['Part Three: The Sea', ...numbers(6, last).map(number => chapter(number))] : []),
      ])
    const novelId = await imported(w, inVolumes(4))
    await append(w, { uploadId: await upload(w, inVolumes(7)), novelId, summarise: false })
    expect(await outline(w, novelId)).toEqual([
      ...['Part One: Locks|Chapter 1|2', 'Part One: Locks|Chapter 2|2'],
      ...[3, 4, 5].map(number => `Part Two: Weirs|Chapter ${number}|2`),
      ...[6, 7].map(number => `Part Three: The Sea|Chapter ${number}|2`),
    ])
    expect(await w.library.shelf.novel(ann, novelId)).toMatchObject({ volumes: 3, chapters: 7, scenes: 14 })
  })

  it('replaces a text where that is asked for, as a save that can be undone', async () => {
    await using w = await open()
    const novelId = await imported(w, book(numbers(1, 3).map(number => chapter(number, ['a', 'b', 'c']))))
    const before = await w.scenes(novelId)
    const [, , , first, second, third] = before
    // Scene a stays, b is another one now, c is gone, and there is one more before a.
    const edited = chapter(2, ['z', 'a', 'b']).replace('scene b.', 'scene b, told anew.')
    const uploadId = await upload(w, book([chapter(1, ['a', 'b', 'c']), edited]))
    const comparison = await compare(w, uploadId, novelId)
    expect(comparison.counts).toEqual({ known: 1, changed: 1, new: 0, missing: 1 })
    expect(comparison.chapters[1]).toMatchObject({
      status: 'changed',
      position: 1,
      wordsInNovel: 42,
      words: 44,
    })
    const { state, taskId } = await append(w, { uploadId, novelId, replace: [1] })
    expect(state).toMatchObject({
      status: 'COMPLETED',
      result: { added: 0, replaced: 1, scenes: 2, skipped: [], summaries: { total: 2, success: 2 } },
    })
    const after = await w.scenes(novelId)
    const { items: chapters } = await w.library.shelf.chapters(ann, { novelId }, { pageSize: 10 })
    expect(after.filter(({ chapterId }) => chapterId === chapters[1]?.id).map(({ id }) => id)).toEqual([
      expect.any(String),
      first?.id,
      second?.id,
    ])
    expect(after[4]).toMatchObject({ content: first?.content, version: first?.version, position: 1 })
    const saved = await w.scene(second?.id ?? '')
    expect(saved).toMatchObject({
      textOrigin: { method: 'imported', writtenBy: { taskId, attempt: 1 } },
      summaryOutOfDate: false,
    })
    expect(saved.content).toContain('told anew')
    const { items: entries } = await w.library.scenes.history(ann, saved.id, { pageSize: 10 })
    expect(entries.find(({ what }) => what === 'text')).toMatchObject({
      text: second?.content,
      why: 'overwritten',
    })
    expect(await w.library.bin.entries(ann, novelId)).toMatchObject([{ what: 'scene', unitId: third?.id }])
    const novel = await w.library.shelf.novel(ann, novelId)
    expect(novel).toMatchObject({ chapters: 3, scenes: 9, words: 42 + 44 + 42 })
    const beforeId = state?.status === 'COMPLETED' ? state.result.beforeId : undefined
    const { items: snapshots } = await w.library.snapshots.snapshots(ann, novelId, { pageSize: 5 })
    expect(snapshots).toMatchObject([{ id: beforeId, name: 'barge.txt', isBeforeAppending: true, scenes: 9 }])
  })

  it('leaves a chapter that somebody changes meanwhile, and names what it left', async () => {
    await using w = await open()
    const novelId = await imported(w, book(numbers(1, 3).map(number => chapter(number))))
    const edit = (number: number) => chapter(number).replace('scene a.', 'scene a, told anew.')
    const uploadId = await upload(w, book([edit(1), edit(2), chapter(3), chapter(4)]))
    const [scene] = await w.scenes(novelId)
    // The first attempt breaks off when it has replaced one chapter, and before that is recorded.
    const { replace: whole } = w.library.additions
    vi.spyOn(w.library.additions, 'replace').mockImplementationOnce(async (userId, replacement) => {
      await whole(userId, replacement)
      const [, , other] = await w.scenes(novelId)
      const { version: expectedVersion, id: sceneId } = await w.scene(other?.id ?? '')
      await w.library.scenes.editScene(ann, { sceneId, expectedVersion, content: 'Written meanwhile.' })
      throw new Error('The disk went away.')
    })
    const { taskId } = await appendUpload(w.t, w.services, {
      ...{ userId: ann, uploadId, novelId, chapters: [2, 3], replace: [0, 1, 2] },
    })
    await w.t.drain()
    await expect(removeUpload(w.t, w.services, { userId: ann, uploadId })).rejects.toMatchObject({
      code: 'UPLOAD_CONFIRMED',
    })
    await w.t.jump('20s')
    const task = await w.t.find(appendToNovel, taskId)
    expect(await task?.result()).toMatchObject({
      ...{ added: 1, replaced: 1, skippedChapters: 2 },
      // Those of the scene that the first attempt has written, and of the two that are new.
      summaries: { total: 3, success: 3 },
      skipped: [
        { chapter: 1, reason: 'changed-meanwhile' },
        { chapter: 2, reason: 'known' },
      ],
    })
    const after = await w.scenes(novelId)
    expect(after.map(({ content }) => content.slice(0, 30))).toContain('Written meanwhile.')
    expect(after).toHaveLength(8)
    const { items: entries } = await w.library.scenes.history(ann, scene?.id ?? '', { pageSize: 10 })
    expect(entries.filter(({ what }) => what === 'text')).toHaveLength(1)
    await removeUpload(w.t, w.services, { userId: ann, uploadId })
    expect(await w.library.shelf.novel(ann, novelId)).toMatchObject({ chapters: 4 })
  })

  it('uses an upload once: for one novel, and either as it is or as an addition', async () => {
    await using w = await open()
    const novelId = await imported(w, book([chapter(1)]))
    const uploadId = await upload(w, book([chapter(1), chapter(2)]))
    const asked = { userId: ann, uploadId, novelId, summarise: false }
    const begun = await appendUpload(w.t, w.services, asked)
    expect(begun.novelId).toBe(novelId)
    expect(await appendUpload(w.t, w.services, asked)).toEqual(begun)
    const other = appendUpload(w.t, w.services, { ...asked, chapters: [0] })
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    const task = await w.t.submit(importNovel, { uploadId }, { userId: ann })
    await w.t.drain()
    await expect(task.result()).rejects.toMatchObject({
      message: expect.stringContaining('was used by task'),
    })
    expect(await w.library.shelf.novel(ann, novelId)).toMatchObject({ chapters: 2, scenes: 4 })
    const missing = appendUpload(w.t, w.services, {
      ...asked,
      uploadId: await upload(w, book([chapter(3)])),
      novelId: 'none',
    })
    await expect(missing).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
  })
})
