import {
  existsSync,
  lutimesSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Tasks } from 'quillwork'
import {
  confirmUpload,
  importNovel,
  previewUpload,
  scrubDeleted,
  storeUpload,
  sweepDrafts,
  sweepUploads,
} from 'quillwork/novel'
import { createGate } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { novelIdOf } from '../../../src/novel/library/ids.ts'
import { removeUpload } from '../../../src/novel/upload-files.ts'
import { encode } from '../import/encoders.ts'
import { ann, fourChapters, novelEngine, scriptedModel } from './novel-engine.ts'

const sample = (name: string) => fileURLToPath(new URL(`../../../samples/${name}`, import.meta.url))

describe('an import', () => {
  it.each([
    ['the-salt-ledger.txt', { title: 'The Salt Ledger', volumes: 2, chapters: 5 }, 'sealskin'],
    ['the-ferry-clock.txt', { title: '渡口的钟', volumes: 2, chapters: 5 }, '沈禾'],
  ])('makes a novel of the sample %s', async (name, facts, query) => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.uploadFile(sample(name))
    const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.drain()

    const task = await n.t.find(importNovel, taskId)
    const state = await task?.state()
    const scenes = await n.scenes(novelId)
    const success = scenes.length
    expect(state).toMatchObject({
      status: 'COMPLETED',
      result: {
        ...facts,
        novelId,
        scenes: success,
        summaries: { total: success, success, failed: 0, conflict: 0, skipped: 0 },
        index: 'lexical',
        warnings: [],
      },
    })
    for (const { summary, content } of scenes) expect(content).toContain(summary?.slice(0, 10))
    const found = await n.library.index.search(ann, novelId, { query })
    expect(found.index).toBe('lexical')
    expect(found.hits.length).toBeGreaterThan(0)
    for (const hit of found.hits) expect(hit.snippet.text).toContain(query)
  })

  it('has three stages, one after the other, and says in which it is', async () => {
    const model = scriptedModel()
    const gate = createGate()
    model.before = () => gate.opened
    await using n = await novelEngine({ model })
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.drain()
    expect(await childrenOf(n, taskId)).toEqual(['ParseFile COMPLETED', 'BatchGenerateSummary RUNNING'])
    expect(await n.t.tasks.get(taskId)).toMatchObject({
      status: 'RUNNING',
      phase: 'awaiting-subtasks',
      progress: JSON.stringify({ stage: 'summarising', done: 1, total: 3 }),
    })
    gate.open()
    await n.t.drain()
    expect(await childrenOf(n, taskId)).toEqual([
      'ParseFile COMPLETED',
      'BatchGenerateSummary COMPLETED',
      'Vectorize COMPLETED',
    ])
    expect(await n.t.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      progress: JSON.stringify({ stage: 'indexing', done: 3, total: 3 }),
    })
  })

  it('makes the chapters that edits shape, and leaves repeated lines out, also where it names the encoding', async () => {
    await using n = await novelEngine()
    const text = [1, 2, 3, 4, 5, 6]
      .map(
        number =>
          `Chapter ${number}\n\nThe ferry left at noon for mile ${number}.\n\nPlease vote for this story`,
      )
      .join('\n\n')
    const edits = [
      { index: 1, merge: true as const },
      { index: 3, title: ' The Bell ', volume: 'Part Two' },
    ]
    for (const encoding of [undefined, 'utf-8']) {
      const { id: uploadId } = await n.upload(text)
      await previewUpload(n.services, { userId: ann, uploadId })
      const shape = { edits, removeLines: ['Please vote for this story'], chapters: [0, 3, 4] }
      const choice = { userId: ann, uploadId, ...shape, ...(encoding === undefined ? {} : { encoding }) }
      const { taskId, novelId } = await confirmUpload(n.t, n.services, choice)
      await n.t.drain()
      const task = await n.t.find(importNovel, taskId)
      expect(await task?.result()).toMatchObject({ volumes: 2, chapters: 3 })
      const texts = (await n.scenes(novelId)).map(({ content }) => content)
      expect(texts).toEqual([
        'The ferry left at noon for mile 1.\n\nChapter 2\n\nThe ferry left at noon for mile 2.',
        'The ferry left at noon for mile 4.',
        'The ferry left at noon for mile 5.',
      ])
    }
  })

  it('fails for good with an edit that its encoding has no place for', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    const choice = { userId: ann, uploadId, encoding: 'utf-8', edits: [{ index: 0, merge: true as const }] }
    const { taskId } = await confirmUpload(n.t, n.services, choice)
    await n.t.drain()
    const task = await n.t.find(importNovel, taskId)
    expect(await task?.state()).toMatchObject({ status: 'FAILED', error: { code: 'OPTION_INVALID' } })
    expect(await childrenOf(n, taskId)).toEqual(['ParseFile FAILED'])
  })

  it('reads the chosen chapters only, and without summaries when none are wanted', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    const choice = { userId: ann, uploadId, chapters: [3, 1, 1], summarise: false, title: ' Chosen ' }
    const { taskId, novelId } = await confirmUpload(n.t, n.services, choice)
    await n.t.drain()
    const task = await n.t.find(importNovel, taskId)
    expect(await task?.result()).toMatchObject({
      title: 'Chosen',
      volumes: 2,
      chapters: 2,
      scenes: 4,
      summaries: { total: 0 },
      index: 'lexical',
    })
    const scenes = await n.scenes(novelId)
    expect(scenes.map(scene => /^Scene \d/.exec(scene.content)?.[0])).toEqual([
      'Scene 3',
      'Scene 4',
      'Scene 7',
      'Scene 8',
    ])
    expect(await childrenOf(n, taskId)).toEqual(['ParseFile COMPLETED', 'Vectorize COMPLETED'])
  })

  it('reads the file in the encoding that it is told', async () => {
    await using n = await novelEngine()
    const text = '第一章 桃园\n\n刘备见关羽、张飞。三人结义于桃园之中，誓同生死。\n'
    const { id: uploadId } = await n.upload(encode(text, 'big5'))
    const { novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId, encoding: 'Big5' })
    await n.t.drain()
    expect((await n.library.index.search(ann, novelId, { query: '结义' })).hits).toHaveLength(0)
    // Big5 has no simplified characters but those that the traditional script shares.
    expect((await n.library.index.search(ann, novelId, { query: '三人' })).hits).toHaveLength(1)
  })

  it('fails at once, with the reason, when there is nothing to import', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(' \n\n ')
    const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.drain()
    expect(await n.t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'TEXT_UNREADABLE', message: 'There is no text to import in book.txt.' },
    })
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
  })

  it('does not tell where the server keeps a file that is gone', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    await n.library.uploads.add({
      ...(await n.library.uploads.upload(ann, uploadId)),
      id: 'other',
      location: 'gone.txt',
    })
    const task = await n.t.submit(importNovel, { uploadId: 'other' }, { userId: ann })
    await n.t.drain()
    const record = await n.t.tasks.get(task.taskId)
    expect(record).toMatchObject({ status: 'FAILED', errorInfo: { code: 'TEXT_UNREADABLE' } })
    expect(JSON.stringify(record)).not.toContain(n.uploadsFolder)
  })

  it('refuses what it does not know', async () => {
    await using n = await novelEngine()
    const unknown = { uploadId: 'x', maxLength: 10 }
    await expect(n.t.submit(importNovel, unknown)).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
  })

  it('writes again what a failed attempt wrote, and doubles nothing', async () => {
    let failures = 1
    await using n = await novelEngine({
      faults: ({ drafts }) => ({
        drafts: {
          ...drafts,
          async publish(draft, totals) {
            if (failures-- > 0) throw new Error('the disk was away')
            return drafts.publish(draft, totals)
          },
        },
      }),
    })
    const { id: uploadId } = await n.upload(fourChapters)
    const { novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId, summarise: false })
    await n.t.drain()
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
    await n.t.advance('1m')
    expect(await n.library.shelf.novel(ann, novelId)).toMatchObject({ volumes: 2, chapters: 4, scenes: 8 })
    expect(await n.scenes(novelId)).toHaveLength(8)
  })

  it('that published its novel completes, also where its upload was deleted before that was stored', async () => {
    let failures = 1
    await using n = await novelEngine({
      faults: ({ drafts }) => ({
        drafts: {
          ...drafts,
          async publish(draft, totals) {
            const published = await drafts.publish(draft, totals)
            if (failures-- > 0) throw new Error('the process was killed')
            return published
          },
        },
      }),
    })
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId, summarise: false })
    await n.t.drain()
    await removeUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.advance('1m')
    const task = await n.t.find(importNovel, taskId)
    expect(await task?.state()).toMatchObject({
      status: 'COMPLETED',
      result: { title: 'The Book of Tests', volumes: 2, chapters: 4, scenes: 8, index: 'lexical' },
    })
  })

  it('takes away what the last of its attempts to parse could not', async () => {
    let failures = 5
    await using n = await novelEngine({
      faults: ({ drafts }) => ({
        drafts: {
          ...drafts,
          publish: () => Promise.reject(new Error('the disk is away')),
          async discard(novelId, options) {
            if (failures-- > 0) throw new Error('the disk is away')
            return drafts.discard(novelId, options)
          },
        },
      }),
    })
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.advance('2h')
    expect(await childrenOf(n, taskId)).toEqual(['ParseFile DEAD_LETTER'])
    expect(await n.t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { message: 'the disk is away' },
    })
    expect(failures).toBeLessThan(0)
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
  })
})

describe('a confirmation', () => {
  it('made twice starts one import of one novel', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    const choice = { userId: ann, uploadId }
    const [first, second] = await Promise.all([
      confirmUpload(n.t, n.services, choice),
      confirmUpload(n.t, n.services, choice),
    ])
    await n.t.drain()
    expect(second).toEqual(first)
    expect(await confirmUpload(n.t, n.services, choice)).toEqual(first)
    expect((await n.library.shelf.novels(ann, { pageSize: 10 })).items).toHaveLength(1)
    expect((await n.t.tasks.list({ taskType: ['ImportNovel'] }, { pageSize: 10 })).items).toHaveLength(1)
    expect(await confirmUpload(n.t, n.services, { ...choice, summarise: true, title: undefined })).toEqual(
      first,
    )
    await previewUpload(n.services, choice)
    const whole = { ...choice, chapters: [3, 2, 1, 0, 0] }
    expect(await confirmUpload(n.t, n.services, whole)).toEqual(first)
    await expect(confirmUpload(n.t, n.services, { ...choice, chapters: [0] })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
  })

  it('holds against another import of the same upload', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    const other = await n.t.submit(importNovel, { uploadId }, { userId: ann })
    await n.t.drain()
    expect(await other.state()).toMatchObject({ status: 'FAILED', error: { code: 'UPLOAD_CONFIRMED' } })
  })

  it('of an upload that a submitted task has imported returns that import', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId } = await n.t.submit(importNovel, { uploadId }, { userId: ann })
    await n.t.drain()
    const confirmed = await confirmUpload(n.t, n.services, { userId: ann, uploadId, chapters: [0] })
    expect(confirmed).toEqual({ taskId, novelId: novelIdOf(uploadId) })
    expect((await n.t.tasks.list({ taskType: ['ImportNovel'] }, { pageSize: 10 })).items).toHaveLength(1)
  })

  it('is refused for an upload of somebody else, and for chapters that are not there', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    await expect(confirmUpload(n.t, n.services, { userId: 'bob', uploadId })).rejects.toMatchObject({
      code: 'UPLOAD_NOT_FOUND',
    })
    await previewUpload(n.services, { userId: ann, uploadId })
    const choice = { userId: ann, uploadId, chapters: [4] }
    await expect(confirmUpload(n.t, n.services, choice)).rejects.toMatchObject({ code: 'CHAPTER_NOT_FOUND' })
  })

  it('of chapters that are not there fails the import when nobody looked before', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId, chapters: [4] })
    await n.t.drain()
    expect(await n.t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'CHAPTER_NOT_FOUND' },
    })
  })
})

describe('a preview', () => {
  it('tells what a file holds, once and for all', async () => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.upload(fourChapters)
    const request = { userId: ann, uploadId }
    const preview = await previewUpload(n.services, request)
    expect(preview).toMatchObject({
      title: 'The Book of Tests',
      encoding: { name: 'utf-8' },
      volumes: [{ chapters: [{ title: 'Chapter 1' }, {}] }, { chapters: [{}, {}] }],
    })
    expect(preview).not.toHaveProperty('plan')
    const kept = (await n.library.uploads.upload(ann, uploadId)).survey
    expect(await previewUpload(n.services, request)).toEqual(preview)
    expect((await n.library.uploads.upload(ann, uploadId)).survey).toBe(kept)
    expect((await previewUpload(n.services, { ...request, encoding: 'gbk' })).encoding.name).toBe('gb18030')
  })
})

describe('an upload', () => {
  it('that is too large leaves nothing behind', async () => {
    await using n = await novelEngine()
    async function* content() {
      for (let i = 0; i < 10; i++) yield new Uint8Array(100)
    }
    const file = { userId: ann, fileName: 'big.txt', content: content(), largest: 500 }
    await expect(storeUpload(n.services, file)).rejects.toMatchObject({ code: 'UPLOAD_TOO_LARGE' })
    expect(n.files()).toEqual([])
  })

  it('keeps the name that it was given and makes no path of it', async () => {
    await using n = await novelEngine()
    const upload = await n.upload('text', '../../etc/passwd')
    expect(upload.fileName).toBe('passwd')
    expect(n.files()).toEqual([upload.location])
  })

  it('goes a day after it came or was confirmed, and not while its import is live', async () => {
    const gate = createGate()
    const model = scriptedModel()
    model.before = () => gate.opened
    await using n = await novelEngine({ model })
    await n.upload(fourChapters)
    const [ended, live] = [await n.upload(fourChapters), await n.upload(fourChapters)]
    await confirmUpload(n.t, n.services, { userId: ann, uploadId: ended.id, summarise: false })
    await confirmUpload(n.t, n.services, { userId: ann, uploadId: live.id })
    await n.t.drain()
    expect(await sweepUploads(n.t, n.services)).toBe(0)
    await n.t.jump('25h')
    expect(await sweepUploads(n.t, n.services)).toBe(2)
    expect(n.files()).toEqual([live.location])
    gate.open()
    await n.t.drain()
    await n.t.jump('25h')
    expect(await sweepUploads(n.t, n.services)).toBe(1)
    expect(n.files()).toEqual([])
  })

  it('is read by an import that waited for longer than the file is kept', async () => {
    await using n = await novelEngine({ originalsMs: 0 })
    await n.t.lanes.pause('default')
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.jump('1h')
    expect(await sweepUploads(n.t, n.services)).toBe(0)
    await n.t.lanes.resume('default')
    await n.t.drain()
    expect((await n.t.tasks.get(taskId)).status).toBe('COMPLETED')
    await n.t.jump('1s')
    expect(await sweepUploads(n.t, n.services)).toBe(1)
    expect(n.files()).toEqual([])
  })

  it('that lost its row, or its file, is swept; not one that has just arrived', async () => {
    await using n = await novelEngine()
    const [lostRow, lostFile, arrived] = [
      await n.upload('one'),
      await n.upload('two'),
      await n.upload('three'),
    ]
    const justNow = await n.upload('four')
    for (const { id } of [lostRow, justNow]) await n.library.uploads.remove(id)
    rmSync(path.join(n.uploadsFolder, lostFile.location))
    const yesterday = new Date(Date.now() - 86_500_000)
    for (const { location } of [lostRow, arrived])
      utimesSync(path.join(n.uploadsFolder, location), yesterday, yesterday)
    // Not at once: this store may be another one than that of the files.
    expect(await sweepUploads(n.t, n.services)).toBe(0)
    expect(await sweepUploads(n.t, n.services)).toBe(0)
    expect(n.files()).toHaveLength(3)
    await n.t.jump('25h')
    expect(await sweepUploads(n.t, n.services)).toBe(3)
    expect(await n.library.uploads.every()).toEqual([])
    expect(n.files()).toEqual([justNow.location])
  })

  it('is a file with the name that it was given here: no other file, and no link, is read or swept', async () => {
    await using n = await novelEngine()
    const { id, location } = await n.upload(fourChapters)
    const own = path.join(n.uploadsFolder, location)
    const elsewhere = path.join(n.uploadsFolder, 'notes.txt')
    renameSync(own, elsewhere)
    symlinkSync(elsewhere, own)
    const unfinished = `${elsewhere}.part`
    writeFileSync(unfinished, 'not ours')
    for (const file of [elsewhere, unfinished]) utimesSync(file, 1, 1)
    lutimesSync(own, 1, 1)
    await expect(previewUpload(n.services, { userId: ann, uploadId: id })).rejects.toMatchObject({
      code: 'TEXT_UNREADABLE',
    })
    expect(await n.services.uploads.open('notes.txt', 'notes.txt')).toBeUndefined()
    expect(await n.services.uploads.stored(0)).toEqual([])
    await n.library.uploads.remove(id)
    await sweepUploads(n.t, n.services)
    await n.t.jump('25h')
    await sweepUploads(n.t, n.services)
    expect([...n.files()].sort()).toEqual([location, 'notes.txt', 'notes.txt.part'].sort())
  })

  it.each(['that was not imported', 'of which the import was cancelled'])(
    'that is deleted leaves no byte of its name and its text: one %s',
    async which => {
      await using n = await novelEngine({ persistent: true })
      const isIn = (word: string) =>
        readdirSync(path.dirname(n.uploadsFolder), { recursive: true, withFileTypes: true })
          .filter(entry => entry.isFile())
          .some(({ parentPath, name }) => readFileSync(path.join(parentPath, name)).includes(word))
      const { id: uploadId } = await n.upload(fourChapters.replaceAll('Volume', 'Zarquon'), 'vogsphere.txt')
      await previewUpload(n.services, { userId: ann, uploadId })
      if (which !== 'that was not imported') {
        await n.t.lanes.pause('default')
        const choice = { userId: ann, uploadId, title: 'Magrathea' }
        await n.t.tasks.cancel((await confirmUpload(n.t, n.services, choice)).taskId)
        await n.t.lanes.resume('default')
        expect(isIn('Magrathea')).toBe(true)
      }
      await removeUpload(n.t, n.services, { userId: ann, uploadId })
      expect(isIn('Zarquon')).toBe(true)
      await n.t.drain()
      await scrubDeleted(n.t, n.services)
      for (const word of ['Zarquon', 'vogsphere', 'Magrathea']) expect(isIn(word), word).toBe(false)
    },
  )

  it('is swept although another one cannot be deleted', async () => {
    await using n = await novelEngine()
    const stuck = await n.upload('stuck')
    await n.t.jump('1s')
    await n.upload('other')
    await n.t.jump('25h')
    const { uploads } = n.services
    const remove = (location: string) =>
      location === stuck.location ? Promise.reject(new Error('EPERM')) : uploads.remove(location)
    await expect(sweepUploads(n.t, { ...n.services, uploads: { ...uploads, remove } })).rejects.toThrow(
      'EPERM',
    )
    expect(n.files()).toEqual([stuck.location])
    expect(await n.library.uploads.every()).toMatchObject([{ id: stuck.id }])
  })

  it('is swept although another one was deleted meanwhile', async () => {
    await using n = await novelEngine({
      faults: ({ uploads }) => ({
        uploads: {
          ...uploads,
          async expired(limit) {
            const found = await uploads.expired(limit)
            if (found[0] !== undefined) await uploads.remove(found[0].id)
            return found
          },
        },
      }),
    })
    const live = await n.upload(fourChapters)
    await n.t.lanes.pause('default')
    await confirmUpload(n.t, n.services, { userId: ann, uploadId: live.id })
    await n.t.jump('1h')
    const other = await n.upload('other')
    await n.t.jump('25h')
    expect(await sweepUploads(n.t, n.services)).toBe(1)
    expect(n.files()).not.toContain(other.location)
  })
})

describe('an import that is cancelled', () => {
  it('while it parses leaves no half novel', async () => {
    const parsing = createGate()
    const goOn = createGate()
    await using n = await novelEngine({
      faults: ({ drafts }) => ({
        drafts: {
          ...drafts,
          async write(draft, batch) {
            const written = await drafts.write(draft, batch)
            parsing.open()
            await goOn.opened
            return written
          },
        },
      }),
    })
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await parsing.opened
    expect(await n.library.drafts.find(novelId)).toMatchObject({ status: 'draft', counts: { scenes: 8 } })
    await n.t.tasks.cancel(taskId)
    await n.t.drain()
    goOn.open()
    await n.t.drain()
    expect(await childrenOf(n, taskId)).toEqual(['ParseFile CANCELLED'])
    expect((await n.t.tasks.get(taskId)).status).toBe('CANCELLED')
    expect(await n.library.drafts.find(novelId)).toBeUndefined()
    expect((await n.library.shelf.novels(ann, { pageSize: 10 })).items).toEqual([])

    await n.t.tasks.retry(taskId)
    await n.t.drain()
    expect((await n.t.tasks.get(taskId)).status).toBe('COMPLETED')
    expect(await n.scenes(novelId)).toHaveLength(8)
  })

  it('while it waits for a retry leaves a draft that the sweep takes away', async () => {
    let broken = true
    const away = () => Promise.reject(new Error('the disk is away'))
    await using n = await novelEngine({
      faults: ({ drafts }) => ({
        drafts: {
          ...drafts,
          publish: away,
          discard: (novelId, options) => (broken ? away() : drafts.discard(novelId, options)),
        },
      }),
    })
    const { drafts } = n.library
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.drain()
    broken = false
    expect(await sweepDrafts(n.services, n.t)).toBe(0)
    expect(await drafts.find(novelId)).toMatchObject({ status: 'draft' })
    await n.t.tasks.cancel(taskId)
    await n.t.drain()
    expect(await sweepDrafts(n.services, n.t)).toBe(1)
    expect(await drafts.find(novelId)).toBeUndefined()
  })

  it('while it summarises keeps the whole novel, and goes on when it is retried', async () => {
    const model = scriptedModel()
    const goOn = createGate()
    model.before = (text, signal) =>
      /^Scene [1-4] /.test(text)
        ? undefined
        : new Promise<void>((resolve, reject) => {
            goOn.opened.then(resolve)
            signal?.addEventListener('abort', () => reject(signal.reason))
          })
    await using n = await novelEngine({ model })
    const { id: uploadId } = await n.upload(fourChapters)
    const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    await n.t.drain()
    await n.t.tasks.cancel(taskId)
    await n.t.drain()
    expect(await n.t.tasks.counts()).toMatchObject({ RUNNING: 0, QUEUED: 0, RETRYING: 0 })
    expect(await n.library.shelf.novel(ann, novelId)).toMatchObject({ chapters: 4, scenes: 8, summaries: 4 })

    goOn.open()
    await n.t.tasks.retry(taskId)
    await n.t.drain()
    const task = await n.t.find(importNovel, taskId)
    expect(await task?.state()).toMatchObject({ status: 'COMPLETED', result: { summaries: { success: 8 } } })
    expect(model.made).toHaveLength(8)
  })
})

const folder = fileURLToPath(new URL('../../../../shared/data/', import.meta.url))
const present = existsSync(folder)
if (!present) process.stderr.write(`SKIPPED: the real books are not at ${folder}\n`)

describe.skipIf(!present)('a real book', () => {
  it.each([
    ['alice-in-wonderland.txt', 12, ['White Rabbit', 'Cheshire']],
    ['pride-and-prejudice.txt', 61, ['Pemberley', 'Mr. Darcy']],
    ['sanguo-yanyi.txt', 120, ['曹操', '孔明', '赤壁']],
  ])('%s has %i chapters, each with its summaries, and can be searched', async (name, chapters, queries) => {
    await using n = await novelEngine()
    const { id: uploadId } = await n.uploadFile(`${folder}${name}`)
    const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
    expect(novelId).toBe(novelIdOf(uploadId))
    await n.t.drain()
    const task = await n.t.find(importNovel, taskId)
    const { scenes, summaries, ...novel } = (await task?.result()) ?? {}
    expect(novel).toMatchObject({ chapters, index: 'lexical' })
    expect(summaries).toEqual({ total: scenes, success: scenes, failed: 0, conflict: 0, skipped: 0 })
    for (const query of queries) {
      const { hits } = await n.library.index.search(ann, novelId, { query, limit: 3 })
      expect(hits).toHaveLength(3)
      expect(hits[0]?.snippet.text).toContain(query.split(' ').at(-1))
    }
  })
})

async function childrenOf({ t }: { t: { tasks: Tasks } }, taskId: string): Promise<string[]> {
  const { items } = await t.tasks.children(taskId, {}, { pageSize: 100 })
  return items.map(({ taskType, status }) => `${taskType} ${status}`)
}
