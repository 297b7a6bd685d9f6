/**
 * The log of the file after a sync that failed, or as a process that is gone has left it. What was written since its last good sync may be in
 * memory only, and the system may not write it again by itself. So it is read back and written once more, in the same places, to be synced. The
 * checksums of the log are a chain from its beginning: when the newest commit is on it, all before it are as they were written.
 *
 * The format is that of SQLite, "The WAL Format" in its documentation.
 */
import fs from 'node:fs'
import type { Database } from './driver.ts'
import { LogDamage } from './failures.ts'

const headerBytes = 32
const frameHeaderBytes = 24
/** Bytes of the log that are read, and written, at once. */
const pieceBytes = 1_048_576
/** Where the first page keeps the number that a program may set. */
const userVersionAt = 60

/**
 * Writes the log once more, unsynced, as far as its checksums hold. Nobody may write to the database meanwhile. Throws what the file system throws;
 * LogDamage where the mark is not on it: then the log was cut off behind its last whole commit, so that nothing behind that reaches the database.
 *
 * @param mark What `markEnd` returned; absent for a log of which nobody knows how long it was.
 */
export function rewriteLog(descriptor: number, mark?: number): void {
  let end = 0
  let committed = 0
  let last: number | undefined
  for (const { bytes, commits } of piecesOf(descriptor)) {
    writeAt(descriptor, bytes, end)
    for (const commit of commits) {
      committed = end + commit.end
      last = commit.userVersion
    }
    end += bytes.length
  }
  if (mark === undefined || (last === mark && committed === end)) return
  fs.ftruncateSync(descriptor, committed)
  throw new LogDamage('what was written to it is no longer there')
}

/** Commits a number that the log did not have before: its page is the end of the log. Returns the number. */
export function markEnd(db: Database): number {
  const mark = (Number(db.pragma('user_version', { simple: true })) % 0x7fff_0000) + 1
  db.pragma(`user_version = ${mark}`)
  return mark
}

/** A part of the log whose checksums hold. */
interface Piece {
  bytes: Buffer
  /** The commits that end in it: where, and what their last page says as the first page of the file. */
  commits: { end: number; userVersion: number }[]
}

/** Returns the log from its beginning to where its checksums end: what an earlier round left behind them is not part of it. */
function* piecesOf(descriptor: number): Generator<Piece> {
  const header = readAt(descriptor, 0, headerBytes)
  if (header.length < headerBytes) return
  const chain = new Chain(header)
  if (!chain.isWhole) return
  yield { bytes: header, commits: [] }
  const { frameBytes } = chain
  const framesPerPiece = Math.ceil(pieceBytes / frameBytes)
  for (let at = headerBytes; ; at += framesPerPiece * frameBytes) {
    const bytes = readAt(descriptor, at, framesPerPiece * frameBytes)
    const commits: Piece['commits'] = []
    let end = 0
    while (end + frameBytes <= bytes.length) {
      const frame = bytes.subarray(end, end + frameBytes)
      if (!chain.takes(frame)) break
      end += frameBytes
      const isCommit = frame.readUInt32BE(4) !== 0
      if (isCommit) commits.push({ end, userVersion: frame.readUInt32BE(frameHeaderBytes + userVersionAt) })
    }
    if (end > 0) yield { bytes: bytes.subarray(0, end), commits }
    if (end < framesPerPiece * frameBytes) return
  }
}

/** Returns the bytes from there, fewer only at the end of the file. Throws what the file system throws, also in the middle. */
function readAt(descriptor: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let read = 0
  while (read < length) {
    const more = fs.readSync(descriptor, bytes, read, length - read, at + read)
    if (more === 0) break
    read += more
  }
  return bytes.subarray(0, read)
}

function writeAt(descriptor: number, bytes: Buffer, at: number): void {
  for (let written = 0; written < bytes.length; )
    written += fs.writeSync(descriptor, bytes, written, bytes.length - written, at + written)
}

/** The checksums of the log so far. */
class Chain {
  readonly frameBytes: number
  /** Whether the checksum of the header holds. */
  readonly isWhole: boolean
  readonly #header: Buffer
  readonly #littleEndian: boolean
  #sums: [number, number] = [0, 0]

  constructor(header: Buffer) {
    this.#header = header
    this.#littleEndian = (header.readUInt32BE(0) & 1) === 0
    this.frameBytes = frameHeaderBytes + header.readUInt32BE(8)
    this.#add(header, 0, frameHeaderBytes)
    this.isWhole = this.#isAt(header, frameHeaderBytes)
  }

  /** Adds a frame, and returns whether it belongs to this log and its checksum holds. */
  takes(frame: Buffer): boolean {
    if (frame.compare(this.#header, 16, 24, 8, 16) !== 0) return false
    this.#add(frame, 0, 8)
    this.#add(frame, frameHeaderBytes, frame.length)
    return this.#isAt(frame, 16)
  }

  #add({ buffer, byteOffset, byteLength }: Buffer, from: number, to: number): void {
    const view = new DataView(buffer, byteOffset, byteLength)
    let [first, second] = this.#sums
    for (let at = from; at < to; at += 8) {
      first = (first + view.getUint32(at, this.#littleEndian) + second) >>> 0
      second = (second + view.getUint32(at + 4, this.#littleEndian) + first) >>> 0
    }
    this.#sums = [first, second]
  }

  #isAt(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#sums[0] && bytes.readUInt32BE(at + 4) === this.#sums[1]
  }
}
