/** The audit trail: listed with the newest line first, by who, what and when, and deleted by age. */
import assert from 'node:assert/strict'
import type { AuditRecord, Page, PageRequest } from '../store/store.ts'
import { allPages, it, rejectsWith, type StoreCase } from './store-case.ts'

type Line = Omit<AuditRecord, 'id'>

const lineOf = (at: number, fields: Partial<Line> = {}): Line => ({
  ...{ at, action: 'POST /v1/tasks', identity: 'key', name: 'a key', role: 'author', userId: 'ann' },
  ...{ status: 202, from: '127.0.0.1', traceId: `trace ${at}`, ...fields },
})

const timesOf = async (list: (page: PageRequest) => Promise<Page<AuditRecord>>) =>
  (await allPages(list, 2)).map(({ at }) => at)

/** Cases of the audit trail. */
export const auditCases: readonly StoreCase[] = [
  it('audit: lines are kept as they are, and those of one millisecond in their order', async (store, context) => {
    const full = lineOf(9, {
      ...{
        target: 't',
        within: 'n',
        ids: { taskId: 't' },
        query: { userId: 'bob' },
        made: 'm',
        code: 'INTERNAL',
      },
      ...{
        body: { a: [1, { b: null }] },
        before: { paused: false },
        after: { paused: true },
        userAgent: 'a',
      },
    })
    const same = ['one', 'two', 'three'].map(traceId => lineOf(9, { traceId }))
    for (const line of [full, ...same]) await store.audit.add(line)
    const again = await context.reopenStore(store)
    const { items } = await again.audit.list({}, { pageSize: 9 })
    assert.deepEqual(
      items.map(({ id: _, ...line }) => line),
      [full, ...same].reverse(),
    )
  }),
  it('audit: lines are found by who, what and when, page by page', async store => {
    const { audit } = store
    await audit.add(lineOf(1_000, { identity: 'other' }))
    await audit.add(lineOf(2_000, { action: 'DELETE /v1/bin/{novelId}', target: 'n' }))
    await audit.add(lineOf(3_000, { target: 'c', within: 'n' }))
    await audit.add(lineOf(4_000, { identity: 'other', target: 'n' }))
    await audit.add(lineOf(5_000, { target: 'd', within: 'n' }))
    const times = (filter: object) => timesOf(page => audit.list(filter, page))
    assert.deepEqual(await times({}), [5_000, 4_000, 3_000, 2_000, 1_000])
    assert.deepEqual(await times({ identity: 'other' }), [4_000, 1_000])
    assert.deepEqual(await times({ action: 'DELETE /v1/bin/{novelId}' }), [2_000])
    assert.deepEqual(await times({ target: 'n' }), [5_000, 4_000, 3_000, 2_000])
    assert.deepEqual(await times({ target: 'c' }), [3_000])
    assert.deepEqual(await times({ after: 2_000, before: 5_000 }), [4_000, 3_000, 2_000])
    assert.deepEqual(await times({ target: 'n', after: 2_001, before: 4_001 }), [4_000, 3_000])
    const { nextPageToken = '' } = await audit.list({}, { pageSize: 1 })
    const other = audit.list({ identity: 'other' }, { pageSize: 1, pageToken: nextPageToken })
    await rejectsWith('PAGE_TOKEN_INVALID', other)
  }),
  it('audit: lines from before a time expire, the oldest first, at most so many', async store => {
    const { audit } = store
    for (const at of [3_000, 1_000, 2_000, 4_000]) await audit.add(lineOf(at))
    const left = () => timesOf(page => audit.list({}, page))
    assert.equal(await audit.expire(3_000, 1), 1)
    assert.deepEqual(await left(), [4_000, 3_000, 2_000])
    assert.equal(await audit.expire(3_000, 5), 1)
    assert.equal(await audit.expire(3_000, 5), 0)
    assert.deepEqual(await left(), [4_000, 3_000])
  }),
]
