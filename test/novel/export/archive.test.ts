import { describe, expect, it } from 'vitest'
import type { ArchiveFile } from '../../../src/novel/export/archive.ts'
import { archived } from '../../../src/novel/export/archive.ts'
import type { Book, BookWriter } from '../../../src/novel/export/book.ts'
import { writeDocx } from '../../../src/novel/export/docx.ts'
import { writeEpub } from '../../../src/novel/export/epub.ts'
import { hanProse, prose } from '../import/reading.ts'
import { bookOf, filesOf, written } from './written.ts'

const formats: readonly [string, BookWriter][] = [
  ['DOCX', writeDocx],
  ['EPUB', writeEpub],
]

const scenes = Array.from({ length: 40 }, (_, seed) =>
  Array.from({ length: 60 }, (_, i) =>
    seed % 2 === 0 ? prose(seed * 61 + i) : hanProse(seed * 61 + i),
  ).join('\n\n'),
)
const book = bookOf([
  { title: 'One', chapters: [{ title: 'A', scenes: scenes.slice(0, 20) }] },
  { title: 'Two', chapters: [{ title: 'B', scenes: scenes.slice(20) }] },
])

/** The same book, whose reading is watched. */
function watched(fails: boolean) {
  const seen = { open: 0, read: 0 }
  const parts: Book['parts'] = async function* () {
    seen.open += 1
    try {
      for await (const part of book.parts()) {
        seen.read += 1
        if (fails && seen.read > 30) throw new RangeError('the library is gone')
        yield part
      }
    } finally {
      seen.open -= 1
    }
  }
  return { seen, book: { ...book, parts } }
}

describe.each(formats)('%s', (_, write) => {
  it('has the same bytes every time, in every time zone, and others when the book was changed', async () => {
    const first = await written(write, book)
    expect(await written(write, book)).toEqual(first)
    const before = process.env['TZ']
    try {
      for (const zone of ['Asia/Kathmandu', 'America/St_Johns']) {
        process.env['TZ'] = zone
        expect(await written(write, book)).toEqual(first)
      }
    } finally {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    }
    const changed = { ...book, updatedAt: book.updatedAt + 1_000 }
    expect(await written(write, changed)).not.toEqual(first)
  })

  it.each([-1, 0, Date.UTC(2200, 0, 1)])('is written of a book that changed at %d', async updatedAt => {
    expect(await filesOf(await written(write, { ...book, updatedAt }))).not.toHaveLength(0)
  })

  it('ends the reading of the book when its reader stops', async () => {
    const { seen, book: own } = watched(false)
    for await (const piece of write(own)) if (piece.length > 0 && seen.read > 10) break
    expect(seen).toMatchObject({ open: 0 })
    expect(seen.read).toBeLessThan(60)
  })

  it('reads nothing before it is read', () => {
    const { seen, book: own } = watched(false)
    write(own)
    expect(seen).toEqual({ open: 0, read: 0 })
  })

  it('fails with the error of the book', async () => {
    const { seen, book: own } = watched(true)
    await expect(written(write, own)).rejects.toThrow('the library is gone')
    expect(seen.open).toBe(0)
  })
})

describe('an archive', () => {
  it('is read file by file, only as far as its reader asks', async () => {
    const begun: number[] = []
    async function* files(): AsyncGenerator<ArchiveFile> {
      for (let i = 0; i < 50; i++) {
        begun.push(i)
        yield { name: `${i}.txt`, content: contentOf(i) }
      }
    }
    async function* contentOf(seed: number) {
      for (let i = 0; i < 20; i++) yield `${Math.sin(seed * 20 + i)}`.repeat(2_000)
    }
    let pieces = 0
    for await (const piece of archived(files(), 0)) {
      pieces += piece.length > 0 ? 1 : 0
      if (pieces === 3) break
    }
    expect(begun.length).toBeLessThan(50)
  })

  it('holds short and long contents, and one that is stored as it is', async () => {
    async function* files(): AsyncGenerator<ArchiveFile> {
      yield { name: 'stored', content: 'as it is', isStored: true }
      yield { name: 'short', content: '短' }
      yield { name: 'long', content: pieces() }
      yield { name: 'bytes', content: bytesOf('作为字节') }
      yield { name: 'none', content: '' }
    }
    async function* bytesOf(text: string) {
      const whole = new TextEncoder().encode(text)
      yield whole.subarray(0, 4)
      yield whole.subarray(4)
    }
    async function* pieces() {
      for (let i = 0; i < 1_000; i++) yield `第${i}行\n`
    }
    const bytes: Uint8Array[] = []
    for await (const piece of archived(files(), 0)) bytes.push(piece)
    const whole = Buffer.concat(bytes)
    expect(whole.includes('as it is')).toBe(true)
    const found = await filesOf(whole)
    expect([...found.keys()]).toEqual(['stored', 'short', 'long', 'bytes', 'none'])
    expect(found.get('short')).toBe('短')
    expect(found.get('long')).toBe(Array.from({ length: 1_000 }, (_, i) => `第${i}行\n`).join(''))
    expect(found.get('bytes')).toBe('作为字节')
    expect(found.get('none')).toBe('')
  })
})
