/** Novels that were imported from plain text, exported, and imported again. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { BookLayout, BookWriter } from '../../../src/novel/export/book.ts'
import { writeDocx } from '../../../src/novel/export/docx.ts'
import { writeEpub } from '../../../src/novel/export/epub.ts'
import { writeOdt } from '../../../src/novel/export/odt.ts'
import { cpuSince } from '../../cpu-since.ts'
import { bookOf, heldOf, readBack, written } from './written.ts'

const formats: readonly [string, BookWriter, BookLayout][] = [
  ['DOCX', writeDocx, 'book'],
  ['manuscript', writeDocx, 'manuscript'],
  ['ODT', writeOdt, 'book'],
  ['EPUB', writeEpub, 'book'],
]

const shared = new URL('../../../../shared/data/', import.meta.url)
const samples = new URL('../../../samples/', import.meta.url)
const present = existsSync(fileURLToPath(shared))
if (!present) process.stderr.write(`SKIPPED: the real books are not at ${shared.pathname}\n`)

async function comesBack(file: URL, write: BookWriter, layout: BookLayout) {
  const { survey, volumes } = await readBack(readFileSync(fileURLToPath(file)), file.pathname)
  const cpu = cpuSince()
  const bytes = await written(write, bookOf(volumes, { title: survey.title }), { layout })
  const milliseconds = cpu()
  expect((await readBack(bytes)).volumes).toEqual(heldOf(volumes))
  return { milliseconds, chapters: volumes.flatMap(({ chapters }) => chapters).length }
}

describe.each(formats)('%s', (_, write, layout) => {
  it.each(['the-salt-ledger.txt', 'the-ferry-clock.txt'])('brings the sample %s back', async name => {
    expect((await comesBack(new URL(name, samples), write, layout)).chapters).toBeGreaterThan(1)
  })

  it.skipIf(!present).each([
    ['alice-in-wonderland.txt', 12],
    ['pride-and-prejudice.txt', 61],
    ['sanguo-yanyi.txt', 120],
  ])('brings %s back, quickly', async (name, count) => {
    const { milliseconds, chapters } = await comesBack(new URL(name, shared), write, layout)
    expect(chapters).toBe(count)
    expect(milliseconds).toBeLessThan(10_000)
  })
})
