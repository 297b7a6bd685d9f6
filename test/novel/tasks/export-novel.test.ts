import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { decode, type In } from 'quillwork'
import { deleteNovel, deleteUser, eraseNovel, eraseUser, exportNovel, sweepUploads } from 'quillwork/novel'
import { beforeAll, expect, it, vi } from 'vitest'
import { exportFormats } from '../../../src/novel/export/formats.ts'
import { openExport } from '../../../src/novel/export-files.ts'
import { Archive } from '../../../src/novel/import/archive.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'
import { importBook } from '../library/case.ts'
import { entryFields } from '../library/codex-cases.ts'
import { threadFieldsOf } from '../library/thread-cases.ts'

// What is loaded on demand is loaded before a clock waits for the process to come to rest.
beforeAll(async () => {
  for (const { writer } of Object.values(exportFormats)) await writer?.()
})

type Asked = Partial<In<typeof exportNovel.parameters>>

const notFound = { code: 'EXPORT_NOT_FOUND' }
const day = 86_400_000

describeWriting('ExportNovel', open => {
  it('writes the novel in reading order, into a file that has its name and is kept for a day', async () => {
    await using w = await open()
    const novelId = await w.novel(2)
    const scenes = await w.scenes(novelId)
    const { exportId, ...rest } = await exported(w, { novelId })
    const written = (await bytesOf(w, exportId)).toString()
    expect(rest).toEqual({
      ...{ fileName: 'The Book of Tests.txt', mediaType: 'text/plain; charset=utf-8' },
      ...{ bytes: Buffer.byteLength(written), chapters: 2, scenes: 4 },
      words: scenes.reduce((sum, { words }) => sum + words, 0),
      expiresAt: new Date(w.t.clock.now() + day).toISOString(),
    })
    expect(written).toContain('The Book of Tests')
    const wanted = ['Chapter 1', 'Scene 1 begins', 'Scene 2 begins', 'Chapter 2', 'Scene 3', 'Scene 4']
    const places = wanted.map(words => written.indexOf(words))
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    expect(places).not.toContain(-1)
    const { items } = await w.t.tasks.list({ taskType: ['ExportNovel'] }, { pageSize: 9 })
    expect(items.map(({ progress }) => decode(progress ?? 'null'))).toEqual([{ done: 2, total: 2 }])
  })

  it('writes a range of chapters, and a file for each', async () => {
    await using w = await open()
    const novelId = await w.novel(3)
    const { items } = await w.library.shelf.chapters(ann, { novelId }, { pageSize: 9 })
    const range = { novelId, startChapterId: items[1]?.id, endChapterId: items[2]?.id }
    const part = await exported(w, range)
    expect(part).toMatchObject({ chapters: 2, scenes: 4 })
    const written = (await bytesOf(w, part.exportId)).toString()
    const titles = ['Chapter 1', 'Chapter 2', 'Chapter 3']
    expect(titles.filter(title => written.includes(title))).toEqual(titles.slice(1))
    const archived = await exported(w, { ...range, filePerChapter: true })
    expect(archived).toMatchObject({ fileName: 'The Book of Tests.zip', mediaType: 'application/zip' })
    const archive = await Archive.open(bytesSource(await bytesOf(w, archived.exportId)))
    expect([...archive.names]).toEqual(['002 Chapter 2.txt', '003 Chapter 3.txt'])
    const second = (await buffer(Readable.from(archive.read('002 Chapter 2.txt')))).toString()
    expect(['Scene 3', 'Scene 4', 'Scene 5'].map(words => second.includes(words))).toEqual([
      true,
      true,
      false,
    ])
  })

  it('refuses at once what cannot be exported, and is of its user alone', async () => {
    await using w = await open()
    const novelId = await w.novel(2)
    const { items } = await w.library.shelf.chapters(ann, { novelId }, { pageSize: 9 })
    const [first, second] = items.map(({ id }) => id)
    const refused: readonly [Asked, string, string?][] = [
      [{ novelId: 'nowhere' }, 'NOVEL_NOT_FOUND'],
      [{ novelId }, 'NOVEL_NOT_FOUND', 'bob'],
      [{ novelId, startChapterId: 'nowhere' }, 'CHAPTER_NOT_FOUND'],
      [{ novelId, startChapterId: second, endChapterId: first }, 'OPTION_INVALID'],
      [{ novelId, layout: 'manuscript' }, 'OPTION_INVALID'],
      [{ novelId, format: 'docx', contact: ['1 Mill Lane'] }, 'OPTION_INVALID'],
      [{ novelId, content: 'codex', startChapterId: first }, 'OPTION_INVALID'],
      [{ novelId, content: 'outline', filePerChapter: true }, 'OPTION_INVALID'],
      [{ novelId, format: 'md', endMatter: [{ text: 'x' }] }, 'OPTION_INVALID'],
      [{ novelId, content: 'outline', frontMatter: [{ text: 'x' }] }, 'OPTION_INVALID'],
      [{ novelId, filePerChapter: true, frontMatter: [{ text: 'x' }] }, 'OPTION_INVALID'],
      [{ novelId, frontMatter: [{ text: ' \n' }] }, 'PARAMETERS_INVALID'],
      [{ novelId, frontMatter: [{ text: 'x'.repeat(20_001) }] }, 'PARAMETERS_INVALID'],
      [{ novelId, format: 'archive', layout: 'book' }, 'OPTION_INVALID'],
      [{ novelId, format: 'archive', startChapterId: first }, 'OPTION_INVALID'],
      [{ novelId, format: 'archive', endChapterId: first }, 'OPTION_INVALID'],
      [{ novelId, format: 'archive', filePerChapter: true }, 'OPTION_INVALID'],
    ]
    for (const [asked, code, userId = ann] of refused)
      await expect(submit(w, asked, userId)).rejects.toMatchObject({ code })
    const asked = { novelId, format: 'pdf' }
    const unknown = w.t.tasks.submit('ExportNovel', asked, { userId: ann })
    await expect(unknown).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
    const { exportId } = await exported(w, { novelId })
    await expect(openExport(w.services, { userId: 'bob', exportId })).rejects.toMatchObject(notFound)
    expect((await bytesOf(w, exportId)).length).toBeGreaterThan(0)
  })

  it('writes the outline, with the summaries of all levels', async () => {
    await using w = await open()
    const novelId = await w.novel(2)
    const { levels, shelf } = w.library
    const { items } = await shelf.chapters(ann, { novelId }, { pageSize: 9 })
    for (const [unitId, text] of [
      [novelId, 'A book of tests.'],
      [items[1]?.volumeId ?? '', 'The only volume.'],
      [items[1]?.id ?? '', 'The second chapter.'],
    ] as const)
      await levels.edit(ann, { novelId, unitId, text, expectedVersion: 0 })
    const [, second] = await w.scenes(novelId)
    const edited = {
      sceneId: second?.id ?? '',
      expectedVersion: second?.version ?? 0,
      title: 'Dusk',
      summary: 'It ends.',
    }
    await w.library.scenes.editScene(ann, edited)
    const { exportId, ...rest } = await exported(w, { novelId, content: 'outline' })
    expect(rest).toMatchObject({ fileName: 'The Book of Tests Outline.txt', chapters: 3, scenes: 7 })
    const written = (await bytesOf(w, exportId)).toString()
    expect(written.trim().split(/\n+/)).toEqual([
      ...['The Book of Tests: Outline', 'Synopsis', 'A book of tests.', 'Volume One', 'The only volume.'],
      ...['Chapter 1', 'Scene 1', 'No summary yet.', 'Dusk', 'It ends.'],
      ...['Chapter 2', 'The second chapter.', 'Scene 1', 'No summary yet.', 'Scene 2', 'No summary yet.'],
    ])
    const { items: tasks } = await w.t.tasks.list({ taskType: ['ExportNovel'] }, { pageSize: 9 })
    expect(tasks.map(({ progress }) => decode(progress ?? 'null'))).toEqual([{ done: 2, total: 2 }])
    const part = { novelId, content: 'outline', startChapterId: items[1]?.id } as const
    const some = (await bytesOf(w, (await exported(w, part)).exportId)).toString()
    expect(some).toContain('The second chapter.')
    expect(some).not.toMatch(/Synopsis|Chapter 1/)
  })

  it('writes the codex and the threads, in no form that is taken for the novel', async () => {
    await using w = await open()
    const novelId = await w.novel(2)
    const [first] = await w.scenes(novelId)
    const change = { how: 'replace', from: first?.id ?? '', text: 'A queen.' } as const
    const mill = entryFields({ kind: 'place', name: 'The Mill', text: 'By the weir.', note: 'Burns later.' })
    const aliases = ['Al', 'Liddell']
    const alice = entryFields({ kind: 'person', name: 'Alice', aliases, text: 'A girl.', changes: [change] })
    await w.library.codex.add(ann, novelId, [{ id: 'mill', fields: mill }])
    await w.library.codex.add(ann, novelId, [{ id: 'alice', fields: { ...alice, relations: ['mill'] } }])
    await w.library.threads.put(
      ann,
      { novelId, threadId: 'key', expectedVersion: 0 },
      threadFieldsOf({ title: 'The key', plan: 'It opens.' }),
    )
    const { exportId, ...rest } = await exported(w, { novelId, content: 'codex', format: 'md' })
    expect(rest).toMatchObject({ fileName: 'The Book of Tests Codex.md', chapters: 3 })
    const written = (await bytesOf(w, exportId)).toString()
    expect(written.slice(written.indexOf('# People')).trim().split(/\n+/)).toEqual([
      ...['# People', '## Alice', 'Also called: Al, Liddell', 'A girl.'],
      ...['From “Chapter 1” on, instead: A queen.', 'Related to: The Mill'],
      ...['# Places', '## The Mill', 'By the weir.', 'Note: Burns later.'],
      ...['# Threads', '## The key', 'Planned', 'It opens.'],
    ])
    expect(written).not.toContain('quillwork:')
    for (const format of ['docx', 'odt', 'epub'] as const) {
      const bytes = await bytesOf(w, (await exported(w, { novelId, content: 'codex', format })).exportId)
      const { plan, volumes } = await surveyText(bytesSource(bytes))
      expect(plan.exported).toBeUndefined()
      expect(JSON.stringify(volumes)).toContain('Alice')
    }
  })

  it('writes what stands before and after the text, and the contact of a manuscript', async () => {
    await using w = await open()
    const novelId = await w.novel(1)
    const matter = { frontMatter: [{ text: 'For Bo.' }], endMatter: [{ title: 'Thanks', text: 'To all.' }] }
    const { exportId } = await exported(w, { novelId, ...matter })
    const lines = (await bytesOf(w, exportId)).toString().trim().split(/\n+/)
    expect(lines.slice(0, 2)).toEqual(['The Book of Tests', 'For Bo.'])
    expect(lines.slice(-2)).toEqual(['Thanks', 'To all.'])
    const manuscript = {
      format: 'odt',
      layout: 'manuscript',
      contact: ['1 Mill Lane', 'ann@example.org'],
    } satisfies Asked
    const archive = await Archive.open(
      bytesSource(await bytesOf(w, (await exported(w, { novelId, ...matter, ...manuscript })).exportId)),
    )
    const content = (await buffer(Readable.from(archive.read('content.xml')))).toString()
    for (const words of [...manuscript.contact, 'For Bo.', 'To all.']) expect(content).toContain(`>${words}<`)
  })

  it('that is killed in the midst begins again, and leaves no half file', async () => {
    await using w = await open({ persistent: true })
    const novelId = await w.novel(2)
    const files = await w.services.uploads.stored(0)
    const { shelf, exports } = w.library
    let die: (error: Error) => void = () => undefined
    const held = new Promise<never>((_, reject) => {
      die = reject
    })
    const hanging = vi.spyOn(shelf, 'texts').mockReturnValue(held)
    const { taskId } = await submit(w, { novelId })
    await w.t.drain()
    expect(hanging).toHaveBeenCalled()
    const [begun] = await exports.every(ann)
    expect(begun).toMatchObject({ novelId, taskId, attempt: 1 })
    hanging.mockRestore()
    await w.t.crash()
    await w.t.advance('10m')
    const { exportId } = await resultOf(w, taskId)
    expect((await bytesOf(w, exportId)).toString()).toContain('Scene 4 begins')
    const kept = await w.library.exports.every(ann)
    expect(kept).toMatchObject([{ id: begun?.id, attempt: 2, file: { chapters: 2 } }])
    expect(await w.services.uploads.removeUnfinished(0)).toBe(0)
    // Also when the first one goes on in a process that was thought to be dead.
    die(new Error('Late.'))
    await w.t.drain()
    expect(await w.library.exports.every(ann)).toEqual(kept)
    expect(new Set(await w.services.uploads.stored(0))).toEqual(new Set([...files, kept[0]?.location]))
  })

  it('that is killed when the file is whole does not write it again', async () => {
    await using w = await open({ persistent: true })
    const novelId = await w.novel(1)
    const { exports } = w.library
    const { finish } = exports
    const hanging = vi.spyOn(exports, 'finish').mockImplementation(async (begun, file) => {
      await finish(begun, file)
      return new Promise(() => undefined)
    })
    const { taskId } = await submit(w, { novelId })
    await w.t.drain()
    hanging.mockRestore()
    const [whole] = await exports.every(ann)
    await w.t.crash()
    await w.t.advance('10m')
    expect(await resultOf(w, taskId)).toMatchObject({ exportId: whole?.id, chapters: 1 })
    expect(await w.library.exports.every(ann)).toEqual([whole])
    expect(whole?.attempt).toBe(1)
  })

  it('fails when its novel is deleted meanwhile, and leaves nothing', async () => {
    await using w = await open()
    const novelId = await w.novel(2)
    const files = await w.services.uploads.stored(0)
    const { shelf } = w.library
    const { texts } = shelf
    vi.spyOn(shelf, 'texts').mockImplementationOnce(async (...asked) => {
      const page = await texts(...asked)
      await shelf.remove(ann, novelId, 0)
      return page
    })
    const { taskId } = await submit(w, { novelId })
    await w.t.drain()
    const ended = { status: 'FAILED', errorInfo: { code: 'NOVEL_NOT_FOUND' } }
    expect(await w.t.tasks.get(taskId)).toMatchObject(ended)
    expect(await w.library.exports.every()).toEqual([])
    expect(await w.services.uploads.stored(0)).toEqual(files)
    expect(await w.services.uploads.removeUnfinished(0)).toBe(0)
  })

  it('is out of sight with its novel, and goes when that is deleted or all of its user', async () => {
    await using w = await open()
    const novelId = await w.imported(1)
    const other = await importBook(w.library, 'other')
    const [gone, stays] = [await exported(w, { novelId }), await exported(w, { novelId: other })]
    const his = await importBook(w.library, 'his', undefined, 'bob')
    const ofBob = await exported(w, { novelId: his }, 'bob')
    await w.t.lanes.pause('default')
    const { record: ofNovel } = await deleteNovel(w.t, w.services, { userId: ann, novelId })
    const asked = { userId: ann, exportId: gone.exportId }
    await expect(openExport(w.services, asked)).rejects.toMatchObject(notFound)
    await w.t.lanes.resume('default')
    await w.t.drain()
    const erased = await w.t.find(eraseNovel, ofNovel.id)
    expect(await erased?.result()).toMatchObject({ exports: 1, uploads: 1, chapters: 1 })
    expect((await w.library.exports.every(ann)).map(({ id }) => id)).toEqual([stays.exportId])
    expect(await w.services.uploads.stored(0)).toHaveLength(2)
    const { record: ofUser } = await deleteUser(w.t, { userId: ann })
    await w.t.drain()
    const ended = await w.t.find(eraseUser, ofUser.id)
    expect(await ended?.result()).toMatchObject({ exports: 1, novels: 1 })
    expect((await w.library.exports.every()).map(({ id }) => id)).toEqual([ofBob.exportId])
    expect((await bytesOf(w, ofBob.exportId, 'bob')).toString()).toContain('Alice saw the White Rabbit run.')
  })

  it('is swept when its day is over, and its file is nobody else’s until then', async () => {
    await using w = await open()
    const { exportId } = await exported(w, { novelId: await importBook(w.library, 'a') })
    // As if all files had come long ago.
    const { uploads } = w.services
    const services = { ...w.services, uploads: { ...uploads, stored: () => uploads.stored(0) } }
    await w.t.jump('23h')
    expect(await sweepUploads(w.t, services)).toBe(0)
    expect(await w.library.uploads.every()).toEqual([])
    expect((await bytesOf(w, exportId)).length).toBeGreaterThan(0)
    await w.t.jump('1h')
    await expect(openExport(w.services, { userId: ann, exportId })).rejects.toMatchObject(notFound)
    expect(await sweepUploads(w.t, services)).toBe(1)
    expect(await w.library.exports.every()).toEqual([])
    expect(await uploads.stored(0)).toEqual([])
  })

  it('whose file is missing is not found', async () => {
    await using w = await open()
    const { exportId } = await exported(w, { novelId: await importBook(w.library, 'a') })
    const [kept] = await w.library.exports.every()
    await w.services.uploads.remove(kept?.location ?? '')
    await expect(openExport(w.services, { userId: ann, exportId })).rejects.toMatchObject(notFound)
  })
})

function submit(w: Writing, asked: Asked, userId = ann) {
  return w.t.submit(exportNovel, { novelId: '', format: 'txt', ...asked }, { userId })
}

async function exported(w: Writing, asked: Asked, userId = ann) {
  const { taskId } = await submit(w, asked, userId)
  await w.t.drain()
  return resultOf(w, taskId)
}

async function resultOf(w: Writing, taskId: string) {
  const task = await w.t.find(exportNovel, taskId)
  if (task === undefined) throw new Error('There is no such task.')
  return task.result()
}

async function bytesOf(w: Writing, exportId: string, userId = ann): Promise<Buffer> {
  const { source } = await openExport(w.services, { userId, exportId })
  return buffer(Readable.from(source.read()))
}
