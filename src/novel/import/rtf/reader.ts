import { type Bounds, checkBound } from '../bounds.ts'
import { createDecoder, type Decoder } from '../decoder.ts'

/** What an RTF file consists of, in the order of the file. */
export interface RtfEvents {
  /** A group begins. What a control word sets within it holds until its end. */
  open(): void
  close(): void
  /** A control word such as `\par`, or a control symbol such as `\~`. */
  control(word: string, value: number | undefined): void
  /** A run of text, decoded. One text may come in several runs. */
  text(text: string): void
  /** Whether text here means anything; else it is not decoded. */
  readonly isWanted: boolean
  /** Encoding of the bytes here. */
  readonly encoding: string
  /** Characters that follow a `\u` for programs that cannot read it. */
  readonly fallbackLength: number
}

/** Longest control word, and longest number behind it. */
const longestWord = 32
const longestNumber = 11
/** Bytes of a text that are held before they are decoded. */
const longestRun = 65_536

type State = 'text' | 'backslash' | 'word' | 'number' | 'hex'

const isLetter = (code: number) => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)
const isDigit = (code: number) => code >= 0x30 && code <= 0x39

/**
 * Reads RTF byte by byte, in pieces of any length. Text may be in the bytes of an encoding, as `\'e4`, or as `\u228`. Reads on over what is broken.
 * Throws FILE_LIMIT_EXCEEDED for groups that are too deep.
 */
export class RtfReader {
  readonly #events: RtfEvents
  readonly #bounds: Bounds
  #state: State = 'text'
  #word = ''
  #number = ''
  #hex = ''
  /** Bytes of a text that are not decoded yet. */
  #bytes: number[] = []
  /** Characters that stand for a `\u` before them. */
  #fallbacks = 0
  /** Bytes of a picture or the like. */
  #binary = 0
  #depth = 0
  readonly #decoders = new Map<string, Decoder>()

  constructor(events: RtfEvents, bounds: Bounds) {
    this.#events = events
    this.#bounds = bounds
  }

  push(piece: Uint8Array): void {
    for (const byte of piece) {
      if (this.#binary > 0) this.#binary -= 1
      else this.#read(byte)
    }
  }

  end(): void {
    if (this.#state === 'word' || this.#state === 'number') this.#endWord()
    this.#flush()
  }

  #read(byte: number): void {
    if (this.#state === 'text') this.#plain(byte)
    else if (this.#state === 'backslash') this.#symbol(byte)
    else if (this.#state === 'hex') this.#hexDigit(byte)
    else this.#wordPart(byte)
  }

  #plain(byte: number): void {
    if (byte === 0x5c) this.#state = 'backslash'
    else if (byte === 0x7b) {
      this.#flush()
      this.#fallbacks = 0
      this.#depth += 1
      checkBound(this.#bounds, 'xmlDepth', this.#depth)
      this.#events.open()
    } else if (byte === 0x7d) {
      this.#flush()
      this.#fallbacks = 0
      this.#depth -= 1
      this.#events.close()
    } else if (byte !== 0x0a && byte !== 0x0d && byte !== 0) this.#byte(byte)
  }

  #symbol(byte: number): void {
    this.#state = 'text'
    if (isLetter(byte)) {
      this.#word = String.fromCharCode(byte)
      this.#number = ''
      this.#state = 'word'
    } else if (byte === 0x27) {
      this.#hex = ''
      this.#state = 'hex'
    } else if (byte === 0x5c || byte === 0x7b || byte === 0x7d) this.#byte(byte)
    else {
      // A line end behind a backslash ends a paragraph.
      const word = byte === 0x0a || byte === 0x0d ? 'par' : String.fromCharCode(byte)
      this.#control(word, undefined)
    }
  }

  #hexDigit(byte: number): void {
    this.#hex += String.fromCharCode(byte)
    if (this.#hex.length < 2) return
    this.#state = 'text'
    if (/^[\da-f]{2}$/i.test(this.#hex)) this.#byte(Number.parseInt(this.#hex, 16))
  }

  #wordPart(byte: number): void {
    const isNumber = isDigit(byte) || (byte === 0x2d && this.#state === 'word')
    if (this.#state === 'word' && isLetter(byte) && this.#word.length < longestWord)
      this.#word += String.fromCharCode(byte)
    else if (isNumber && this.#number.length < longestNumber) {
      this.#state = 'number'
      this.#number += String.fromCharCode(byte)
    } else {
      this.#endWord()
      // A blank behind a control word belongs to it.
      if (byte !== 0x20) this.#read(byte)
    }
  }

  #endWord(): void {
    this.#state = 'text'
    const value = /^-?\d+$/.test(this.#number) ? Number(this.#number) : undefined
    if (this.#word === 'u' && value !== undefined) {
      this.#flush()
      this.#fallbacks = this.#events.fallbackLength
      if (this.#events.isWanted) this.#events.text(String.fromCharCode(value & 0xffff))
    } else if (this.#word === 'bin') this.#binary = Math.max(0, value ?? 0)
    else this.#control(this.#word, value)
  }

  #control(word: string, value: number | undefined): void {
    this.#flush()
    if (this.#fallbacks > 0) this.#fallbacks -= 1
    this.#events.control(word, value)
  }

  #byte(byte: number): void {
    if (this.#fallbacks > 0) this.#fallbacks -= 1
    else if (this.#events.isWanted && this.#bytes.push(byte) >= longestRun) this.#flush()
  }

  #flush(): void {
    if (this.#bytes.length === 0) return
    const { encoding } = this.#events
    const decoder = this.#decoders.get(encoding) ?? createDecoder(encoding)
    this.#decoders.set(encoding, decoder)
    const text = decoder.decode(Uint8Array.from(this.#bytes)) + decoder.end()
    this.#bytes = []
    this.#events.text(text)
  }
}
