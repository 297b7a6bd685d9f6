import { withoutControls } from '../../task/controls.ts'
import type { Book, BookMatter, BookPart, BookWriter } from './book.ts'
import { matterLines } from './document.ts'
import { sceneMark } from './marks.ts'

/**
 * Writes a book as plain text, for reading elsewhere: title, author and headings on lines of their own between blank lines, `* * *` between
 * scenes. Scenes without a text are left out. Holds one scene in memory.
 */
export const writePlainText: BookWriter = async function* (book) {
  const encoder = new TextEncoder()
  yield encoder.encode(`${oneLine(book.title)}\n`)
  for await (const block of blocksOf(book)) yield encoder.encode(`\n${block}\n`)
}

/** Yields the lines and texts below the title; a blank line separates them. */
async function* blocksOf(book: Book): AsyncGenerator<string> {
  if (book.author !== undefined) yield oneLine(book.author)
  yield* matterBlocks(book.frontMatter)
  let before: BookPart['kind'] | undefined
  for await (const part of book.parts()) {
    if (part.kind === 'scene') {
      if (part.content.trim() === '') continue
      if (before === 'scene' && book.content === undefined) yield sceneMark
      if (part.title) yield oneLine(part.title)
      yield part.content.replace(/\r\n?/g, '\n')
    } else if (part.title !== '') yield oneLine(part.title)
    before = part.kind
  }
  yield* matterBlocks(book.endMatter)
}

function* matterBlocks(matter: readonly BookMatter[] = []): Generator<string> {
  for (const { title = '', text } of matter) {
    if (title !== '') yield oneLine(title)
    yield matterLines(text).join('\n')
  }
}

function oneLine(text: string): string {
  return withoutControls(text).trim()
}
