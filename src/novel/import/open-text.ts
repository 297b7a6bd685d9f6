import { QuillworkError } from '../../index.ts'
import { importPart } from '../../runtime/installed.ts'
import { defined } from '../../task/defined.ts'
import { isNovelArchive } from '../archive/read.ts'
import { Archive } from './archive.ts'
import { unsupported } from './bounds.ts'
import { createDecoder, encodingName, knownEncoding } from './decoder.ts'
import { isDocx, openDocx } from './docx/open-docx.ts'
import { detectEncoding } from './encoding.ts'
import { isEpub, openEpub } from './epub/open-epub.ts'
import { readFrontMatter } from './exported.ts'
import { readLines } from './lines.ts'
import { isOdt, openOdt } from './odt/open-odt.ts'
import type { OpenedText } from './opened.ts'
import { openRtf } from './rtf/open-rtf.ts'
import { binderOf, openScrivener } from './scrivener.ts'
import { BLOCK_BYTES, bytesOf, stoppable, type TextSource } from './source.ts'

/** Options of opening a file. */
export interface OpenOptions {
  /** Encoding of the file; default: the detected or declared one. */
  readonly encoding?: string | undefined
  /** Stops reading, which then throws the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a text, an HTML page, RTF, EPUB, DOCX, ODT, a packed Scrivener project or the archive of a novel; its bytes decide which it is. Each reading unpacks a packed file again, so that nothing is kept. Throws
 * ENCODING_UNKNOWN; ENCODING_FIXED for another encoding than a packed file declares; FILE_KIND_UNSUPPORTED, FILE_PROTECTED,
 * FILE_DAMAGED, FILE_LIMIT_EXCEEDED; the signal's reason; what the source throws.
 */
export async function openText(given: TextSource, options: OpenOptions = {}): Promise<OpenedText> {
  const { encoding, signal } = options
  const source = signal === undefined ? given : stoppable(given, signal)
  if (!(await isPacked(source))) return openPlain(source, encoding)
  const asked = encoding === undefined ? undefined : encodingName(encoding)
  const opened = await openBook(await Archive.open(source, { signal }))
  if (asked !== undefined && asked !== opened.encoding.name) {
    throw new QuillworkError(
      'ENCODING_FIXED',
      `A file of this kind (${opened.kind}) says its encoding itself; this one is ${opened.encoding.name}. Leave the encoding out.`,
    )
  }
  return opened
}

/** The beginning of a rich text file. */
const rtfMark = '{\\rtf'

async function openPlain(source: TextSource, asked: string | undefined): Promise<OpenedText> {
  const head = await bytesOf(source, 0, BLOCK_BYTES)
  if (Buffer.from(head.subarray(0, rtfMark.length)).toString('latin1') === rtfMark)
    return openRtf(source, asked)
  const encoding = await detectEncoding(source, asked ?? declaredEncoding(head))
  const start = createDecoder(encoding.name).decode(head)
  const markup = markupOf(start)
  if (markup?.kind === 'html') {
    const { openHtml } = await importPart('A file with HTML', ['htmlparser2'], () => import('./html.ts'))
    return openHtml(source, { encoding, isXml: markup.isXml })
  }
  if (markup !== undefined) throw unsupported({ what: 'an XML file', advice: asBook })
  refuseControls(start, { isDetectedWide: asked === undefined && encoding.name.startsWith('utf-16') })
  const lines: OpenedText['lines'] = faults => readLines(source, encoding.name, faults)
  const exported = readFrontMatter(start)
  return { kind: 'text', encoding, facts: {}, declared: false, ...defined({ exported }), lines }
}

async function openBook(archive: Archive): Promise<OpenedText> {
  if (isEpub(archive)) return openEpub(archive)
  if (await isDocx(archive)) return openDocx(archive)
  if (await isOdt(archive)) return openOdt(archive)
  const binder = binderOf(archive)
  if (binder !== undefined) return openScrivener(archive, binder)
  if (isNovelArchive(archive)) return openedArchive
  throw notABook(archive.names)
}

const openedArchive: OpenedText = {
  ...{ kind: 'archive', encoding: { name: 'utf-8', confidence: 1 }, facts: {}, declared: true },
  async *lines() {},
}

/** Bytes by which the kind of a file is recognised. */
const headBytes = 1_024

/** A kind of file that the import does not read. */
interface ForeignKind {
  readonly what: string
  readonly advice: string
}

const asBook = 'Save the book as .docx, .epub or plain text in the program that made it, and import that.'
const unpackFirst = 'Unpack it, and import the books in it one by one.'

/** Kinds by their first bytes, which stand as characters of the same codes. */
const foreignKinds: readonly (ForeignKind & { readonly is: (head: string) => boolean })[] = [
  {
    is: head => head.startsWith('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'),
    what: 'an old Word document (.doc), or one that is protected by a password',
    advice: 'Open it in a word processor and save it as .docx without a password.',
  },
  {
    is: head => /^[\sï»¿]{0,16}%PDF-\d/.test(head.slice(0, 32)),
    what: 'a PDF, which holds pages and not paragraphs',
    advice: 'Import the document that the PDF was made from, or its text.',
  },
  {
    is: head => ['BOOKMOBI', 'TEXtREAd'].includes(head.slice(60, 68)),
    what: 'a book for the Kindle (.mobi, .azw3)',
    advice: 'Convert it to .epub, and import that.',
  },
  { is: head => head.startsWith('\x1f\x8b\x08'), what: 'an archive (.gz)', advice: unpackFirst },
  { is: head => head.startsWith('7z\xbc\xaf\x27\x1c'), what: 'an archive (.7z)', advice: unpackFirst },
  { is: head => head.startsWith('Rar!\x1a\x07'), what: 'an archive (.rar)', advice: unpackFirst },
  // A text may have "mustard" there.
  {
    is: head => /^ustar(?: {2})?\0/.test(head.slice(257, 265)),
    what: 'an archive (.tar)',
    advice: unpackFirst,
  },
  {
    is: head => /^(?:\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|II\*\0|MM\0\*|BM.{4}\0{4})/s.test(head),
    what: 'a picture',
    advice: 'Import the text of the book, not a picture of it.',
  },
  {
    is: head => /^--[^\r\n]{1,70}\r\nContent-Disposition: *form-data/i.test(head),
    what: 'a form that was sent by a program, with a file in it',
    advice: 'Send the file itself as the body, as `curl --data-binary @book.txt` does.',
  },
]

/**
 * Returns whether a file is packed, as EPUB, DOCX and ODT are, by its bytes and never by its name. Throws FILE_KIND_UNSUPPORTED for kinds that
 * the import does not read.
 */
async function isPacked(source: TextSource): Promise<boolean> {
  const head = Buffer.from(await bytesOf(source, 0, headBytes)).toString('latin1')
  const foreign = foreignKinds.find(({ is }) => is(head))
  if (foreign !== undefined) throw unsupported(foreign)
  // The start of an archive: of its first file, of the directory of an empty one, of an archive in parts.
  return ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'].some(start => head.startsWith(start))
}

/** What may stand before the first tag of a page: a byte order mark, white space, comments. */
const beforeMarkup = /^(?:[\s\ufeff]|<!--[\s\S]*?-->)*/
const htmlStart = /^<(?:!doctype\s+html|html|head|body)[\s>]/i
/** Closing tags of a page. A story that begins with a tag, because it is about one, has none of them at its start. */
const htmlEnds = /<\/(?:title|head|style|script|body|html|div|p|h[1-6])>/i

/** Returns what markup the start of a file is; undefined for a text. Tags within a text are text. `isXml`: it has the declaration of XML. */
function markupOf(start: string): { readonly kind: 'html' | 'xml'; readonly isXml: boolean } | undefined {
  const [before = ''] = beforeMarkup.exec(start) ?? []
  const text = start.slice(before.length)
  const declaration = /^<\?xml\s[^>]*\?>/i.exec(text)?.[0] ?? ''
  const content = text.slice(declaration.length).replace(beforeMarkup, '')
  const isXml = declaration !== ''
  if (htmlStart.test(content) && htmlEnds.test(content)) return { kind: 'html', isXml }
  return isXml && content.startsWith('<') ? { kind: 'xml', isXml } : undefined
}

/** Bytes within which a page declares its encoding. */
const declarationBytes = 4_096

/** Returns the encoding that an HTML page declares: by `<meta charset>`, `http-equiv`, or as XML. A byte order mark goes before it. */
function declaredEncoding(head: Uint8Array): string | undefined {
  const text = Buffer.from(head).toString('latin1')
  if (/^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)/.test(text) || markupOf(text)?.kind !== 'html') return undefined
  const [, label] =
    /<(?:meta\s[^>]{0,200}?charset|\?xml\s[^>]{0,100}?encoding)\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{1,40})/i.exec(
      text.slice(0, declarationBytes),
    ) ?? []
  if (label === undefined) return undefined
  // A page in UTF-16 could not be read as far as here.
  return /^utf-?16/i.test(label) ? 'utf-8' : knownEncoding(label)
}

/** Largest share of control characters in a text. Random bytes have 9 %; an encoding of text, other than UTF-16, never makes one of a letter. */
const mostControls = 0.02

/**
 * Throws FILE_KIND_UNSUPPORTED where too much of the start of a file is no text. Bytes that only look like UTF-16 are known by their halves of
 * surrogate pairs, which stand as U+FFFD.
 */
function refuseControls(start: string, { isDetectedWide }: { isDetectedWide: boolean }): void {
  let characters = 0
  let strange = 0
  for (let at = 0; at < start.length; at++) {
    const code = start.charCodeAt(at)
    if (code === 0) continue
    characters++
    if (isControl(code) || (isDetectedWide && code === 0xfffd)) strange++
  }
  if (strange <= Math.max(mostControls * characters, 3)) return
  throw unsupported({
    what: `no text: ${Math.round((100 * strange) / characters)} % of its start are control characters, as in a program or a recording`,
    advice: `If it is a text, name its encoding. ${asBook}`,
  })
}

/** White space, end-of-file (0x1A) and escape (0x1B) are in many texts. */
function isControl(code: number): boolean {
  return code < 0x20 && (code < 0x09 || code > 0x0d) && code !== 0x1a && code !== 0x1b
}

const zipKinds: readonly (ForeignKind & { readonly has: RegExp })[] = [
  { has: /^xl\/workbook\.(?:xml|bin)$/, what: 'a spreadsheet', advice: asBook },
  { has: /^ppt\/presentation\.xml$/, what: 'a presentation', advice: asBook },
  { has: /^content\.xml$/, what: 'an OpenDocument file that is no text', advice: asBook },
  { has: /^Index\/Document\.iwa$/, what: 'a Pages document', advice: asBook },
]

/** Returns the error of an archive that is not a book, with its probable kind. */
function notABook(names: Iterable<string>): QuillworkError {
  for (const name of names) {
    const kind = zipKinds.find(({ has }) => has.test(name))
    if (kind !== undefined) return unsupported(kind)
  }
  const what =
    'a ZIP archive, but neither an EPUB nor a document of a word processor, nor a Scrivener project, nor the archive of a novel'
  return unsupported({ what, advice: unpackFirst })
}
