import { describe, expect, test } from 'vitest'
import type { Book, BookPart } from '../../../src/novel/export/book.ts'
import { exportFormats, formatNames } from '../../../src/novel/export/formats.ts'

function bookOf(...parts: BookPart[]): Book {
  return {
    ...{ id: 'n', title: 'The Salt Ledger', author: 'A. Writer', updatedAt: 0 },
    async *parts() {
      yield* parts
    },
  }
}

const book = bookOf(
  { kind: 'volume', title: '' },
  { kind: 'chapter', title: '第一章' },
  { kind: 'scene', content: 'She weighed it.\n\nTwice.' },
  { kind: 'scene', content: ' \n' },
  { kind: 'scene', title: 'Later', content: 'He counted.' },
)

describe('the formats of an export', () => {
  test.each(formatNames)('%s is written', async name => {
    const { extension, mediaType, writer } = exportFormats[name]
    expect(extension).toMatch(/^[a-z]+$/)
    expect(mediaType).toMatch(/^\w+\/[\w.+-]+(; charset=utf-8)?$/)
    // An archive is written from records, and has tests of its own.
    if (writer === undefined) return expect(name).toBe('archive')
    const write = await writer()
    let bytes = 0
    for await (const piece of write(book)) bytes += piece.length
    expect(bytes).toBeGreaterThan(0)
  })
})
