import { chapterIdOf, novelIdOf, sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { buildNovelSegment } from '../../../src/novel/library/novel-segment.ts'
import type { NovelSearch } from '../../../src/novel/library/passage-index.ts'
import { encodeVectors } from '../../../src/novel/search/vectors.ts'
import {
  ann,
  draftOf,
  everythingOf,
  importBook,
  type LibraryUnderTest,
  proposalOf,
  smallBook,
  writeBook,
} from './case.ts'
import { entryFields } from './codex-cases.ts'
import { ownPrompt } from './prompt-cases.ts'
import { threadFieldsOf } from './thread-cases.ts'

/** A scene that a person edited. */
export const edited = sceneIdOf(novelIdOf('edited'), 0, 0)
/** A scene with texts that tasks made. */
export const generated = sceneIdOf(novelIdOf('edited'), 2, 1)

/** A thread with a quotation of a scene that nobody edits. */
const falling = threadFieldsOf({
  ...{ title: 'The fall', plan: 'She wakes.', note: 'Mine.', resolveBy: generated },
  events: [{ scene: sceneIdOf(novelIdOf('edited'), 2, 0), kind: 'planted', quotation: 'Alice saw' }],
})

/** A library with everything that a library can hold. */
export async function fill(t: LibraryUnderTest): Promise<void> {
  const { library } = t
  t.now = 10
  await importBook(library, 'plain')
  await importBook(library, 'plain too')
  const novelId = await importBook(library, 'edited')
  await library.shape.rename(ann, novelIdOf('plain'), { reference: true })
  await library.shape.rename(ann, novelId, { references: [novelIdOf('plain')] })
  for (const builder of ['one', 'two']) await buildIndex(library, novelId, builder)
  t.now = 20
  await editScenes(library)
  const narration = { pov: 'first', styleSheet: 'Short.', voiceSample: 'Down she fell.' } as const
  await library.shelf.setNarration(ann, novelId, { narration, expectedVersion: 0 })
  await library.prompts.set(ann, novelId, { ...ownPrompt, expectedVersion: 0 })
  const changes = [{ how: 'add', from: edited, text: 'Fell.' } as const]
  await library.codex.add(ann, novelId, [
    { id: 'alice', fields: entryFields({ name: 'Alice', note: 'Mine.', relations: ['rabbit'], changes }) },
    { id: 'rabbit', fields: entryFields({ name: 'White Rabbit', when: 'always', text: 'Late.' }) },
  ])
  await library.threads.put(ann, { novelId, threadId: 'fall', expectedVersion: 0 }, falling)
  await library.index.begin(ann, novelId, 'unfinished')
  const unit = { what: 'chapter', id: chapterIdOf(novelIdOf('plain too'), 1) } as const
  await library.bin.remove(ann, { novelId: novelIdOf('plain too'), ...unit })
  await importBook(library, 'binned')
  await library.binnedNovels.put(ann, novelIdOf('binned'))
  await importBook(library, 'hers', smallBook, 'bob')
  await writeBook(library, await library.drafts.create(draftOf('draft')), smallBook)
  await importBook(library, 'half gone')
  await library.shelf.remove(ann, novelIdOf('half gone'), 2)
  for (const id of ['u1', 'u2', 'u3']) {
    await library.uploads.add({
      id,
      userId: ann,
      fileName: id,
      bytes: 3,
      location: id,
      expiresAt: 1_000,
    })
  }
  await library.uploads.saveSurvey(ann, 'u2', '{"title":"书"}')
  await library.uploads.confirm(ann, 'u2', { novelId: 'n', taskId: 't', expiresAt: 2_000 })
}

/** The kind of vectors of these indexes. */
export const kind = { model: 'm', space: 'tests:m', dimensions: 2 }
const vector = { kind, values: Float32Array.of(1, 2) }

/** Builds an index of two segments, the first with vectors. */
export async function buildIndex(library: NovelLibrary, novelId: string, builder: string): Promise<void> {
  const build = await library.index.begin(ann, novelId, builder, kind)
  const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
  for (const [part, values] of [
    [1, 2],
    [2, 1],
  ].entries()) {
    const vectors = encodeVectors([Float32Array.from(values)])
    await library.index.putVectors(build, { segment: 0, part, first: part, vectors })
  }
  await library.index.put(build, await buildNovelSegment(0, items.slice(0, 2)), 2)
  await library.index.put(build, await buildNovelSegment(1, items.slice(2)))
  await library.index.finish(build, 2)
}

/** What is overwritten of a scene, in an order that no version tells. */
async function editScenes(library: NovelLibrary): Promise<void> {
  const { scenes } = library
  const edit = (expectedVersion: number, change: { content?: string; summary?: string; title?: string }) =>
    scenes.editScene(ann, { sceneId: edited, expectedVersion, ...change })
  await edit(1, { summary: 'first' })
  await edit(2, { summary: 'second' })
  await edit(3, { content: '曹操 second' })
  await edit(4, { content: '曹操 third', summary: 'third', title: 'Title' })
  await scenes.writeSummary({
    sceneId: sceneIdOf(novelIdOf('edited'), 2, 0),
    expectedVersion: 1,
    summary: 'by a task',
    method: 'extractive',
    model: 'm',
    language: 'en',
    sentences: [{ start: 0, end: 3 }],
    writer: { taskId: 'task', attempt: 2 },
  })
  await generateTexts(library)
}

/** A text of a model, a candidate beside it, a restored text, and a scene that was added. */
async function generateTexts({ scenes, candidates }: NovelLibrary): Promise<void> {
  const write = (expectedVersion: number, taskId: string) =>
    candidates.propose(
      proposalOf({
        sceneId: generated,
        expectedVersion,
        content: `of ${taskId}`,
        provenance: {
          method: 'generative',
          model: 'm',
          prompt: { name: 'scene', version: '1', language: 'en' },
          parameters: { temperature: 0.5 },
          usage: { inputTokens: 7, outputTokens: 3, cost: 0.1 },
          finishReason: 'stop',
        },
        writer: { taskId, attempt: 2 },
      }),
    )
  await write(1, 'in time')
  await write(1, 'late')
  const [original] = (await scenes.history(ann, generated, { pageSize: 1 })).items
  await scenes.restore(ann, { sceneId: generated, entryId: original?.id ?? '', expectedVersion: 2 })
  const { chapterId } = await scenes.scene(ann, generated)
  const summary = { text: 'to come', method: 'person' } as const
  const by = { userId: ann }
  await scenes.appendScene({ userId: ann, chapterId, id: 'added', title: 'Added', summary, writer: by })
}

/** A novel without what libraries tell of it since. */
async function novelOf(library: NovelLibrary, novelId: string, userId = ann) {
  const { texts, ...novel } = await everythingOf(library, novelId, userId)
  return { ...novel, texts: texts.map(({ chapterPosition: _, ...text }) => text) }
}

/** All that a library tells. */
export async function told(library: NovelLibrary) {
  const page = { pageSize: 1 }
  const novelIds = ['plain', 'plain too', 'edited'].map(novelIdOf)
  const firstNovels = await library.shelf.novels(ann, { pageSize: 2 })
  const pageToken = firstNovels.nextPageToken ?? ''
  const editedNovel = novelIdOf('edited')
  const wholeUploads = async (of: { pageSize: number }) => {
    const { items } = await library.uploads.uploads(ann, of)
    return Promise.all(items.map(({ id }) => library.uploads.upload(ann, id)))
  }
  return {
    everything: await Promise.all(novelIds.map(novelId => novelOf(library, novelId))),
    hers: await novelOf(library, novelIdOf('hers'), 'bob'),
    shelf: [firstNovels.items, (await library.shelf.novels(ann, { pageSize: 2, pageToken })).items],
    scenes: await Promise.all([
      library.scenes.scene(ann, edited),
      library.scenes.scene(ann, sceneIdOf(editedNovel, 2, 0)),
      library.scenes.scene(ann, generated),
      library.scenes.scene(ann, 'added'),
    ]),
    history: (await library.scenes.history(ann, edited, { pageSize: 50 })).items,
    generated: (await library.scenes.history(ann, generated, { pageSize: 50 })).items,
    drafts: (await library.drafts.list({ pageSize: 10 })).items,
    uploads: await wholeUploads({ pageSize: 10 }),
    firstUpload: await wholeUploads(page),
    index: { ...(await library.index.state(ann, editedNovel)), building: undefined },
    found: await Promise.all(['曹操', 'rabbit', '黄巾'].map(query => found(library, { query }))),
    near: await found(library, { query: '貂蝉', vector }),
  }
}

/** What a search finds, without the total: earlier builds did not tell it. */
async function found(library: NovelLibrary, search: NovelSearch) {
  const { total: _, ...answer } = await library.index.search(ann, novelIdOf('edited'), search)
  return answer
}

/** What `told` returns. */
export type Told = Awaited<ReturnType<typeof told>>
