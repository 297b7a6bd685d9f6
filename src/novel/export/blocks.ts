import { splitParagraphs } from '../../ai/text/paragraphs.ts'
import { withoutControls } from '../../task/controls.ts'
import { isSeparator } from '../import/lines.ts'
import type { BookPart } from './book.ts'
import { writable } from './xml.ts'

/** The heading of a volume or a chapter. */
export interface HeadingBlock {
  readonly kind: 'volume' | 'chapter'
  readonly title: string
}

/** A piece of a book as a document has it. */
export type Block =
  | HeadingBlock
  /** The title of a scene. */
  | { readonly kind: 'scene'; readonly title: string }
  /** Between two scenes, where the second one has no title. */
  | { readonly kind: 'break' }
  | {
      readonly kind: 'paragraph'
      /** Without line ends. */
      readonly lines: readonly string[]
      /** The next paragraph follows without a blank line. */
      readonly isLine: boolean
      /** It is only a mark, such as `◇◇◇`, which the author put between two parts of a scene. */
      readonly isMark: boolean
    }
  /** A blank line beyond the one after a paragraph. */
  | { readonly kind: 'blank' }

/** Line ends of every kind, each of which becomes a line break. */
const lineEnds = /\r\n?|[\v\f\u0085\u2028\u2029]/g

/**
 * Divides the parts of a book into blocks, in reading order. Volumes without a title and scenes without a text are left out; a chapter without a
 * title has its number. Blank lines around the text of a scene are left out too.
 */
export class BlockReader {
  #chapters = 0
  /** A scene of the open chapter was written. */
  #hasScenes = false

  /** Returns the heading of the next part; undefined for a volume without a title. */
  headingOf({ kind, title }: Exclude<BookPart, { kind: 'scene' }>): HeadingBlock | undefined {
    this.#hasScenes = false
    if (kind === 'chapter') this.#chapters += 1
    const own = titleLine(title)
    if (own !== '') return { kind, title: own }
    return kind === 'chapter' ? { kind, title: String(this.#chapters) } : undefined
  }

  /** Returns the blocks of the next part. */
  *blocksOf(part: BookPart): Generator<Block> {
    if (part.kind === 'scene') {
      yield* this.#scene(part)
      return
    }
    const heading = this.headingOf(part)
    if (heading !== undefined) yield heading
  }

  *#scene(part: Extract<BookPart, { kind: 'scene' }>): Generator<Block> {
    const text = writable(part.content.replace(lineEnds, '\n'))
    if (text.trim() === '') return
    const title = titleLine(part.title ?? '')
    if (title !== '') yield { kind: 'scene', title }
    else if (this.#hasScenes) yield { kind: 'break' }
    this.#hasScenes = true
    yield* paragraphsOf(text)
  }
}

/** Returns a title on one line, without controls. */
export function titleLine(title: string): string {
  return writable(withoutControls(title)).trim()
}

function* paragraphsOf(text: string): Generator<Block> {
  let blanks = 0
  for (const { start, end } of splitParagraphs(text)) {
    const all = text.slice(start, end).split('\n')
    const isVisible = (line: string) => line.trim() !== ''
    const last = all.findLastIndex(isVisible)
    if (last < 0) continue
    for (; blanks > 1; blanks -= 1) yield { kind: 'blank' }
    // What is behind the last line end is the beginning of the next paragraph.
    blanks = all.length - last - 2
    const lines = all.slice(all.findIndex(isVisible), last + 1)
    const [first = ''] = lines
    const isMark = lines.length === 1 && isSeparator(first.trim())
    yield { kind: 'paragraph', lines, isLine: blanks === 0, isMark }
  }
}
