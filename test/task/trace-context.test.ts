import { expect, it } from 'vitest'
import { readTraceparent } from '../../src/task/trace-context.ts'

const [trace, span] = ['a'.repeat(32), 'b'.repeat(16)]

it('a trace context has a trace, a span and flags', () => {
  expect(readTraceparent(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, spanId: span, flags: '01' })
  expect(readTraceparent(`cc-${trace}-${span}-00`)?.traceId).toBe(trace)
})

it.each([
  ['nothing', undefined],
  ['nonsense', 'nonsense'],
  ['the version ff', `ff-${trace}-${span}-01`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${span}-01`],
  ['a span id of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
  ['upper case', `00-${trace.toUpperCase()}-${span}-01`],
  ['more than version 00 has', `00-${trace}-${span}-01-x`],
])('%s is no trace context', (_, traceparent) => {
  expect(readTraceparent(traceparent)).toBeUndefined()
})
