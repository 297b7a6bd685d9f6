/** What is kept for operators: what processes counted by time, and which schedules a person paused. */
import assert from 'node:assert/strict'
import type { ActivityBucket } from '../store/store.ts'
import { it, type StoreCase } from './store-case.ts'

const minute = 60_000

function bucket(id: string, at: number, completed: number, length = minute): ActivityBucket {
  const none = { started: 0, failed: 0, cancelled: 0, retries: 0, deadLetters: 0, calls: 0 }
  const counts = { ...none, lane: 'default', completed, cost: 0.25, ran: [4, 2], waited: [] }
  return { id, at, length, counts: [{ ...counts, taskType: 'One' }, counts] }
}

/** Activity, and pauses of schedules. */
export const activityCases: readonly StoreCase[] = [
  it('activity: buckets are written over, read from the newest on, and expire by their length', async (store, context) => {
    const { activity } = store
    await activity.keep([bucket('a', 0, 1), bucket('b', minute, 1), bucket('c', 2 * minute, 1)])
    await activity.keep([
      bucket('b', minute, 5),
      bucket('other', minute, 2),
      bucket('hour', 0, 9, 60 * minute),
    ])
    await activity.keep([])
    const again = (await context.reopenStore(store)).activity
    const found = await again.read(minute, minute, 9)
    assert.deepEqual(found, [bucket('c', 2 * minute, 1), bucket('other', minute, 2), bucket('b', minute, 5)])
    assert.deepEqual(
      (await again.read(minute, 0, 2)).map(({ id }) => id),
      ['c', 'other'],
    )
    assert.equal(await again.expire(minute, 2 * minute, 2), 2)
    assert.equal(await again.expire(minute, 2 * minute, 2), 1)
    assert.equal(await again.expire(minute, 2 * minute, 2), 0)
    assert.deepEqual(await again.read(minute, 0, 9), [bucket('c', 2 * minute, 1)])
    assert.deepEqual(await again.read(60 * minute, 0, 9), [bucket('hour', 0, 9, 60 * minute)])
  }),
  it('schedules: a pause stays over ticks and the end of the store; what passed meanwhile is over', async (store, context) => {
    const { schedules } = store
    const nightly = { id: 'nightly', definition: '0 3 * * *' }
    await schedules.setPaused('new', true, 5)
    await schedules.setPaused('never', false, 5)
    assert.equal(await schedules.advance({ ...nightly, lastTick: 10, lastTaskId: 'a' }, undefined), true)
    await schedules.setPaused('nightly', true, 15)
    await schedules.setPaused('nightly', true, 16)
    // Of a process that had read the state before.
    assert.equal(await schedules.advance({ ...nightly, lastTick: 20, lastTaskId: 'b' }, 10), true)
    const again = (await context.reopenStore(store)).schedules
    assert.deepEqual(await again.schedules(), [
      { id: 'new', definition: '', paused: true },
      { ...nightly, lastTick: 20, lastTaskId: 'b', paused: true },
    ])
    await again.setPaused('nightly', false, 50)
    await again.setPaused('new', false, 50)
    assert.deepEqual(await again.schedules(), [
      { id: 'new', definition: '' },
      { ...nightly, lastTick: 50, lastTaskId: 'b' },
    ])
    assert.equal(await again.advance({ ...nightly, lastTick: 40 }, 20), false)
  }),
  it('operator values: what was set last stays over the end of the store, until it is taken away', async (store, context) => {
    const values = store.operatorValues
    await values.setSlots('never', undefined)
    await values.setLimit('never', undefined)
    assert.deepEqual(await values.read(), { slots: new Map(), limits: new Map() })
    await values.setSlots('default', 3)
    await values.setLimit('default', { requestsPerMinute: 9, concurrency: 2 })
    await values.setSlots('batch', 1)
    await values.setSlots('default', 5)
    await values.setLimit('openai:main:gpt/5', { tokensPerMinute: 90_000 })
    await values.setLimit('default', { requestsPerMinute: 10 })
    const again = (await context.reopenStore(store)).operatorValues
    const limits = new Map([
      ['default', { requestsPerMinute: 10 }],
      ['openai:main:gpt/5', { tokensPerMinute: 90_000 }],
    ])
    const slots = new Map([
      ['batch', 1],
      ['default', 5],
    ])
    assert.deepEqual(await again.read(), { slots, limits })
    await again.setSlots('default', undefined)
    await again.setLimit('openai:main:gpt/5', undefined)
    slots.delete('default')
    limits.delete('openai:main:gpt/5')
    assert.deepEqual(await again.read(), { slots, limits })
  }),
  it('schedules: one that was made is kept once, changed by who read it last, and removed with what it remembers', async (store, context) => {
    const { schedules } = store
    const ticks = { cron: '0 * * * *', timeZone: 'UTC', catchUp: 'latest', overlap: 'allow' } as const
    const owned = { userId: 'ann', createdBy: 'the night shift', derivedTags: ['novel:n'] }
    const made = { id: 'made', taskType: 'One', parameters: '{"of":"é"}', parametersVersion: 1 }
    const kept = { ...ticks, ...owned, ...made, createdAt: 5, changedAt: 5 }
    await schedules.setPaused('made', true, 1)
    assert.equal(await schedules.addKept(kept, { definition: 'a', lastTick: 5 }), true)
    assert.equal(
      await schedules.addKept({ ...kept, taskType: 'Two' }, { definition: 'b', lastTick: 9 }),
      false,
    )
    assert.deepEqual(await schedules.schedules(), [{ id: 'made', definition: 'a', lastTick: 5 }])
    const [listed] = await schedules.kept()
    const { parameters: _, ...shown } = kept
    assert.deepEqual(listed, { ...shown, revision: listed?.revision })

    const read = await schedules.readKept('made')
    assert.ok(read !== undefined)
    assert.deepEqual(read, { ...kept, revision: read.revision })
    await schedules.setPaused('made', true, 6)
    await schedules.advance({ id: 'made', definition: 'a', lastTick: 10, lastTaskId: 't' }, 5)
    const daily = { ...read, cron: '@daily', lane: 'batch', changedAt: 12 }
    assert.equal(await schedules.changeKept(daily, { definition: 'c', lastTick: 12 }), true)
    assert.equal(await schedules.changeKept({ ...read, cron: '@hourly' }, undefined), false)
    const again = (await context.reopenStore(store)).schedules
    assert.deepEqual(await again.schedules(), [
      { id: 'made', definition: 'c', lastTick: 12, lastTaskId: 't', paused: true },
    ])
    const changed = await again.readKept('made')
    assert.deepEqual(changed, { ...daily, revision: changed?.revision })
    assert.equal(await again.removeKept('made'), true)
    assert.equal(await again.removeKept('made'), false)
    assert.deepEqual([await again.kept(), await again.schedules()], [[], []])
    assert.equal(await again.advance({ id: 'made', definition: 'c', lastTick: 20 }, 12), false)
  }),
]
