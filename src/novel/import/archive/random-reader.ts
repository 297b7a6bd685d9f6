import { Readable } from 'node:stream'
import { RandomAccessReader } from 'yauzl'
import type { TextSource } from '../source.ts'
import { damaged } from './bounds.ts'

/** Bytes that are fetched at once: the directory of an archive is read in hundreds of small steps. */
const blockBytes = 65_536

/** Reads any place of a source for yauzl. Holds one block. */
export class SourceReader extends RandomAccessReader {
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
        await this.#fetch(position + filled)
        if (this.#block.length === 0) throw damaged('is cut off')
        continue
      }
      const part = this.#block.subarray(at, at + target.length - filled)
      target.set(part, filled)
      filled += part.length
    }
  }

  async #fetch(position: number): Promise<void> {
    const end = Math.min(this.#source.size, position + blockBytes)
    this.#block = position < end ? await gather(this.#source.readRange(position, end)) : new Uint8Array(0)
    this.#start = position
  }
}

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}
