import { buffer } from 'node:stream/consumers'
import { confirmUpload, exportNovel, importNovel, previewUpload, storeUpload } from 'quillwork/novel'
import { describe, expect, it, vi } from 'vitest'
import { readNovelArchive } from '../../../src/novel/archive/read.ts'
import { archivedRows, type RowName } from '../../../src/novel/archive/rows.ts'
import { openExport } from '../../../src/novel/export-files.ts'
import { importBounds } from '../../../src/novel/import/bounds.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import { novelIdOf } from '../../../src/novel/library/ids.ts'
import { libraryKinds } from '../../../src/novel/library/kinds.ts'
import { sqliteLibraryRecords } from '../../../src/novel/library/open.ts'
import { everyRecord } from '../../../src/records/copy.ts'
import type { Identified } from '../../../src/records/records.ts'
import { describeWriting, type Writing } from '../../models/writing.ts'
import { zip } from '../import/zip-writer.ts'
import { ann, draftOf } from '../library/case.ts'
import { SqliteUnderTest } from '../library/under-test.ts'
import { putWholeNovel } from './made-novel.ts'
import { archiveText, filesOf, packed } from './packed.ts'
import { archiveOf, wholeNovel } from './whole-novel.ts'

/** Fields that are made of the rest, or of the place of a row. */
const made = ['id', 'novelId', 'sceneId', 'generation', 'chapter', 'position', 'version']

/** Each kind of records: the rows that it is in an archive with its fields that are made anew, or why it is not in it. */
const kinds: Readonly<Record<string, { rows: readonly RowName[]; anew?: readonly string[] } | string>> = {
  library_novels: {
    rows: ['novel'],
    anew: [
      ...[
        'userId',
        'order',
        'status',
        'importTaskId',
        'createdAt',
        'publishedAt',
        'shelvedAt',
        'textVersion',
      ],
      ...['volumes', 'chapters', 'scenes', 'words', 'characters'],
    ],
  },
  library_volumes: { rows: ['volume'] },
  library_chapters: { rows: ['chapter'] },
  library_scenes: {
    rows: ['scene'],
    anew: ['words', 'characters', 'summaryOf', 'summarised', 'edited', 'history', 'openCandidates'],
  },
  library_texts: { rows: ['scene'] },
  library_history: { rows: ['history'] },
  library_candidates: { rows: ['candidate'] },
  library_codex: { rows: ['entry'] },
  library_threads: { rows: ['thread'] },
  library_dismissals: { rows: ['dismissal'] },
  library_readings: { rows: ['reading'] },
  library_narrations: { rows: ['narration'] },
  library_prompts: { rows: ['prompts'] },
  library_level_summaries: { rows: ['summary'], anew: ['of'] },
  library_snapshots: { rows: ['snapshot'] },
  library_snapshot_chapters: { rows: ['chapterThen'], anew: ['snapshotId'] },
  library_bin: {
    rows: ['binned'],
    anew: ['unitId', 'chapters', 'scenes', 'words', 'characters', 'expiresAt'],
  },
  library_indexes: 'The index is built anew.',
  library_segments: 'The index is built anew.',
  library_shards: 'The index is built anew.',
  library_vectors: 'The index is built anew.',
  library_uploads: 'A file is of its user, and no part of a novel.',
  library_exports: 'A file is of its user, and no part of a novel.',
  library_counters: 'Of the installation.',
  library_models: 'Of the installation.',
  library_binned_novels: 'Of the shelf: a novel in its bin is not exported.',
}

describe('the archive of a novel', () => {
  it('has every kind of records, and every field, but what is made anew', async () => {
    expect(Object.keys(kinds).sort()).toEqual(libraryKinds.map(({ name }) => name).sort())
    await using t = new SqliteUnderTest()
    await wholeNovel(t)
    const records = sqliteLibraryRecords(t.database)
    for (const kind of libraryKinds) {
      const of = kinds[kind.name]
      if (typeof of !== 'object') continue
      const fields = new Set<string>()
      for await (const page of everyRecord<Identified>(records, kind))
        for (const record of page) for (const field of Object.keys(record)) fields.add(field)
      expect(fields, kind.name).not.toEqual(new Set())
      const kept = of.rows.flatMap(name => Object.keys(archivedRows[name].row.shape))
      const known = [...kept, ...made, ...(of.anew ?? [])]
      expect([kind.name, [...fields].filter(field => !known.includes(field))]).toEqual([kind.name, []])
    }
  })

  it('names no user and no record of the installation', async () => {
    await using t = new SqliteUnderTest()
    const text = await archiveText(await archiveOf(t.library, await wholeNovel(t)))
    expect(text).not.toContain(`"${ann}"`)
    expect(text.replaceAll(/"text":"Of [^"]*"/g, '')).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}/)
  })
})

describeWriting('an archive', open => {
  it('is exported, previewed and imported by another user, with all that it holds', async () => {
    await using w = await open()
    const novelId = await putWholeNovel(w.records)
    const archive = await exported(w, novelId)
    const { id: uploadId } = await upload(w, archive)
    expect(await previewUpload(w.services, { userId: 'bob', uploadId })).toMatchObject({
      ...{ title: '全书 of tests', author: 'An Author', language: 'zh', kind: 'archive' },
      volumes: [{ chapters: { length: 2 } }, { title: 'The long one', chapters: { length: 26 } }],
      archive: {
        summaries: 15,
        versions: 14,
        candidates: 1,
        entries: 3,
        threads: 1,
        snapshots: 2,
        binned: 3,
      },
    })
    const result = await imported(w, uploadId)
    expect(result).toMatchObject({ title: '全书 of tests', volumes: 2, chapters: 28, index: 'lexical' })
    const copy = novelIdOf(uploadId)
    expect((await archiveOf(w.library, copy, 'bob')).equals(archive)).toBe(true)
    const { hits } = await w.library.index.search('bob', copy, { query: 'miller' })
    expect(hits.length).toBeGreaterThan(0)
  })

  it('gets summaries where it has none, and another title where one is given', async () => {
    await using w = await open()
    const archive = await exported(w, await putWholeNovel(w.records))
    const { id: uploadId } = await upload(w, archive)
    const result = await imported(w, uploadId, { summarise: true, title: 'Mine' })
    expect(result).toMatchObject({ title: 'Mine', summaries: { failed: 0, conflict: 0 } })
    const { items } = await w.library.shelf.scenes('bob', { novelId: novelIdOf(uploadId) }, { pageSize: 99 })
    expect(items.filter(({ empty, hasSummary }) => !empty && !hasSummary)).toEqual([])
    expect(await w.library.scenes.scene('bob', items[0]?.id ?? '')).toMatchObject({
      summary: { text: 'Summary 5', writtenBy: { userId: 'bob' } },
    })
  })

  it('is imported as a whole', async () => {
    await using w = await open()
    const { id: uploadId } = await upload(w, await exported(w, await putWholeNovel(w.records)))
    const choice = { userId: 'bob', uploadId, chapters: [1], summarise: false }
    const { taskId } = await confirmUpload(w.t, w.services, choice)
    expect(await endOf(w, taskId)).toMatchObject({ status: 'FAILED', errorInfo: { code: 'OPTION_INVALID' } })
    const { id: previewed } = await upload(w, await exported(w, novelIdOf('whole')))
    await previewUpload(w.services, { userId: 'bob', uploadId: previewed })
    const refused = confirmUpload(w.t, w.services, { ...choice, uploadId: previewed })
    await expect(refused).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('whose import is killed half way is the same when it has run again', async () => {
    await using w = await open({ persistent: true })
    const archive = await exported(w, await putWholeNovel(w.records))
    const { id: uploadId } = await upload(w, archive)
    const { archives } = w.library
    const { unpack } = archives
    const hanging = vi.spyOn(archives, 'unpack').mockImplementationOnce(async (draft, rows) => {
      await unpack(draft, half(rows))
      return new Promise(() => undefined)
    })
    const { taskId } = await confirmUpload(w.t, w.services, { userId: 'bob', uploadId, summarise: false })
    await w.t.drain()
    await expect.poll(() => hanging.mock.calls.length).toBe(1)
    expect((await w.library.shelf.novels('bob', { pageSize: 9 })).items).toEqual([])
    hanging.mockRestore()
    await w.t.crash()
    await w.t.advance('10m')
    const task = await w.t.find(importNovel, taskId)
    expect(await task?.result()).toMatchObject({ chapters: 28 })
    expect((await archiveOf(w.library, novelIdOf(uploadId), 'bob')).equals(archive)).toBe(true)
  })

  it('that is damaged at its end leaves nothing behind', async () => {
    await using w = await open()
    const archive = await exported(w, await putWholeNovel(w.records))
    const damaged = await packed(archive, { 'snapshots.jsonl': text => `${text}{"snapshot":{"name":7}}\n` })
    const { id: uploadId } = await upload(w, damaged)
    const { taskId } = await confirmUpload(w.t, w.services, { userId: 'bob', uploadId, summarise: false })
    expect(await endOf(w, taskId)).toMatchObject({ status: 'FAILED', errorInfo: { code: 'FILE_DAMAGED' } })
    expect(await w.library.drafts.find(novelIdOf(uploadId))).toBeUndefined()
  })
})

async function* half<Row>(rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  let left = 60
  for await (const row of rows) {
    if (left-- === 0) return
    yield row
  }
}

/** Waits for the end of an import. */
async function endOf({ t }: Writing, taskId: string) {
  const task = await t.find(importNovel, taskId)
  await t.drain()
  await task?.result().catch(() => undefined)
  return t.tasks.get(taskId)
}

async function exported(w: Writing, novelId: string): Promise<Buffer> {
  const { taskId } = await w.t.submit(exportNovel, { novelId, format: 'archive' }, { userId: ann })
  await w.t.drain()
  const file = await (await w.t.find(exportNovel, taskId))?.result()
  expect(file).toMatchObject({ fileName: '全书 of tests.quillwork', chapters: 28 })
  const asked = { userId: ann, exportId: file?.exportId ?? '' }
  return buffer((await openExport(w.services, asked)).source.read())
}

function upload(w: Writing, bytes: Uint8Array) {
  async function* content() {
    yield bytes
  }
  return storeUpload(w.services, { userId: 'bob', fileName: 'a.bin', content: content() })
}

async function imported(w: Writing, uploadId: string, more: { summarise?: boolean; title?: string } = {}) {
  const choice = { userId: 'bob', uploadId, summarise: false, ...more }
  const { taskId } = await confirmUpload(w.t, w.services, choice)
  await w.t.drain()
  return (await w.t.find(importNovel, taskId))?.result()
}

type Change = (text: string) => string
const rowsBut =
  (kind: string): Change =>
  text =>
    text
      .split('\n')
      .filter(line => !line.startsWith(`{"${kind}"`))
      .join('\n')
/** Changes the first row of a kind that has the words. */
const changed =
  (kind: string, change: (row: Record<string, never>) => unknown, words = ''): Change =>
  text => {
    const lines = text.split('\n')
    const at = lines.findIndex(line => line.startsWith(`{"${kind}"`) && line.includes(words))
    const row = (JSON.parse(lines[at] ?? '') as Record<string, Record<string, never>>)[kind] ?? {}
    lines[at] = JSON.stringify({ [kind]: change(row) })
    return lines.join('\n')
  }
const twice =
  (kind: string): Change =>
  text => {
    const line = text.split('\n').find(each => each.startsWith(`{"${kind}"`)) ?? ''
    return text.replace(line, `${line}\n${line}`)
  }
const uncounted: Change = text => JSON.stringify({ ...JSON.parse(text), counts: {} })

const lostEntry = JSON.stringify({
  binned: { what: 'volume', title: '', binnedAt: 999, place: { chapter: 1, volume: 0 } },
})

/** What can be wrong with an archive, and why it is refused. */
const hostile: readonly [string, Readonly<Record<string, Change>>, string, RegExp][] = [
  [
    'a later version',
    { 'quillwork-archive.json': text => text.replace('"version": 1', '"version": 2') },
    'FILE_KIND_UNSUPPORTED',
    /Update Quillwork/,
  ],
  [
    'another format',
    { 'quillwork-archive.json': () => '{"format":"other","version":1,"counts":{}}' },
    'FILE_DAMAGED',
    /quillwork-archive\.json/,
  ],
  ['rows that are missing', { 'codex.jsonl': rowsBut('entry') }, 'FILE_DAMAGED', /entry/],
  ['no novel', { 'novel.jsonl': rowsBut('novel') }, 'FILE_DAMAGED', /begin with a novel/],
  ['two novels', { 'novel.jsonl': twice('novel') }, 'FILE_DAMAGED', /more rows/],
  [
    'a line that is no JSON',
    { 'threads.jsonl': () => '{"thread":' },
    'FILE_DAMAGED',
    /threads\.jsonl, line 1/,
  ],
  [
    'a row of another file',
    { 'threads.jsonl': () => '{"scene":{}}\n' },
    'FILE_DAMAGED',
    /threads\.jsonl, line 1/,
  ],
  ['two rows in one line', { 'threads.jsonl': () => '{"thread":{},"scene":{}}\n' }, 'FILE_DAMAGED', /line 1/],
  ['a list for a row', { 'threads.jsonl': () => '[1]\n' }, 'FILE_DAMAGED', /line 1/],
  [
    'a key that changes objects',
    { 'threads.jsonl': () => '{"thread":{"__proto__":{}}}\n' },
    'FILE_DAMAGED',
    /no JSON/,
  ],
  [
    'such a key in disguise',
    { 'threads.jsonl': () => '{"thread":{"\\u005f_proto__":{}}}\n' },
    'FILE_DAMAGED',
    /no JSON/,
  ],
  ['bytes that are no text', { 'threads.jsonl': () => '\ud800' }, 'FILE_DAMAGED', /threads\.jsonl/],
  [
    'a line without end',
    { 'threads.jsonl': () => `"${'x'.repeat(8_000_001)}` },
    'FILE_LIMIT_EXCEEDED',
    /line of more than/,
  ],
  [
    'a text that is too long',
    { 'scenes.jsonl': changed('scene', row => ({ ...row, content: 'x'.repeat(1_000_001) })) },
    'FILE_LIMIT_EXCEEDED',
    /scene of more than/,
  ],
  [
    'a volume that is not there',
    { 'novel.jsonl': changed('chapter', row => ({ ...row, volumeId: 9 })) },
    'FILE_DAMAGED',
    /order of its volumes/,
  ],
  [
    'a volume that is gone',
    { 'novel.jsonl': changed('chapter', row => ({ ...row, volumeId: -1 })) },
    'FILE_DAMAGED',
    /order of its volumes/,
  ],
  [
    'chapters in another order',
    { 'scenes.jsonl': changed('scene', row => ({ ...row, chapterId: 3 })) },
    'FILE_DAMAGED',
    /order of its chapters/,
  ],
  [
    'an entry that is not there',
    { 'codex.jsonl': changed('entry', row => ({ ...row, relations: [99] })) },
    'FILE_DAMAGED',
    /entry 99/,
  ],
  [
    'a scene that is not there',
    {
      'snapshots.jsonl': changed('chapterThen', row => ({
        ...row,
        scenes: [{ id: 999, textVersion: 1, words: 0, characters: 0 }],
      })),
    },
    'FILE_DAMAGED',
    /scene 999/,
  ],
  [
    'a reference that is no number',
    { 'codex.jsonl': changed('entry', row => ({ ...row, relations: ['alice'] })) },
    'FILE_DAMAGED',
    /relations/,
  ],
  [
    'a candidate that is not there',
    { 'scenes.jsonl': changed('candidate', row => ({ ...row, insteadOf: 9 })) },
    'FILE_DAMAGED',
    /candidate 9/,
  ],
  ['a candidate twice', { 'scenes.jsonl': twice('candidate') }, 'FILE_DAMAGED', /candidates/],
  ['a reading twice', { 'scenes.jsonl': twice('reading') }, 'FILE_DAMAGED', /readings/],
  [
    'a reading that found something else',
    { 'scenes.jsonl': changed('reading', row => ({ ...row, what: 'contradictions' })) },
    'FILE_DAMAGED',
    /something else/,
  ],
  ['an entry of a history twice', { 'scenes.jsonl': twice('history') }, 'FILE_DAMAGED', /two entries/],
  ['a chapter of a snapshot twice', { 'snapshots.jsonl': twice('chapterThen') }, 'FILE_DAMAGED', /two rows/],
  ['a thread twice', { 'threads.jsonl': twice('thread') }, 'FILE_DAMAGED', /two rows/],
  ['a summary twice', { 'summaries.jsonl': twice('summary') }, 'FILE_DAMAGED', /two rows/],
  ['a dismissal twice', { 'codex.jsonl': twice('dismissal') }, 'FILE_DAMAGED', /two rows/],
  [
    'a dismissal of nothing',
    { 'codex.jsonl': changed('dismissal', ({ key: _, finding: __, ...row }) => row) },
    'FILE_DAMAGED',
    /of nothing/,
  ],
  [
    'a history before its scene',
    {
      'scenes.jsonl': text =>
        `{"history":{"what":"text","why":"overwritten","version":1,"keptAt":1,"order":1,"text":"a"}}\n${text}`,
    },
    'FILE_DAMAGED',
    /not behind its scene/,
  ],
  [
    'a difference without its base',
    {
      'scenes.jsonl': changed(
        'history',
        row => ({ ...row, difference: { base: 'text overwritten 999', delta: ['a'] } }),
        '"difference"',
      ),
    },
    'FILE_DAMAGED',
    /without the one/,
  ],
  [
    'a difference beyond its base',
    {
      'scenes.jsonl': changed(
        'history',
        row => ({ ...row, difference: { base: 'text overwritten 2', delta: [[0, 999_999]] } }),
        '"difference"',
      ),
    },
    'FILE_DAMAGED',
    /not made of/,
  ],
  [
    'a difference that grows',
    {
      'scenes.jsonl': changed(
        'history',
        row => ({ ...row, difference: { base: 'text overwritten 2', delta: Array(1_000).fill([0, 3_000]) } }),
        '"difference"',
      ),
    },
    'FILE_DAMAGED',
    /longer than/,
  ],
  [
    'versions that never were',
    { 'scenes.jsonl': changed('scene', row => ({ ...row, textVersion: 99 })) },
    'FILE_DAMAGED',
    /versions/,
  ],
  [
    'an entry of the bin without its rows',
    { 'novel.jsonl': text => text.replace('{"volume"', `${lostEntry}\n{"volume"`) },
    'FILE_DAMAGED',
    /without its volume/,
  ],
  [
    'a row of no entry of the bin',
    { 'novel.jsonl': changed('chapter', row => ({ ...row, bin: 9 }), '"bin"') },
    'FILE_DAMAGED',
    /bin/,
  ],
  [
    'an author who writes too much',
    {
      'codex.jsonl': changed('entry', row => ({
        ...row,
        changes: Array(3).fill({ how: 'add', from: 1, text: 'x'.repeat(8_000) }),
      })),
    },
    'FILE_DAMAGED',
    /at most 20000/,
  ],
  [
    'a prompt that is none',
    {
      'novel.jsonl': changed('prompts', row => ({
        ...row,
        prompts: [{ name: 'other', language: 'en', text: '' }],
      })),
    },
    'FILE_DAMAGED',
    /prompts/,
  ],
]

it('leaves no row of any kind when its import is broken off', async () => {
  await using t = new SqliteUnderTest()
  const archive = await whole()
  const records = sqliteLibraryRecords(t.database)
  const counts = async () => {
    const all: [string, number][] = []
    for (const kind of libraryKinds) {
      let count = 0
      for await (const page of everyRecord<Identified>(records, kind)) count += page.length
      if (kind.name !== 'library_counters') all.push([kind.name, count])
    }
    return Object.fromEntries(all)
  }
  const empty = await counts()
  const { novelId, generation } = await t.library.drafts.create(draftOf('broken'))
  const draft = { novelId, generation, userId: ann }
  await t.library.archives.unpack(draft, readNovelArchive(bytesSource(archive)))
  const { library_history: history, library_bin: bin, library_readings: readings } = await counts()
  expect([history, bin, readings]).toEqual([14, 3, 3])
  while ((await t.library.drafts.discard(novelId, { generation, limit: 3 })) === 'more') {}
  expect(await counts()).toEqual(empty)
})

describe('an archive is refused for', () => {
  it.each(hostile)('%s', async (_, changes, code, message) => {
    const bytes = await packed(await whole(), { 'quillwork-archive.json': uncounted, ...changes })
    await expect(surveyText(bytesSource(bytes))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  it.each([
    ['rows', 20],
    ['line', 100],
    ['sceneLength', 10],
    ['totalBytes', 1_000],
  ] as const)('more %s than the bounds allow', async (bound, limit) => {
    const rows = readNovelArchive(bytesSource(await whole()), { bounds: { ...importBounds, [bound]: limit } })
    const all = async () => {
      for await (const _ of rows);
    }
    await expect(all()).rejects.toMatchObject({ code: 'FILE_LIMIT_EXCEEDED', details: { bound, limit } })
  })

  it('rows that it says to have, and a part that is missing', async () => {
    const archive = await whole()
    const few = await packed(archive, { 'codex.jsonl': text => text.split('\n').slice(1).join('\n') })
    await expect(surveyText(bytesSource(few))).rejects.toMatchObject({ code: 'FILE_DAMAGED' })
    const { 'threads.jsonl': _, ...rest } = await filesOf(archive)
    const cut = zip(Object.entries(rest).map(([name, content]) => ({ name, content })))
    await expect(surveyText(bytesSource(cut))).rejects.toMatchObject({
      code: 'FILE_DAMAGED',
      message: expect.stringContaining('threads.jsonl'),
    })
  })

  it('nothing, where a title has controls: they are left out', async () => {
    const bidi = { 'novel.jsonl': changed('novel', row => ({ ...row, title: 'A\u202e\u001b[2Jb\nc' })) }
    const { title } = await surveyText(bytesSource(await packed(await whole(), bidi)))
    expect(title).toBe('A[2Jb c')
  })

  it('nothing, where a later version has fields that this one does not know', async () => {
    const more = { 'codex.jsonl': changed('entry', row => ({ ...row, colour: 'red' })) }
    const survey = await surveyText(bytesSource(await packed(await whole(), more)))
    expect(survey).toMatchObject({ kind: 'archive', archive: { entries: 3 } })
  })
})

let kept: Promise<Buffer> | undefined
function whole(): Promise<Buffer> {
  kept ??= (async () => {
    await using t = new SqliteUnderTest()
    return await archiveOf(t.library, await wholeNovel(t))
  })()
  return kept
}
