import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Line, LONGEST_PIECE, noFaults, readLines } from '../../../src/novel/import/lines.ts'
import type { TextSource } from '../../../src/novel/import/source.ts'
import { encode } from './encoders.ts'

/** A source that gives its bytes in pieces of the given lengths, over and over. */
function inPieces(bytes: Uint8Array, lengths: readonly number[]): TextSource {
  return {
    name: 'text.txt',
    size: bytes.length,
    async *read() {
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const end = at + (lengths[i % lengths.length] ?? 1)
        yield bytes.subarray(at, end)
        at = end
      }
    },
    async *readRange(from, to) {
      yield bytes.subarray(from, to)
    },
  }
}

async function linesOf(source: TextSource, encoding = 'utf-8', faults = noFaults()): Promise<Line[]> {
  const all: Line[] = []
  for await (const batch of readLines(source, encoding, faults)) all.push(...batch)
  return all
}

const texts = async (text: string, pieces = [7]) =>
  (await linesOf(inPieces(encode(text, 'utf-8'), pieces))).map(line => line.text)

describe('readLines', () => {
  it.each([
    ['a\nb', ['a', 'b']],
    ['a\r\nb\r\n', ['a', 'b']],
    ['a\rb\r', ['a', 'b']],
    ['a\u0085b\u2028c\fd', ['a', 'b', 'c', 'd']],
    ['a\n\n\nb', ['a', '', '', 'b']],
    ['a\r\n\x1a', ['a']],
    ['a\0\0b\n\0\0', ['ab']],
    ['', []],
  ])('%j', async (text, expected) => {
    for (const pieces of [[1], [2], [3], [1000]]) expect(await texts(text, pieces)).toEqual(expected)
  })

  it('cuts a long line into pieces, none within a character', async () => {
    const text = `${'😀'.repeat(30_001)}\nend`
    const lines = await linesOf(inPieces(encode(text, 'utf-8'), [65_536]))
    expect(Math.max(...lines.map(line => line.text.length))).toBeLessThanOrEqual(LONGEST_PIECE)
    const first = lines.filter(line => line.number === 0)
    expect(first.map(line => line.text).join('')).toBe('😀'.repeat(30_001))
    expect(first.map(line => line.partial)).toEqual([...first.slice(1).map(() => true), false])
    for (const line of lines) expect(line.text).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/)
    expect(lines.at(-1)).toEqual({ number: 1, text: 'end', partial: false })
  })

  it('counts what cannot be read', async () => {
    const faults = noFaults()
    await linesOf(inPieces(Uint8Array.from([0x61, 0x0a, 0xff, 0x62, 0x0a, 0xff, 0]), [3]), 'utf-8', faults)
    expect(faults).toEqual({ bad: 2, firstBadLine: 1, controls: 1 })
  })

  it('gives the same lines however the bytes are cut, in every encoding', async () => {
    const text = fc.array(fc.constantFrom('第', '一', 'é', 'a', '“', '\n', '\r', '\r\n', '。', '　', 'Z'), {
      maxLength: 60,
    })
    const encodings = fc.constantFrom('utf-8', 'gb18030', 'utf-16le', 'utf-16be')
    await fc.assert(
      fc.asyncProperty(
        text,
        encodings,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (parts, e, cuts) => {
          const whole = parts.join('')
          const lines = await linesOf(inPieces(encode(whole, e), cuts), e)
          const expected = whole.split(/\r\n?|\n/)
          if (expected.at(-1) === '') expected.pop()
          expect(lines.map(line => line.text)).toEqual(expected)
          expect(lines.map(line => line.number)).toEqual(expected.map((_, i) => i))
        },
      ),
    )
  })
})
