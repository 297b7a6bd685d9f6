import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { BookPart } from '../../../src/novel/export/book.ts'
import { writeMarkdown } from '../../../src/novel/export/markdown.ts'
import { writePlainText } from '../../../src/novel/export/plain-text.ts'
import { fileOf, imported, textsOf } from './round-trip.ts'

const folder = fileURLToPath(new URL('../../../../shared/data/', import.meta.url))
const samples = fileURLToPath(new URL('../../../samples/', import.meta.url))
const present = existsSync(folder)
if (!present) process.stderr.write(`SKIPPED: the real books are not at ${folder}\n`)

const books: [string, string][] = [
  ...['the-salt-ledger.txt', 'the-ferry-clock.txt'].map((name): [string, string] => [name, samples]),
  ...['alice-in-wonderland.txt', 'pride-and-prejudice.txt', 'sanguo-yanyi.txt'].map(
    (name): [string, string] => [name, folder],
  ),
]

const digestOf = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex')
const chaptersOf = (parts: readonly BookPart[]) =>
  textsOf(parts).map(({ title, texts }) => `${title} ${texts.map(digestOf).join()}`)
const digestsOf = (parts: readonly BookPart[]) => parts.map(part => digestOf(JSON.stringify(part)))

describe.each(books.filter(([, where]) => where === samples || present))('%s', (name, where) => {
  const original = () => imported(readFileSync(`${where}${name}`), name)

  it('is the same after it was exported as Markdown and imported again', async () => {
    const first = await original()
    const file = await fileOf(writeMarkdown, first.book)
    const again = await imported(file)
    expect(digestsOf(again.parts)).toEqual(digestsOf(first.parts))
    const { title, author, language } = first.book
    expect(again.survey).toMatchObject({ title, warnings: [] })
    expect([again.survey.author, again.survey.language]).toEqual([author, language])
    expect(digestOf(await fileOf(writeMarkdown, again.book))).toBe(digestOf(file))
    // Only the front matter has a backslash.
    expect(file.toString().replace(/^---[\s\S]*?\n---\n/, '')).not.toMatch(/\\|&#/)
  })

  it('has the same chapters after it was exported as plain text and imported again', async () => {
    const first = await original()
    const again = await imported(await fileOf(writePlainText, first.book), 'again.txt')
    expect(chaptersOf(again.parts)).toEqual(chaptersOf(first.parts))
    expect(again.survey.title).toBe(first.survey.title)
  })
})
