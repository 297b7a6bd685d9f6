import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { QuillworkError } from '../../index.ts'

/** Bytes that can be read any number of times, whole or in part. A survey reads a text twice, a read of chapters once. */
export interface TextSource {
  /** The file name, with extension: the title where the text has none. */
  readonly name: string
  /** Number of bytes. */
  readonly size: number
  /** Reads all bytes in order, in pieces of any length. */
  read(): AsyncIterable<Uint8Array>
  /** Reads the bytes from one place up to another, in order. Both are within the source. */
  readRange(from: number, to: number): AsyncIterable<Uint8Array>
}

/**
 * Returns a file as a text source. Nothing of it stays in memory. `name` replaces the name of the file, as for an upload that is stored
 * under another name. Throws TEXT_UNREADABLE when the file does not exist.
 */
export async function fileSource(path: string, name: string = basename(path)): Promise<TextSource> {
  const size = await sizeOf(path)
  const read = async function* (from: number, to: number) {
    if (from >= to) return
    const options = { start: from, end: to - 1, highWaterMark: BLOCK_BYTES }
    for await (const piece of createReadStream(path, options)) yield piece as Buffer
  }
  return { name, size, read: () => read(0, size), readRange: read }
}

/** Returns bytes in memory as a text source. */
export function bytesSource(bytes: Uint8Array, name = 'untitled.txt'): TextSource {
  const read = async function* (from: number, to: number) {
    for (let at = from; at < to; at += BLOCK_BYTES) yield bytes.subarray(at, Math.min(to, at + BLOCK_BYTES))
  }
  return { name, size: bytes.length, read: () => read(0, bytes.length), readRange: read }
}

/** Returns the same source, whose reads throw the reason of the signal once it is aborted. */
export function stoppable(source: TextSource, signal: AbortSignal): TextSource {
  const stopping = async function* (content: AsyncIterable<Uint8Array>) {
    for await (const piece of content) {
      signal.throwIfAborted()
      yield piece
    }
  }
  const { name, size } = source
  const readRange = (from: number, to: number) => stopping(source.readRange(from, to))
  return { name, size, read: () => stopping(source.read()), readRange }
}

/** Returns the bytes from one place up to another, or to the end of the source if that comes first. */
export async function bytesOf(source: TextSource, from: number, to: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const end = Math.min(source.size, to)
  if (from < end) for await (const piece of source.readRange(from, end)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Bytes read and decoded at once. */
export const BLOCK_BYTES = 65_536

/** Yields the same bytes in blocks of exactly `blockBytes`; only the last one is shorter. */
export async function* blocks(
  content: AsyncIterable<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let length = 0
  for await (const piece of content) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + blockBytes - length)
      waiting.push(part)
      length += part.length
      at += part.length
      if (length < blockBytes) continue
      yield Buffer.concat(waiting)
      waiting = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(waiting)
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path)
    if (found.isFile()) return found.size
  } catch (cause) {
    throw new QuillworkError(
      'TEXT_UNREADABLE',
      `${path} cannot be read. Check that it exists and that this process may read it.`,
      { cause },
    )
  }
  throw new QuillworkError('TEXT_UNREADABLE', `${path} is not a file. Name a text file.`)
}
