import { QuillworkError } from '../../index.ts'
import { Archive } from './archive/archive.ts'
import { encodingName } from './decoder.ts'
import { isDocx, openDocx } from './docx/open-docx.ts'
import { detectEncoding } from './encoding.ts'
import { isEpub, openEpub } from './epub/open-epub.ts'
import { isPacked, notABook } from './file-kind.ts'
import { readLines } from './lines.ts'
import type { OpenedText } from './opened.ts'
import type { TextSource } from './source.ts'

/** Options of opening a file. */
export interface OpenOptions {
  /** Encoding to read it in; default: the detected one, or what the file says. */
  readonly encoding?: string | undefined
  /** Stops what is read of it: that throws the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a file of any kind that the import reads; its bytes tell which. What is packed is unpacked anew by each reading, so that
 * nothing of it has to be kept. Throws ENCODING_UNKNOWN; ENCODING_FIXED for another encoding than an EPUB or DOCX says;
 * FILE_KIND_UNSUPPORTED, FILE_PROTECTED, FILE_DAMAGED, FILE_LIMIT_EXCEEDED; the signal's reason; what the source throws.
 */
export async function openText(source: TextSource, options: OpenOptions = {}): Promise<OpenedText> {
  if (!(await isPacked(source))) return openPlain(source, options.encoding)
  const { encoding, signal } = options
  const asked = encoding === undefined ? undefined : encodingName(encoding)
  const archive = await Archive.open(source, signal === undefined ? {} : { signal })
  const opened = await openBook(archive)
  if (asked !== undefined && asked !== opened.encoding.name) throw fixedEncoding(opened)
  return opened
}

async function openPlain(source: TextSource, asked: string | undefined): Promise<OpenedText> {
  const { name, confidence } = await detectEncoding(source, asked)
  return {
    kind: 'text',
    encoding: { name, confidence },
    facts: {},
    declared: false,
    lines: faults => readLines(source, name, faults),
  }
}

async function openBook(archive: Archive): Promise<OpenedText> {
  if (isEpub(archive)) return openEpub(archive)
  if (await isDocx(archive)) return openDocx(archive)
  throw notABook(archive.names)
}

function fixedEncoding({ kind, encoding }: OpenedText): QuillworkError {
  return new QuillworkError(
    'ENCODING_FIXED',
    `An ${kind === 'epub' ? 'EPUB' : 'DOCX'} file says its encoding itself; this one is ${encoding.name}. Leave the encoding out.`,
  )
}
