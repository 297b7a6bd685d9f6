import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type KeyedSubmission, submissionHash } from '../../src/task/idempotency.ts'

const plain: KeyedSubmission = {
  parameters: { name: 'Ann' },
  lane: 'default',
  priority: 'normal',
  tags: [],
  budget: undefined,
}
const hashOf = (submitted: Partial<KeyedSubmission>) => submissionHash({ ...plain, ...submitted })

/** The same value with the members of all its objects the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  )
}

describe('what an idempotency key stands for', () => {
  it('is the same in any order of keys, and another for another value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
        expect(hashOf({ parameters: reversed(value) })).toBe(hashOf({ parameters: value }))
        const isSame = JSON.stringify(ordered(value)) === JSON.stringify(ordered(other))
        expect(hashOf({ parameters: value }) === hashOf({ parameters: other })).toBe(isSame)
      }),
    )
  })

  it.each<[Partial<KeyedSubmission>, Partial<KeyedSubmission>]>([
    [{ parameters: { at: new Date(0), n: 7n } }, { parameters: { at: '1970-01-01T00:00:00.000Z', n: '7' } }],
    [{ parameters: { name: 'Ann', tone: undefined } }, { parameters: { name: 'Ann' } }],
    [{ tags: ['b', 'a', 'b'] }, { tags: ['a', 'b'] }],
    [{ budget: { tokens: 9 } }, { budget: { tokens: 9 } }],
  ])('is the same however it is written, %#', (a, b) => {
    expect(hashOf(a)).toBe(hashOf(b))
  })

  it.each<[Partial<KeyedSubmission>, Partial<KeyedSubmission>]>([
    [{ parameters: [['a', 1]] }, { parameters: { a: 1 } }],
    [{ parameters: { members: [] } }, { parameters: {} }],
    [{ parameters: { 1: 'a' } }, { parameters: ['a'] }],
    [{ lane: 'batch' }, {}],
    [{ priority: 'high' }, {}],
    [{ tags: ['a'] }, {}],
    [{ budget: { tokens: 9 } }, { budget: { cost: 9 } }],
  ])('is another for another submission, %#', (a, b) => {
    expect(hashOf(a)).not.toBe(hashOf(b))
  })
})

/** A value with sorted keys, as the test sees it. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  // An object without members is no list without items.
  return { members: members.map(([key, member]) => [key, ordered(member)]) }
}
