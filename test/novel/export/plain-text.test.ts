import { expect, it } from 'vitest'
import type { BookPart } from '../../../src/novel/export/book.ts'
import { writePlainText } from '../../../src/novel/export/plain-text.ts'
import { bookOf, chapterOf, fileOf } from './round-trip.ts'

it('writes plain text to be read elsewhere', async () => {
  const parts: BookPart[] = [
    ...chapterOf('The scales stood.\r\n\r\nIt was noon.', 'Rain.'),
    { kind: 'scene', title: 'Planned', content: ' ' },
    { kind: 'chapter', title: 'Chapter 2' },
    { kind: 'scene', title: 'The ledger', content: 'Nobody\rhad counted.' },
    { kind: 'volume', title: '' },
    { kind: 'chapter', title: 'Chapter\n3' },
    { kind: 'chapter', title: '' },
    { kind: 'scene', content: 'The end.' },
  ]
  const file = await fileOf(writePlainText, bookOf(parts, { title: 'Salt', author: 'Ann Reed' }))
  expect(file.toString()).toBe(`Salt

Ann Reed

One

Chapter 1

The scales stood.

It was noon.

* * *

Rain.

Chapter 2

The ledger

Nobody
had counted.

Chapter 3

The end.
`)
})
