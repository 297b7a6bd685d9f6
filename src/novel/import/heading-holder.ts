import { joinedTitle } from './chapter-name.ts'
import { comparable } from './contents.ts'
import type { LineWriter } from './line-writer.ts'
import { readHeading } from './read-heading.ts'

/** A heading that waits for what follows it. */
interface Held {
  title: string
  readonly level: number
  /** The table of contents names it; the same title is printed in the text, perhaps in several pieces. */
  readonly listed: boolean
}

/**
 * Writes headings and the text below them. A heading waits for what follows: the title that the text prints is that of the table of
 * contents once more, and a name may stand below its number as a heading of its own.
 */
export class HeadingHolder {
  readonly #writer: LineWriter
  /** Chapters are what the table of contents lists; other headings part what is within them. */
  readonly #listedOnly: boolean
  #held: Held | undefined

  constructor(writer: LineWriter, listedOnly: boolean) {
    this.#writer = writer
    this.#listedOnly = listedOnly
  }

  /** A place that the table of contents names. */
  listed(level: number, title: string): void {
    this.release()
    this.#held = { title, level, listed: true }
  }

  /** A heading of the text itself. */
  heading(level: number, text: string): void {
    const title = text.replace(/\s+/g, ' ').trim()
    if (title === '') return
    const held = this.#held
    if (held?.listed === true && this.#isPrinted(held, title)) return
    if (held !== undefined && held.level === level && isNameOf(held.title, title)) {
      held.title = joinedTitle(held.title, [title], false)
      return
    }
    const hadHeld = held !== undefined
    this.release()
    if (!this.#listedOnly) this.#held = { title, level, listed: false }
    else {
      if (!hadHeld) this.#writer.sceneBreak()
      this.#writer.paragraph(title)
    }
  }

  /** A paragraph of the text. */
  paragraph(text: string): void {
    const held = this.#held
    if (held?.listed === true && text.length <= 200 && text.trim() !== '') {
      const isTitle = comparable(text) === comparable(held.title) && comparable(text) !== ''
      this.release()
      if (isTitle) return
    }
    if (text.trim() !== '') this.release()
    this.#writer.paragraph(text)
  }

  /** A mark between two scenes. One below a heading is an ornament of it. */
  sceneBreak(): void {
    if (this.#held === undefined) this.#writer.sceneBreak()
  }

  /** Room between two paragraphs that is larger than others. */
  gap(): void {
    if (this.#held === undefined) this.#writer.gap()
  }

  /** Writes the heading that waits, if there is one. */
  release(): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) this.#writer.heading(held.level, held.title)
  }

  /** Whether a heading prints the listed title, or a piece of it, or more of it: then the fuller one stands. */
  #isPrinted(held: Held, title: string): boolean {
    if (holds(held.title, title)) return true
    const fuller = isWithin(held.title, title) || isSameNumber(held.title, title)
    if (fuller) held.title = fullerOf(held.title, title)
    else if (isNameOf(held.title, title)) held.title = joinedTitle(held.title, [title], false)
    else if (isNameOf(title, held.title)) held.title = joinedTitle(title, [held.title], false)
    else return false
    return true
  }
}

/** Whether a listed title has a printed one in it. Chinese has no spaces between its words. */
function holds(listed: string, printed: string): boolean {
  const [whole, part] = [comparable(listed), comparable(printed)]
  if (whole === part || isWithin(printed, listed)) return true
  return /[\u3400-\u9fff]/.test(part) && whole.includes(part)
}

/** Whether the words of one title stand as whole words in another. */
function isWithin(part: string, whole: string): boolean {
  const words = (text: string) =>
    ` ${text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim()} `
  return words(part).trim() !== '' && words(whole).includes(words(part))
}

function isSameNumber(listed: string, printed: string): boolean {
  const [a, b] = [readHeading(listed), readHeading(printed)]
  if (a?.number === undefined || a.number !== b?.number || a.style !== b.style) return false
  return a.name === '' || b.name === '' || comparable(a.name) === comparable(b.name)
}

function fullerOf(listed: string, printed: string): string {
  return comparable(printed).length > comparable(listed).length && printed.length <= 200 ? printed : listed
}

/** Whether a heading can be the name of the bare number above it. */
function isNameOf(title: string, below: string): boolean {
  const above = readHeading(title)
  if (above?.number === undefined || above.name !== '' || above.inner !== undefined) return false
  return below.length <= 160 && readHeading(below)?.number === undefined
}
