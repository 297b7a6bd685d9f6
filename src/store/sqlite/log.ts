/**
 * The log of the file after a sync that failed. What was written since the last good one may be in memory only, and the system may not write it
 * again by itself. So it is read back and written once more, in the same places, and synced. The checksums of the log are a chain from its
 * beginning: when the newest commit is on it, all before it are as they were written.
 *
 * The format is that of SQLite, "The WAL Format" in its documentation.
 */
import fs from 'node:fs'
import { promisify } from 'node:util'
import type { Database } from 'better-sqlite3'
import { LogDamage } from './failures.ts'

const read = promisify(fs.read)
const write = promisify(fs.write)

const headerBytes = 32
const frameHeaderBytes = 24
/** Bytes of the log that are read, and written, at once. */
const pieceBytes = 1_048_576
/** Where the first page keeps the number that a program may set. */
const userVersionAt = 60

/** Writes the log once more, unsynced. Throws LogDamage where it is not what was written, and what SQLite and the file system throw. */
export async function rewriteLog(db: Database, descriptor: number): Promise<void> {
  const marker = markEnd(db)
  let end = 0
  let isMarked = false
  for await (const piece of piecesOf(descriptor)) {
    await write(descriptor, piece.bytes, 0, piece.bytes.length, end)
    end += piece.bytes.length
    isMarked = piece.last?.getUint32(userVersionAt) === marker
  }
  if (!isMarked) throw new LogDamage('what was written to it is no longer there')
}

/** Commits a number that the log did not have before: its page is the end of the log. Returns the number. */
function markEnd(db: Database): number {
  const checkpointPages = Number(db.pragma('wal_autocheckpoint', { simple: true }))
  const marker = (Number(db.pragma('user_version', { simple: true })) % 0x7fff_0000) + 1
  // A checkpoint would copy from a log that is not safe yet.
  db.pragma('wal_autocheckpoint = 0')
  try {
    db.pragma(`user_version = ${marker}`)
  } finally {
    db.pragma(`wal_autocheckpoint = ${checkpointPages}`)
  }
  return marker
}

/** A part of the log whose checksums hold. */
interface Piece {
  bytes: Buffer
  /** The page that its last commit ends with; undefined where none ends in it. */
  last: DataView | undefined
}

/** Reads the log from its beginning to where its checksums end: what an earlier round left behind them is not part of it. */
async function* piecesOf(descriptor: number): AsyncGenerator<Piece> {
  const header = await readAt(descriptor, 0, headerBytes)
  const view = viewOf(header)
  const littleEndian = (view.getUint32(0) & 1) === 0
  const frameBytes = frameHeaderBytes + view.getUint32(8)
  const chain = new Chain(littleEndian)
  chain.add(view, 0, frameHeaderBytes)
  if (!chain.isAt(view, frameHeaderBytes)) return
  yield { bytes: header, last: undefined }
  const framesPerPiece = Math.floor(pieceBytes / frameBytes)
  for (let at = headerBytes; ; at += framesPerPiece * frameBytes) {
    const bytes = await readAt(descriptor, at, framesPerPiece * frameBytes)
    const whole = Math.floor(bytes.length / frameBytes)
    let frames = 0
    let last: DataView | undefined
    for (; frames < whole; frames++) {
      const frame = viewOf(bytes, frames * frameBytes, frameBytes)
      if (!chain.takes(frame, view)) break
      last = frame.getUint32(4) === 0 ? undefined : viewOf(bytes, frames * frameBytes + frameHeaderBytes)
    }
    if (frames > 0) yield { bytes: bytes.subarray(0, frames * frameBytes), last }
    if (frames < framesPerPiece) return
  }
}

async function readAt(descriptor: number, at: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await read(descriptor, Buffer.alloc(length), 0, length, at)
  return buffer.subarray(0, bytesRead)
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer, at = 0, length = byteLength - at): DataView {
  return new DataView(buffer, byteOffset + at, length)
}

/** The checksum of the log so far. */
class Chain {
  readonly #littleEndian: boolean
  #sums: [number, number] = [0, 0]

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian
  }

  /** Adds a frame, and returns whether it belongs to the log of that header and its checksum holds. */
  takes(frame: DataView, header: DataView): boolean {
    const sameLog = [8, 12].every(at => frame.getUint32(at) === header.getUint32(at + 8))
    if (!sameLog) return false
    this.add(frame, 0, 8)
    this.add(frame, frameHeaderBytes, frame.byteLength)
    return this.isAt(frame, 16)
  }

  add(view: DataView, from: number, to: number): void {
    let [first, second] = this.#sums
    for (let at = from; at < to; at += 8) {
      first = (first + view.getUint32(at, this.#littleEndian) + second) >>> 0
      second = (second + view.getUint32(at + 4, this.#littleEndian) + first) >>> 0
    }
    this.#sums = [first, second]
  }

  isAt(view: DataView, at: number): boolean {
    return view.getUint32(at) === this.#sums[0] && view.getUint32(at + 4) === this.#sums[1]
  }
}
