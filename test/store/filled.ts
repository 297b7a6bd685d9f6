/** A file that holds something of every kind that a store keeps: trees, retries, dead letters, logs, large texts, a lost attempt. */
import { createEngine } from 'quillwork'
import { type Order, scriptedTasks } from 'quillwork/testing'
import { sqlite } from '../../src/store/sqlite/index.ts'
import { until } from '../servers/until.ts'

const use = (model: string, cost?: number): Order => ({
  do: 'use',
  model,
  inputTokens: 12,
  outputTokens: 3,
  ...(cost === undefined ? {} : { cost, subject: 'novel' }),
})

const chapter: readonly Order[] = [
  { do: 'log', message: 'begun' },
  { do: 'checkpoint', key: 'first step' },
  { do: 'progress', value: 0.5 },
  { do: 'write', text: '很久以前 '.repeat(5_000) },
  use('small', 0.25),
]

/** Fills a file, and closes it. */
export async function fill(file: string): Promise<void> {
  const { scripted, parent } = scriptedTasks()
  const engine = await createEngine({
    tasks: [scripted, parent],
    store: sqlite({ file }),
    lanes: { default: { slots: 4 }, night: { slots: 1 } },
    times: { sweepInterval: '50ms' },
  })
  await engine.start()
  const submit = (orders: readonly Order[], options = {}) => engine.submit(scripted, { orders }, options)
  const book = await engine.submit(parent, {
    orders: [
      {
        do: 'submit',
        subTasks: [
          { key: 'one', orders: [...chapter, use('large')] },
          { key: 'two', orders: [...chapter, { do: 'failForGood', message: 'It cannot be read.' }] },
          { key: 'three', orders: [{ do: 'submitMany', count: 3, orders: chapter }] },
        ],
      },
    ],
  })
  await submit([{ do: 'succeed', value: 'x'.repeat(200_000) }], { tags: ['vip', 'long'], userId: 'bob' })
  const letters = [
    await submit([{ do: 'failForGood' }], { idempotencyKey: 'once' }),
    await submit([{ do: 'failForGood', attempts: 1 }]),
    await submit([{ do: 'failForGood' }]),
  ]
  await submit([{ do: 'fail' }])
  await submit([{ do: 'reserve', tokens: 10 }], { budget: { tokens: 50, cost: 0.5 } })
  await submit([...chapter, { do: 'snooze', until: Date.now() + 3_600_000 }])
  await Promise.all([book, ...letters].map(task => task.result().catch(() => undefined)))
  for (const letter of letters.slice(1)) await engine.tasks.retry(letter.taskId)
  const edited = await submit([{ do: 'checkpoint', key: 'kept' }, { do: 'failForGood' }])
  await edited.result().catch(() => undefined)
  const parameters = { orders: [{ do: 'checkpoint', key: 'kept' }, { do: 'fail' }] }
  await engine.tasks.retry(edited.taskId, { parameters, keepCheckpoints: ['kept'] })
  await until(async () => (await engine.tasks.counts()).QUEUED === 0, 'rest')
  await until(async () => (await engine.tasks.counts()).RUNNING === 0, 'rest')
  await engine.lanes.pause('default')
  for (const userId of ['ann', 'ann', 'bob', 'ann', 'carl']) await submit(chapter, { userId })
  await submit(chapter, { priority: 'high' })
  await submit(chapter, { delay: '1h', deadline: '2h' })
  const cancelled = await submit(chapter)
  await engine.tasks.cancel(cancelled.taskId)
  await engine.lanes.resume('default')
  await engine.lanes.pause('night')
  await engine.stop()
  await leaveTraces(file)
}

/** What an engine leaves behind that dies, and what others file. */
async function leaveTraces(file: string): Promise<void> {
  const store = sqlite({ file })
  const [task] = (await store.queries.list({}, { pageSize: 1 })).items
  const paid = { at: 1_000, attempt: 1, model: 'small', inputTokens: 5, outputTokens: 1 }
  // Two days of a task that is gone, one with a known cost.
  await store.attempts.usage('gone', [
    { ...paid, cachedInputTokens: 3, cost: 0.3, subject: 'novel' },
    { ...paid, at: 90_000_000 },
  ])
  await store.usage.rollUp({ before: 2 * 86_400_000, limit: 100 })
  await store.attempts.usage(task?.id ?? '', [
    { ...paid, cachedInputTokens: 2, call: 'call 1' },
    { ...paid, call: 'call 2', isEstimated: true },
  ])
  const { deliveries } = await store.outbox.due([{ lane: 'default', capacity: 1 }], { quarantined: 0 })
  for (const { taskId, attempt } of deliveries) {
    await store.tasks.claim([{ taskId, attempt, token: 'lost', executionNodeId: 'dead', leaseMs: 60_000 }])
    await store.attempts.log(
      taskId,
      Array.from({ length: 250 }, (_, line) => ({
        at: 1_000 + line,
        attempt: 1,
        level: 'info' as const,
        message: `line ${line}`,
      })),
    )
  }
  await store.unparsable.file([
    { id: 'stray-1', at: 1_000, reason: 'no JSON', content: '{' },
    { id: 'stray-2', at: 2_000, reason: 'no task', content: 'ünreadable' },
  ])
  await store.schedules.advance(
    { id: 'nightly', definition: '0 3 * * *', lastTick: 5_000, lastTaskId: 'task' },
    undefined,
  )
  await store.schedules.advance({ id: 'hourly', definition: '0 * * * *' }, undefined)
  await store.schedules.setPaused('hourly', true, 6_000)
  await store.schedules.addKept(
    {
      ...{ id: 'made', cron: '@daily', timeZone: 'UTC', taskType: 'One', parameters: '{"of":"é"}' },
      ...{ userId: 'ann', priority: 'high', catchUp: 'latest', overlap: 'skip', derivedTags: ['novel:n'] },
      ...{ parametersVersion: 2, createdBy: 'the night shift', createdAt: 1_000, changedAt: 2_000 },
    },
    { definition: '["@daily","UTC"]', lastTick: 1_000 },
  )
  await store.operatorValues.setSlots('default', 7)
  await store.operatorValues.setLimit('openai:main:gpt/5', { requestsPerMinute: 30 })
  const counts = { started: 3, completed: 2, failed: 1, cancelled: 0, retries: 1, deadLetters: 1, calls: 4 }
  const ofType = { lane: 'default', taskType: 'One', ...counts, cost: 0.125, ran: [3, 2], waited: [] }
  await store.activity.keep([{ id: '60000/0/one', length: 60_000, at: 0, counts: [ofType] }])
  await store.tasks.close()
}
