import { defineTask } from 'quillwork'
import { type Order, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createMetrics } from '../../src/observe/metrics.ts'
import { decide } from '../../src/task/decide.ts'
import { createGate } from '../../src/testing/recorder.ts'
import { hasty } from '../engine/hasty.ts'

/** The value of one line; undefined when it is not there. */
function lineOf(text: string, line: string): number | undefined {
  const found = text.split('\n').find(each => each.startsWith(`${line} `))
  return found === undefined ? undefined : Number(found.slice(line.length + 1))
}

describe('metrics', () => {
  test('move when tasks run', async () => {
    const { scripted, parent } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted, parent] })
    const metrics = createMetrics({ engine, version: '1.2.3' })
    const submit = (...orders: Order[]) => engine.submit(scripted, { orders })
    await submit({ do: 'succeed' })
    await submit({ do: 'fail', attempts: 1 }, { do: 'succeed' })
    const failing = await submit({ do: 'failForGood', attempts: 1 })
    const hanging = await submit({ do: 'hang' })
    await engine.advance('1m')
    await hanging.cancel()
    await engine.tasks.retry(failing.taskId)
    await engine.drain()
    const text = await metrics.text()
    const value = (line: string) => lineOf(text, `quillwork_${line}`)
    expect(value('tasks_created_total{type="Scripted"}')).toBe(4)
    expect(value('task_attempts_total{type="Scripted",outcome="completed"}')).toBe(3)
    expect(value('task_attempts_total{type="Scripted",outcome="retrying"}')).toBe(1)
    expect(value('task_attempts_total{type="Scripted",outcome="failed"}')).toBe(1)
    expect(value('task_attempts_total{type="Scripted",outcome="cancelled"}')).toBe(1)
    expect(value('dead_letters_total{reason="permanent"}')).toBe(1)
    expect(value('redrives_total{type="Scripted"}')).toBe(1)
    expect(value('tasks{status="COMPLETED"}')).toBe(3)
    expect(value('tasks{status="CANCELLED"}')).toBe(1)
    expect(value('tasks_waiting{lane="default"}')).toBe(0)
    expect(value(`build_info{version="1.2.3",node="${process.versions.node}"}`)).toBe(1)
    metrics.close()
  })

  test('count and time the attempts that ended, not what happens to tasks that nobody runs', async () => {
    const { scripted, parent } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted, parent, hasty] })
    const metrics = createMetrics({ engine })
    const later = await engine.submit(scripted, { orders: [] }, { delay: '1h' })
    const retrying = await engine.submit(scripted, { orders: [{ do: 'fail' }] })
    const hanging = await engine.submit(scripted, { orders: [{ do: 'hang' }] })
    await engine.submit(hasty, {}, { delay: '50m' })
    const children: Order = { do: 'submitMany', count: 1, orders: [{ do: 'snooze', until: 0, attempts: 1 }] }
    await engine.submit(parent, { orders: [children] })
    await engine.drain()
    for (const task of [later, retrying]) await task.cancel()
    await engine.advance('1m')
    await hanging.cancel()
    await engine.advance('45m')
    const text = await metrics.text()
    const ended = (type: string, outcome: string) =>
      lineOf(text, `quillwork_task_attempts_total{type="${type}",outcome="${outcome}"}`)
    expect(ended('Scripted', 'cancelled')).toBe(1)
    expect(ended('Scripted', 'retrying')).toBe(2)
    expect(ended('Scripted', 'completed')).toBe(1)
    expect(ended('Hasty', 'failed')).toBeUndefined()
    expect(ended('ScriptedParent', 'waiting')).toBe(1)
    expect(ended('ScriptedParent', 'completed')).toBe(1)
    expect(lineOf(text, 'quillwork_tasks{status="FAILED"}')).toBe(1)
    expect(lineOf(text, 'quillwork_task_run_seconds_count{type="Scripted"}')).toBe(4)
    expect(lineOf(text, 'quillwork_task_run_seconds_sum{type="Scripted"}')).toBe(60)
    expect(lineOf(text, 'quillwork_task_run_seconds_count{type="ScriptedParent"}')).toBe(2)
    expect(lineOf(text, 'quillwork_task_run_seconds_count{type="Hasty"}')).toBeUndefined()
    metrics.close()
  })

  test('count nothing as waiting that is not due', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const metrics = createMetrics({ engine })
    await engine.submit(scripted, { orders: [] }, { delay: '10m' })
    await engine.advance('5m')
    await engine.lanes.pause('default')
    await engine.submit(scripted, { orders: [{ do: 'fail', attempts: 1 }] })
    await engine.advance('10m')
    await engine.lanes.resume('default')
    await engine.advance('10m')
    const text = await metrics.text()
    expect(lineOf(text, 'quillwork_task_wait_seconds_count{lane="default"}')).toBe(3)
    // Five minutes since it was due, ten since it was submitted, none for the retry.
    expect(lineOf(text, 'quillwork_task_wait_seconds_sum{lane="default"}')).toBe(900)
    metrics.close()
  })

  test('count dead letters by the reason that their records name', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted, hasty] })
    const metrics = createMetrics({ engine })
    const failing = await engine.submit(scripted, { orders: [{ do: 'failForGood' }] })
    const weak = await engine.submit(scripted, { orders: [{ do: 'fail' }] })
    const late = await engine.submit(hasty, {}, { delay: '50m' })
    await engine.advance('55m')
    const reasons: (string | undefined)[] = []
    for (const { taskId } of [failing, weak, late])
      reasons.push((await engine.tasks.get(taskId)).deadLetter?.reason)
    expect(reasons).toEqual(['permanent', 'attempts-exhausted', 'deadline'])
    const text = await metrics.text()
    for (const reason of reasons)
      expect(lineOf(text, `quillwork_dead_letters_total{reason="${reason}"}`)).toBe(1)
    expect(lineOf(text, 'quillwork_sweeper_repaired_total{kind="deadline"}')).toBe(1)
    expect(lineOf(text, 'quillwork_sweeper_last_run_timestamp_seconds')).toBeGreaterThan(0)
    metrics.close()
  })

  test('count the leases that ended and the writes that came too late', async () => {
    const gate = createGate()
    const slow = defineTask({
      type: 'Slow',
      parameters: z.object({}),
      result: z.null(),
      execute: () => gate.opened.then(() => null),
    })
    await using engine = await testEngine({ tasks: [slow] })
    const metrics = createMetrics({ engine })
    const { taskId } = await engine.submit(slow, {})
    await engine.drain()
    // Another process takes the task away, as after a pause of this one that it has not noticed.
    const record = await engine.tasks.get(taskId)
    const policy = { maxAttempts: 5, backoff: [1_000], jitter: 0 }
    const taken = decide(record, { kind: 'given-back' }, { policy, now: engine.clock.now(), random: 0 })
    expect(await engine.store.tasks.apply([taken])).toEqual(['applied'])
    gate.open()
    await engine.drain()
    expect(lineOf(await metrics.text(), 'quillwork_fenced_writes_total')).toBe(1)
    metrics.close()
  })

  test('count the attempts whose process went silent', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted], roles: ['maintenance'] })
    const metrics = createMetrics({ engine })
    const { taskId } = await engine.submit(scripted, { orders: [] })
    const claim = { taskId, attempt: 0, token: 'silent', executionNodeId: 'silent', leaseMs: 30_000 }
    expect(await engine.store.tasks.claim([claim])).toMatchObject([{ id: taskId }])
    await engine.advance('1m')
    const text = await metrics.text()
    expect(lineOf(text, 'quillwork_leases_expired_total')).toBe(1)
    expect(lineOf(text, 'quillwork_sweeper_repaired_total{kind="lease"}')).toBe(1)
    metrics.close()
  })

  test('leave out what a store that does not answer would say, and tell the rest', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const metrics = createMetrics({ engine })
    await engine.submit(scripted, { orders: [] })
    await engine.drain()
    expect(lineOf(await metrics.text(), 'quillwork_store_up')).toBe(1)
    await engine.engine.store.tasks.close()
    const text = await metrics.text()
    expect(lineOf(text, 'quillwork_store_up')).toBe(0)
    expect(lineOf(text, 'quillwork_tasks{status="COMPLETED"}')).toBeUndefined()
    expect(lineOf(text, 'quillwork_tasks_created_total{type="Scripted"}')).toBe(1)
    expect(lineOf(text, 'quillwork_rate_limit_parked_keys')).toBe(0)
    metrics.close()
  })

  test('count the keys that a provider has parked', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const metrics = createMetrics({ engine })
    await engine.limiter.park('provider', engine.clock.now() + 60_000)
    expect(lineOf(await metrics.text(), 'quillwork_rate_limit_parked_keys')).toBe(1)
    await engine.advance('2m')
    expect(lineOf(await metrics.text(), 'quillwork_rate_limit_parked_keys')).toBe(0)
    metrics.close()
  })

  test('a histogram holds every observation once, and its buckets sum up', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const metrics = createMetrics({ engine })
    await engine.submitMany(
      scripted,
      Array.from({ length: 20 }, () => ({ parameters: { orders: [] } })),
    )
    await engine.drain()
    const text = await metrics.text()
    const bounds = [
      ...text.matchAll(/^quillwork_task_run_seconds_bucket\{le="([^"]+)",type="Scripted"\} (\d+)$/gm),
    ]
    expect(bounds.length).toBeGreaterThan(5)
    const counts = bounds.map(([, , count]) => Number(count))
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(bounds.at(-1)?.[1]).toBe('+Inf')
    expect(counts.at(-1)).toBe(20)
    expect(lineOf(text, 'quillwork_task_run_seconds_count{type="Scripted"}')).toBe(20)
    expect(lineOf(text, 'quillwork_task_wait_seconds_count{lane="default"}')).toBe(20)
    metrics.close()
  })

  test('every line has its help, its type and the prefix, and no id', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const metrics = createMetrics({ engine, streams: () => ({ open: 1, opened: 3, dropped: 2 }) })
    const { taskId } = await engine.submit(scripted, { orders: [] }, { userId: 'ada' })
    await engine.drain()
    const text = await metrics.text()
    const helped = new Set([...text.matchAll(/^# HELP (\S+) \S/gm)].map(match => match[1]))
    const typed = new Set(
      [...text.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram)$/gm)].map(match => match[1]),
    )
    for (const line of text.split('\n').filter(each => each !== '' && !each.startsWith('#'))) {
      const name = (/^(\w+)/.exec(line)?.[1] ?? '').replace(/_(bucket|sum|count)$/, '')
      expect(name).toMatch(/^quillwork_/)
      expect(helped).toContain(name)
      expect(typed).toContain(name)
    }
    expect(text).not.toContain(taskId)
    expect(text).not.toContain('ada')
    expect(lineOf(text, 'quillwork_sse_connections')).toBe(1)
    expect(lineOf(text, 'quillwork_sse_opened_total')).toBe(3)
    expect(lineOf(text, 'quillwork_sse_dropped_total')).toBe(2)
    metrics.close()
  })

  test('count nothing any more once closed', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted] })
    const metrics = createMetrics({ engine })
    metrics.close()
    await engine.submit(scripted, { orders: [] })
    await engine.drain()
    expect(lineOf(await metrics.text(), 'quillwork_tasks_created_total{type="Scripted"}')).toBeUndefined()
  })
})
