import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type ErrorCode,
  errorCatalogue,
  PermanentError,
  QuillworkError,
  SnoozeError,
  TaskFailedError,
} from '../../src/task/errors.ts'
import { someError } from './records.ts'

const documented = readFileSync(fileURLToPath(new URL('../../docs/errors.md', import.meta.url)), 'utf8')
const codes = Object.keys(errorCatalogue) as ErrorCode[]

describe('the catalogue of errors', () => {
  it('takes no code that it does not have', () => {
    expectTypeOf<ConstructorParameters<typeof QuillworkError>[0]>().toEqualTypeOf<ErrorCode>()
    expect(() => new QuillworkError('TASK_NOT_FOUND', 'x')).not.toThrow()
  })

  it.each(codes)('%s is documented and means something', code => {
    const { status, meaning } = errorCatalogue[code]
    expect(documented).toContain(code)
    expect(meaning).toMatch(/^[A-Z].*\.$/)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
  })
})

describe('the errors', () => {
  it('carry their code, their cause and their details', () => {
    const cause = new Error('below')
    const error = new QuillworkError('STORE_FAILED', 'it broke', { cause, details: { file: 'x' } })
    expect(error).toMatchObject({
      name: 'QuillworkError',
      code: 'STORE_FAILED',
      cause,
      details: { file: 'x' },
    })
    expect(new PermanentError('no').code).toBe('HANDLER_FAILED')
    expect(new PermanentError('no', { code: 'GONE', cause }).cause).toBe(cause)
    expect(new SnoozeError(5, 'later')).toMatchObject({ until: 5, code: 'RATE_LIMITED' })
  })

  it.each([
    ['CANCELLED', 'TASK_CANCELLED'],
    ['FAILED', 'TASK_FAILED'],
    ['DEAD_LETTER', 'TASK_FAILED'],
  ] as const)('a task that ended %s rejects with %s', (status, code) => {
    const error = new TaskFailedError('t', status, someError)
    expect(error).toMatchObject({ code, status, taskId: 't', errorInfo: someError, name: 'TaskFailedError' })
    expect(error.message).toContain(someError.message)
  })
})
