import { buffer } from 'node:stream/consumers'
import { QuillworkError } from 'quillwork'
import {
  confirmUpload,
  deleteNovel,
  exportNovel,
  exportUser,
  importNovel,
  novelIdOf,
  storeUpload,
} from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import { openExport } from '../../../src/novel/export-files.ts'
import { Archive } from '../../../src/novel/import/archive.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { libraryKinds } from '../../../src/novel/library/kinds.ts'
import { placesOfKinds, userArchiveFiles } from '../../../src/novel/user-archive/kinds.ts'
import { writeUserArchive } from '../../../src/novel/user-archive/write.ts'
import { coldKinds } from '../../../src/store/cold-records.ts'
import { ask } from '../../models/ask.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'
import { putWholeNovel } from '../archive/made-novel.ts'
import { archiveText } from '../archive/packed.ts'
import { archiveOf } from '../archive/whole-novel.ts'
import { importBook } from '../library/case.ts'

it('every kind of records is in the archive of a user, or it is said why not', () => {
  const names = [...libraryKinds, ...coldKinds].map(({ name }) => name)
  expect(Object.keys(placesOfKinds).sort()).toEqual(names.sort())
})

interface Manifest {
  counts: Record<string, number>
  novels: { file: string; id: string; title: string; sha256: string; inBin?: object }[]
  uploads: { file: string; id: string; fileName: string; novelId?: string }[]
  missing: { what: string; id: string; code: string; why: string }[]
  hasNot: { what: string; why: string }[]
}

describeWriting('ExportUser', open => {
  it('writes all that a user has, and each novel can be imported as it was', async () => {
    await using w = await open()
    const { whole, binned, keptUpload, failed } = await fill(w)
    const { exportId, ...result } = await exported(w)
    const files = await filesIn(await bytesOf(w, exportId))
    const manifest = JSON.parse(`${files.get('manifest.json')}`) as Manifest
    const [one, other] = ['novels/', 'novels/bin/'].map(folder =>
      [...files.keys()].find(name => name.startsWith(folder) && /^[^/]*$/.test(name.slice(folder.length))),
    )
    expect(manifest).toMatchObject({
      ...{ format: 'quillwork-user-archive', version: 1, userId: ann, missing: [] },
      counts: { novels: 2, uploads: 2, missing: 0, tasks: result.tasks, scenes: result.scenes },
    })
    expect(result).toMatchObject({ novels: 2, uploads: 2, missing: 0, mediaType: 'application/zip' })
    expect(result.fileName).toMatch(/^Quillwork ann \d{4}-\d\d-\d\d\.zip$/)
    expect(new Map(manifest.novels.map(({ id, file }) => [id, file]))).toEqual(
      new Map([
        [whole, one],
        [binned, other],
      ]),
    )
    expect(manifest.novels.filter(({ inBin }) => inBin !== undefined)).toMatchObject([{ id: binned }])
    const upload = manifest.uploads.find(({ id }) => id === keptUpload)
    expect(upload?.fileName).toBe('never.txt')
    expect(`${files.get(upload?.file ?? '')}`).toBe('Never imported.')
    expect(Object.keys(userArchiveFiles).filter(name => !name.endsWith('/'))).toEqual(
      expect.arrayContaining([...files.keys()].filter(name => !name.includes('/'))),
    )

    // Novels: the copy that bob makes of each is what is in the archive.
    await w.library.binnedNovels.restore(ann, binned)
    for (const { id, file, sha256 } of manifest.novels) {
      const archive = files.get(file) ?? Buffer.of()
      expect((await archiveOf(w.library, id)).equals(archive), file).toBe(true)
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
      const copy = await imported(w, archive)
      expect((await archiveOf(w.library, copy, 'bob')).equals(archive), file).toBe(true)
    }

    const tasks = linesOf(files, 'tasks.jsonl')
    expect(tasks).toHaveLength(result.tasks)
    expect(tasks.map(({ taskType }) => taskType)).toEqual(
      expect.arrayContaining(['ImportNovel', 'Ask', 'ExportUser']),
    )
    expect(tasks.find(({ id }) => id === failed)).toMatchObject({
      ...{ status: 'FAILED', parameters: { model: 'none' }, attempt: 1, deadLetter: { reason: 'permanent' } },
      attempts: [{ attempt: 1, code: 'PROVIDER_NOT_CONFIGURED', startedAt: expect.stringMatching(/Z$/) }],
    })
    expect(tasks.find(({ status, taskType }) => status === 'COMPLETED' && taskType === 'Ask')).toMatchObject({
      ...{
        result: { texts: [expect.any(String)] },
        output: expect.any(String),
        createdAt: expect.any(String),
      },
      usage: [{ model: 'prose', calls: 1 }],
    })
    const usage = linesOf(files, 'usage.jsonl')
    expect(usage).toContainEqual(expect.objectContaining({ by: 'model', model: 'prose', calls: 1 }))
    expect(usage).toContainEqual(
      expect.objectContaining({ by: 'day', day: expect.stringMatching(/^\d{4}-/) }),
    )
    expect(manifest.hasNot).toContainEqual({
      ...{ what: 'models that were set up while the server ran', why: 'They are of the installation.' },
    })
  })

  it('holds no model of the installation, no record of the engine, and nothing of another user', async () => {
    await using w = await open()
    await fill(w)
    await importBook(w.library, 'of bob', undefined, 'bob')
    await w.t.submit(ask, { model: 'prose', prompts: ['Bob asks.'] }, { userId: 'bob' })
    await w.t.drain()
    const { exportId } = await exported(w)
    const files = await filesIn(await bytesOf(w, exportId))
    const texts = [...files].map(async ([name, bytes]) =>
      name.endsWith('.quillwork') ? archiveText(bytes) : `${bytes}`,
    )
    const all = (await Promise.all(texts)).join('\n')
    expect(all).toContain('Never imported.')
    for (const secret of [
      ...['test-key', 'SEALED', 'https://models.example', 'claimToken', 'leaseUntil', 'executionNodeId'],
      ...['traceparent', '"stack"'],
    ])
      expect(all, secret).not.toContain(secret)
    expect(all).not.toMatch(/Bob asks|"bob"|of bob/)
    await expect(openExport(w.services, { userId: 'bob', exportId })).rejects.toMatchObject({
      code: 'EXPORT_NOT_FOUND',
    })
  })

  it('names a novel that cannot be read, and has the others', async () => {
    await using w = await open()
    const [damaged, sound] = [await w.novel(), await w.novel()]
    failPacking(w, damaged, new QuillworkError('INTERNAL', 'A scene of the novel cannot be archived.'))
    const { exportId, ...result } = await exported(w)
    expect(result).toMatchObject({ novels: 1, missing: 1 })
    const files = await filesIn(await bytesOf(w, exportId))
    const { novels, missing } = JSON.parse(`${files.get('manifest.json')}`) as Manifest
    expect(novels.map(({ id }) => id)).toEqual([sound])
    expect(missing).toMatchObject([
      { what: 'novel', id: damaged, code: 'INTERNAL', why: 'A scene of the novel cannot be archived.' },
    ])
    expect([...files.keys()].filter(name => name.includes(damaged))).toEqual([])
  })

  it('has no novel that was deleted before its turn, and misses none', async () => {
    await using w = await open()
    const [deleted] = [await w.novel(), await w.novel()]
    failPacking(w, deleted, new QuillworkError('NOVEL_NOT_FOUND', 'It is gone.'))
    expect(await exported(w)).toMatchObject({ novels: 1, missing: 0 })
  })

  it('names an upload that breaks while it is read, and has the others', async () => {
    await using w = await open()
    const { id } = await upload(w, Buffer.from('Broken.'), ann, 'broken.txt')
    await upload(w, Buffer.from('Sound.'), ann, 'sound.txt')
    const reading = failReading(w, 'broken.txt', new QuillworkError('TEXT_UNREADABLE', 'A piece is gone.'))
    const { exportId, ...result } = await exported(w)
    expect(result).toMatchObject({ uploads: 1, missing: 1 })
    const files = await filesIn(await bytesOf(w, exportId))
    const { uploads, missing } = JSON.parse(`${files.get('manifest.json')}`) as Manifest
    expect(uploads.map(({ fileName, file }) => [fileName, `${files.get(file)}`])).toEqual([
      ['sound.txt', 'Sound.'],
    ])
    expect(missing).toMatchObject([
      { what: 'upload', id, title: 'broken.txt', code: 'TEXT_UNREADABLE', why: 'A piece is gone.' },
    ])
    expect([...files.keys()].filter(name => name.startsWith('uploads/'))).toHaveLength(1)

    // What its storage cannot read may be a storage that is away, for three attempts.
    reading.mockRestore()
    failReading(w, 'broken.txt', new QuillworkError('STORE_FAILED', 'It could not be read (EIO).'))
    const { taskId } = await w.t.submit(exportUser, {}, { userId: ann })
    for (const pause of ['2s', '6s', '20s'] as const) {
      await isRetried(w, taskId, 'STORE_FAILED')
      await w.t.advance(pause)
    }
    expect(await (await w.t.find(exportUser, taskId))?.result()).toMatchObject({ uploads: 1, missing: 1 })
    expect(await w.t.tasks.get(taskId)).toMatchObject({ attempt: 4 })
  })

  it('is read no further once its attempt is aborted', async () => {
    await using w = await open()
    await upload(w, Buffer.from('Long.'), ann, 'long.txt')
    const stop = new AbortController()
    let [reads, pieces] = [0, 0]
    const read = async function* () {
      reads += 1
      for (let at = 0; at < 100; at += 1) {
        // The second reading is what is written.
        if (reads === 2) pieces += 1
        if (reads === 2) stop.abort(new Error('The slot is lost.'))
        yield Buffer.alloc(10)
      }
    }
    const source = { name: 'long.txt', size: 1_000, read, readRange: read }
    vi.spyOn(w.services.uploads, 'open').mockResolvedValue(source)
    async function* none(): AsyncGenerator<never> {}
    const { content } = writeUserArchive({
      ...{ userId: ann, attempt: 1, services: w.services, signal: stop.signal, now: 0 },
      ...{ ownTasks: { every: none, usage: none }, onNovel: () => undefined },
    })
    await expect(buffer(content)).rejects.toThrow('The slot is lost.')
    expect([reads, pieces]).toEqual([2, 1])
  })

  it('takes the place of the earlier one of its user', async () => {
    await using w = await open()
    const { exports } = w.library
    const novelId = await w.novel()
    const ofNovel = await (
      await w.t.submit(exportNovel, { novelId, format: 'txt' }, { userId: ann })
    ).result()
    const ofBob = await (await w.t.submit(exportUser, {}, { userId: 'bob' })).result()
    const { exportId: earlier } = await exported(w)
    const { found } = await openExport(w.services, { userId: ann, exportId: earlier })
    const begun = { id: 'begun', taskId: 'another', attempt: 1, location: 'elsewhere' }
    await exports.begin({ ...begun, userId: ann, expiresAt: found.expiresAt })
    await w.t.advance('1s')
    const { exportId } = await exported(w)
    const taken = openExport(w.services, { userId: ann, exportId: earlier })
    await expect(taken).rejects.toMatchObject({ code: 'EXPORT_NOT_FOUND' })
    expect(await w.services.uploads.open(found.location, 'a.zip')).toBeUndefined()
    const kept = [exportId, 'begun', ofNovel.exportId, ofBob.exportId]
    expect((await exports.every()).map(({ id }) => id).sort()).toEqual(kept.sort())
  })

  it('is written anew when the store was away, or something was deleted meanwhile', async () => {
    await using w = await open()
    const novelId = await w.novel()
    const failing = failPacking(w, novelId, new QuillworkError('STORE_FAILED', 'It is away.'), 1)
    const { taskId } = await w.t.submit(exportUser, {}, { userId: ann })
    await isRetried(w, taskId, 'STORE_FAILED')
    failing.mockRestore()
    // The second reading of an attempt is what is written.
    failPacking(w, novelId, new QuillworkError('NOVEL_NOT_FOUND', 'It is gone.'), 1, 1)
    // Past the second attempt and not yet at the third, which is 4 seconds later.
    await w.t.advance('3s')
    await isRetried(w, taskId, 'EXPORT_OUTDATED')
    expect((await w.t.tasks.get(taskId)).errorInfo).toMatchObject({
      ...{ message: expect.stringContaining('submit ExportUser again'), causes: ['It is gone.'] },
    })
    expect(await w.library.exports.every()).toEqual([])
    await w.t.advance('10s')
    expect(await (await w.t.find(exportUser, taskId))?.result()).toMatchObject({ novels: 1, missing: 0 })
  })

  it('goes with a novel that is deleted for good, also while it is written', async () => {
    await using w = await open()
    const [novelId] = [await w.novel(), await w.novel()]
    await exported(w)
    await deleteNovel(w.t, w.services, { userId: ann, novelId })
    await w.t.drain()
    expect(await w.library.exports.every()).toEqual([])
    const erasing = vi.spyOn(w.services.uploads, 'open').mockImplementationOnce(async () => {
      // As a deletion does that finds the record of what is being written.
      for (const { id, location } of await w.library.exports.every()) {
        await w.services.uploads.remove(location)
        await w.library.exports.remove({ id, location })
      }
      return undefined
    })
    const { taskId } = await w.t.submit(exportUser, {}, { userId: ann })
    await isRetried(w, taskId, 'EXPORT_OUTDATED')
    expect(erasing).toHaveBeenCalled()
    await w.t.advance('10s')
    expect(await (await w.t.find(exportUser, taskId))?.result()).toMatchObject({ novels: 1 })
    expect(await w.library.exports.every()).toHaveLength(1)
  })
})

/** Gives ann a whole novel, one in the bin, an upload, a model with a key, and tasks that ended well and badly. */
async function fill(w: Writing) {
  const { library } = w
  const whole = await putWholeNovel(w.records)
  const binned = await w.imported(2)
  const { id: keptUpload } = await upload(w, Buffer.from('Never imported.'), ann, 'never.txt')
  const sealed = { sealed: 'SEALED' }
  const settings = { provider: 'openai', baseUrl: 'https://models.example' } as const
  await library.models.write([{ id: 'writer', settings, key: sealed }], 0)
  await w.t.submit(ask, { model: 'prose', prompts: ['Who is she?'] }, { userId: ann })
  const { taskId: failed } = await w.t.submit(ask, { model: 'none', prompts: ['Who?'] }, { userId: ann })
  await w.t.drain()
  await library.binnedNovels.put(ann, binned)
  return { whole, binned, keptUpload, failed }
}

/** Has the reading of a novel fail so many times, after so many that go well. */
function failPacking({ library }: Writing, novelId: string, error: Error, times = 99, after = 0) {
  const { withBin } = library
  let reads = 0
  return vi.spyOn(library, 'withBin').mockImplementation(() => {
    const reading = withBin.call(library)
    const { pack } = reading.archives
    const archives: typeof reading.archives = {
      ...reading.archives,
      async pack(...asked) {
        if (asked[1] === novelId && ++reads > after && reads <= after + times) throw error
        return pack(...asked)
      },
    }
    return { ...reading, archives }
  })
}

/** Has the reading of an upload fail after its first piece. */
function failReading({ services: { uploads } }: Writing, fileName: string, error: Error) {
  const { open } = uploads
  return vi.spyOn(uploads, 'open').mockImplementation(async (location, name) => {
    const source = await open.call(uploads, location, name)
    async function* read() {
      yield Buffer.from('half')
      throw error
    }
    return source !== undefined && name === fileName ? { ...source, read } : source
  })
}

/** Waits until an attempt has failed with a code, and the task is to be tried again. */
function isRetried({ t }: Writing, taskId: string, code: string): Promise<void> {
  return vi.waitFor(async () => {
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RETRYING', errorInfo: { code } })
  }, 20_000)
}

async function exported(w: Writing) {
  const { taskId } = await w.t.submit(exportUser, {}, { userId: ann })
  await w.t.drain()
  const result = await (await w.t.find(exportUser, taskId))?.result()
  if (result === undefined) throw new Error('no result')
  return result
}

async function bytesOf(w: Writing, exportId: string): Promise<Buffer> {
  return buffer((await openExport(w.services, { userId: ann, exportId })).source.read())
}

async function filesIn(bytes: Uint8Array): Promise<Map<string, Buffer>> {
  const archive = await Archive.open(bytesSource(bytes))
  const files = new Map<string, Buffer>()
  for (const name of archive.names) files.set(name, await buffer(archive.read(name)))
  return files
}

function linesOf(files: ReadonlyMap<string, Buffer>, name: string): Record<string, unknown>[] {
  const lines = `${files.get(name)}`.trimEnd().split('\n')
  return lines.map(line => JSON.parse(line) as Record<string, unknown>)
}

function upload(w: Writing, bytes: Uint8Array, userId: string, fileName: string) {
  async function* content() {
    yield bytes
  }
  return storeUpload(w.services, { userId, fileName, content: content() })
}

async function imported(w: Writing, bytes: Uint8Array): Promise<string> {
  const { id: uploadId } = await upload(w, bytes, 'bob', 'a.bin')
  const { taskId } = await confirmUpload(w.t, w.services, { userId: 'bob', uploadId, summarise: false })
  await w.t.drain()
  await (await w.t.find(importNovel, taskId))?.result()
  return novelIdOf(uploadId)
}
