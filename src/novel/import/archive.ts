import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw } from 'node:zlib'
import {
  type Entry,
  fromRandomAccessReaderPromise,
  getFileNameLowLevel,
  RandomAccessReader,
  type ZipFile,
} from 'yauzl'
import { QuillworkError } from '../../index.ts'
import { type Bounds, checkBound, damaged, encrypted, importBounds, shown } from './bounds.ts'
import { bytesOf, type TextSource } from './source.ts'

/** Longest name of a part, in bytes; files with longer ones are ignored. */
const longestName = 1_000

/**
 * The files of a ZIP archive by their names. A name is only a key and never becomes a path. Of two with the same name the first counts.
 * Memory is bounded by the number of files.
 */
export class Archive {
  readonly bounds: Bounds
  readonly signal: AbortSignal | undefined
  readonly #source: TextSource
  readonly #zip: ZipFile
  readonly #entries: ReadonlyMap<string, Entry>
  #unpacked = 0

  private constructor(
    source: TextSource,
    zip: ZipFile,
    entries: ReadonlyMap<string, Entry>,
    bounds: Bounds,
    signal: AbortSignal | undefined,
  ) {
    this.#source = source
    this.#zip = zip
    this.#entries = entries
    this.bounds = bounds
    this.signal = signal
  }

  /** Opens an archive and reads its directory. Throws FILE_DAMAGED, FILE_PROTECTED, FILE_LIMIT_EXCEEDED, the signal's reason, what the source throws. */
  static async open(
    source: TextSource,
    { bounds = importBounds, signal }: { bounds?: Bounds; signal?: AbortSignal | undefined } = {},
  ): Promise<Archive> {
    const settings = { autoClose: false, decodeStrings: false, validateEntrySizes: false }
    try {
      const zip = await fromRandomAccessReaderPromise(new SourceReader(source), source.size, settings)
      checkBound(bounds, 'entries', zip.entryCount)
      return new Archive(source, zip, await entriesOf(zip, signal), bounds, signal)
    } catch (error) {
      signal?.throwIfAborted()
      throw asCoded(error)
    }
  }

  /** The names of the files, in the order of the directory. */
  get names(): Iterable<string> {
    return this.#entries.keys()
  }

  /** Whether the archive has a file of that name. */
  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /**
   * Unpacks a file piece by piece and stops at the first byte beyond a bound, whatever its header declares. Throws FILE_DAMAGED (also for
   * a missing file), FILE_PROTECTED, FILE_LIMIT_EXCEEDED, the signal's reason, what the source throws.
   */
  async *read(name: string): AsyncGenerator<Uint8Array> {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw damaged(`lacks its part ${shown(name)}`)
    if (entry.isEncrypted()) throw encrypted('its archive asks for a password')
    const check = sizeCheck(name, entry, this.bounds)
    try {
      for await (const piece of this.#unpack(entry)) {
        this.signal?.throwIfAborted()
        check.add(piece)
        this.#unpacked += piece.length
        checkBound(this.bounds, 'totalBytes', this.#unpacked)
        yield piece
      }
      check.end()
    } catch (error) {
      this.signal?.throwIfAborted()
      throw asCoded(error)
    }
  }

  async *#unpack(entry: Entry): AsyncGenerator<Uint8Array> {
    if (!entry.canDecodeFileData())
      throw damaged(`is packed in a way that is not read (${entry.compressionMethod})`)
    const { fileDataStart } = await this.#zip.readLocalFileHeaderPromise(entry, { minimal: true })
    const packed = this.#source.readRange(fileDataStart, fileDataStart + entry.compressedSize)
    yield* entry.compressionMethod === 0 ? packed : inflated(packed)
  }
}

async function entriesOf(zip: ZipFile, signal: AbortSignal | undefined): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  for await (const entry of zip.eachEntry()) {
    signal?.throwIfAborted()
    if (entry.fileNameLength > longestName) continue
    const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry
    const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false)
    if (!entries.has(name)) entries.set(name, withoutExtras(entry))
  }
  return entries
}

/** Releases the parts of the directory that an entry refers to: comments and extra fields may have 64 KB each. */
function withoutExtras(entry: Entry): Entry {
  const none = Buffer.alloc(0)
  return Object.assign(entry, {
    fileName: '',
    fileNameRaw: none,
    comment: '',
    fileComment: '',
    fileCommentRaw: none,
    extraFields: [],
    extraFieldRaw: none,
  })
}

async function* inflated(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw({ chunkSize: 65_536 })
  // The stream below reports its failure.
  const feeding = pipeline(Readable.from(packed, { objectMode: false }), inflate).catch(() => undefined)
  try {
    for await (const piece of inflate) yield piece as Buffer
  } finally {
    inflate.destroy()
    await feeding
  }
}

/** Checks the unpacked bytes of a file against its bounds, and at the end against its directory. */
function sizeCheck(name: string, { compressedSize, uncompressedSize, crc32: sum }: Entry, bounds: Bounds) {
  let bytes = 0
  let crc = 0
  const wrong = () => damaged(`is broken: its part ${shown(name)} is not what its directory says`)
  return {
    add(piece: Uint8Array): void {
      bytes += piece.length
      crc = crc32(piece, crc)
      checkBound(bounds, 'entryBytes', bytes, name)
      if (bytes > bounds.ratioFrom) checkBound(bounds, 'ratio', bytes / compressedSize, name)
      if (bytes > uncompressedSize) throw wrong()
    },
    end(): void {
      if (bytes !== uncompressedSize || crc !== sum) throw wrong()
    },
  }
}

function asCoded(error: unknown): unknown {
  if (error instanceof QuillworkError) return error
  const message = error instanceof Error ? error.message : ''
  if (message.includes('strong encryption')) return encrypted('its archive asks for a password')
  return damaged('is cut off or broken', error)
}

/** Bytes of one read: yauzl reads the directory of an archive in hundreds of small steps. */
const blockBytes = 65_536

/** Reads any place of a source for yauzl. Holds one block in memory. */
class SourceReader extends RandomAccessReader {
  readonly #source: TextSource
  #start = 0
  #block: Uint8Array = new Uint8Array(0)

  constructor(source: TextSource) {
    super()
    this.#source = source
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#source.readRange(start, end), { objectMode: false })
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#copy(buffer.subarray(offset, offset + length), position).then(
      () => callback(null),
      (error: unknown) => callback(error as Error),
    )
  }

  async #copy(target: Buffer, position: number): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const at = position + filled - this.#start
      if (at < 0 || at >= this.#block.length) {
        const start = position + filled
        this.#block = await bytesOf(this.#source, start, start + blockBytes)
        this.#start = start
        if (this.#block.length === 0) throw damaged('is cut off')
        continue
      }
      const part = this.#block.subarray(at, at + target.length - filled)
      target.set(part, filled)
      filled += part.length
    }
  }
}

/** A place in a book: a file of the archive, and the id of an element in it; '' for the whole file. */
export interface Target {
  readonly file: string
  readonly fragment: string
}

/**
 * Returns the target of a reference between files of the archive. Undefined where it leads out of the archive: to another site, or above
 * its root.
 */
export function resolveTarget(from: string, reference: string): Target | undefined {
  const [link = '', fragment = ''] = reference.trim().split('#', 2)
  if (/^[A-Za-z][A-Za-z\d+.-]*:/.test(link) || link.startsWith('//')) return undefined
  const plain = decoded(link.split('?', 1)[0] ?? '')
  if (plain === '') return { file: from, fragment: decoded(fragment) }
  const steps = plain.startsWith('/') ? [] : from.split('/').slice(0, -1)
  for (const step of plain.split('/')) {
    if (step === '..' && steps.pop() === undefined) return undefined
    if (step !== '' && step !== '.' && step !== '..') steps.push(step)
  }
  return { file: steps.join('/'), fragment: decoded(fragment) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
