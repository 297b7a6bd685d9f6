import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryPostings } from '../../../src/novel/search/postings.ts'
import { inverseDocumentFrequency, searchIndex, termScore } from '../../../src/novel/search/search.ts'
import {
  ByteReader,
  ByteWriter,
  buildSegment,
  type IndexedPassage,
  readDocuments,
  readPostings,
  shardCount,
  shardOf,
} from '../../../src/novel/search/segment.ts'
import { termOccurrences } from '../../../src/novel/search/terms.ts'
import { hardText } from '../../ai/arbitraries.ts'

async function storeOf(...batches: readonly (readonly IndexedPassage[])[]) {
  return memoryPostings(await Promise.all(batches.map(batch => buildSegment(batch))))
}

const hitsOf = async (...asked: Parameters<typeof searchIndex>) => (await searchIndex(...asked)).hits

const passages: readonly IndexedPassage[] = [
  { id: 2, text: '关公骑赤兔马，来到桃园。' },
  { id: 3, text: '张飞在桃园饮酒，等候关公与玄德。玄德未到。' },
  { id: 5, text: "Alice's Rabbits ran to the rabbit-hole." },
  { id: 9, text: '羽翼已成，桃花满园。' },
]

const collection = fc.integer({ min: 1, max: 1_000_000 }).chain(count =>
  fc.record({
    collection: fc
      .integer({ min: 0, max: count * 500 })
      .map(totalLength => ({ passages: count, totalLength })),
    containing: fc.integer({ min: 0, max: count }),
    occurrences: fc.integer({ min: 1, max: 1_000 }),
    length: fc.integer({ min: 1, max: 5_000 }),
  }),
)

describe('BM25', () => {
  test('agrees with a score worked out by hand', () => {
    // N = 4, n = 1: ln(1 + 3.5 / 1.5). 2 occurrences in 10 terms where 20 are usual: 2 * 2.2 / (2 + 1.2 * 0.625).
    const idf = inverseDocumentFrequency({ passages: 4, totalLength: 80 }, 1)
    expect(idf).toBeCloseTo(1.20397, 5)
    expect(termScore({ passages: 4, totalLength: 80 }, idf, 2, 10)).toBeCloseTo(1.20397 * 1.6, 4)
  })

  test('is never negative, rises with the occurrences and falls with the length', () => {
    fc.assert(
      fc.property(collection, ({ collection, containing, occurrences, length }) => {
        const idf = inverseDocumentFrequency(collection, containing)
        const score = termScore(collection, idf, occurrences, length)
        expect(score).toBeGreaterThan(0)
        expect(termScore(collection, idf, occurrences + 1, length)).toBeGreaterThan(score)
        expect(termScore(collection, idf, occurrences, length + 1)).toBeLessThanOrEqual(score)
        expect(inverseDocumentFrequency(collection, containing + 1)).toBeLessThan(idf + Number.EPSILON)
      }),
    )
  })
})

describe('the encoding', () => {
  test('gives back what was written', () => {
    const part = fc.oneof(fc.maxSafeNat(), fc.string({ unit: 'grapheme', maxLength: 400 }))
    fc.assert(
      fc.property(fc.array(part), parts => {
        const writer = new ByteWriter()
        for (const value of parts) typeof value === 'number' ? writer.number(value) : writer.text(value)
        const reader = new ByteReader(writer.finish())
        const read = parts.map(value =>
          typeof value === 'number' ? reader.number() : Buffer.from(reader.block()).toString(),
        )
        expect(read).toEqual(parts)
        expect(reader.done).toBe(true)
      }),
    )
  })

  test.each([
    ['a number without an end', [0x80]],
    ['a number that is too long', Array.from({ length: 12 }, () => 0xff)],
    ['a block that is cut', [5, 1, 2]],
  ])('refuses %s', (_, bytes) => {
    expect(() => new ByteReader(Uint8Array.from(bytes)).block()).toThrow(
      expect.objectContaining({ code: 'RECORD_UNREADABLE' }),
    )
  })
})

describe('a segment', () => {
  test('holds every term of every passage and how often it occurs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hardText, { maxLength: 8 }), async texts => {
        const segment = await buildSegment(texts.map((text, place) => ({ id: place * 3, text })))
        const counted = texts.map(text => [...termOccurrences(text)].map(({ term }) => term))
        expect(segment.passages).toBe(texts.length)
        expect(segment.totalLength).toBe(counted.flat().length)
        expect(readDocuments(segment.documents)).toEqual({
          ids: texts.map((_, place) => place * 3),
          lengths: counted.map(terms => terms.length),
        })
        for (const term of new Set(counted.flat())) {
          const bytes = segment.shards.get(shardOf(term)) ?? new Uint8Array()
          const expected = counted.flatMap((terms, place) => {
            const occurrences = terms.filter(other => other === term).length
            return occurrences > 0 ? [[place, occurrences]] : []
          })
          expect(readPostings(bytes, [term]).get(term)).toEqual(expected)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('keeps the numbers of its shards: they are part of the stored format', () => {
    expect(shardCount).toBe(128)
    expect(['桃园', '羽', 'alice', ''].map(shardOf)).toMatchInlineSnapshot(`
      [
        77,
        104,
        103,
        69,
      ]
    `)
  })

  test.each([
    ['the same id twice', [1, 1]],
    ['a falling id', [2, 1]],
    ['a negative id', [-1]],
    ['half an id', [0.5]],
  ])('refuses %s', async (_, ids) => {
    await expect(buildSegment(ids.map(id => ({ id, text: 'x' })))).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })

  test('is given up with the reason of the signal', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled')
    function* endless() {
      for (let id = 0; ; id += 1) yield { id, text: '关公骑赤兔马，来到桃园。' }
    }
    const segment = buildSegment(endless(), { signal: controller.signal })
    setImmediate(() => controller.abort(reason))
    await expect(segment).rejects.toBe(reason)
  })
})

describe('a search', () => {
  test.each<[string, readonly number[]]>([
    ['关公', [2, 3]],
    ['桃园', [2, 3, 9]],
    ['羽', [9]],
    ['玄德', [3]],
    ['rabbit', [5]],
    ["ALICE'S", [5]],
    ['ａｌｉｃｅ', [5]],
    ['曹操', []],
    ['…… ！', []],
    ['', []],
  ])('for %j', async (query, expected) => {
    const hits = await hitsOf(await storeOf(passages), query)
    expect(hits.map(hit => hit.passageId)).toEqual(expected)
  })

  test('tells the score and the terms that were found', async () => {
    const [hit] = await hitsOf(await storeOf(passages), '玄德饮茶')
    expect(hit).toEqual({ passageId: 3, score: expect.any(Number), terms: ['玄', '玄德', '德', '饮'] })
    expect(hit?.score).toBeGreaterThan(0)
  })

  test('answers the same however the passages are spread over segments', async () => {
    const text = fc.array(fc.constantFrom('关', '公', '桃', '园', '，', 'alice ', 'rabbits '), {
      maxLength: 30,
    })
    const batch = fc.array(
      text.map(parts => parts.join('')),
      { maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 5 }), async batches => {
        let id = 0
        const numbered = batches.map(texts => texts.map(text => ({ id: id++, text })))
        const spread = await hitsOf(await storeOf(...numbered), '关公在桃园 alice', { limit: 1_000 })
        expect(spread).toEqual(
          await hitsOf(await storeOf(numbered.flat()), '关公在桃园 alice', { limit: 1_000 }),
        )
        for (const hit of spread) expect(hit.score).toBeGreaterThan(0)
        const scores = spread.map(hit => hit.score)
        expect(scores).toEqual(scores.toSorted((a, b) => b - a))
      }),
      { numRuns: 60 },
    )
  })

  test('finds the passages of the segments that are there', async () => {
    const replaced = await storeOf([{ id: 1, text: '桃园' }])
    expect((await hitsOf(replaced, '桃园')).map(hit => hit.passageId)).toEqual([1])
    expect(await hitsOf(memoryPostings([]), '桃园')).toEqual([])
  })

  test('equal passages come in the order of their ids', async () => {
    const store = await storeOf(
      [{ id: 7, text: '桃园' }],
      [{ id: 1, text: '桃园' }],
      [{ id: 4, text: '桃园' }],
    )
    expect((await hitsOf(store, '桃园')).map(hit => hit.passageId)).toEqual([1, 4, 7])
  })

  test('reads the shards of its terms and no others', async () => {
    const store = await storeOf(passages)
    const asked: number[] = []
    const spy = {
      read(shards: readonly number[]) {
        asked.push(...shards)
        return store.read(shards)
      },
    }
    await searchIndex(spy, '桃园')
    expect(asked.toSorted()).toEqual(['桃', '园', '桃园'].map(shardOf).toSorted())
  })

  test('a query of any length is answered by its first 128 terms', async () => {
    const store = await storeOf(passages)
    const late = `${Array.from({ length: 128 }, (_, i) => `word${i}`).join(' ')} 玄德`
    expect(await hitsOf(store, late)).toEqual([])
    expect(await hitsOf(store, '桃园'.repeat(50_000))).not.toEqual([])
  })

  test.each([0, -1, 1.5, 1_001])('refuses the limit %d', async limit => {
    await expect(searchIndex(memoryPostings([]), '桃园', { limit })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })

  test('is given up when the signal has fired', async () => {
    const signal = AbortSignal.abort()
    await expect(searchIndex(await storeOf(passages), '桃园', { signal })).rejects.toBe(signal.reason)
  })

  test('a damaged index is reported', async () => {
    const segment = await buildSegment(passages)
    const shards = new Map([...segment.shards].map(([shard, bytes]) => [shard, bytes.subarray(0, -1)]))
    const store = memoryPostings([{ ...segment, shards }])
    await expect(searchIndex(store, '桃园')).rejects.toMatchObject({ code: 'RECORD_UNREADABLE' })
  })
})
