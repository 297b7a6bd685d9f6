import { escapeControls } from '../../task/controls.ts'
import type { Book, BookPart, BookWriter } from './book.ts'
import { emptyLine, escapeText, formatVersion, headingOf, sceneMark } from './marks.ts'

/**
 * Writes a book as Markdown that the import reads back exactly. Its front matter says so; `marks.ts` says how. Holds one scene in memory.
 * Where line ends alone separate the paragraphs, as in most Chinese texts, each is written twice, so that Markdown programs show paragraphs.
 */
export const writeMarkdown: BookWriter = async function* (book) {
  const encoder = new TextEncoder()
  const isDoubled = await separatesByLines(book)
  yield encoder.encode(frontMatter(book, isDoubled))
  for await (const block of blocksOf(book, isDoubled)) yield encoder.encode(`\n${block}\n`)
}

function frontMatter({ title, author, language, content }: Book, isDoubled: boolean): string {
  // An outline or a codex is not read back as the novel.
  const isText = content === undefined
  const fields = [
    ...(isText ? [`quillwork: ${formatVersion}`] : []),
    ...Object.entries({ title, author, language }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}: ${quoted(value)}`],
    ),
    ...(isDoubled && isText ? ['line-ends: doubled'] : []),
  ]
  return ['---', ...fields, '---', ''].join('\n')
}

/** Returns a text in double quotes, as YAML and JSON write it. */
function quoted(text: string): string {
  return escapeControls(JSON.stringify(text))
}

/** Yields the headings, marks and texts of a book; a blank line separates them. */
async function* blocksOf(book: Book, isDoubled: boolean): AsyncGenerator<string> {
  let before: BookPart['kind'] | undefined
  // A first volume without a title has no heading where a chapter follows.
  let isLeftOut = false
  for await (const part of book.parts()) {
    if (isLeftOut && part.kind !== 'chapter') yield untitled.volume
    const heading = part.kind === 'scene' ? undefined : headingOf(part.kind, part.title)
    isLeftOut = before === undefined && heading === untitled.volume
    if (part.kind === 'scene') yield* sceneBlocks(part, { isDoubled, isFirst: before !== 'scene' })
    else if (heading !== undefined && !isLeftOut) yield heading
    before = part.kind
  }
  if (isLeftOut) yield untitled.volume
}

const untitled = { volume: headingOf('volume', ''), scene: headingOf('scene', '') }

function* sceneBlocks(
  { title = '', content }: Extract<BookPart, { kind: 'scene' }>,
  { isDoubled, isFirst }: { isDoubled: boolean; isFirst: boolean },
): Generator<string> {
  const heading = headingOf('scene', title)
  const isTitled = heading !== untitled.scene
  if (isTitled) yield heading
  else if (!isFirst) yield sceneMark
  if (isTitled && content === '') return
  const text = /^\n*$/.test(content) ? emptyLine + content : escapeText(content)
  yield isDoubled ? text.replaceAll('\n', '\n\n') : text
}

/** UTF-16 units of a book that show how it separates paragraphs. */
const sampleLength = 100_000

/** Returns whether line ends alone separate the paragraphs at the beginning of a book, and blank lines hardly ever. */
async function separatesByLines(book: Book): Promise<boolean> {
  let lines = 0
  let blanks = 0
  let length = 0
  for await (const part of book.parts()) {
    if (part.kind !== 'scene') continue
    for (const [ends] of part.content.matchAll(/(?<![\r\n])(?:\r?\n)+(?=[^\r\n])/g)) {
      if (ends.indexOf('\n') === ends.lastIndexOf('\n')) lines++
      else blanks++
    }
    length += part.content.length
    if (length >= sampleLength) break
  }
  return lines > 0 && blanks * 20 <= lines
}
