import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import type { UploadFiles } from '../../../src/novel/uploads/files.ts'

import { epub } from '../import/epub-writer.ts'
import { prose } from '../import/reading.ts'

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
    name: 'any part of a file is read as it stands in the whole',
    async run({ files, elsewhere }) {
      const total = 1_000_000
      const { location } = await files.write(manyPieces(total))
      const source = await elsewhere.open(location, 'book.epub')
      const parts = [
        [0, total],
        [0, 0],
        [total, total],
        [1, 2],
        [262_143, 262_145],
        [262_144, 524_288],
        [524_287, 999_999],
      ] as const
      for (const [from, to] of parts) {
        const read: Uint8Array[] = []
        for await (const piece of source?.readRange(from, to) ?? []) read.push(piece)
        expect(Buffer.concat(read).equals(bytesFrom(from, to - from)), `${from} to ${to}`).toBe(true)
      }
    },
  },
  {
    name: 'an EPUB is read where it is kept, as it is from memory',
    async run({ files, elsewhere }) {
      // Pictures make the file longer than a block, and part the text from the directory.
      const picture = { name: 'OEBPS/a.png', content: bytesFrom(0, 600_000) }
      const page = (n: number) => ({ file: `${n}.xhtml`, body: `<h1>Chapter ${n}</h1><p>${prose(n)}</p>` })
      const bytes = epub({ pages: [page(1), page(2)], extra: [picture] })
      const { location } = await files.write(pieces(bytes))
      const source = await elsewhere.open(location, 'book.epub')
      expect(await surveyText(source ?? bytesSource(new Uint8Array(0)))).toEqual(
        await surveyText(bytesSource(bytes, 'book.epub')),
      )
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
    name: 'the location is said before the first byte is written, and a file that is removed then is none',
    async run({ files, left }) {
      let place = ''
      const begun = async (location: string) => {
        place = location
        expect(await left()).toEqual([])
      }
      async function* removed() {
        yield bytesFrom(0, 300_000)
        await files.remove(place)
        yield bytesFrom(0, 300_000)
      }
      await expect(files.write(removed(), begun)).rejects.toMatchObject({ code: 'TEXT_UNREADABLE' })
      expect(await left()).toEqual([])
      const refused = files.write(pieces(bytesFrom(0, 10)), () => Promise.reject(new Error('Not now.')))
      await expect(refused).rejects.toThrow('Not now.')
      expect(await left()).toEqual([])
      const { location } = await files.write(pieces(Buffer.from('text')), begun)
      expect([place, await textOf(files, location)]).toEqual([location, 'text'])
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
      for (const reading of [source?.read(), source?.readRange(300_000, 600_000)])
        await expect(digest(reading ?? pieces())).rejects.toMatchObject({ code: 'TEXT_UNREADABLE' })
    },
  },
  {
    name: 'whole files that are old enough are listed, and none that is being written',
    async run({ files, dieWhileWriting }) {
      const { location } = await files.write(pieces(Buffer.from('text')))
      await dieWhileWriting()
      expect(await files.stored(3_600_000)).toEqual([])
      expect(await files.stored(0)).toEqual([location])
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
