import { isAscii, isUtf8 } from 'node:buffer'
import { encodingName } from './decoder.ts'
import { legacyEncoding } from './encoding-score.ts'
import { BLOCK_BYTES, blocks, type TextSource } from './source.ts'

/** The encoding of a text. */
export interface Encoding {
  /** 'utf-8', 'gb18030', 'big5', 'utf-16le', 'utf-16be', 'windows-1252', or another name of the Encoding Standard. */
  readonly name: string
  /** Confidence of the detection, 0 to 1. Below LOW_CONFIDENCE a person should check the preview. */
  readonly confidence: number
}

/** A survey warns below this confidence. */
export const LOW_CONFIDENCE = 0.5

/**
 * Returns the encoding of a text: by byte order mark, then by UTF-8 validity of the whole source, then by a score of how much the text
 * resembles language in each other encoding. Holds a few blocks in memory. `forced` names the encoding instead (throws ENCODING_UNKNOWN
 * when it does not exist).
 */
export async function detectEncoding(source: TextSource, forced?: string): Promise<Encoding> {
  if (forced !== undefined) return { name: encodingName(forced), confidence: 1 }
  const scan = new Utf8Scan()
  const samples: Uint8Array[] = []
  let number = 0
  for await (const block of blocks(source.read(), BLOCK_BYTES)) {
    const marked = number === 0 ? byteOrderMark(block) : undefined
    if (marked !== undefined) return { name: marked, confidence: 1 }
    if (isSample(block, number++, samples.length)) samples.push(sampleOf(block))
    scan.push(block)
    if (scan.hopeless) break
  }
  return decide(scan, samples)
}

function decide(scan: Utf8Scan, samples: readonly Uint8Array[]): Encoding {
  const first = samples[0]
  if (first === undefined) return { name: 'utf-8', confidence: 1 }
  const wide = nulShare(first) > 0.02
  if (!wide && scan.bad === 0)
    return { name: 'utf-8', confidence: scan.characters === 0 || scan.solid ? 1 : 0.9 }
  if (!wide && scan.characters >= 4 * scan.bad) {
    return { name: 'utf-8', confidence: round(1 - scan.bad / (scan.characters + scan.bad)) }
  }
  const { name, confidence } = legacyEncoding(samples)
  return { name, confidence: round(confidence) }
}

/** Samples are the first block, then the first blocks with more than ASCII, then one at each doubling of the distance. */
function isSample(block: Uint8Array, number: number, taken: number): boolean {
  if (number === 0) return true
  if (taken >= 8 || isAscii(block)) return false
  return taken < 4 || (number & (number - 1)) === 0
}

/** Returns the part of a block around its first bytes beyond ASCII, from an even place, for UTF-16. */
function sampleOf(block: Uint8Array): Uint8Array {
  const first = block.findIndex(byte => byte >= 0x80)
  const start = Math.max(0, first - 2_048) & ~1
  return block.subarray(start)
}

function byteOrderMark(head: Uint8Array): string | undefined {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return 'utf-8'
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  if (head[0] === 0x84 && head[1] === 0x31 && head[2] === 0x95 && head[3] === 0x33) return 'gb18030'
  return undefined
}

function nulShare(block: Uint8Array): number {
  let nul = 0
  for (const byte of block) if (byte === 0) nul++
  return nul / block.length
}

function round(share: number): number {
  return Math.round(share * 1000) / 1000
}

/** Counts the characters beyond ASCII that are valid UTF-8, and the places that are not. A cut at the end is not a fault. */
class Utf8Scan {
  /** Valid characters of two to four bytes. */
  characters = 0
  /** Valid characters of three or four bytes: these rarely occur by chance. */
  solidCharacters = 0
  /** Places where the bytes are not UTF-8. */
  bad = 0
  #carry = new Uint8Array(0)

  get solid(): boolean {
    return this.solidCharacters > 0 || this.characters > 8
  }

  /** Too many faults: no more bytes need to be checked. */
  get hopeless(): boolean {
    return this.bad > 2_000 && this.bad > this.characters
  }

  push(block: Uint8Array): void {
    if (this.#carry.length === 0 && isAscii(block)) return
    const bytes = this.#carry.length === 0 ? block : Buffer.concat([this.#carry, block])
    const whole = bytes.length - cutTail(bytes)
    this.#carry = bytes.slice(whole)
    const text = bytes.subarray(0, whole)
    if (isUtf8(text)) this.#countValid(text)
    else this.#countFaults(text)
  }

  #countValid(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte < 0xc2) continue
      this.characters++
      if (byte >= 0xe0) this.solidCharacters++
    }
  }

  #countFaults(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const length = sequenceLength(bytes, at)
      if (length === 0) this.bad++
      if (length > 1) this.characters++
      if (length > 2) this.solidCharacters++
      at += Math.max(1, length)
    }
  }
}

/** Returns the length of the valid UTF-8 sequence at a place, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return 1
  const length = leadLength(lead)
  if (length === 0) return 0
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] ?? 0
  if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return 0
  if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return 0
  return length
}

function leadLength(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2
  if (lead >= 0xe0 && lead <= 0xef) return 3
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
}

/** Returns the number of bytes at the end that belong to a character continued in the next block. */
function cutTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    return leadLength(byte) > back ? back : 0
  }
  return 0
}
