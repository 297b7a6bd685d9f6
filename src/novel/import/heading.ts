/** Longest line that can be a heading, in UTF-16 units. */
export const LONGEST_HEADING = 120

/**
 * What a line says when it is read as a heading. Only the whole document tells whether it is one:
 * see chooseHeadings.
 */
export interface Heading {
  /** What the heading is counted in: 章, 卷, chapter, part; `named` for those like Prologue; a kind of bare numeral. */
  readonly style: string
  /** 1 the largest part of a book, 4 a chapter, 5 a part of a chapter. */
  readonly depth: number
  /**
   * `sure`: prose hardly looks like this. `doubtful`: a sentence may start like this, so that the numbers around it decide.
   * `weak`: a bare numeral or a list item, a heading only when the whole text is numbered this way.
   */
  readonly sureness: 'sure' | 'doubtful' | 'weak'
  readonly number?: number | undefined
  /** The heading as printed, without decoration. */
  readonly title: string
  /** What follows the label and number; '' when nothing does. */
  readonly name: string
  /** What stands before the label, as the title of the book does in some files. */
  readonly prefix?: string | undefined
  /** The chapter that the same line starts, after its volume. */
  readonly inner?: Heading | undefined
}
