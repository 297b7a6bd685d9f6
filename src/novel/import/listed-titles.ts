import { comparable } from './contents.ts'
import { type Heading, LONGEST_HEADING } from './heading.ts'
import { plainSpaces, undecorate, withoutPageNumber } from './heading-text.ts'

const HEADER = /^(?:(?:table of )?contents|目[\s　]{0,4}[录錄]|目[\s　]{0,4}次)[.:：]?$/i
const MOST_TITLES = 2_000

/**
 * The titles of a table of contents. Where chapters have no numbers, a line that stands alone and is in the table
 * is a heading.
 */
export class ListedTitles {
  readonly #numbers = new Map<string, number>()
  #isOpen = false
  #isDone = false

  /** Takes a line that is no heading by itself; returns the heading that it is by the table. */
  read(line: string): Heading | undefined {
    if (this.#isDone && this.#numbers.size === 0) return undefined
    if (!this.#isOpen && !this.#isDone) {
      this.#isOpen = line.length < 24 && HEADER.test(line)
      return undefined
    }
    if (line.length > LONGEST_HEADING) {
      this.#close()
      return undefined
    }
    const title = withoutPageNumber(undecorate(line))
    const key = comparable(title)
    const number = this.#numbers.get(key)
    if (number !== undefined) {
      this.#close()
      return { style: 'listed', depth: 4, sureness: 'weak', number, title: plainSpaces(title), name: title }
    }
    if (this.#isOpen) this.#list(key, line)
    return undefined
  }

  #list(key: string, line: string): void {
    const isProse = line.length > 60 && /[.!?。！？”"]$/.test(line)
    if (isProse || this.#numbers.size >= MOST_TITLES) this.#close()
    else if (key !== '') this.#numbers.set(key, this.#numbers.size + 1)
  }

  #close(): void {
    this.#isOpen = false
    this.#isDone = true
  }
}
