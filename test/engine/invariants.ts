import type { Engine, TaskRecord, TaskStatus } from 'quillwork'
import { taskStatuses, totalOf } from 'quillwork'
import { expect } from 'vitest'

const ended: readonly TaskStatus[] = [
  'COMPLETED',
  'COMPLETED_WITH_ERRORS',
  'FAILED',
  'DEAD_LETTER',
  'CANCELLED',
]

/** Every record of a store. */
export async function allTasks(engine: Pick<Engine, 'tasks'>): Promise<TaskRecord[]> {
  return (await snapshot(engine)).records
}

/** Every record with the counters. The counters and the first 200 records are of one moment. */
async function snapshot(engine: Pick<Engine, 'tasks'>) {
  const [first, counts] = await Promise.all([engine.tasks.list({}, { pageSize: 200 }), engine.tasks.counts()])
  const records = [...first.items]
  for (let pageToken = first.nextPageToken; pageToken !== undefined; ) {
    const page = await engine.tasks.list({}, { pageSize: 200, pageToken })
    records.push(...page.items)
    pageToken = page.nextPageToken
  }
  return { records, counts }
}

/** No attempt of any task ended with its process. */
export async function expectNoCrash(engine: Pick<Engine, 'tasks'>): Promise<void> {
  for (const { id } of await allTasks(engine))
    expect((await engine.tasks.attempts(id)).map(({ code }) => code)).not.toContain('LEASE_LOST')
}

/**
 * What holds at every moment: each parent's summary equals a recount of its sub-tasks, the counters equal a recount, and exactly the
 * FAILED and DEAD_LETTER tasks have an open dead letter (none of the tests that ask purged any). With more than 200 tasks, ask at
 * rest.
 */
export async function expectInvariants(engine: Pick<Engine, 'tasks'>): Promise<void> {
  const { records, counts: counted } = await snapshot(engine)
  const families = new Map<string, Partial<Record<TaskStatus, number>>>()
  for (const { parentTaskId, status } of records) {
    if (parentTaskId === undefined) continue
    const family = families.get(parentTaskId) ?? {}
    families.set(parentTaskId, family)
    family[status] = (family[status] ?? 0) + 1
  }
  for (const record of records) {
    expect(record.subTaskStatusSummary ?? {}, `the sub-tasks of ${record.id}`).toEqual(
      families.get(record.id) ?? {},
    )
    const isDead = record.status === 'FAILED' || record.status === 'DEAD_LETTER'
    expect(record.deadLetter !== undefined, `the dead letter of ${record.id}, ${record.status}`).toBe(isDead)
    expect(record.completedAt !== undefined, `the end of ${record.id}, ${record.status}`).toBe(
      ended.includes(record.status),
    )
  }
  const counts = Object.fromEntries(
    taskStatuses.map(status => [status, records.filter(record => record.status === status).length]),
  )
  expect(counted).toEqual(counts)
  expect(totalOf(counts)).toBe(records.length)
}
