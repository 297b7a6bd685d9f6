import { SaxesParser } from 'saxes'
import type { Archive } from './archive.ts'
import { type Bounds, checkBound, damaged, shown } from './bounds.ts'
import { createDecoder, type Decoder, knownEncoding } from './decoder.ts'
import { BLOCK_BYTES, blocks } from './source.ts'

/**
 * Reads an XML file of an archive to its end, piece by piece. Yields the number of its faults so far, after each piece and at the end.
 * Only what the events keep stays in memory. Throws what `Archive.read` and `XmlReader` throw.
 */
export async function* readPieces(
  archive: Archive,
  name: string,
  events: XmlEvents,
): AsyncGenerator<number, void> {
  const reader = new XmlReader({ name, bounds: archive.bounds }, events)
  for await (const piece of decoded(archive.read(name))) {
    reader.push(piece)
    yield reader.faults
  }
  reader.end()
  yield reader.faults
}

/** Reads a short XML file of an archive, such as a list of its parts, at once. Throws what `readPieces` throws. */
export async function readPart(archive: Archive, name: string, events: XmlEvents): Promise<void> {
  for await (const _ of readPieces(archive, name, events));
}

/** Characters of a field that are kept. */
const longestField = 1_000

/**
 * Returns the texts of some elements of a short XML file, by their names without prefix: of each the first. Empty where the archive has no such
 * file. Throws what `readPieces` throws.
 */
export async function fieldsIn(
  archive: Archive,
  name: string,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const fields = new Map<string, string>()
  let text = ''
  const events: XmlEvents = {
    open() {
      text = ''
    },
    close(element) {
      const field = localName(element)
      if (wanted.includes(field) && !fields.has(field)) fields.set(field, text)
      text = ''
    },
    text(piece) {
      if (text.length < longestField) text += piece
    },
  }
  if (archive.has(name)) await readPart(archive, name, events)
  return fields
}

/** Bytes within which the declaration ends. */
const headBytes = 1_024

/** Returns the encoding that an XML file declares. Reads its first bytes only. */
export async function xmlEncoding(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const head of blocks(bytes, headBytes)) return encodingOf(head)
  return encodingOf(new Uint8Array(0))
}

/** Yields the text of an XML file without byte order mark and XML declaration. These name its encoding; where neither does, it is UTF-8. */
async function* decoded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: Decoder | undefined
  for await (const block of blocks(bytes, BLOCK_BYTES)) {
    if (decoder !== undefined) yield decoder.decode(block)
    else {
      decoder = createDecoder(encodingOf(block))
      yield decoder.decode(block).replace(/^\s*<\?xml\s[^>]*\?>/, '')
    }
  }
  if (decoder !== undefined) yield decoder.end()
}

function encodingOf(head: Uint8Array): string {
  const [a, b, c, d] = head
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  // "<" and the next character, which is never NUL.
  if (a === 0x3c && b === 0 && c !== 0 && d === 0) return 'utf-16le'
  if (a === 0 && b === 0x3c && c === 0 && d !== 0) return 'utf-16be'
  const start = Buffer.from(head.subarray(0, headBytes)).toString('latin1')
  const label = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]{1,40})["']/.exec(start)?.[1] ?? 'utf-8'
  // Real UTF-16 was found above.
  return /^(?:utf-?16|ucs-?2|iso-10646)/i.test(label) ? 'utf-8' : (knownEncoding(label) ?? 'utf-8')
}

/** The events of an XML file, in the order of the file. Names are as written, with their prefix. */
export interface XmlEvents {
  open(name: string, attributes: Readonly<Record<string, string>>): void
  close?(name: string): void
  /** A run of text, entities resolved. One text may come in several runs. */
  text?(text: string): void
}

/** A file with more faults is not XML. */
const mostFaults = 10_000

/**
 * Reads XML piece by piece: `push` reports all elements and texts that are complete. It fetches nothing, expands no declared entity and
 * ignores a DOCTYPE. It reads markup that is not well-formed as far as possible, and counts the faults. Throws FILE_LIMIT_EXCEEDED for
 * elements that are too deep and for tags and texts that are too long, FILE_DAMAGED for a file that is not XML.
 */
export class XmlReader {
  /** Places at which the file is not well-formed. */
  faults = 0
  readonly #parser = new SaxesParser({ xmlns: false as const, fragment: true, position: false })
  readonly #part: { readonly name: string; readonly bounds: Bounds }
  readonly #events: XmlEvents
  #depth = 0
  #attributes = 0
  #sinceEvent = 0
  #unmatched: string[] = []
  #carry = ''

  /** `part` names the file of the archive, for error messages, and the bounds that it must keep. */
  constructor(part: { readonly name: string; readonly bounds: Bounds }, events: XmlEvents) {
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
    checkBound(this.#part.bounds, 'xmlToken', this.#sinceEvent, this.#part.name)
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
    parser.on('attribute', () => {
      this.#attributes += 1
      checkBound(this.#part.bounds, 'xmlAttributes', this.#attributes, this.#part.name)
    })
    parser.on('opentag', ({ name, attributes }) => this.#open(name, attributes))
    parser.on('closetag', ({ name }) => this.#close(name))
    parser.on('text', text => this.#text(text))
    parser.on('cdata', text => this.#text(text.replaceAll(written, '&')))
  }

  #open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#sinceEvent = 0
    this.#depth += 1
    checkBound(this.#part.bounds, 'xmlDepth', this.#depth, this.#part.name)
    this.#events.open(name, attributes)
  }

  #close(name: string): void {
    this.#sinceEvent = 0
    this.#depth -= 1
    this.#events.close?.(name)
  }

  #text(text: string): void {
    this.#sinceEvent = 0
    let own = text
    // The parser puts an unmatched end tag into the text.
    for (const tag of this.#unmatched) own = own.replace(tag, () => '')
    this.#unmatched = []
    if (own !== '') this.#events.text?.(own)
  }

  #fault(message: string): void {
    // A fragment has no place for a DOCTYPE, so that the parser reports each one.
    if (message.startsWith('inappropriately located doctype')) return
    const tag = /^unmatched closing tag: (.*)\.$/.exec(message)?.[1]
    if (tag !== undefined) this.#unmatched.push(`</${tag}>`)
    this.faults += 1
    if (this.faults > mostFaults) throw damaged(`is broken: its part ${shown(this.#part.name)} is no XML`)
  }
}

/** Characters that are parsed before the length of an open tag or text is checked. */
const step = 65_536
const longestEntity = 40
/** Stands for a bare "&". No file uses this name, so that it can be recognised in CDATA, where "&amp;" is not an entity. */
const written = '&bareAmpersand;'
const bareAmpersand = /&(?!(?:[A-Za-z][A-Za-z\d]{0,31}|#\d{1,7}|#[xX][\dA-Fa-f]{1,6});)/g

/** Replaces each "&" that begins no entity: the parser would read on to the next ";". */
function withoutBareAmpersands(text: string): { text: string; carry: string } {
  const last = text.lastIndexOf('&')
  const cut = last >= 0 && last > text.length - longestEntity ? last : text.length
  return { text: text.slice(0, cut).replace(bareAmpersand, written), carry: text.slice(cut) }
}

/** Returns a name without its prefix. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/** The named entities of XHTML 1.0, which EPUB 2 has from its DTD: names of characters that follow each other, after the code of the first. */
const runs = `
  0xa0 nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2
  sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc
  Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve
  Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc
  atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve
  oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml 0x152 OElig oelig
  0x160 Scaron scaron 0x178 Yuml 0x192 fnof 0x2c6 circ 0x2dc tilde 0x391 Alpha Beta Gamma Delta Epsilon
  Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho 0x3a3 Sigma Tau Upsilon Phi Chi Psi Omega 0x3b1
  alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau
  upsilon phi chi psi omega 0x3d1 thetasym upsih 0x3d6 piv 0x2002 ensp emsp 0x2009 thinsp 0x200c zwnj zwj
  lrm rlm 0x2013 ndash mdash 0x2018 lsquo rsquo sbquo 0x201c ldquo rdquo bdquo 0x2020 dagger Dagger bull
  0x2026 hellip 0x2030 permil 0x2032 prime Prime 0x2039 lsaquo rsaquo 0x203e oline 0x2044 frasl 0x20ac
  euro 0x2111 image 0x2118 weierp 0x211c real 0x2122 trade 0x2135 alefsym 0x2190 larr uarr rarr darr harr
  0x21b5 crarr 0x21d0 lArr uArr rArr dArr hArr 0x2200 forall 0x2202 part exist 0x2205 empty 0x2207 nabla
  isin notin 0x220b ni 0x220f prod 0x2211 sum minus 0x2217 lowast 0x221a radic 0x221d prop infin 0x2220
  ang 0x2227 and or cap cup int 0x2234 there4 0x223c sim 0x2245 cong 0x2248 asymp 0x2260 ne equiv 0x2264
  le ge 0x2282 sub sup nsub 0x2286 sube supe 0x2295 oplus 0x2297 otimes 0x22a5 perp 0x22c5 sdot 0x2308
  lceil rceil lfloor rfloor 0x2329 lang rang 0x25ca loz 0x2660 spades 0x2663 clubs 0x2665 hearts diams`

/** Characters by the names of their entities, with the five of XML, and without those that a file declares. */
const entities: Record<string, string> = Object.assign(
  Object.create(null) as Record<string, string>,
  { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", [written.slice(1, -1)]: '&' },
  Object.fromEntries(characters(runs.trim().split(/\s+/))),
)

function* characters(words: readonly string[]): Generator<[name: string, character: string]> {
  let code = 0
  for (const word of words) {
    if (word.startsWith('0x')) code = Number(word)
    else yield [word, String.fromCodePoint(code++)]
  }
}
