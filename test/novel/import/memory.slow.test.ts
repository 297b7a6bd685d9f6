import { expect, it } from 'vitest'
import { readChapters } from '../../../src/novel/import/read-chapters.ts'
import type { TextSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import { prose } from './reading.ts'

const MEGABYTE = 1_000_000

/** A long text that is made while it is read. */
function longText(size: number, unit: string): TextSource {
  const bytes = new TextEncoder().encode(unit.repeat(Math.ceil(60_000 / unit.length)))
  const count = Math.ceil(size / bytes.length)
  return {
    name: 'long.txt',
    size: bytes.length * count,
    async *read() {
      for (let i = 0; i < count; i++) yield bytes
    },
    async *readRange(from, to) {
      for (let at = from; at < to; at += bytes.length)
        yield bytes.subarray(at % bytes.length, (at % bytes.length) + to - at)
    },
  }
}

it.each([
  ['lines without headings', `${prose(1, 3)}\n\n`],
  ['a single line', `${prose(1, 3)} `],
])('holds a small part of a long text: %s', async (_, unit) => {
  const source = longText(80 * MEGABYTE, unit)
  const before = process.memoryUsage().rss
  let peak = before
  const survey = await surveyText(source)
  let length = 0
  for await (const piece of readChapters(source, survey)) {
    if (piece.kind === 'scene') length += piece.text.length
    peak = Math.max(peak, process.memoryUsage().rss)
  }
  expect(length).toBeGreaterThan(79 * MEGABYTE)
  // The bytes and the string that they decode to would take 160 MB.
  expect((peak - before) / MEGABYTE).toBeLessThan(120)
})
