import { randomUUID } from 'node:crypto'
import type { SharedDatabase } from '../../../store/mongodb/database.ts'
import { blocks, type TextSource } from '../../import/source.ts'
import { type UploadFiles, vanished } from '../files.ts'

/** A file of the collection `upload_files`. */
interface FileDocument {
  /** Its location. */
  _id: string
  /** Start of the write, by the clock of the writing process. */
  startedAt: Date
  /** Present until the last chunk is written. */
  unfinished?: true
  bytes?: number
  chunks?: number
}

/** A piece of the collection `upload_chunks`. */
interface ChunkDocument {
  /** The location and the number of the chunk, from 0. */
  _id: string
  content: Uint8Array
}

/** Bytes of each chunk but the last. */
const chunkBytes = 262_144
/** Most unfinished files that one clean-up removes. */
const perCleanUp = 100

/**
 * Returns a storage of uploads and exports in the database of the tasks, for any number of machines. It does not use GridFS: each write and read is one
 * operation on one document, repeated when its outcome is unknown, so that a change of the primary fails no upload and no import.
 */
export function mongodbUploads(database: SharedDatabase): UploadFiles {
  const partial = { unfinished: true }
  database.join([{ collection: 'upload_files', name: 'unfinished', key: { startedAt: 1 }, partial }])
  return new MongoUploads(database)
}

class MongoUploads implements UploadFiles {
  readonly #database: SharedDatabase

  constructor(database: SharedDatabase) {
    this.#database = database
  }

  get #files() {
    return this.#database.collection<FileDocument>('upload_files')
  }

  get #chunks() {
    return this.#database.collection<ChunkDocument>('upload_chunks')
  }

  async write(content: AsyncIterable<Uint8Array>, begun?: (location: string) => Promise<void>) {
    const location = randomUUID()
    const file = { startedAt: new Date(), unfinished: true } as const
    try {
      await begun?.(location)
      await this.#database.run('begin upload', () =>
        this.#files.replaceOne({ _id: location }, file, { upsert: true }),
      )
      const { bytes, chunks } = await this.#writeChunks(location, content)
      const { matchedCount } = await this.#database.run('finish upload', () =>
        this.#files.updateOne({ _id: location }, { $set: { bytes, chunks }, $unset: { unfinished: true } }),
      )
      if (matchedCount === 0) throw vanished()
      return { location, bytes }
    } catch (error) {
      // If the database is unavailable, `removeUnfinished` deletes the remains later.
      await this.remove(location).catch(() => undefined)
      throw error
    }
  }

  async #writeChunks(location: string, content: AsyncIterable<Uint8Array>) {
    let bytes = 0
    let chunks = 0
    for await (const chunk of blocks(content, chunkBytes)) {
      const _id = `${location}/${chunks}`
      await this.#database.run('write upload', () =>
        this.#chunks.replaceOne({ _id }, { content: chunk }, { upsert: true }),
      )
      bytes += chunk.length
      chunks += 1
    }
    return { bytes, chunks }
  }

  async open(location: string, name: string): Promise<TextSource | undefined> {
    const file = await this.#database.run('open upload', () => this.#files.findOne({ _id: location }))
    if (file?.bytes === undefined || file.chunks === undefined) return undefined
    const { bytes: size, chunks } = file
    return {
      name,
      size,
      read: () => this.#read(location, 0, chunks),
      readRange: (from, to) => this.#readRange(location, from, to),
    }
  }

  /** Each chunk has `chunkBytes`, so the place determines the chunk. */
  async *#readRange(location: string, from: number, to: number): AsyncGenerator<Uint8Array> {
    const first = Math.floor(from / chunkBytes)
    let at = first * chunkBytes
    for await (const chunk of this.#read(location, first, Math.ceil(to / chunkBytes))) {
      yield chunk.subarray(Math.max(0, from - at), to - at)
      at += chunk.length
    }
  }

  async *#read(location: string, first: number, end: number): AsyncGenerator<Uint8Array> {
    for (let number = first; number < end; number += 1) {
      const chunk = await this.#database.run('read upload', () =>
        this.#chunks.findOne({ _id: `${location}/${number}` }, { promoteBuffers: true }),
      )
      if (chunk === null) throw vanished()
      yield chunk.content
    }
  }

  /** Deletes the chunks first, so that their file exists until the last one is deleted. */
  async remove(location: string): Promise<void> {
    // '0' is the character after '/', so the range contains exactly the chunks of this file.
    const ofFile = { _id: { $gte: `${location}/`, $lt: `${location}0` } }
    await this.#database.run('remove upload', () => this.#chunks.deleteMany(ofFile))
    await this.#database.run('remove upload', () => this.#files.deleteOne({ _id: location }))
  }

  async stored(olderThanMs: number): Promise<readonly string[]> {
    const whole = { unfinished: { $exists: false }, startedAt: { $lte: new Date(Date.now() - olderThanMs) } }
    const files = await this.#database.run('find uploads', () => this.#files.find(whole).toArray())
    return files.map(({ _id }) => _id)
  }

  async removeUnfinished(olderThanMs: number): Promise<number> {
    const before = new Date(Date.now() - olderThanMs)
    const files = await this.#database.run('find unfinished uploads', () =>
      this.#files.find({ unfinished: true, startedAt: { $lte: before } }, { limit: perCleanUp }).toArray(),
    )
    for (const { _id } of files) await this.remove(_id)
    return files.length
  }
}
