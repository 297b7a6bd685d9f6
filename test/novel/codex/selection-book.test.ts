import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { selectionOf } from '../../../scripts/selection.mjs'
import { newCodexEntry } from '../../../src/novel/codex/entry.ts'
import { detectEntries, fitEntries } from '../../../src/novel/codex/select-entries.ts'

interface Book {
  sample: string
}

const { books } = JSON.parse(readFileSync('test/novel/codex/selection-book.json', 'utf8')) as {
  books: Book[]
}

it.each(books)('the codex of $sample goes into the prompts of its scenes as a person would have it', book => {
  const text = readFileSync(`samples/${book.sample}.txt`, 'utf8')
  const found = selectionOf({ detectEntries, fitEntries, newCodexEntry }, { book, text })
  expect(found).toMatchObject({ scenes: 25, broken: 0 })
  expect(found.right / found.listed).toBeGreaterThan(0.9)
  // The text before a scene mentions more than the scene is about: its entries are in the prompt too.
  expect(found.right / found.given).toBeGreaterThan(0.5)
  const bySummaryAlone = found.differences.filter(({ scene }) => scene > 13)
  expect(bySummaryAlone.flatMap(({ beside }) => beside)).toEqual([])
})
