import { buffer } from 'node:stream/consumers'
import { importArchive } from '../../../src/novel/archive/import.ts'
import { readNovelArchive } from '../../../src/novel/archive/read.ts'
import { writeNovelArchive } from '../../../src/novel/archive/write.ts'
import { listFindings } from '../../../src/novel/codex/findings.ts'
import type { FoundContradiction } from '../../../src/novel/codex/read-contradictions.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { chapterIdOf, novelIdOf, sceneIdOf, volumeIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import {
  ann,
  type Book,
  draftOf,
  importBook,
  type LibraryUnderTest,
  proposalOf,
  smallBook,
} from '../library/case.ts'
import { entryFields } from '../library/codex-cases.ts'
import { writeUnit } from '../library/level-cases.ts'
import { ownPrompt } from '../library/prompt-cases.ts'
import { readingOf } from '../library/reading-cases.ts'
import { threadFieldsOf } from '../library/thread-cases.ts'

/** Two volumes of before, a long one with a stretch, and one to be deleted. */
const book: Book = [
  ...smallBook,
  {
    title: 'The long one',
    chapters: Array.from({ length: 27 }, (_, at) => ({
      title: `Day ${at}`,
      scenes: [`The miller went out for the ${at}th time.`, `Alice went with him, ${at}.`],
    })),
  },
  { title: 'Left out', chapters: [{ title: 'Never', scenes: ['Nobody read it.', 'Nor that.'] }] },
]

const long = Array.from({ length: 200 }, (_, at) => `曹操 😀 on day ${at * 31}.`).join('\n')

/** Makes a novel with everything that a novel can hold. Returns its id. */
export async function wholeNovel(t: LibraryUnderTest, importId = 'whole'): Promise<string> {
  const { library } = t
  t.now = 100
  const novelId = await importBook(library, importId, book)
  await library.shelf.novel(ann, novelId)
  await library.shape.rename(ann, novelId, {
    ...{ title: '全书 of tests', author: 'An Author', language: 'zh', targetWords: 90_000 },
    reference: true,
  })
  await library.shape.editChapter(ann, { novelId, chapterId: chapterIdOf(novelId, 2), targetWords: 3_000 })
  t.now = 110
  await describe(library, novelId)
  await library.snapshots.create(ann, { id: `${importId}-first`, novelId, name: 'First draft' })
  t.now = 120
  await write(t, novelId)
  await library.snapshots.create(ann, { id: `${importId}-second`, novelId, name: 'Second draft' })
  t.now = 130
  await summarise(library, novelId)
  t.now = 140
  await deleteSome(t, novelId)
  return novelId
}

/** What the author knows of it. */
async function describe(library: NovelLibrary, novelId: string): Promise<void> {
  const scene = (chapter: number, position: number) => sceneIdOf(novelId, chapter, position)
  const narration = { pov: 'first', styleSheet: 'Short.', voiceSample: 'Down she fell.' } as const
  await library.shelf.setNarration(ann, novelId, { narration, expectedVersion: 0 })
  await library.prompts.set(ann, novelId, { ...ownPrompt, expectedVersion: 0 })
  const [alice, rabbit, miller] = ['alice', 'rabbit', 'miller'].map(id => `${id}-${novelId.slice(0, 8)}`)
  const changes = [
    { how: 'add', from: scene(2, 0), until: scene(4, 0), text: 'Fell.' } as const,
    { how: 'replace', from: scene(30, 0), text: 'Of a scene that will be gone.' } as const,
  ]
  const relations = [rabbit ?? '']
  await library.codex.add(ann, novelId, [
    {
      id: alice ?? '',
      fields: entryFields({ name: 'Alice', note: 'Mine.', relations, changes, begins: scene(2, 0) }),
    },
    {
      id: rabbit ?? '',
      fields: entryFields({ name: 'White Rabbit', when: 'always', text: 'Late.', aliases: ['兔'] }),
    },
    { id: miller ?? '', fields: entryFields({ name: 'miller', ends: scene(4, 0) }) },
  ])
  const { items } = await listFindings({ library }, { userId: ann, novelId }, { pageSize: 500 })
  for (const { id, code } of items.slice(0, 2))
    await library.codex.dismiss(ann, novelId, { key: id, what: 'finding', reason: `It is a ghost: ${code}.` })
  await library.codex.dismiss(ann, novelId, { key: 'of another text', what: 'finding', reason: '' })
  await library.codex.dismiss(ann, novelId, { key: 'the Hatter', what: 'name', reason: 'Nobody.' })
  const falling = threadFieldsOf({
    ...{
      title: 'The fall',
      plan: 'She wakes.',
      note: 'Mine.',
      resolveBy: scene(30, 1),
      plantBy: scene(0, 0),
    },
    events: [{ scene: scene(2, 0), kind: 'planted', quotation: 'Alice saw' }],
  })
  await library.threads.put(ann, { novelId, threadId: 'fall', expectedVersion: 0 }, falling)
  const { version } = await library.scenes.scene(ann, scene(2, 1))
  const codex = { pinned: [rabbit ?? ''], barred: [miller ?? ''] }
  const chosen = {
    sceneId: scene(2, 1),
    expectedVersion: version,
    codex,
    narration: { tense: 'present' } as const,
  }
  await library.scenes.editScene(ann, chosen)
  await library.readings.keep(ann, novelId, readingOf(scene(0, 0)))
  const contradiction: FoundContradiction = {
    ...{ kind: 'appearance', entryId: rabbit ?? '', quotation: 'a', entryQuotation: 'b', explanation: 'c' },
  }
  const { items: _, ...rest } = readingOf(scene(2, 0))
  await library.readings.keep(ann, novelId, { ...rest, what: 'contradictions', items: [contradiction] })
  await library.readings.keep(ann, novelId, readingOf(scene(10, 0)))
}

/** Texts of persons and of tasks, with what they replaced. */
async function write(t: LibraryUnderTest, novelId: string): Promise<void> {
  const { scenes, candidates } = t.library
  const first = sceneIdOf(novelId, 0, 0)
  const edit = async (sceneId: string, change: { content?: string; summary?: string; title?: string }) => {
    t.now += 1
    const { version: expectedVersion } = await scenes.scene(ann, sceneId)
    await scenes.editScene(ann, { sceneId, expectedVersion, ...change })
  }
  for (let version = 1; version < 6; version++)
    await edit(first, { content: `${long} ${'And so on. '.repeat(version)}`, summary: `Summary ${version}` })
  await edit(first, { title: 'A title' })
  const second = sceneIdOf(novelId, 3, 0)
  const propose = async (name: string, more: Partial<Parameters<typeof proposalOf>[0]> = {}) => {
    const { version: expectedVersion } = await scenes.scene(ann, second)
    const writer = { taskId: name, attempt: 1 }
    const provenance = {
      method: 'generative',
      model: 'm',
      brief: 'b',
      parameters: { temperature: 0.5 },
    } as const
    const proposal = proposalOf({
      ...{ sceneId: second, content: `Of ${name}.`, expectedVersion, writer, provenance, ...more },
    })
    await candidates.propose(proposal)
    return proposal.id
  }
  const one = await propose('one')
  const scene = { of: 'scene', id: second, title: 'Day 0', reason: { why: 'before' }, tokens: 3 } as const
  const related = { why: 'related', to: [`rabbit-${novelId.slice(0, 8)}`] } as const
  const alice = {
    of: 'entry',
    id: `alice-${novelId.slice(0, 8)}`,
    title: 'Alice',
    reason: related,
    tokens: 2,
  } as const
  const fall = { of: 'thread', id: 'fall', title: 'The fall', reason: 'later' } as const
  const whole = { of: 'book', id: novelId, title: 'All', reason: 'no-summary' } as const
  const block = {
    kind: 'codex',
    tokens: 9,
    shown: [scene, alice],
    leftOut: [fall, whole],
    moreLeftOut: 1,
  } as const
  const prompts = [[block]]
  const fault = { code: 'LENGTH', message: 'It is too long.', figure: 2.5 } as const
  const wanted = await propose('two', { accept: 'by-author', insteadOf: one, faults: [fault], prompts })
  await propose('three', { accept: 'by-author', passage: { start: 0, end: 2 } })
  const { version } = await scenes.scene(ann, second)
  await candidates.accept(ann, { sceneId: second, candidateId: wanted, expectedVersion: version })
  const { items } = await scenes.history(ann, second, { pageSize: 9 })
  const now = await scenes.scene(ann, second)
  await scenes.restore(ann, {
    sceneId: second,
    entryId: items.at(-1)?.id ?? '',
    expectedVersion: now.version,
  })
  const stale = { sceneId: second, expectedVersion: 1, summary: 'Too late.', method: 'extractive' } as const
  await scenes.writeSummary({ ...stale, writer: { taskId: 'late one', attempt: 2 } })
  const by = { userId: ann }
  const summary = { text: 'to come', method: 'person' } as const
  const chapterId = chapterIdOf(novelId, 3)
  await scenes.appendScene({
    userId: ann,
    chapterId,
    id: `added-${novelId.slice(0, 8)}`,
    title: 'Added',
    summary,
    writer: by,
  })
  await t.library.shape.moveScene(ann, {
    sceneId: sceneIdOf(novelId, 5, 1),
    chapterId: chapterIdOf(novelId, 6),
  })
}

/** Summaries of scenes and of what is above them, one of which is out of date. */
async function summarise(library: NovelLibrary, novelId: string): Promise<void> {
  for (const chapter of [3, 4, 5]) {
    const sceneId = sceneIdOf(novelId, chapter, 0)
    const { version: expectedVersion } = await library.scenes.scene(ann, sceneId)
    const writer = { taskId: 'summaries', attempt: 1 }
    const about = { method: 'extractive', language: 'en', sentences: [{ start: 0, end: 3 }] } as const
    await library.scenes.writeSummary({
      ...about,
      sceneId,
      expectedVersion,
      summary: `Of ${chapter}.`,
      writer,
    })
    await writeUnit(library, novelId, chapterIdOf(novelId, chapter))
  }
  const { units } = await library.levels.outline(ann, novelId)
  for (const { id, level } of units)
    if (level === 'stretch' || level === 'volume') await writeUnit(library, novelId, id)
  await writeUnit(library, novelId, novelId)
  const person = { novelId, unitId: chapterIdOf(novelId, 7), text: 'By hand.', expectedVersion: 0 }
  await library.levels.edit(ann, person)
}

/** What is in the bin, and what is gone for good though other rows name it. */
async function deleteSome(t: LibraryUnderTest, novelId: string): Promise<void> {
  const { bin, shape } = t.library
  const gone = await bin.remove(ann, { novelId, what: 'volume', id: volumeIdOf(novelId, 3) })
  while ((await bin.discard(ann, { novelId, entryId: gone.id })) === 'more') {}
  await shape.mergeScenes(ann, { sceneId: sceneIdOf(novelId, 9, 0), next: sceneIdOf(novelId, 9, 1) })
  t.now += 1
  await bin.remove(ann, { novelId, what: 'chapter', id: chapterIdOf(novelId, 10) })
  t.now += 1
  await bin.remove(ann, { novelId, what: 'volume', id: volumeIdOf(novelId, 1) })
}

/** Returns the bytes of the archive of a novel. */
export async function archiveOf(library: NovelLibrary, novelId: string, userId = ann): Promise<Buffer> {
  return buffer(writeNovelArchive(library, { userId, novelId }))
}

/** Imports an archive as an import does. Returns the id of the novel. */
export async function importBytes(
  library: NovelLibrary,
  bytes: Uint8Array,
  { importId, userId = ann }: { importId: string; userId?: string },
): Promise<string> {
  const about = { title: '全书 of tests', author: 'An Author', language: 'zh' }
  const draft = await library.drafts.create(draftOf(importId, { userId, ...about }))
  const rows = readNovelArchive(bytesSource(bytes))
  await importArchive(library, { ...draft, userId }, { rows, onRead: () => undefined })
  return novelIdOf(importId)
}
