import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { pageSteps } from '../../src/http/listing.ts'
import { pageOf } from '../../src/http/schemas/fields.ts'
import { mapped } from '../../src/runtime/cooperate.ts'

const route = { method: 'GET', url: '/v1/things' }
const items = Array.from({ length: 95 }, (_, index) => ({ name: `"items":[] ${index}`, secret: 'x' }))

/** Runs steps to their end. Returns their value, and what `measure` returned before each of them and at the end. */
function measured<T>(steps: Generator<void, T>, measure: () => number): { value: T; seen: number[] } {
  const seen: number[] = []
  for (;;) {
    const { done, value } = steps.next()
    seen.push(measure())
    if (done === true) return { value, seen }
  }
}

describe('a page of a listing', () => {
  it('is presented at most ten items at a time', () => {
    let presented = 0
    const present = (item: { name: string }) => {
      presented += 1
      return item.name
    }
    const { value, seen } = measured(mapped(items, present, 10), () => presented)
    expect(value).toEqual(items.map(({ name }) => name))
    expect(seen).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95])
  })

  it('is written as its schema says, at most ten items at a time', () => {
    let checked = 0
    const item = z.object({ name: z.string() }).refine(() => {
      checked += 1
      return true
    })
    const schema = pageOf(item)
    const page = { items, nextPageToken: 'next' }
    const { value, seen } = measured(pageSteps(schema, page, route), () => checked)
    expect(seen).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 95])
    expect(value).toBe(JSON.stringify(schema.parse(page)))
  })

  it.each([[[]], [items.slice(0, 1)]])('is written where it has few items', few => {
    const schema = pageOf(z.object({ name: z.string() }))
    const { value, seen } = measured(pageSteps(schema, { items: few }, route), () => 0)
    expect(value).toBe(JSON.stringify(schema.parse({ items: few })))
    expect(seen).toHaveLength(1)
  })

  it('is refused where an item is not as the schema says', () => {
    const schema = pageOf(z.object({ name: z.string() }))
    const page = { items: [...items, { name: 7 }] }
    expect(() => measured(pageSteps(schema, page, route), () => 0)).toThrow(
      expect.objectContaining({ code: 'FST_ERR_RESPONSE_SERIALIZATION' }),
    )
  })
})
