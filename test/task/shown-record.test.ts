import { expect, it } from 'vitest'
import { shownRecord } from '../../src/task/task.ts'
import { recordOf, someError } from './records.ts'

it('what people see of a task has no stack of an error, in its dead letters neither', () => {
  const error = { ...someError, stack: 'at secret.ts:1' }
  const deadLetter = { fingerprint: 'f', reason: 'permanent', attempt: 1, openedAt: 0, error } as const
  const shown = shownRecord(
    recordOf({ errorInfo: error, deadLetter, deadLetterHistory: [{ ...deadLetter, closedAt: 1 }] }),
  )
  expect(shown.errorInfo).toMatchObject({ code: someError.code })
  expect(shown.deadLetter?.error).toMatchObject({ code: someError.code })
  expect(shown.deadLetterHistory).toMatchObject([{ closedAt: 1 }])
  expect(JSON.stringify(shown)).not.toContain('stack')
})

it('what people see of a task has a result once it has completed', () => {
  const statuses = ['RUNNING', 'QUEUED', 'FAILED', 'COMPLETED', 'COMPLETED_WITH_ERRORS'] as const
  const shown = statuses.map(status => shownRecord(recordOf({ status, result: '1' })))
  expect(shown.map(record => 'result' in record)).toEqual([false, false, false, true, true])
})
