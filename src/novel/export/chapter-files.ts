import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'

/** A file of an archive. */
export interface ArchivedFile {
  readonly name: string
  /** Its bytes; asked for when its turn comes. */
  content(): AsyncIterable<Uint8Array>
}

/** Returns the bytes of a ZIP archive of files, which are read one after the other. Throws what a content throws. */
export async function* zipOf(files: Iterable<ArchivedFile>, changedAt: number): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  let current: Readable | undefined
  const fill = async () => {
    for (const { name, content } of files) {
      current = Readable.from(content())
      zip.addReadStream(current, name, { mtime: new Date(changedAt) })
      await finished(current)
    }
    zip.end()
  }
  // What breaks off a file breaks off the archive, and not the process.
  const breakOff = (error: Error) => void output.destroy(error)
  zip.on('error', breakOff)
  fill().catch(breakOff)
  try {
    for await (const piece of output) yield piece as Uint8Array
  } finally {
    current?.destroy()
  }
}
