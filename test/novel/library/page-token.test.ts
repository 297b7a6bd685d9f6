import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Listing, pageOf, pageStart } from '../../../src/novel/library/page-token.ts'

const listing: Listing = { name: 'things', filter: ['a', undefined], keys: 2 }

test('a token brings back the sort keys of the last item', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.maxSafeInteger(), fc.maxSafeInteger()), { minLength: 1 }), items => {
      const { nextPageToken } = pageOf(listing, items, true, keys => keys)
      const { after } = pageStart(listing, {
        pageSize: 5,
        ...(nextPageToken === undefined ? {} : { pageToken: nextPageToken }),
      })
      expect(after).toEqual(items.at(-1))
    }),
  )
})

test('no text is taken for a token that it is not', () => {
  const [head] = JSON.parse(
    Buffer.from(pageOf(listing, [[1, 2]], true, keys => keys).nextPageToken ?? '', 'base64url').toString(),
  )
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

test('the last page has no token, and a page size is a whole number', () => {
  expect(pageOf(listing, [[1, 2]], false, keys => keys)).toEqual({ items: [[1, 2]] })
  expect(pageStart(listing, { pageSize: 1_000_000 }).size).toBe(1_000)
  for (const pageSize of [0, -1, 1.5, Number.NaN]) {
    expect(() => pageStart(listing, { pageSize })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  }
})
