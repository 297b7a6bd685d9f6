import { createDecoder, encodingName } from '../decoder.ts'

/** The text of an XML file, and the encoding that it says it is in. */
export interface DecodedXml {
  readonly encoding: string
  /** The text without byte order mark and XML declaration, in pieces. */
  readonly text: AsyncIterable<string>
}

/** Bytes within which the declaration ends. */
const headBytes = 1_024

/** Reads the encoding from the byte order mark or the declaration (UTF-8 where neither names one) and decodes the rest by it. */
export async function decodeXml(bytes: AsyncIterable<Uint8Array>): Promise<DecodedXml> {
  const pieces = bytes[Symbol.asyncIterator]()
  const head = await headOf(pieces)
  const encoding = encodingOf(head)
  return { encoding, text: decoded(head, pieces, encoding) }
}

/** The encoding that an XML file says it is in; no more than its head is read. */
export async function xmlEncoding(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces = bytes[Symbol.asyncIterator]()
  try {
    return encodingOf(await headOf(pieces))
  } finally {
    await pieces.return?.()
  }
}

async function headOf(pieces: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0)
  while (head.length < headBytes) {
    const { done, value } = await pieces.next()
    if (done === true) break
    head = head.length === 0 ? value : Buffer.concat([head, value])
  }
  return head
}

async function* decoded(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  encoding: string,
): AsyncGenerator<string> {
  const decoder = createDecoder(encoding)
  try {
    yield decoder.decode(head).replace(/^\s*<\?xml\s[^>]*\?>/, '')
    for (let next = await rest.next(); next.done !== true; next = await rest.next())
      yield decoder.decode(next.value)
    yield decoder.end()
  } finally {
    await rest.return?.()
  }
}

function encodingOf(head: Uint8Array): string {
  const [a, b, c, d] = head
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  // "<" and the character after it, which is never NUL.
  if (a === 0x3c && b === 0 && c !== 0 && d === 0) return 'utf-16le'
  if (a === 0 && b === 0x3c && c === 0 && d !== 0) return 'utf-16be'
  const start = Buffer.from(head.subarray(0, headBytes)).toString('latin1')
  const label = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]{1,40})["']/.exec(start)?.[1] ?? 'utf-8'
  // A file that is UTF-16 in truth was found above.
  return /^(?:utf-?16|ucs-?2|iso-10646)/i.test(label) ? 'utf-8' : knownName(label)
}

function knownName(label: string): string {
  try {
    return encodingName(label)
  } catch {
    return 'utf-8'
  }
}
