import fc from 'fast-check'
import { createEngine, defineTask, type Logger, type RateLimiter, SnoozeError, type Tracer } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { createManualClock, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createOne } from '../../src/testing/store-case.ts'
import { hostile, unreadable } from '../task/hostile.ts'
import { onSqlite } from './store-kind.ts'

/** A schema that takes everything, and calls `seen` first. */
function schemaThat(seen: (value: unknown) => unknown): z.ZodAny {
  const validate = (value: unknown) => {
    const answer = seen(value)
    return answer instanceof Promise ? answer.then(() => ({ value })) : { value }
  }
  return { '~standard': { version: 1, vendor: 'test', validate } } as unknown as z.ZodAny
}

const places = [
  'handler',
  'promise',
  'step',
  'repeated step',
  'parameters',
  'upgrade',
  'result',
  'slow result',
  'hook',
  'nothing from the hook',
  'returned',
] as const

type Place = (typeof places)[number]

interface Thrown {
  place: Place
  /** Which value, by its number. */
  thrown: number
}

/** Task types that throw what a test gives them, wherever it says. */
function throwing(makes: readonly (() => unknown)[]) {
  const attempts = new Set<number>()
  const raise = ({ thrown }: Thrown): never => {
    throw makes[thrown]?.()
  }
  const base = {
    retry: { maxAttempts: 1 },
    parameters: schemaThat(value => {
      const asked = value as Thrown
      if (asked.place === 'parameters' && attempts.has(asked.thrown)) raise(asked)
      attempts.add(asked.thrown)
    }),
  } as const
  const leaf = defineTask({
    ...base,
    type: 'Leaf',
    result: schemaThat(value => {
      const asked = value as Thrown
      if (asked.place === 'result') raise(asked)
      if (asked.place === 'slow result') return (async () => raise(asked))()
      return undefined
    }),
    async execute(ctx) {
      const asked = ctx.parameters as Thrown
      if (asked.place === 'step') await ctx.checkpoint('s', () => raise(asked))
      if (asked.place === 'repeated step')
        await ctx.checkpoint('s', () => raise(asked), { retry: { maxAttempts: 2, backoff: ['1ms'] } })
      if (asked.place === 'promise') raise(asked)
      return asked.place === 'returned' ? makes[asked.thrown]?.() : asked
    },
  })
  const sync = defineTask({
    ...base,
    type: 'Sync',
    result: z.any(),
    execute: ctx => raise(ctx.parameters as Thrown),
  })
  const upgrade = defineTask({
    ...base,
    type: 'Upgraded',
    parametersVersion: 2,
    result: z.any(),
    upgradeParameters: stored => raise(stored as Thrown),
    execute: () => null,
  })
  const parent = defineTask({
    ...base,
    type: 'Parent',
    result: schemaThat(value => (value === undefined ? Promise.reject(makes.at(-1)?.()) : undefined)),
    execute: () => undefined,
    onSubTasksSettled(ctx) {
      const asked = ctx.parameters as Thrown
      return asked.place === 'hook' ? raise(asked) : undefined
    },
  })
  const typeOf = { handler: sync, upgrade, hook: parent, 'nothing from the hook': parent } as const
  return { tasks: [leaf, sync, upgrade, parent], typeOf, leaf }
}

const lanes = { default: { slots: 1 } }

describe('an attempt', () => {
  it('ends as a failure that can be read, whatever was thrown and wherever; its lane goes on', async () => {
    const thrown = fc.tuple(fc.constantFrom(...places), hostile)
    await fc.assert(
      fc.asyncProperty(fc.array(thrown, { minLength: 20, maxLength: 40 }), async all => {
        const { tasks, typeOf, leaf } = throwing(all.map(([, make]) => make))
        await using t = await testEngine({ tasks, lanes })
        for (const [index, [place]] of all.entries()) {
          const type = place in typeOf ? typeOf[place as keyof typeof typeOf] : leaf
          const asked = { place, thrown: index }
          const taskId =
            place === 'upgrade'
              ? (await createOne(t.store, { taskType: type.type, parameters: JSON.stringify(asked) })).id
              : (await t.submit(type, asked)).taskId
          await t.advance('1s')
          const record = await t.tasks.get(taskId)
          if (place === 'returned' && record.status === 'COMPLETED') continue
          expect([place, record.status]).toEqual([
            place,
            expect.stringMatching(/^(FAILED|DEAD_LETTER|RETRYING)$/),
          ])
          expect(record.errorInfo?.message).toMatch(/./s)
        }
        const fine = await t.submit(leaf, { place: 'none', thrown: all.length })
        expect(await fine.result()).toMatchObject({ place: 'none' })
      }),
      { numRuns: onSqlite ? 15 : 3 },
    )
  })
})

describe('an error that cannot be read', () => {
  const thrower = (place: 'hook' | 'listener' | 'progress') =>
    defineTask({
      type: 'Thrower',
      parameters: z.null(),
      result: z.null(),
      progress: schemaThat(() =>
        place === 'progress' ? Promise.reject(unreadable(new Error())) : undefined,
      ),
      onStarted() {
        if (place === 'hook') throw unreadable(new Error())
      },
      execute(ctx) {
        ctx.updateProgress(1)
        return null
      },
    })

  it.each(['hook', 'listener', 'progress'] as const)('of a %s ends no task', async place => {
    const task = thrower(place)
    await using t = await testEngine({ tasks: [task], lanes })
    if (place === 'listener')
      t.events.onAny(() => {
        throw unreadable(new Error())
      })
    for (let runs = 0; runs < 2; runs++) expect(await (await t.submit(task, null)).result()).toBeNull()
    expect(t.log.messages('error').length).toBeGreaterThan(0)
  })

  it('ends nothing where the logger reads it, and is logged with what can be read', async () => {
    const lines: string[] = []
    const write = (fields: object, message: string) => {
      lines.push(`${message}: ${'err' in fields ? `${(fields.err as Error).message ?? fields.err}` : ''}`)
    }
    const log: Logger = { info: write, warn: write, error: write }
    const task = thrower('hook')
    const engine = await createEngine({ tasks: [task], store: sqlite({ file: ':memory:' }), log })
    await engine.start()
    for (let runs = 0; runs < 2; runs++) expect(await (await engine.submit(task, null)).result()).toBeNull()
    await engine.stop()
    expect(lines).toContain('task hook failed: The error cannot be read.')
  })

  it('refuses a submission as any other does', async () => {
    const task = defineTask({
      type: 'Choosy',
      parameters: z.null(),
      result: z.null(),
      admit() {
        throw unreadable(new Error())
      },
      execute: () => null,
    })
    await using t = await testEngine({ tasks: [task] })
    await expect(t.submit(task, null)).rejects.toMatchObject({
      code: 'SUBMISSION_REFUSED',
      message: 'Choosy refuses what was submitted: The error cannot be read.',
    })
  })
})

describe('a tracer that throws', () => {
  const broken = () => {
    throw new Error('no exporter')
  }
  const fails = { traceparent: undefined, run: broken, settling: broken, settled: broken }
  it.each<[string, Tracer]>([
    ['at once', { submitting: broken, attempt: broken }],
    ['later', { submitting: () => broken, attempt: () => fails }],
    ['when it reads', { submitting: () => broken, attempt: () => unreadable(fails) }],
    [
      'after the handler',
      { submitting: () => broken, attempt: () => ({ ...fails, run: handler => broken.call(handler()) }) },
    ],
  ])('%s costs no task and no slot, and no handler runs twice', async (_when, trace) => {
    let runs = 0
    const task = defineTask({
      type: 'Counted',
      parameters: z.null(),
      result: z.number(),
      execute: () => ++runs,
    })
    await using t = await testEngine({ tasks: [task], lanes, trace })
    for (const expected of [1, 2, 3]) expect(await (await t.submit(task, null)).result()).toBe(expected)
    expect(await t.submitMany(task, [{ parameters: null }])).toHaveLength(1)
    expect(t.log.messages('error')).toContain('tracing failed')
  })
})

describe('a wait for the end of a task', () => {
  it('that throws keeps the end from no other wait, and no slot', async () => {
    const task = defineTask({ type: 'Awaited', parameters: z.null(), result: z.null(), execute: () => null })
    await using t = await testEngine({ tasks: [task], lanes, start: false })
    const [first, second] = [await t.submit(task, null), await t.submit(task, null)]
    const signal = new AbortController().signal
    void first.result({ signal }).catch(() => undefined)
    const others = [first.result(), second.result()]
    await t.drain()
    // The signals of some libraries are no event targets of the platform.
    Object.assign(signal, {
      removeEventListener() {
        throw new Error('not supported')
      },
    })
    await t.engine.start()
    expect(await Promise.all(others)).toEqual([null, null])
    expect(t.log.messages('error')).toContain('a wait for the end of a task failed')
  })
})

describe('a task that waits for a limit', () => {
  it('and cannot rejoin it after a restart keeps no other waiting', async () => {
    const task = defineTask({
      type: 'Waits',
      parameters: z.null(),
      result: z.null(),
      execute(ctx) {
        if (ctx.attempt > 1) return null
        throw new SnoozeError(Date.now() + 86_400_000, 'Wait.', { limit: 'l' })
      },
    })
    let refused: string | undefined
    const limits: RateLimiter = {
      acquire: () => Promise.reject(new Error('not asked')),
      keepPlace: async ({ ticket }) => {
        if (ticket === refused) throw new Error('damaged')
        return 0
      },
      withdraw: async () => undefined,
      park: async () => undefined,
      reset: async () => undefined,
      stop: async () => undefined,
      onCapacity: () => () => undefined,
      describe: () => [],
      isKnown: () => true,
    }
    const clock = createManualClock({ startAt: new Date() })
    await using t = await testEngine({ tasks: [task], limits, persistent: true, clock })
    const [first, second] = [await t.submit(task, null), await t.submit(task, null)]
    await t.drain()
    refused = first.taskId
    await t.restart()
    await t.advance('1s')
    expect(await t.tasks.get(second.taskId)).toMatchObject({ status: 'COMPLETED' })
    expect(await t.tasks.get(first.taskId)).toMatchObject({ status: 'RETRYING' })
    refused = undefined
    await t.advance('30s')
    expect(await t.tasks.get(first.taskId)).toMatchObject({ status: 'COMPLETED' })
  })
})

describe('a task of a bulk submission', () => {
  it('that is refused keeps none of its neighbours from being announced', async () => {
    const task = defineTask({
      type: 'Many',
      parameters: z.number(),
      result: z.number(),
      execute: ctx => ctx.parameters,
    })
    await using t = await testEngine({ tasks: [task], start: false })
    await t.submit(task, 1, { idempotencyKey: 'k' })
    const announced: string[] = []
    t.events.on('submitted', event => announced.push(event.taskId))
    const items = [{ parameters: 2, idempotencyKey: 'k' }, { parameters: 3 }]
    const [refused, submitted] = await t.submitEach(task, items)
    expect(refused?.error).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(announced).toEqual([submitted?.task?.taskId])
  })
})
