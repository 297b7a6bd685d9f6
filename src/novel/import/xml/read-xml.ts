import { SaxesParser } from 'saxes'
import { type Bounds, damaged, overLimit, shown } from '../archive/bounds.ts'
import { namedEntities } from './entities.ts'

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
