import type { TextProposal } from '../../../src/novel/library/candidates.ts'
import type { DraftWriter, NewDraft } from '../../../src/novel/library/drafts.ts'
import { novelIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'

/** A library that a case may use up: its file is new, and `reopen` closes and opens it again. */
export interface LibraryUnderTest {
  readonly library: NovelLibrary
  /** The library's clock, epoch milliseconds. */
  now: number
  reopen(): Promise<void>
}

/** One thing that every library does. */
export interface LibraryCase {
  name: string
  run(t: LibraryUnderTest): Promise<void>
}

/** The owner of the novels of the cases. */
export const ann = 'ann'

/** A book as the cases write it: volumes of chapters of scenes. */
export type Book = readonly {
  title: string
  chapters: readonly { title: string; scenes: readonly string[] }[]
}[]

/** A text that a task proposes, which enters the scene where nobody changed its text. */
export function proposalOf(
  text: Pick<TextProposal, 'sceneId' | 'content' | 'expectedVersion'> & Partial<TextProposal>,
): TextProposal {
  const { writer = { taskId: 'task', attempt: 1 }, number = 1 } = text
  const id = `${text.sceneId}-${writer.taskId.replaceAll(' ', '-')}-${text.expectedVersion}-${number}`
  const provenance = { method: 'generative' } as const
  return { id, writer, number, provenance, rootTaskId: writer.taskId, accept: 'automatically', ...text }
}

/** Two volumes, three chapters, five scenes; one scene is blank. */
export const smallBook: Book = [
  {
    title: '卷一',
    chapters: [
      { title: '第一章 桃园', scenes: ['刘备见关羽张飞。三人结义。', '黄巾起。曹操至。'] },
      { title: '第二章 空城', scenes: ['   \n　'] },
    ],
  },
  {
    title: 'Volume Two',
    chapters: [{ title: 'Down the hole', scenes: ['Alice saw the White Rabbit run.', 'She fell.'] }],
  },
]

/** A new draft of a user. */
export function draftOf(importId: string, more: Partial<NewDraft> = {}): NewDraft {
  return {
    novelId: novelIdOf(importId),
    userId: ann,
    title: `Book ${importId}`,
    importTaskId: `task-${importId}`,
    ...more,
  }
}

/** Writes a book into a draft in one batch. */
export function writeBook(library: NovelLibrary, draft: DraftWriter, book: Book) {
  const chapters = book.flatMap((volume, volumePosition) =>
    volume.chapters.map(chapter => ({ ...chapter, volumePosition })),
  )
  return library.drafts.write(draft, {
    volumes: book.map(({ title }, position) => ({ position, title })),
    chapters: chapters.map(({ title, volumePosition }, position) => ({ position, volumePosition, title })),
    scenes: chapters.flatMap(({ scenes }, chapterPosition) =>
      scenes.map((content, position) => ({ chapterPosition, position, content })),
    ),
  })
}

/** The totals of a book. */
export function totalsOf(book: Book) {
  const chapters = book.flatMap(volume => volume.chapters)
  return {
    volumes: book.length,
    chapters: chapters.length,
    scenes: chapters.flatMap(chapter => chapter.scenes).length,
  }
}

/** Imports a book and answers its novel's id. */
export async function importBook(
  library: NovelLibrary,
  importId: string,
  book: Book = smallBook,
  userId = ann,
) {
  const draft = await library.drafts.create(draftOf(importId, { userId }))
  await writeBook(library, draft, book)
  const published = await library.drafts.publish(draft, totalsOf(book))
  if (published.outcome !== 'published') throw new Error(`The book was not published: ${published.outcome}.`)
  return draft.novelId
}

/** What a listing of the whole novel says, to compare states. */
export async function everythingOf(library: NovelLibrary, novelId: string, userId = ann) {
  const page = { pageSize: 1_000 }
  return {
    novel: await library.shelf.novel(userId, novelId),
    volumes: await library.shelf.volumes(userId, novelId),
    chapters: (await library.shelf.chapters(userId, { novelId }, page)).items,
    texts: (await library.shelf.texts(userId, { novelId }, page)).items,
  }
}
