import { Parser } from 'htmlparser2'
import { type BookLines, HeadingHolder, LineWriter } from './book-lines.ts'
import { checkBound, importBounds } from './bounds.ts'
import { createDecoder } from './decoder.ts'
import type { Encoding } from './encoding.ts'
import { ContentEvents } from './epub/content.ts'
import type { Line } from './lines.ts'
import { type BookFacts, factsOf, isPlaceholder, type LeftOut, type OpenedText, oneSpaced } from './opened.ts'
import { BLOCK_BYTES, blocks, type TextSource } from './source.ts'
import type { XmlEvents } from './xml.ts'

/** How a page is read. `isXml`: it declares itself as XML, in which `<p/>` is an element without content. */
interface HtmlForm {
  readonly encoding: Encoding
  readonly isXml: boolean
}

/**
 * Opens an HTML page: title, author and language of its head, and its text with the headings h1 to h6. Memory is bounded by a paragraph. Throws
 * FILE_LIMIT_EXCEEDED and what the source throws.
 */
export async function openHtml(source: TextSource, form: HtmlForm): Promise<OpenedText> {
  const facts = await headFacts(source, form)
  return {
    kind: 'html',
    encoding: form.encoding,
    facts,
    declared: false,
    lines: (faults, leftOut) =>
      pageLines(source, form, { out: new PageHeadings(new LineWriter(faults), facts.title), leftOut }),
  }
}

/** Takes the first heading, where it is the title of the page, for that of the book. */
class PageHeadings extends HeadingHolder {
  #title: string | undefined

  constructor(writer: LineWriter, title: string | undefined) {
    super(writer, false)
    this.#title = title?.toLowerCase()
  }

  override heading(level: number, text: string): void {
    super.heading(oneSpaced(text).toLowerCase() === this.#title ? 0 : level, text)
    this.#title = undefined
  }
}

async function* pageLines(
  source: TextSource,
  form: HtmlForm,
  { out, leftOut }: { out: BookLines; leftOut: LeftOut },
): AsyncGenerator<Line[]> {
  const events = new ContentEvents(out, new Map(), leftOut)
  for await (const _ of readPage(source, form, events)) yield out.take()
  events.flush()
  out.release()
  yield out.take()
}

/** Reads a page to its end; yields after each block. */
async function* readPage(
  source: TextSource,
  { encoding, isXml }: HtmlForm,
  events: XmlEvents,
): AsyncGenerator<void> {
  const decoder = createDecoder(encoding.name)
  const reader = new HtmlReader(events, isXml)
  for await (const block of blocks(source.read(), BLOCK_BYTES)) {
    reader.push(decoder.decode(block))
    yield
  }
  reader.push(decoder.end())
  reader.end()
}

/** Characters of a text that the reader holds before it reports them. */
const longestText = 65_536

/**
 * Reads HTML piece by piece, as forgiving as browsers: tags that are missing, crossed or unknown are no fault. It fetches nothing. `<head>` is not reported,
 * because its end need not be written. Throws FILE_LIMIT_EXCEEDED for elements that are too deep and for tags and comments that are too long.
 */
class HtmlReader {
  readonly #events: XmlEvents
  readonly #parser: Parser
  /** The text since the last tag: references to characters divide it, and the pieces in which the file is read. */
  #text = ''
  #depth = 0
  #attributes = 0
  #sinceEvent = 0

  constructor(events: XmlEvents, isXml: boolean) {
    this.#events = events
    this.#parser = new Parser(
      {
        onattribute: () => {
          this.#attributes += 1
          checkBound(importBounds, 'xmlAttributes', this.#attributes)
        },
        onopentag: (name, attributes) => this.#open(name, attributes),
        onclosetag: name => this.#close(name),
        ontext: text => {
          this.#text += text
          if (this.#text.length > longestText) this.#flush()
        },
        oncomment: () => this.#flush(),
      },
      { recognizeSelfClosing: isXml },
    )
  }

  /** Reads the next piece. */
  push(piece: string): void {
    this.#sinceEvent += piece.length
    this.#parser.write(piece)
    checkBound(importBounds, 'xmlToken', this.#sinceEvent)
  }

  /** Reads what is left at the end. */
  end(): void {
    this.#parser.end()
    this.#flush()
  }

  #open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#flush()
    this.#attributes = 0
    this.#depth += 1
    checkBound(importBounds, 'xmlDepth', this.#depth)
    if (name !== 'head') this.#events.open(name, attributes)
  }

  #close(name: string): void {
    this.#flush()
    this.#depth -= 1
    if (name !== 'head') this.#events.close?.(name)
  }

  #flush(): void {
    this.#sinceEvent = 0
    if (this.#text !== '') this.#events.text?.(this.#text)
    this.#text = ''
  }
}

/** Returns title, author and language that the head of a page says. Reads as far as the head goes. */
async function headFacts(source: TextSource, form: HtmlForm): Promise<BookFacts> {
  const head = new HeadEvents()
  for await (const _ of readPage(source, form, head)) if (head.isOver) break
  return head.facts
}

/** Elements that may be within a head, and the two that may begin before it. */
const headElements = new Set([
  'html',
  'title',
  'meta',
  'link',
  'script',
  'style',
  'base',
  'noscript',
  'template',
])
/** UTF-16 units of a field that are kept. */
const longestField = 1_000

class HeadEvents implements XmlEvents {
  isOver = false
  readonly #fields = new Map<string, string>()
  #isInTitle = false

  get facts(): BookFacts {
    const first = (...names: readonly string[]) =>
      names
        .map(name => this.#fields.get(name)?.trim() ?? '')
        .find(text => text !== '' && !isPlaceholder(text))
    return factsOf({
      title: first('dc.title', 'dcterms.title', 'title'),
      author: first('author', 'dc.creator', 'dcterms.creator'),
      language: first('lang', 'dc.language', 'dcterms.language', 'content-language'),
    })
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.isOver ||= !headElements.has(name)
    if (this.isOver) return
    this.#isInTitle = name === 'title'
    if (name === 'html') this.#add('lang', attributes['lang'] ?? attributes['xml:lang'])
    if (name === 'meta') this.#add(attributes['name'] ?? attributes['http-equiv'], attributes['content'])
  }

  close(): void {
    this.#isInTitle = false
  }

  text(text: string): void {
    if (this.#isInTitle) this.#add('title', text)
  }

  #add(name: string | undefined, text: string | undefined): void {
    if (name === undefined || text === undefined || name.length > 40) return
    const field = name.toLowerCase()
    if (!this.#fields.has(field)) this.#fields.set(field, text.slice(0, longestField))
  }
}
