import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fuseRanks } from '../../../src/novel/search/fuse.ts'
import { Closest, encodeVectors, unitVector } from '../../../src/novel/search/vectors.ts'

const dimensions = 5
const vector = fc
  .array(fc.integer({ min: -9, max: 9 }), { minLength: dimensions, maxLength: dimensions })
  .filter(values => values.some(value => value !== 0))
  .map(values => Float32Array.from(values))

function cosine(a: Float32Array, b: Float32Array): number {
  const product = a.reduce((sum, value, place) => sum + value * (b[place] ?? 0), 0)
  return product / (Math.hypot(...a) * Math.hypot(...b))
}

describe('vectors', () => {
  test('those that are found are the ones with the largest cosines, however they are parted', () => {
    fc.assert(
      fc.property(
        vector,
        fc.array(vector, { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 40 }),
        (query, vectors, limit, part) => {
          const closest = new Closest(query, limit)
          for (let first = 0; first < vectors.length; first += part)
            closest.add(first, encodeVectors(vectors.slice(first, first + part)))
          const wanted = vectors.map(each => cosine(query, each)).sort((a, b) => b - a)
          const found = closest.found.map(hit => hit.cosine)
          expect(found).toHaveLength(Math.min(limit, vectors.length))
          for (const [place, value] of found.entries()) expect(value).toBeCloseTo(wanted[place] ?? 9, 4)
          for (const hit of closest.found)
            expect(hit.cosine).toBeCloseTo(cosine(query, vectors[hit.passageId] ?? query), 4)
        },
      ),
    )
  })

  test('a vector of nothing is close to none and breaks nothing', () => {
    const nothing = new Float32Array(2)
    expect(unitVector(nothing)).toEqual(nothing)
    const closest = new Closest(Float32Array.of(1, 0), 5)
    closest.add(7, encodeVectors([nothing, Float32Array.of(3, 4)]))
    expect(closest.found).toEqual([
      { passageId: 8, cosine: expect.closeTo(0.6, 5) },
      { passageId: 7, cosine: 0 },
    ])
  })

  test('bytes that lie anywhere are read; those that are no vectors are refused', () => {
    const bytes = Buffer.concat([Buffer.from('x'), encodeVectors([Float32Array.of(0, 1)])]).subarray(1)
    const closest = new Closest(Float32Array.of(0, 1), 5)
    closest.add(0, bytes)
    expect(closest.found).toEqual([{ passageId: 0, cosine: 1 }])
    expect(() => closest.add(0, bytes.subarray(1))).toThrow(
      expect.objectContaining({ code: 'RECORD_UNREADABLE' }),
    )
  })
})

describe('reciprocal rank fusion', () => {
  const list = (...ids: number[]) => ids.map(passageId => ({ passageId }))

  test('what two lists have comes before what only one has at the same place', () => {
    const fused = fuseRanks([list(1, 2, 3), list(4, 2, 5)])
    expect(fused.map(hit => hit.passageId)).toEqual([2, 1, 4, 3, 5])
    expect(fused[0]?.score).toBeCloseTo(2 / 62, 10)
    expect(fused[1]?.score).toBeCloseTo(1 / 61, 10)
  })

  test('one list alone keeps its order; none give nothing', () => {
    expect(fuseRanks([list(3, 1, 2), []]).map(hit => hit.passageId)).toEqual([3, 1, 2])
    expect(fuseRanks([])).toEqual([])
  })
})
