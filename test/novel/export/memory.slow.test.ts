import { expect, it } from 'vitest'
import type { Book, BookLayout, BookWriter } from '../../../src/novel/export/book.ts'
import { writeDocx } from '../../../src/novel/export/docx.ts'
import { writeEpub } from '../../../src/novel/export/epub.ts'
import { writeOdt } from '../../../src/novel/export/odt.ts'
import { prose } from '../import/reading.ts'

const MEGABYTE = 1_000_000

/** A book of 200 MB, whose scenes are made while they are read. */
function longBook(): { book: Book; read: () => number } {
  const paragraphs = Array.from({ length: 97 }, (_, seed) => prose(seed))
  let read = 0
  const sceneOf = (seed: number) =>
    Array.from({ length: 160 }, (_, i) => paragraphs[(seed * 31 + i * 7) % 97]).join('\n\n')
  const book: Book = {
    id: 'long',
    title: 'A Long Book',
    language: 'en',
    updatedAt: 0,
    async *parts() {
      read = 0
      for (let chapter = 0; read < 200 * MEGABYTE; chapter++) {
        if (chapter % 100 === 0) yield { kind: 'volume', title: `Volume ${chapter / 100 + 1}` }
        yield { kind: 'chapter', title: `Chapter ${chapter + 1}` }
        for (let scene = 0; scene < 5; scene++) {
          const content = sceneOf(chapter * 5 + scene)
          read += content.length
          yield { kind: 'scene', content }
        }
      }
    },
  }
  return { book, read: () => read }
}

const formats: readonly [string, BookWriter, BookLayout?][] = [
  ['DOCX', writeDocx],
  ['manuscript', writeDocx, 'manuscript'],
  ['ODT', writeOdt],
  ['EPUB', writeEpub],
]

it.each(formats)('holds a small part of a long book: %s', async (_, write, layout = 'book') => {
  const { book, read } = longBook()
  const before = process.memoryUsage().rss
  let peak = before
  let bytes = 0
  for await (const piece of write(book, { layout })) {
    bytes += piece.length
    peak = Math.max(peak, process.memoryUsage().rss)
  }
  expect(read()).toBeGreaterThan(200 * MEGABYTE)
  expect(bytes).toBeGreaterThan(MEGABYTE)
  expect((peak - before) / MEGABYTE).toBeLessThan(150)
})
