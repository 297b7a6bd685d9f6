import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { UploadFiles } from '../../../src/novel/uploads/files.ts'

/** A place for uploads, and what it holds. */
export interface FilesUnderTest {
  readonly files: UploadFiles
  /** The same place as another process sees it. */
  readonly elsewhere: UploadFiles
  /** Everything that takes room: whole files, parts and chunks. */
  left(): Promise<readonly string[]>
  /** Cuts the file: its last bytes vanish while something still names it. */
  damage(location: string): Promise<void>
  /** What a process that died while it wrote leaves behind. */
  dieWhileWriting(): Promise<void>
}

/** One thing that every place for uploads does. */
export interface FilesCase {
  name: string
  run(t: FilesUnderTest): Promise<void>
}

async function* pieces(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

/** Bytes that repeat nowhere soon, in pieces of odd lengths. */
async function* manyPieces(total: number): AsyncGenerator<Uint8Array> {
  for (let at = 0, length = 1; at < total; at += length, length = (length * 7 + 3) % 90_001)
    yield bytesFrom(at, Math.min(length, total - at))
}

function bytesFrom(at: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => ((at + index) * 2_654_435_761) >>> 24)
}

async function digest(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of content) hash.update(piece)
  return hash.digest('hex')
}

async function textOf(files: UploadFiles, location: string): Promise<string | undefined> {
  const source = await files.open(location, 'a.txt')
  if (source === undefined) return undefined
  const read: Uint8Array[] = []
  for await (const piece of source.read()) read.push(piece)
  return Buffer.concat(read).toString()
}

/** The contract of `UploadFiles`. */
export const filesCases: readonly FilesCase[] = [
  {
    name: 'a file is read as it was written, as often as asked, by every process',
    async run({ files, elsewhere }) {
      const total = 1_234_567
      const { location, bytes } = await files.write(manyPieces(total))
      expect(bytes).toBe(total)
      const source = await elsewhere.open(location, 'The River.txt')
      expect(source).toMatchObject({ name: 'The River.txt', size: total })
      for (let reading = 0; source !== undefined && reading < 2; reading += 1)
        expect(await digest(source.read())).toBe(await digest(manyPieces(total)))
    },
  },
  {
    name: 'a file without a byte, and one as long as two blocks, are files',
    async run({ files }) {
      const empty = await files.write(pieces())
      expect(await textOf(files, empty.location)).toBe('')
      const { location, bytes } = await files.write(manyPieces(524_288))
      expect(bytes).toBe(524_288)
      expect((await textOf(files, location))?.length).toBeGreaterThan(0)
    },
  },
  {
    name: 'writes at the same time do not meet',
    async run({ files }) {
      const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`.repeat(100))
      const written = await Promise.all(texts.map(text => files.write(pieces(Buffer.from(text)))))
      expect(await Promise.all(written.map(({ location }) => textOf(files, location)))).toEqual(texts)
      expect(new Set(written.map(({ location }) => location)).size).toBe(8)
    },
  },
  {
    name: 'a content that breaks off leaves nothing behind',
    async run({ files, left }) {
      async function* broken() {
        yield bytesFrom(0, 600_000)
        throw new Error('The line was cut.')
      }
      await expect(files.write(broken())).rejects.toThrow('The line was cut.')
      expect(await left()).toEqual([])
    },
  },
  {
    name: 'a removed file takes no room; removing it again is no error',
    async run({ files, left }) {
      const { location } = await files.write(manyPieces(600_000))
      const other = await files.write(pieces(Buffer.from('other')))
      await files.remove(location)
      await files.remove(location)
      expect(await files.open(location, 'a.txt')).toBeUndefined()
      expect(await textOf(files, other.location)).toBe('other')
      await files.remove(other.location)
      expect(await left()).toEqual([])
    },
  },
  {
    name: 'no location leads anywhere else',
    async run({ files, left }) {
      const { location } = await files.write(pieces(Buffer.from('text')))
      const hostile = ['../secret.txt', '/etc/passwd', '', '.', '..', `./${location}`, `${location}/`, 'a\0b']
      for (const place of hostile) {
        expect(await files.open(place, 'a.txt')).toBeUndefined()
        await files.remove(place)
      }
      expect(await textOf(files, location)).toBe('text')
      expect(await left()).not.toEqual([])
    },
  },
  {
    name: 'a file that vanishes while it is read is told',
    async run({ files, damage }) {
      const { location } = await files.write(manyPieces(600_000))
      const source = await files.open(location, 'a.txt')
      await damage(location)
      await expect(digest(source?.read() ?? pieces())).rejects.toMatchObject({ code: 'TEXT_UNREADABLE' })
    },
  },
  {
    name: 'what a dead process began is no file, and is removed when it is old',
    async run({ files, left, dieWhileWriting }) {
      const whole = await files.write(pieces(Buffer.from('text')))
      const before = await left()
      await dieWhileWriting()
      expect(await left()).not.toEqual(before)
      expect(await files.removeUnfinished(3_600_000)).toBe(0)
      expect(await files.removeUnfinished(0)).toBe(1)
      expect(await left()).toEqual(before)
      expect(await textOf(files, whole.location)).toBe('text')
    },
  },
]
