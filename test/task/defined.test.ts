import { expect, it } from 'vitest'
import { defined } from '../../src/task/defined.ts'

it('leaves out what is undefined, and keeps every other value', () => {
  const fields: { a?: string | undefined; b: number; c: null; d: boolean; e?: number | undefined } = {
    a: undefined,
    b: 0,
    c: null,
    d: false,
    e: 5,
  }
  const kept: { a?: string; b: number; c: null; d: boolean; e?: number } = defined(fields)
  expect(Object.keys(kept)).toEqual(['b', 'c', 'd', 'e'])
  expect(kept).toEqual({ b: 0, c: null, d: false, e: 5 })
})

it('is a copy, and a key of any name is a key', () => {
  const fields = JSON.parse('{"__proto__":{"x":1}}') as object
  const kept = defined(fields)
  expect(kept).not.toBe(fields)
  expect(Object.getPrototypeOf(kept)).toBe(Object.prototype)
  expect(Object.keys(kept)).toEqual(['__proto__'])
})
