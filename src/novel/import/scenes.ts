import type { Line } from './lines.ts'
import { measure } from './measure.ts'
import { isSeparator } from './separators.ts'

/** The text of a scene and its size. */
export interface SceneText {
  /** Lines joined by LF. Blank lines part the paragraphs as they do in the source. */
  readonly text: string
  readonly characters: number
  readonly words: number
}

/** Longest scene, in UTF-16 units. A longer one is cut at the end of a paragraph. */
const LONGEST_SCENE = 50_000

/** Divides the lines of a chapter into scenes: at separators, at many blank lines where these part scenes, at the longest length. */
export class SceneSplitter {
  readonly #blankLines: number
  #scenes: SceneText[] = []
  #parts: string[] = []
  #length = 0
  #blank = 0
  #continues = false

  constructor(blankLines: number) {
    this.#blankLines = blankLines
  }

  add(line: Line): void {
    const text = line.partial ? line.text : line.text.trimEnd()
    if (!line.partial && !this.#continues && text === '') {
      this.#blank++
      return
    }
    if (!line.partial && !this.#continues && isSeparator(text.trim())) {
      this.part()
      return
    }
    this.#makeRoom(text.length)
    this.#append(text)
    this.#continues = line.partial
  }

  /** Ends the scene; the next line starts another. */
  part(): void {
    const text = this.#parts.join('')
    this.#parts = []
    this.#length = 0
    this.#blank = 0
    if (text.trim() !== '') this.#scenes.push({ text, ...sizeOf(text) })
  }

  /** Ends the chapter. */
  end(): void {
    this.part()
    this.#continues = false
  }

  /** The scenes that are complete. */
  take(): SceneText[] {
    if (this.#scenes.length === 0) return []
    const scenes = this.#scenes
    this.#scenes = []
    return scenes
  }

  #makeRoom(length: number): void {
    const isBreak = this.#blankLines > 0 && this.#blank >= this.#blankLines && !this.#continues
    // The line end and blank lines before the text count as well; many of them are no reason to hold more.
    const gap = Math.min(this.#blank, MOST_BLANK_LINES) + 1
    if (isBreak || this.#length + gap + length > LONGEST_SCENE) this.part()
  }

  #append(text: string): void {
    const gap =
      this.#length === 0 || this.#continues ? '' : '\n'.repeat(Math.min(this.#blank, MOST_BLANK_LINES) + 1)
    this.#blank = 0
    this.#parts.push(gap, text)
    this.#length += gap.length + text.length
  }
}

/** Blank lines kept between two paragraphs. */
const MOST_BLANK_LINES = 10

function sizeOf(text: string): { characters: number; words: number } {
  const { characters, words } = measure(text)
  return { characters, words }
}
