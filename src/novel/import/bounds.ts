import { QuillworkError } from '../../index.ts'

/** What may be in a file that is packed: how much it is unpacked to, and how deep and how long its parts are. */
export interface Bounds {
  /** Files in the archive. */
  readonly entries: number
  /** Bytes of one file of the archive, unpacked. */
  readonly entryBytes: number
  /** Bytes of all files that are read, unpacked. */
  readonly totalBytes: number
  /** Bytes that a packed byte may become, once more than `ratioFrom` of a file are unpacked. Text hardly ever becomes more than 20. */
  readonly ratio: number
  /** Unpacked bytes of a file below which the ratio is not looked at: no memory is in danger, and short files repeat themselves. */
  readonly ratioFrom: number
  /** Elements within elements. */
  readonly xmlDepth: number
  /** Characters of a run of text, a tag with its attributes, a comment or a declaration: what the reader of XML has to hold at once. */
  readonly xmlToken: number
  /** Attributes of a tag. */
  readonly xmlAttributes: number
  /** Files that a book lists, entries of its table of contents, and styles of a document. */
  readonly listed: number
}

/** The bounds of every import. */
export const importBounds: Bounds = {
  entries: 10_000,
  entryBytes: 64_000_000,
  totalBytes: 200_000_000,
  ratio: 100,
  ratioFrom: 4_000_000,
  xmlDepth: 500,
  xmlToken: 8_000_000,
  xmlAttributes: 1_000,
  listed: 20_000,
}

const meanings: Readonly<Record<keyof Bounds, (limit: string) => string>> = {
  entries: limit => `holds more than ${limit} files`,
  entryBytes: limit => `holds a part of more than ${limit} bytes`,
  totalBytes: limit => `unpacks to more than ${limit} bytes`,
  ratio: limit => `unpacks to more than ${limit} times its size, as no text does`,
  ratioFrom: limit => `holds a part of more than ${limit} bytes`,
  xmlDepth: limit => `has elements nested more than ${limit} deep`,
  xmlToken: limit => `has a stretch of more than ${limit} characters without a tag, or a tag as long`,
  xmlAttributes: limit => `has a tag with more than ${limit} attributes`,
  listed: limit => `lists more than ${limit} parts, entries or styles`,
}

/** The error of a file that goes beyond a bound; `part` is the file within it. */
export function overLimit(bound: keyof Bounds, limit: number, part?: string): QuillworkError {
  const where = part === undefined ? 'The file' : `${shown(part)} in the file`
  return new QuillworkError(
    'FILE_LIMIT_EXCEEDED',
    `${where} ${meanings[bound](limit.toLocaleString('en-US'))}; it is not imported. Save the book anew or in parts, or import it as plain text.`,
    { details: { bound, limit } },
  )
}

/** The error of a file that is broken; `what` goes on after "The file". */
export function damaged(what: string, cause?: unknown): QuillworkError {
  return new QuillworkError(
    'FILE_DAMAGED',
    `The file ${what}. Copy it again, or open it in the program that made it and save it as a new file.`,
    { cause },
  )
}

/** The error of a file whose text is encrypted. */
export function encrypted(how: string): QuillworkError {
  return new QuillworkError(
    'FILE_PROTECTED',
    `The text of the file is encrypted: ${how}. Import a copy without protection.`,
  )
}

/** A name out of a file as it may stand in a message. */
export function shown(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\u25a1')
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain
}
