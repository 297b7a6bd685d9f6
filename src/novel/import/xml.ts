import { SaxesParser } from 'saxes'
import type { Archive } from './archive.ts'
import { type Bounds, damaged, overLimit, shown } from './bounds.ts'
import { createDecoder, encodingName } from './decoder.ts'
import { namedEntities } from './xml-entities.ts'

/**
 * Reads an XML file of an archive to its end and answers how many faults it has. For the files that tell what is where: of their
 * texts, only what the events keep stays in memory. Throws as `Archive.read` and `XmlReader` do.
 */
export async function readPart(archive: Archive, name: string, events: XmlEvents): Promise<number> {
  const { text } = await decodeXml(archive.read(name))
  const reader = new XmlReader({ name, bounds: archive.bounds }, events)
  for await (const piece of text) reader.push(piece)
  reader.end()
  return reader.faults
}

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

/** What a reader of XML is told, in the order of the file. Names are as written, with their prefix. */
export interface XmlEvents {
  open(name: string, attributes: Readonly<Record<string, string>>): void
  close(name: string): void
  /** A run of text, entities resolved. One text may come in several runs. */
  text(text: string): void
}

/** Where XML is read from, for what is told of it. */
export interface XmlPart {
  /** Name of the file in the archive. */
  readonly name: string
  readonly bounds: Bounds
}

/** Faults after which a file is no XML at all. */
const mostFaults = 10_000

/**
 * Reads XML piece by piece, in step with its source: push() hears all that is complete. Nothing is fetched and no declared entity is
 * expanded: a DOCTYPE is passed over. What is not well-formed is read as far as it goes, and counted. Throws FILE_LIMIT_EXCEEDED for
 * elements too deep and for tags and texts too long, FILE_DAMAGED for what is no XML.
 */
export class XmlReader {
  /** Places at which the file is not well-formed. */
  faults = 0
  readonly #parser = new SaxesParser({ xmlns: false as const, fragment: true, position: false })
  readonly #part: XmlPart
  readonly #events: XmlEvents
  #depth = 0
  #attributes = 0
  #sinceEvent = 0
  #strays: string[] = []
  #carry = ''

  constructor(part: XmlPart, events: XmlEvents) {
    this.#part = part
    this.#events = events
    this.#parser.ENTITIES = entities
    this.#listen()
  }

  /** Reads the next piece. */
  push(piece: string): void {
    const { text, carry } = withoutBareAmpersands(this.#carry + piece)
    this.#carry = carry
    for (let at = 0; at < text.length; at += step) this.#write(text.slice(at, at + step))
  }

  /** Reads what is left at the end. */
  end(): void {
    this.#write(this.#carry.replace(bareAmpersand, written))
    this.#parser.close()
  }

  #write(text: string): void {
    this.#sinceEvent += text.length
    this.#parser.write(text)
    const { bounds, name } = this.#part
    if (this.#sinceEvent > bounds.xmlToken) throw overLimit('xmlToken', bounds.xmlToken, name)
  }

  #listen(): void {
    const parser = this.#parser
    const passed = () => {
      this.#sinceEvent = 0
    }
    parser.on('error', error => this.#fault(error.message))
    for (const name of ['comment', 'processinginstruction', 'doctype'] as const) parser.on(name, passed)
    parser.on('opentagstart', () => {
      this.#attributes = 0
    })
    parser.on('attribute', () => this.#countAttribute())
    parser.on('opentag', ({ name, attributes }) => this.#open(name, attributes))
    parser.on('closetag', ({ name }) => this.#close(name))
    parser.on('text', text => this.#text(text))
    parser.on('cdata', text => this.#text(text.replaceAll(written, '&')))
  }

  #open(name: string, attributes: Readonly<Record<string, string>>): void {
    const { bounds } = this.#part
    this.#sinceEvent = 0
    this.#depth += 1
    if (this.#depth > bounds.xmlDepth) throw overLimit('xmlDepth', bounds.xmlDepth, this.#part.name)
    this.#events.open(name, attributes)
  }

  #close(name: string): void {
    this.#sinceEvent = 0
    this.#depth -= 1
    this.#events.close(name)
  }

  #countAttribute(): void {
    const { bounds, name } = this.#part
    this.#attributes += 1
    if (this.#attributes > bounds.xmlAttributes) throw overLimit('xmlAttributes', bounds.xmlAttributes, name)
  }

  #text(text: string): void {
    this.#sinceEvent = 0
    let own = text
    // The parser puts an end tag that nothing opened into the text.
    for (const stray of this.#strays) own = own.replace(stray, () => '')
    this.#strays = []
    if (own !== '') this.#events.text(own)
  }

  #fault(message: string): void {
    // As a fragment may stand anywhere, the parser wonders at every DOCTYPE.
    if (message.startsWith('inappropriately located doctype')) return
    const stray = /^unmatched closing tag: (.*)\.$/.exec(message)?.[1]
    if (stray !== undefined) this.#strays.push(`</${stray}>`)
    this.faults += 1
    if (this.faults > mostFaults) throw damaged(`is broken: its part ${shown(this.#part.name)} is no XML`)
  }
}

/** Characters that are parsed before the length of what is open is looked at. */
const step = 65_536
const longestEntity = 40
/** What a bare "&" is written as for the parser. No file has this name, so that it can be told in CDATA, where "&amp;" is no entity. */
const written = '&bareAmpersand;'
const entities = Object.assign(Object.create(null) as Record<string, string>, namedEntities, {
  [written.slice(1, -1)]: '&',
})
const bareAmpersand = /&(?!(?:[A-Za-z][A-Za-z\d]{0,31}|#\d{1,7}|#[xX][\dA-Fa-f]{1,6});)/g

/** An "&" that begins no entity is one that somebody forgot to write as one; the parser would read on to the next ";". */
function withoutBareAmpersands(text: string): { text: string; carry: string } {
  const last = text.lastIndexOf('&')
  const cut = last >= 0 && last > text.length - longestEntity ? last : text.length
  return { text: text.slice(0, cut).replace(bareAmpersand, written), carry: text.slice(cut) }
}

/** A name without its prefix. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
