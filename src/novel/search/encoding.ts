import { QuillworkError } from '../../index.ts'

const encoder = new TextEncoder()
const shortText = new Uint8Array(256)

/** Grows as bytes and numbers are written to it. Numbers are LEB128: seven bits a byte, the lowest first. */
export class ByteWriter {
  #bytes = new Uint8Array(256)
  #length = 0

  /** Writes an integer from 0 to 2^53 - 1. */
  number(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  /** Writes bytes with their count before them. */
  block(bytes: Uint8Array): void {
    this.number(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Writes a text as UTF-8 with the count of its bytes before it. */
  text(text: string): void {
    // The count has to stand first, and a UTF-16 code unit takes at most three bytes.
    const scratch = text.length * 3 <= shortText.length ? shortText : new Uint8Array(text.length * 3)
    this.block(scratch.subarray(0, encoder.encodeInto(text, scratch).written))
  }

  /** What was written, without a copy: good until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  /** Starts anew with the same memory. */
  clear(): void {
    this.#length = 0
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

/** Reads what a `ByteWriter` wrote. Throws `RECORD_UNREADABLE` where the bytes end early or make no sense. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Whether everything has been read. */
  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Reads a number. */
  number(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 0x80) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw unreadable()
  }

  /** Reads the bytes of a block, without copying them. */
  block(): Uint8Array {
    const length = this.number()
    const start = this.#at
    if (start + length > this.#bytes.length) throw unreadable()
    this.#at = start + length
    return this.#bytes.subarray(start, start + length)
  }
}

function unreadable(): QuillworkError {
  return new QuillworkError(
    'RECORD_UNREADABLE',
    'A part of the search index cannot be read. Build the index of the novel again.',
  )
}
