import { type BookLines, HeadingHolder, LineWriter } from '../book-lines.ts'
import { importBounds } from '../bounds.ts'
import { encodingName, knownEncoding } from '../decoder.ts'
import { type CharacterFaults, type Line, noFaults } from '../lines.ts'
import { factsOf, isPlaceholder, type LeftOut, nothingLeftOut, type OpenedText } from '../opened.ts'
import { BLOCK_BYTES, blocks, bytesOf, type TextSource } from '../source.ts'
import { RtfText } from './events.ts'
import { RtfReader } from './reader.ts'

/**
 * Opens a rich text file: title and author of its information, and its text with headings by their styles. `asked` is the encoding where its fonts name
 * none; default: the code page that it declares. Memory is bounded by a paragraph. Throws ENCODING_UNKNOWN, FILE_LIMIT_EXCEEDED, and what the source throws.
 */
export async function openRtf(source: TextSource, asked: string | undefined): Promise<OpenedText> {
  const head = await bytesOf(source, 0, BLOCK_BYTES)
  const name = asked === undefined ? codePageOf(head) : encodingName(asked)
  return {
    kind: 'rtf',
    encoding: { name, confidence: 1 },
    facts: await factsIn(source, name),
    declared: false,
    lines: (faults, leftOut) => rtfLines(source, name, { faults, leftOut }),
  }
}

/** Returns the encoding of the code page that stands at the beginning of a file. */
export function codePageOf(start: Uint8Array): string {
  const head = Buffer.from(start).toString('latin1')
  const page = /\\ansicpg(\d{1,5})/.exec(head)?.[1] ?? ''
  const named: Readonly<Record<string, string>> = {
    ...{ 932: 'shift_jis', 936: 'gb18030', 949: 'euc-kr', 950: 'big5', 65001: 'utf-8', 10000: 'macintosh' },
  }
  const standard = /^\{\\rtf\d?\s*\\mac\b/.test(head) ? 'macintosh' : 'windows-1252'
  return named[page] ?? knownEncoding(`windows-${page}`) ?? standard
}

/** Writes the text of a rich text file, which comes in pieces. `standard`: the encoding where a font names none. */
export class RtfPart {
  readonly text: RtfText
  readonly #reader: RtfReader

  constructor(out: BookLines, { standard, leftOut }: { standard: string; leftOut: LeftOut }) {
    this.text = new RtfText(out, { standard, leftOut, bounds: importBounds })
    this.#reader = new RtfReader(this.text, importBounds)
  }

  push(piece: Uint8Array): void {
    this.#reader.push(piece)
  }

  /** Writes what is left at the end. */
  end(): void {
    this.#reader.end()
    this.text.end()
  }
}

async function* rtfLines(
  source: TextSource,
  standard: string,
  { faults, leftOut }: { faults: CharacterFaults; leftOut: LeftOut },
): AsyncGenerator<Line[]> {
  const out = new HeadingHolder(new LineWriter(faults), false)
  const part = new RtfPart(out, { standard, leftOut })
  for await (const block of blocks(source.read(), BLOCK_BYTES)) {
    part.push(block)
    yield out.take()
  }
  part.end()
  out.release()
  yield out.take()
}

/** Returns title and author. They stand before the text, of which no more than a block is read. */
async function factsIn(source: TextSource, standard: string) {
  const out = new HeadingHolder(new LineWriter(noFaults()), false)
  const part = new RtfPart(out, { standard, leftOut: nothingLeftOut() })
  for await (const block of blocks(source.read(), BLOCK_BYTES)) {
    part.push(block)
    out.take()
    if (part.text.hasBegun) break
  }
  const own = (name: 'title' | 'author') => {
    const found = part.text.fields.get(name)
    return isPlaceholder(found ?? '') ? undefined : found
  }
  return factsOf({ title: own('title'), author: own('author'), language: undefined })
}
