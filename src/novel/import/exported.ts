import { ownCopy } from '../../ai/text/characters.ts'
import { defined } from '../../task/defined.ts'
import type { BookPart } from '../export/book.ts'
import { formatVersion, type Mark, readMark, unescapeCharacters, unescapeLine } from '../export/marks.ts'
import { checkBound, importBounds, unsupported } from './bounds.ts'
import { inSteps, type Line } from './lines.ts'

/** The front matter of a file that Quillwork exported. Plain data. */
export interface ExportedFrontMatter {
  /** Lines that it takes. */
  readonly lines: number
  readonly title?: string
  readonly author?: string
  /** As it stands there. */
  readonly language?: string
  /** Each line end of the text is two in the file. */
  readonly isDoubled?: true
}

/**
 * Returns the front matter of a file that Quillwork exported, from the start of the file; undefined for any other file. Throws
 * FILE_KIND_UNSUPPORTED when a later release exported it in a way that this one cannot read.
 */
export function readFrontMatter(start: string): ExportedFrontMatter | undefined {
  if (!/^---[ \t]*[\r\n]/.test(start)) return undefined
  const lines = start.split(/\r\n?|[\n\f\u0085\u2028\u2029]/)
  const end = lines.findIndex((line, i) => i > 0 && line.trimEnd() === '---')
  const fields = new Map(lines.slice(1, Math.max(1, end)).map(fieldOf))
  const version = /^[1-9]\d{0,8}$/.exec(fields.get('quillwork') ?? '')?.[0]
  if (version === undefined) return undefined
  if (Number(version) > formatVersion) throw tooNew(version)
  return defined({
    lines: end + 1,
    title: fields.get('title'),
    author: fields.get('author'),
    language: fields.get('language'),
    isDoubled: fields.get('line-ends') === 'doubled' ? (true as const) : undefined,
  })
}

/** Returns name and value of a line of front matter. */
function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':')
  const value = line.slice(colon + 1).trim()
  return [line.slice(0, Math.max(0, colon)), unquoted(value)]
}

/** Returns a value without its quotes, as YAML has them; an author may have written it. */
function unquoted(value: string): string {
  const inside = value.slice(1, -1)
  if (/^'.*'$/.test(value)) return inside.replaceAll("''", "'")
  if (!/^".*"$/.test(value)) return value
  try {
    return JSON.parse(value) as string
  } catch {
    return inside
  }
}

function tooNew(version: string) {
  return unsupported({
    what: `a novel that a later version of Quillwork exported (quillwork: ${version}; this one reads ${formatVersion})`,
    advice: `Import it there, or take the line "quillwork: ${version}" out of the file to import it as any other Markdown.`,
  })
}

/** What a reading of an exported file has to know beside its lines. */
export interface ExportedBook extends Pick<ExportedFrontMatter, 'lines' | 'isDoubled'> {
  readonly title: string
}

/**
 * Yields the parts of an exported file, in reading order: a volume before its chapters, a chapter before its scenes. Memory is bounded by a scene. Throws
 * FILE_LIMIT_EXCEEDED and the signal's reason.
 */
export async function* exportedParts(
  content: AsyncIterable<readonly Line[]>,
  book: ExportedBook,
  signal?: AbortSignal,
): AsyncGenerator<BookPart> {
  const reader = new ExportedReader(book)
  for await (const lines of inSteps(content, signal)) {
    for (const line of lines) reader.add(line)
    yield* reader.take()
  }
  reader.end()
  yield* reader.take()
}

/**
 * Divides the lines at their marks. One blank line after a mark and one before it belong to the mark; all others are text. Blank lines alone are
 * no scene. A text without a chapter above it gets one, named after its volume or the book.
 */
class ExportedReader {
  readonly #book: ExportedBook
  readonly #parts: BookPart[] = []
  #headings = 0
  /** Title of the open volume. */
  #volume: string | undefined
  #isInChapter = false
  /** Title of the open scene. */
  #title: string | undefined
  /** Pieces of its text. */
  #text: string[] = []
  #length = 0
  /** Blank lines since its last piece. */
  #blanks = 0
  #continues = false

  constructor(book: ExportedBook) {
    this.#book = book
  }

  add(line: Line): void {
    if (line.number < this.#book.lines) return
    const isWhole = !line.partial && !this.#continues
    const mark = isWhole ? readMark(line.text) : undefined
    if (mark !== undefined) this.#begin(mark)
    else if (isWhole && line.text === '') this.#blanks++
    else this.#addText(line.text)
    this.#continues = line.partial
  }

  /** Ends the last scene. No mark follows it, so that all its blank lines are text. */
  end(): void {
    this.#endScene(this.#blanks)
  }

  /** Returns the parts completed since the last call. */
  take(): BookPart[] {
    return this.#parts.splice(0)
  }

  #begin(mark: Mark): void {
    this.#endScene(Math.max(0, this.#blanks - 1))
    if (mark.kind === 'volume') this.#openVolume(ownCopy(mark.title))
    else if (mark.kind === 'chapter') this.#openChapter(ownCopy(mark.title))
    else if (mark.title !== undefined) {
      this.#needChapter()
      this.#title = mark.title
    }
  }

  #addText(text: string): void {
    if (this.#continues) this.#push(text)
    else {
      this.#needChapter()
      const isFirst = this.#text.length === 0
      this.#pushLineEnds(isFirst ? this.#edge(Math.max(0, this.#blanks - 1)) : this.#between(this.#blanks))
      this.#push(unescapeLine(text))
      this.#blanks = 0
    }
  }

  #push(text: string): void {
    this.#grow(text.length)
    this.#text.push(text)
  }

  #pushLineEnds(count: number): void {
    this.#grow(count)
    this.#text.push('\n'.repeat(count))
  }

  #grow(length: number): void {
    this.#length += length
    checkBound(importBounds, 'sceneLength', this.#length)
  }

  /** Returns the line ends that blank lines at the beginning or the end of a text stand for. */
  #edge(blanks: number): number {
    return this.#book.isDoubled ? Math.floor(blanks / 2) : blanks
  }

  /** Returns the line ends that blank lines between two lines stand for. */
  #between(blanks: number): number {
    return this.#book.isDoubled ? Math.max(1, Math.floor((blanks + 1) / 2)) : blanks + 1
  }

  /** `blanks`: blank lines that belong to its text. */
  #endScene(blanks: number): void {
    const title = this.#title
    const hasText = this.#text.length > 0
    if (hasText) this.#pushLineEnds(this.#edge(blanks))
    if (hasText || title !== undefined) {
      const content = unescapeCharacters(this.#text.join(''))
      this.#parts.push({ kind: 'scene', ...defined({ title }), content })
    }
    this.#title = undefined
    this.#text = []
    this.#length = 0
    this.#blanks = 0
  }

  #needChapter(): void {
    if (!this.#isInChapter) this.#openChapter(this.#volume || this.#book.title)
  }

  #openVolume(title: string): void {
    this.#count()
    this.#parts.push({ kind: 'volume', title })
    this.#volume = title
    this.#isInChapter = false
  }

  #openChapter(title: string): void {
    if (this.#volume === undefined) this.#openVolume('')
    this.#count()
    this.#parts.push({ kind: 'chapter', title })
    this.#isInChapter = true
  }

  #count(): void {
    checkBound(importBounds, 'headings', ++this.#headings)
  }
}
