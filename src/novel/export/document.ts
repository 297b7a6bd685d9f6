/** A book as the paragraphs of a document for word processors, before any format. */
import { measure } from '../words.ts'
import { type Block, BlockReader, titleLine } from './blocks.ts'
import type { Book, BookLayout, BookMatter, BookOptions } from './book.ts'
import { type StyleId, sheets } from './document-styles.ts'
import type { BookScript } from './script.ts'
import { writable } from './xml.ts'

/** A paragraph of a document. */
export interface DocumentParagraph {
  readonly style: StyleId
  /** With line breaks between them; none for an empty paragraph. */
  readonly lines: readonly string[]
  /** Unlike its style: without the indent of the first line; in the middle; or the first one of the document, on a page without a number. */
  readonly place?: 'flush' | 'center' | 'first'
}

/** Yields the paragraphs of a book, as they are read: title page, front matter, text, end matter. */
export async function* documentParagraphs(
  book: Book,
  script: BookScript,
  { layout = 'book', contact = [] }: BookOptions,
): AsyncGenerator<readonly DocumentParagraph[]> {
  yield layout === 'book' ? titlePage(book) : await manuscriptTitlePage(book, script, contact)
  yield matterOf(book.frontMatter)
  const reader = new BlockReader()
  for await (const part of book.parts())
    yield Array.from(reader.blocksOf(part), block => paragraphOf(block, layout))
  yield matterOf(book.endMatter)
}

function titlePage({ title, author }: Book): DocumentParagraph[] {
  const byline = author === undefined ? [] : [line('Author', titleLine(author))]
  return [{ ...line('Title', titleLine(title)), place: 'first' }, ...byline]
}

/** Returns the title page of a manuscript: author, contact and length at the top, title and author in the middle. */
async function manuscriptTitlePage(
  book: Book,
  script: BookScript,
  contact: readonly string[],
): Promise<DocumentParagraph[]> {
  const author = titleLine(book.author ?? '')
  const words = roundedWords(await wordsOf(book)).toLocaleString('en-US')
  const length = script.isChinese ? `约${words}字` : `about ${words} words`
  const byline = script.isChinese || author === '' ? author : `by ${author}`
  return [
    { ...line('TitlePageTop', `${author}\t${length}`), place: 'first' },
    ...contact.map(each => line('TitlePageTop', titleLine(each))),
    line('Title', titleLine(book.title)),
    ...(byline === '' ? [] : [line('Author', byline)]),
  ]
}

async function wordsOf(book: Book): Promise<number> {
  let words = 0
  for await (const part of book.parts()) if (part.kind === 'scene') words += measure(part.content).words
  return words
}

/** Returns a number of words as editors want it: of a novel to the thousand, of less text more exactly. */
function roundedWords(words: number): number {
  const unit = words >= 20_000 ? 1_000 : words >= 1_000 ? 100 : words >= 100 ? 10 : 1
  return Math.round(words / unit) * unit
}

/** Returns what stands before or after the text. Each begins a page, also one without a title. */
function matterOf(matter: readonly BookMatter[] = []): DocumentParagraph[] {
  return matter.flatMap(({ title = '', text }) => [
    line('MatterTitle', titleLine(title)),
    ...matterLines(text).map(each => line('Matter', each)),
  ])
}

/** Returns the lines of a text before or after the story; an empty one for each blank line. */
export function matterLines(text: string): string[] {
  return writable(text.replace(/\r\n?/g, '\n')).trim().split('\n')
}

const headings = { volume: 'Heading1', chapter: 'Heading2', scene: 'Heading3' } as const

function paragraphOf(block: Block, layout: BookLayout): DocumentParagraph {
  if (block.kind === 'break') return line('SceneBreak', sheets[layout].sceneMark)
  if (block.kind === 'blank') return { style: 'BodyText', lines: [] }
  if (block.kind !== 'paragraph') return line(headings[block.kind], block.title)
  const { lines, isLine, isMark } = block
  const style = isLine ? 'TextLine' : 'BodyText'
  if (isMark) return { style, lines, place: 'center' }
  // One that the author indented is not indented once more.
  return /^\s/.test(lines[0] ?? '') ? { style, lines, place: 'flush' } : { style, lines }
}

function line(style: StyleId, text: string): DocumentParagraph {
  return { style, lines: text === '' ? [] : [text] }
}

/** Returns what stands beside the number of a page: nothing in a book, author and title in a manuscript. */
export function marginText({ author = '', title }: Book, layout: BookLayout): string {
  if (layout === 'book') return ''
  const names = [author, title].map(titleLine).filter(name => name !== '')
  return names.map(name => `${name.toUpperCase()} / `).join('')
}
