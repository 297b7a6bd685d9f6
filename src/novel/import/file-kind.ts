import { QuillworkError } from '../../index.ts'
import type { TextSource } from './source.ts'

/** Bytes that tell the kind of a file. */
const headBytes = 1_024

/** A kind of file that is no text, by its first bytes. */
interface ForeignKind {
  readonly is: (head: Uint8Array) => boolean
  readonly what: string
  readonly advice: string
}

const asBook = 'Save the book as .docx, .epub or plain text in the program that made it, and import that.'
const unpackFirst = 'Unpack it, and import the books in it one by one.'

const foreignKinds: readonly ForeignKind[] = [
  {
    is: starts(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1),
    what: 'an old Word document (.doc), or one that is protected by a password',
    advice: 'Open it in a word processor and save it as .docx without a password.',
  },
  {
    is: head => /^[\sï»¿]{0,16}%PDF-\d/.test(ascii(head, 0, 32)),
    what: 'a PDF, which holds pages and not paragraphs',
    advice: 'Import the document that the PDF was made from, or its text.',
  },
  { is: head => ascii(head, 0, 5) === '{\\rtf', what: 'a rich text file (.rtf)', advice: asBook },
  {
    is: head => ['BOOKMOBI', 'TEXtREAd'].includes(ascii(head, 60, 68)),
    what: 'a book for the Kindle (.mobi, .azw3)',
    advice: 'Convert it to .epub, and import that.',
  },
  { is: starts(0x1f, 0x8b, 0x08), what: 'an archive (.gz)', advice: unpackFirst },
  { is: starts(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), what: 'an archive (.7z)', advice: unpackFirst },
  { is: starts(0x52, 0x61, 0x72, 0x21, 0x1a, 0x07), what: 'an archive (.rar)', advice: unpackFirst },
]

/**
 * Tells by its bytes whether a file is packed, as EPUB and DOCX are, or text. Its name tells nothing. Throws FILE_KIND_UNSUPPORTED for
 * files that are known to be neither.
 */
export async function isPacked(source: TextSource): Promise<boolean> {
  const head = await headOf(source)
  const foreign = foreignKinds.find(({ is }) => is(head))
  if (foreign !== undefined) throw unsupported(foreign.what, foreign.advice)
  return packedStarts.some(is => is(head))
}

/** The first file of an archive, the directory of an empty one, the mark of one in parts. */
const packedStarts = [starts(0x50, 0x4b, 3, 4), starts(0x50, 0x4b, 5, 6), starts(0x50, 0x4b, 7, 8)]

/** The error of a file that the import does not read. */
function unsupported(what: string, advice: string): QuillworkError {
  return new QuillworkError('FILE_KIND_UNSUPPORTED', `The file is ${what}. ${advice}`)
}

const zipKinds: readonly { readonly has: RegExp; readonly what: string; readonly advice: string }[] = [
  { has: /^xl\/workbook\.(?:xml|bin)$/, what: 'a spreadsheet', advice: asBook },
  { has: /^ppt\/presentation\.xml$/, what: 'a presentation', advice: asBook },
  { has: /^content\.xml$/, what: 'an OpenDocument file (.odt)', advice: asBook },
  { has: /^Index\/Document\.iwa$/, what: 'a Pages document', advice: asBook },
]

/** The error of an archive that is no book, with what it seems to be. */
export function notABook(names: Iterable<string>): QuillworkError {
  for (const name of names) {
    const kind = zipKinds.find(({ has }) => has.test(name))
    if (kind !== undefined) return unsupported(kind.what, kind.advice)
  }
  return unsupported('a ZIP archive, but neither an EPUB nor a Word document', unpackFirst)
}

async function headOf(source: TextSource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of source.readRange(0, Math.min(source.size, headBytes))) pieces.push(piece)
  return Buffer.concat(pieces)
}

function starts(...bytes: readonly number[]): (head: Uint8Array) => boolean {
  return head => bytes.every((byte, i) => head[i] === byte)
}

function ascii(head: Uint8Array, from: number, to: number): string {
  return Buffer.from(head.subarray(from, to)).toString('latin1')
}
