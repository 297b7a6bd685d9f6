import { confirmUpload, importNovel } from 'quillwork/novel'
import { describe, expect, it } from 'vitest'
import type { BookPart } from '../../../src/novel/export/book.ts'
import { writeMarkdown } from '../../../src/novel/export/markdown.ts'
import { ann, type NovelEngine, novelEngine } from '../tasks/novel-engine.ts'
import { bookOf, fileOf } from './round-trip.ts'

const parts: BookPart[] = [
  { kind: 'volume', title: '' },
  { kind: 'chapter', title: 'Chapter 12' },
  { kind: 'scene', content: '# Not a heading\r\n\n  The scales stood.\n\n' },
  { kind: 'scene', title: 'Planned', content: '' },
  { kind: 'scene', content: '' },
  { kind: 'chapter', title: '' },
  { kind: 'volume', title: 'Without chapters' },
  { kind: 'volume', title: 'Last' },
  { kind: 'chapter', title: 'Long' },
  { kind: 'scene', title: 'Long', content: 'It rained. '.repeat(10_000) },
]

/** The parts of a novel of the library. */
async function partsOf({ library: { shelf } }: NovelEngine, novelId: string): Promise<BookPart[]> {
  const page = { pageSize: 1_000 }
  const chapters = (await shelf.chapters(ann, { novelId }, page)).items
  const scenes = (await shelf.texts(ann, { novelId }, page)).items
  return (await shelf.volumes(ann, novelId)).flatMap(volume => [
    { kind: 'volume', title: volume.title },
    ...chapters
      .filter(({ volumeId }) => volumeId === volume.id)
      .flatMap((chapter): BookPart[] => [
        { kind: 'chapter', title: chapter.title },
        ...scenes
          .filter(({ chapterId }) => chapterId === chapter.id)
          .map(({ title, content }): BookPart => ({ kind: 'scene', ...(title && { title }), content })),
      ]),
  ])
}

async function importFile(n: NovelEngine, file: Uint8Array, name = 'a.md') {
  const { id: uploadId } = await n.upload(file, name)
  const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
  await n.t.drain()
  const task = await n.t.find(importNovel, taskId)
  return { novelId, state: await task?.state() }
}

describe('the import of a novel that was exported', () => {
  it('makes the same novel: titles of scenes, scenes without a text, long ones, chapters without scenes', async () => {
    await using n = await novelEngine()
    const about = { title: 'Salt', author: 'Ann Reed', language: 'nl' }
    const { novelId, state } = await importFile(n, await fileOf(writeMarkdown, bookOf(parts, about)))
    expect(state).toMatchObject({
      status: 'COMPLETED',
      result: {
        title: 'Salt',
        volumes: 3,
        chapters: 3,
        scenes: 4,
        summaries: { total: 4, success: 2, skipped: 2 },
        warnings: [],
      },
    })
    expect(await partsOf(n, novelId)).toEqual(parts)
    expect(await n.library.shelf.novel(ann, novelId)).toMatchObject(about)
  })

  it('leaves the language unknown where the novel had none', async () => {
    await using n = await novelEngine()
    const english: BookPart[] = [
      { kind: 'volume', title: '' },
      { kind: 'chapter', title: 'One' },
      { kind: 'scene', content: 'The scales stood in the window of the house by the river.' },
    ]
    const { novelId } = await importFile(n, await fileOf(writeMarkdown, bookOf(english)))
    expect((await n.library.shelf.novel(ann, novelId)).language).toBeUndefined()
  })

  it('has one scene at least, which may be empty', async () => {
    await using n = await novelEngine()
    const empty: BookPart[] = [
      { kind: 'volume', title: '' },
      { kind: 'chapter', title: 'One' },
    ]
    const scene: BookPart = { kind: 'scene', title: 'Planned', content: '' }
    const none = await importFile(n, await fileOf(writeMarkdown, bookOf(empty)))
    expect(none.state).toMatchObject({ status: 'FAILED', error: { code: 'TEXT_UNREADABLE' } })
    const one = await importFile(n, await fileOf(writeMarkdown, bookOf([...empty, scene])), 'b.md')
    expect(one.state).toMatchObject({ status: 'COMPLETED', result: { scenes: 1 } })
    expect(await partsOf(n, one.novelId)).toEqual([...empty, scene])
  })
})
