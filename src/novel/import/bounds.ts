import { QuillworkError } from '../../index.ts'
import { longestImportedScene } from '../library/drafts.ts'

/** The bounds of every import of a packed file: unpacked size, depth and length of its parts; and of a file that Quillwork exported. */
export const importBounds = {
  /** Files in the archive. */
  entries: 10_000,
  /** Bytes of one file of the archive, unpacked. */
  entryBytes: 64_000_000,
  /** Bytes of all files that are read, unpacked. */
  totalBytes: 200_000_000,
  /** Unpacked bytes for each packed byte, once more than `ratioFrom` bytes of a file are unpacked. Text rarely exceeds 20. */
  ratio: 100,
  /** Unpacked bytes of a file below which the ratio is not checked: they endanger no memory, and short files repeat themselves. */
  ratioFrom: 4_000_000,
  /** Elements within elements. */
  xmlDepth: 500,
  /** Characters of a run of text, a tag with its attributes, a comment or a declaration: what the XML reader holds at once. */
  xmlToken: 8_000_000,
  /** Attributes of a tag. */
  xmlAttributes: 1_000,
  /** Files that a book lists, entries of its table of contents, and styles of a document. */
  listed: 20_000,
  /** Headings of an exported file. */
  headings: 50_000,
  /** UTF-16 units of a scene of an exported file, which is never cut in two. */
  sceneLength: longestImportedScene,
  /** Rows of an archive of a novel. */
  rows: 2_000_000,
  /** UTF-16 units of a line of an archive of a novel. */
  line: 8_000_000,
}
/** The bounds of a packed file. */
export type Bounds = Readonly<typeof importBounds>

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
  headings: limit => `has more than ${limit} headings`,
  sceneLength: limit => `has a scene of more than ${limit} characters`,
  rows: limit => `has more than ${limit} rows`,
  line: limit => `has a line of more than ${limit} characters`,
}

/** Throws FILE_LIMIT_EXCEEDED where a count exceeds a bound; `part` is the file within the file. */
export function checkBound(bounds: Bounds, bound: keyof Bounds, count: number, part?: string): void {
  const limit = bounds[bound]
  if (count <= limit) return
  const where = part === undefined ? 'The file' : `${shown(part)} in the file`
  throw new QuillworkError(
    'FILE_LIMIT_EXCEEDED',
    `${where} ${meanings[bound](limit.toLocaleString('en-US'))}; it is not imported. Save the book again or in parts, or import it as plain text.`,
    { details: { bound, limit } },
  )
}

/** Returns the error of a kind of file that the import does not read; `what` completes the sentence "The file is ...". */
export function unsupported({ what, advice }: { what: string; advice: string }): QuillworkError {
  return new QuillworkError('FILE_KIND_UNSUPPORTED', `The file is ${what}. ${advice}`)
}

/** Returns the error of a broken file; `what` completes the sentence "The file ...". */
export function damaged(what: string, cause?: unknown): QuillworkError {
  return new QuillworkError(
    'FILE_DAMAGED',
    `The file ${what}. Copy it again, or open it in the program that made it and save it as a new file.`,
    { cause },
  )
}

/** Returns the error of a file whose text is encrypted. */
export function encrypted(how: string): QuillworkError {
  return new QuillworkError(
    'FILE_PROTECTED',
    `The text of the file is encrypted: ${how}. Import a copy without protection.`,
  )
}

/** Returns a name from a file as messages show it: without controls, at most 80 characters. */
export function shown(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\u25a1')
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain
}
