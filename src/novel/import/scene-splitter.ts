import { measure } from '../words.ts'
import { isSeparator, type Line } from './lines.ts'
import { lineKey } from './repeated-lines.ts'

/** The text of a scene and its size. */
export interface SceneText {
  /** Lines joined by LF. Blank lines separate the paragraphs as in the source. */
  readonly text: string
  readonly characters: number
  readonly words: number
}

/** Longest scene, in UTF-16 units. A longer one is cut at the end of a paragraph. */
const LONGEST_SCENE = 50_000

/** Blank lines kept between two paragraphs. */
const MOST_BLANK_LINES = 10

/** What became of a line: text, or nothing of it is. */
export type LineUse = 'text' | 'blank' | 'mark' | 'removed'

/** Divides the lines of a chapter into scenes: at separators, at blank lines where the plan says so, at the longest length. */
export class SceneSplitter {
  readonly #blankLines: number
  readonly #removed: ReadonlySet<string | undefined>
  readonly #scenes: SceneText[] = []
  #parts: string[] = []
  #length = 0
  #blank = 0
  /** Blank lines after a removed line that are the same gap as those before it. */
  #absorbed = 0
  #continues = false

  /** `blankLines`: the number that separates scenes, 0 where none do. `removed`: keys of the lines that are left out. */
  constructor(blankLines: number, removed: ReadonlySet<string | undefined>) {
    this.#blankLines = blankLines
    this.#removed = removed
  }

  add({ partial, text: given }: Line): LineUse {
    const text = partial ? given : given.trimEnd()
    const isWhole = !partial && !this.#continues
    if (isWhole && text === '') return this.#addBlank()
    if (isWhole && isSeparator(text.trim())) {
      this.part()
      return 'mark'
    }
    if (isWhole && this.#isRemoved(text)) {
      this.#absorbed = this.#blank
      return 'removed'
    }
    this.#append(text)
    this.#continues = partial
    return 'text'
  }

  #addBlank(): LineUse {
    if (this.#absorbed > 0) this.#absorbed--
    else this.#blank++
    return 'blank'
  }

  #isRemoved(text: string): boolean {
    return this.#removed.size > 0 && this.#removed.has(lineKey(text))
  }

  /** Ends the scene; the next line starts another. */
  part(): void {
    const text = this.#parts.join('')
    this.#parts = []
    this.#length = 0
    this.#blank = 0
    this.#absorbed = 0
    if (text.trim() === '') return
    const { characters, words } = measure(text)
    this.#scenes.push({ text, characters, words })
  }

  /** Ends the chapter. */
  end(): void {
    this.part()
    this.#continues = false
  }

  /** Returns the scenes completed since the last call. */
  take(): SceneText[] {
    return this.#scenes.splice(0)
  }

  /** Adds a line. Ends the scene before one that begins another, or with which it would be too long. */
  #append(text: string): void {
    const isBreak = this.#blankLines > 0 && this.#blank >= this.#blankLines && !this.#continues
    // The line end and the blank lines before the text count too.
    const gap = '\n'.repeat(Math.min(this.#blank, MOST_BLANK_LINES) + 1)
    if (isBreak || this.#length + gap.length + text.length > LONGEST_SCENE) this.part()
    const added = this.#length === 0 || this.#continues ? text : gap + text
    this.#blank = 0
    this.#absorbed = 0
    this.#parts.push(added)
    this.#length += added.length
  }
}
