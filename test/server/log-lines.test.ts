import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plainLine } from '../../src/server/log-lines.ts'

describe('a log line for people', () => {
  test('has the time, the level, the words and the fields', () => {
    const line = {
      level: 'warn',
      time: '2026-03-01T12:34:56.789Z',
      event: 'failed',
      taskType: 'ParseFile',
      taskId: 'a-1',
      traceId: 'x',
      ranMs: 12,
      error: { code: 'TEXT_UNREADABLE', message: 'There is no text.' },
      message: 'task failed',
    }
    expect(plainLine(JSON.stringify(line))).toBe(
      '12:34:56 WARN  task failed: TEXT_UNREADABLE There is no text. taskType=ParseFile taskId=a-1 ranMs=12\n',
    )
  })

  test('shows no stack, quotes what has spaces, and lets no line break through', () => {
    const line = {
      level: 'error',
      message: 'x',
      err: { message: 'no', stack: 'at file.ts:1' },
      name: 'a b\nc',
    }
    const text = plainLine(JSON.stringify(line))
    expect(text).toBe(' ERROR x: no name="a b\\nc"\n')
  })

  test('is one line without controls, whatever is logged', () => {
    const text = fc.string({
      unit: fc.constantFrom('\u001b[2J', '\u009b1m', '\u202e', '\u2028', '\n', '\r', '\u007f', 'a'),
    })
    fc.assert(
      fc.property(text, text, fc.boolean(), (message, value, isJson) => {
        const fields = { level: 'info', message, a: value, [value]: message, err: { code: value, message } }
        const line = plainLine(isJson ? JSON.stringify(fields) : `${message}\n`)
        expect(line.endsWith('\n')).toBe(true)
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u)
      }),
    )
  })

  test('that is not JSON stays', () => {
    expect(plainLine('hello\n')).toBe('hello\n')
  })
})
