/** Reading a novel of the library as a book: page by page, so that it is never in memory as a whole. */
import { defined } from '../../task/defined.ts'
import { everyItem } from '../../task/page.ts'
import type { ChapterOverview, ChapterRange, NovelShelf, PlacedText } from '../library/shelf.ts'
import type { Book, BookPart } from './book.ts'

/** Chapters, and scenes with their texts, that are read at a time. */
const chaptersPerPage = 100
const scenesPerPage = 100

/** Whose novel, and which of its chapters. */
export type BookRequest = ChapterRange & { readonly userId: string }

/** A chapter as it was when the reading began. */
export interface BookChapter
  extends Pick<ChapterOverview, 'id' | 'volumeId' | 'position' | 'title' | 'words'> {
  readonly scenes: number
}

/** What is in a file. Of a codex, its entries and threads count as chapters. */
export interface BookCounts {
  readonly chapters: number
  readonly scenes: number
  readonly words: number
}

/** A novel to be written, or the part of it in a range of chapters. */
export interface NovelBook {
  readonly whole: Book
  readonly chapters: readonly BookChapter[]
  /** Returns a book of one of its chapters. */
  ofChapter(chapter: BookChapter): Book
  /** Known once all of it was read. */
  counts(): BookCounts
}

/** Throws NOVEL_NOT_FOUND, CHAPTER_NOT_FOUND, and OPTION_INVALID for a range that ends before it starts. */
export async function requireRange(shelf: NovelShelf, { userId, ...range }: BookRequest): Promise<void> {
  await shelf.scenes(userId, range, { pageSize: 1 })
}

/**
 * Returns a novel as a book. Its chapters are those of now; the texts are read as they are when their turn comes. Throws what `requireRange` does; reading its
 * parts throws NOVEL_NOT_FOUND when the novel was deleted meanwhile.
 *
 * @param onChapter Called with a chapter when all of it was read.
 */
export async function readBook(
  shelf: NovelShelf,
  request: BookRequest,
  onChapter: (chapter: BookChapter) => void,
): Promise<NovelBook> {
  await requireRange(shelf, request)
  const { userId, novelId } = request
  const { title, author, language, updatedAt } = await shelf.about(userId, novelId)
  const about = { title, updatedAt, ...defined({ author, language }) }
  const chapters = await chaptersOf(shelf, request)
  const whole = { ...about, id: novelId, parts: () => partsOf(shelf, request, { chapters, onChapter }) }
  const ofChapter = (chapter: BookChapter): Book => {
    const alone = { userId, novelId, startChapterId: chapter.id, endChapterId: chapter.id }
    const read = { chapters: [chapter], isAlone: true, onChapter }
    return { ...about, id: chapter.id, parts: () => partsOf(shelf, alone, read) }
  }
  const sum = (of: 'scenes' | 'words') => chapters.reduce((all, chapter) => all + chapter[of], 0)
  const counts = () => ({ chapters: chapters.length, scenes: sum('scenes'), words: sum('words') })
  return { whole, chapters, ofChapter, counts }
}

async function chaptersOf(
  shelf: NovelShelf,
  { userId, novelId, startChapterId, endChapterId }: BookRequest,
): Promise<BookChapter[]> {
  const positionOf = async (id: string) => (await shelf.chapter(userId, id)).position
  const first = startChapterId === undefined ? 0 : await positionOf(startChapterId)
  const last = endChapterId === undefined ? Number.POSITIVE_INFINITY : await positionOf(endChapterId)
  const found: BookChapter[] = []
  const all = everyItem(chaptersPerPage, page => shelf.chapters(userId, { novelId }, page))
  for await (const { id, volumeId, position, title, words, sceneIds } of all) {
    if (position > last) break
    if (position >= first) found.push({ id, volumeId, position, title, words, scenes: sceneIds.length })
  }
  return found
}

/** How the parts of some chapters are read. */
interface Reading {
  readonly chapters: readonly BookChapter[]
  /** A chapter without the title of its volume. */
  readonly isAlone?: boolean
  onChapter(chapter: BookChapter): void
}

async function* partsOf(
  shelf: NovelShelf,
  { userId, ...range }: BookRequest,
  { chapters, isAlone = false, onChapter }: Reading,
): AsyncGenerator<BookPart> {
  const titles = isAlone ? new Map<string, string>() : await volumeTitles(shelf, userId, range.novelId)
  const texts = everyItem(scenesPerPage, page => shelf.texts(userId, range, page))
  let next = await texts.next()
  let volumeId: string | undefined
  for (const chapter of chapters) {
    if (chapter.volumeId !== volumeId) yield { kind: 'volume', title: titles.get(chapter.volumeId) ?? '' }
    volumeId = chapter.volumeId
    yield { kind: 'chapter', title: chapter.title }
    while (next.done !== true && next.value.chapterPosition <= chapter.position) {
      if (next.value.chapterPosition === chapter.position) yield sceneOf(next.value)
      next = await texts.next()
    }
    onChapter(chapter)
  }
}

async function volumeTitles(
  shelf: NovelShelf,
  userId: string,
  novelId: string,
): Promise<ReadonlyMap<string, string>> {
  const volumes = await shelf.volumes(userId, novelId)
  return new Map(volumes.map(({ id, title }) => [id, title]))
}

function sceneOf({ title, content }: PlacedText): BookPart {
  return { kind: 'scene', content, ...defined({ title }) }
}
