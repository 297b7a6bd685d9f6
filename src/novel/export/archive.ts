import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'

/** A file of an archive. */
export interface ArchiveFile {
  readonly name: string
  /** A text, written as UTF-8; a long one in pieces, each of whole characters. Bytes are written as they are. */
  readonly content: string | AsyncIterable<string | Uint8Array>
  /** Not compressed. */
  readonly isStored?: true
}

/**
 * Returns the bytes of a ZIP archive, in pieces. The files are read one after the other: the next one only when the content of the one before was
 * read. Memory is bounded by their number. The same files and date give the same bytes, in every time zone. What the files throw is thrown; a
 * reader that stops early ends their reading.
 */
export async function* archived(
  files: AsyncIterable<ArchiveFile>,
  changedAt: number,
): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  const filling = new Filling(zip, output, dayOf(changedAt))
  const filled = filling.add(files).catch((error: unknown) => {
    output.destroy(error as Error)
  })
  try {
    for await (const piece of output) yield piece as Buffer
  } finally {
    filling.stop()
    await filled
  }
}

/** Adds files to an archive while it is read. */
class Filling {
  readonly #zip: ZipFile
  readonly #output: Readable
  readonly #mtime: Date
  /** The long content that was added last. */
  #content: Readable | undefined

  constructor(zip: ZipFile, output: Readable, mtime: Date) {
    this.#zip = zip
    this.#output = output
    this.#mtime = mtime
  }

  async add(files: AsyncIterable<ArchiveFile>): Promise<void> {
    for await (const { name, content, isStored } of files) {
      if (this.#output.destroyed) return
      // The extra field with a time in UTC would not take one before 1970.
      const options = { mtime: this.#mtime, forceDosTimestamp: true, compress: isStored !== true }
      if (typeof content === 'string') this.#zip.addBuffer(Buffer.from(content), name, options)
      else {
        this.#content = Readable.from(encoded(content), { objectMode: false })
        this.#zip.addReadStream(this.#content, name, options)
        await finished(this.#content)
      }
    }
    this.#zip.end()
  }

  /** Ends the reading of the content that was added last. */
  stop(): void {
    this.#content?.destroy()
  }
}

/** Characters that are encoded at once. */
const perPiece = 65_536

async function* encoded(content: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting = ''
  for await (const piece of content) {
    if (typeof piece !== 'string') {
      yield piece
      continue
    }
    waiting += piece
    if (waiting.length < perPiece) continue
    yield Buffer.from(waiting)
    waiting = ''
  }
  if (waiting !== '') yield Buffer.from(waiting)
}

/** Returns noon of a day in UTC as the local time, which is what a ZIP archive has: at noon no time zone changes its clocks. */
function dayOf(time: number): Date {
  const day = new Date(time)
  return new Date(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), 12)
}
