import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Listing, pageStart, tokenAfter } from '../../../src/novel/library/page-token.ts'

interface Thing {
  id: string
  shelf: number
  place: number
}

const listing: Listing<Thing> = {
  name: 'things',
  filter: ['a', undefined],
  query: { order: ['shelf', 'place'] },
}

test('a token brings back the sort keys of the last item', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (shelf, place) => {
      const pageToken = tokenAfter(listing, { id: 'last', shelf, place })
      expect(pageStart(listing, { pageSize: 5, pageToken }).after).toEqual([shelf, place])
    }),
  )
})

test('a token of a listing by ids brings back the id', () => {
  const byId: Listing<Thing> = { ...listing, query: { order: ['id'] } }
  fc.assert(
    fc.property(fc.string(), id => {
      const pageToken = tokenAfter(byId, { id, shelf: 1, place: 2 })
      expect(pageStart(byId, { pageSize: 5, pageToken }).after).toEqual([id])
    }),
  )
})

test('no text is taken for a token that it is not', () => {
  const token = tokenAfter(listing, { id: 'last', shelf: 1, place: 2 })
  const [head] = JSON.parse(Buffer.from(token, 'base64url').toString())
  const content = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .array(
        fc.anything().filter(value => value !== undefined),
        { maxLength: 4 },
      )
      .map(keys => JSON.stringify([head, ...keys]) ?? ''),
  )
  fc.assert(
    fc.property(content, text => {
      const pageToken = Buffer.from(text).toString('base64url')
      try {
        const { after } = pageStart(listing, { pageSize: 1, pageToken })
        expect(after?.length).toBe(2)
        expect(after?.every(Number.isSafeInteger)).toBe(true)
      } catch (error) {
        expect(error).toMatchObject({ code: 'PAGE_TOKEN_INVALID' })
      }
    }),
  )
})

test('a page size is a whole number', () => {
  expect(pageStart(listing, { pageSize: 1_000_000 }).size).toBe(1_000)
  for (const pageSize of [0, -1, 1.5, Number.NaN]) {
    expect(() => pageStart(listing, { pageSize })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  }
})
