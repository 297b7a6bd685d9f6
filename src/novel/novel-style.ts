import { cooperate } from '../runtime/cooperate.ts'
import { everyItem } from '../task/page.ts'
import { type BookStyle, type ChapterStyle, createStyleBook, emptyStyle } from './checks/style.ts'
import type { NovelServices } from './services.ts'

/** The style of a novel in figures, chapter by chapter. */
export interface NovelStyle extends Omit<BookStyle, 'chapters'> {
  readonly chapters: readonly (ChapterStyle & {
    readonly id: string
    /** Over the whole novel, from 0. */
    readonly position: number
    readonly title: string
  })[]
}

/** Scenes and chapters read at a time. */
const perPage = 200

/** Reads a whole novel, one page of texts at a time, and returns its style in figures. Throws NOVEL_NOT_FOUND and the signal's reason. */
export async function readNovelStyle(
  { library: { shelf } }: Pick<NovelServices, 'library'>,
  { userId, novelId, signal }: { userId: string; novelId: string; signal: AbortSignal },
): Promise<NovelStyle> {
  const book = createStyleBook()
  for await (const text of everyItem(perPage, page => shelf.texts(userId, { novelId }, page)))
    await cooperate(book.add({ ...text, sceneId: text.id }), signal)
  const { chapters: styles, ...style } = await cooperate(book.finish(), signal)
  const chapters = []
  for await (const { id, position, title } of everyItem(perPage, page =>
    shelf.chapters(userId, { novelId }, page),
  ))
    chapters.push({ id, position, title, ...(styles.get(id) ?? emptyStyle) })
  return { ...style, chapters }
}
