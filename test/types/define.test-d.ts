import {
  createEngine,
  defineTask,
  type ErrorInfo,
  type State,
  type SubTask,
  schedule,
  type TaskHandle,
} from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { runHandler, submittedTasks, testEngine } from 'quillwork/testing'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

const countWords = defineTask({
  type: 'CountWords',
  parameters: z.object({ text: z.string(), least: z.number().default(1) }),
  result: z.object({ words: z.number() }),
  execute: ctx => ({ words: ctx.parameters.text.length + ctx.parameters.least }),
})
const store = sqlite({ file: ':memory:' })

interface Library {
  read(id: string): string
}

describe('defineTask', () => {
  it('gives the handler what the schema makes of the parameters', () => {
    defineTask({
      type: 'A',
      parameters: z.string().transform(text => text.length),
      result: z.null(),
      execute(ctx) {
        expectTypeOf(ctx.parameters).toEqualTypeOf<number>()
        expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
        expectTypeOf(ctx.attempt).toEqualTypeOf<number>()
        return null
      },
    })
  })

  it('gives a handler in a thread what crosses to it, and asks for its module', () => {
    const base = { type: 'A', parameters: z.string(), result: z.number(), progress: z.number() } as const
    defineTask({
      ...base,
      runIn: 'thread',
      module: import.meta.url,
      async execute(ctx) {
        expectTypeOf(ctx.parameters).toEqualTypeOf<string>()
        ctx.updateProgress(1)
        // @ts-expect-error progress is a number
        ctx.updateProgress('half')
        // @ts-expect-error a thread has no services
        ctx.services
        // @ts-expect-error a thread waits for nothing
        ctx.sleep('1h')
        return ctx.checkpoint('one', () => 1)
      },
    })
    // @ts-expect-error the module is missing
    defineTask({ ...base, runIn: 'thread', execute: () => 1 })
    // @ts-expect-error the result is a number
    defineTask({ ...base, runIn: 'thread', module: import.meta.url, execute: () => 'one' })
  })

  it('refuses a wrong result, and a missing one', () => {
    const base = { type: 'A', parameters: z.null(), result: z.object({ words: z.number() }) } as const
    // @ts-expect-error words is a number
    defineTask({ ...base, execute: () => ({ words: 'three' }) })
    // @ts-expect-error words is missing
    defineTask({ ...base, execute: async () => ({}) })
    // @ts-expect-error nothing is returned
    defineTask({ ...base, execute: () => undefined })
    defineTask({ ...base, execute: async () => ({ words: 3 }) })
  })

  it('refuses progress without a schema, and progress that is not what the schema takes', () => {
    defineTask({
      type: 'A',
      parameters: z.null(),
      result: z.null(),
      execute(ctx) {
        // @ts-expect-error no progress schema
        ctx.updateProgress({ percent: 1 })
        return null
      },
    })
    defineTask({
      type: 'B',
      parameters: z.null(),
      result: z.null(),
      progress: z.object({ percent: z.number() }),
      execute(ctx) {
        ctx.updateProgress({ percent: 1 })
        // @ts-expect-error percent is a number
        ctx.updateProgress({ percent: 'half' })
        return null
      },
    })
  })

  it('refuses a parent with a hook that returns its result from execute', () => {
    const base = { type: 'A', parameters: z.null(), result: z.number() } as const
    // @ts-expect-error the hook alone makes the result
    defineTask({ ...base, execute: () => 5, onSubTasksSettled: () => 5 })
    // @ts-expect-error the hook returns the result
    defineTask({ ...base, execute: () => undefined, onSubTasksSettled: () => 'five' })
    defineTask({ ...base, execute: async () => undefined, onSubTasksSettled: async () => undefined })
    defineTask({ ...base, execute() {}, onSubTasksSettled: () => 5 })
  })

  it('refuses durations that are none', () => {
    const base = { type: 'A', parameters: z.null(), result: z.null(), execute: () => null } as const
    // @ts-expect-error a unit is missing
    defineTask({ ...base, attemptTimeout: '5' })
    // @ts-expect-error not a unit
    defineTask({ ...base, retry: { backoff: ['5 minutes'] } })
    defineTask({ ...base, attemptTimeout: '5m', deadline: 5_000, retry: { backoff: ['1s', '2h', 3] } })
  })

  it('upgrades old parameters to what the schema takes', () => {
    defineTask({
      type: 'A',
      parameters: z.object({ at: z.coerce.date() }),
      result: z.null(),
      parametersVersion: 2,
      upgradeParameters(stored, from) {
        expectTypeOf(stored).toEqualTypeOf<unknown>()
        expectTypeOf(from).toEqualTypeOf<number>()
        return { at: new Date() }
      },
      execute: () => null,
    })
    defineTask({
      type: 'B',
      parameters: z.object({ words: z.number() }),
      result: z.null(),
      // @ts-expect-error words is a number
      upgradeParameters: () => ({ words: 'x' }),
      execute: () => null,
    })
  })
})

describe('a hook that may refuse', () => {
  const base = { type: 'A', result: z.null(), execute: () => null } as const

  it('gets what the schema makes of the parameters, and the owner', () => {
    defineTask({
      ...base,
      parameters: z.object({ words: z.number().default(1) }),
      admit(parameters, { services, userId }) {
        expectTypeOf(parameters).toEqualTypeOf<{ words: number }>()
        expectTypeOf(services).toEqualTypeOf<unknown>()
        expectTypeOf(userId).toEqualTypeOf<string>()
      },
    })
    defineTask({
      ...base,
      parameters: z.string(),
      // @ts-expect-error the parameters are a text
      admit: (_words: number) => undefined,
    })
    // @ts-expect-error it throws the refusal, and answers nothing
    defineTask({ ...base, parameters: z.string(), admit: () => 'no' })
  })

  it('gets the services of its type, now or later', async () => {
    const task = defineTask.withServices<{ library: Library }>()({
      ...base,
      parameters: z.string(),
      async admit(parameters, { services }) {
        expectTypeOf(services.library).toEqualTypeOf<Library>()
        services.library.read(parameters)
        // @ts-expect-error no such service
        services.prices.get('a')
      },
    })
    // @ts-expect-error the services are missing
    await createEngine({ tasks: [task], store })
  })
})

describe('submitting', () => {
  it('takes the parameters of the task and nothing else', async () => {
    const engine = await createEngine({ tasks: [countWords], store })
    await engine.submit(countWords, { text: 'a' })
    await engine.submit(countWords, { text: 'a', least: 2 })
    // @ts-expect-error text is missing
    await engine.submit(countWords, {})
    // @ts-expect-error text is a text
    await engine.submit(countWords, { text: 5 })
    // @ts-expect-error most is not a parameter
    await engine.submit(countWords, { text: 'a', most: 5 })
    // @ts-expect-error no such priority
    await engine.submit(countWords, { text: 'a' }, { priority: 'urgent' })
    // @ts-expect-error only a running attempt adds sub-tasks
    await engine.submit(countWords, { text: 'a' }, { parent: 'x' })
    // @ts-expect-error text is missing
    await engine.submitMany(countWords, [{ parameters: {} }])
  })

  it('infers the result', async () => {
    const engine = await createEngine({ tasks: [countWords], store })
    const task = await engine.submit(countWords, { text: 'a' })
    expectTypeOf(task.result()).resolves.toEqualTypeOf<{ words: number }>()
    expectTypeOf(task).toExtend<TaskHandle<typeof countWords.result>>()
    const found = await engine.find(countWords, task.taskId)
    expectTypeOf(found?.result()).toEqualTypeOf<Promise<{ words: number }> | undefined>()
    const [first] = await engine.submitMany(countWords, [{ parameters: { text: 'a' } }])
    expectTypeOf(first?.result()).toEqualTypeOf<Promise<{ words: number }> | undefined>()
  })

  it('a schedule takes the parameters of its task', () => {
    schedule({ id: 'a', cron: '* * * * *', task: countWords, parameters: { text: 'a' } })
    // @ts-expect-error text is missing
    schedule({ id: 'a', cron: '* * * * *', task: countWords, parameters: {} })
    // @ts-expect-error text is a text
    schedule({ id: 'a', cron: '* * * * *', task: countWords, parameters: { text: 1 } })
    // @ts-expect-error no such policy
    schedule({ id: 'a', cron: '* * * * *', task: countWords, parameters: { text: 'a' }, catchUp: 'some' })
  })
})

describe('services', () => {
  const base = { parameters: z.string(), result: z.string() } as const
  const reading = defineTask.withServices<{ library: Library }>()({
    ...base,
    type: 'Reading',
    execute(ctx) {
      expectTypeOf(ctx.services.library).toEqualTypeOf<Library>()
      return ctx.services.library.read(ctx.parameters)
    },
  })
  const pricing = defineTask.withServices<{ prices: ReadonlyMap<string, number> }>()({
    ...base,
    type: 'Pricing',
    execute: ctx => `${ctx.services.prices.get(ctx.parameters)}`,
  })
  const library: Library = { read: id => id }

  it('are demanded by createEngine, all of them and of the right type', async () => {
    // @ts-expect-error the services are missing
    await createEngine({ tasks: [reading], store })
    // @ts-expect-error the library is missing
    await createEngine({ tasks: [reading], store, services: {} })
    // @ts-expect-error the prices are missing
    await createEngine({ tasks: [reading, pricing], store, services: { library } })
    // @ts-expect-error not a library
    await createEngine({ tasks: [reading], store, services: { library: { read: 5 } } })
    await createEngine({ tasks: [reading], store, services: { library } })
    await createEngine({
      tasks: [reading, pricing, countWords],
      store,
      services: { library, prices: new Map() },
    })
    await createEngine({ tasks: [countWords], store })
  })

  it('are demanded by the test engine too', async () => {
    // @ts-expect-error the services are missing
    await testEngine({ tasks: [reading] })
    await testEngine({ tasks: [reading], services: { library } })
    await testEngine({ tasks: [countWords] })
  })

  it('a handler run alone takes them and gives its result', async () => {
    const run = await runHandler(reading, 'a', { services: { library } })
    expectTypeOf(run.result).toEqualTypeOf<string | undefined>()
    // @ts-expect-error not a library
    await runHandler(reading, 'a', { services: { library: 5 } })
    // @ts-expect-error the parameters are a text
    await runHandler(reading, 5)
  })

  it('what was submitted is typed by its task', async () => {
    await using t = await testEngine({ tasks: [countWords] })
    const [task] = await submittedTasks(t, countWords)
    expectTypeOf(task?.parameters).toEqualTypeOf<{ text: string; least?: number | undefined } | undefined>()
  })
})

describe('sub-tasks', () => {
  type Words = SubTask<typeof countWords.parameters, typeof countWords.result>

  it('are submitted with the parameters of their type', () => {
    defineTask({
      type: 'Parent',
      parameters: z.array(z.string()),
      result: z.number(),
      async execute(ctx) {
        await ctx.submitSubTasks(
          countWords,
          ctx.parameters.map(text => ({ key: text, parameters: { text } })),
        )
        await ctx.submitSubTask(countWords, { text: 'a' }, { key: 'b', tags: ctx.tags })
        await ctx.submitSubTasks(countWords, [{ key: 'c', parameters: { text: 'a' }, tags: ['c'] }])
        // @ts-expect-error text is missing
        await ctx.submitSubTask(countWords, {}, { key: 'a' })
        // @ts-expect-error a sub-task needs a key
        await ctx.submitSubTask(countWords, { text: 'a' }, {})
        // @ts-expect-error text is a text
        await ctx.submitSubTasks(countWords, [{ key: 'a', parameters: { text: 1 } }])
      },
      async onSubTasksSettled(ctx) {
        let words = 0
        for await (const chapter of ctx.subTasks(countWords)) {
          expectTypeOf(chapter).toEqualTypeOf<Words>()
          words += chapter.result?.words ?? 0
        }
        return words
      },
    })
  })

  it('their state narrows: no result before the end, a result or an error after it', () => {
    const narrow = (task: Words) => {
      if (!task.done) {
        expectTypeOf(task.status).toEqualTypeOf<'QUEUED' | 'RUNNING' | 'RETRYING'>()
        expectTypeOf(task.result).toEqualTypeOf<undefined>()
        return
      }
      if (task.error === undefined) {
        expectTypeOf(task.status).toEqualTypeOf<'COMPLETED' | 'COMPLETED_WITH_ERRORS'>()
        expectTypeOf(task.result).toEqualTypeOf<{ words: number }>()
        return
      }
      expectTypeOf(task.error).toEqualTypeOf<ErrorInfo>()
      expectTypeOf(task.status).toEqualTypeOf<'FAILED' | 'DEAD_LETTER' | 'CANCELLED'>()
    }
    expectTypeOf(narrow).toBeFunction()
  })

  it('a state narrows by its status', () => {
    const narrow = (state: State<typeof countWords.result>) => {
      if (state.status === 'COMPLETED') expectTypeOf(state.result).toEqualTypeOf<{ words: number }>()
      if (state.status === 'CANCELLED') expectTypeOf(state.error).toEqualTypeOf<ErrorInfo>()
      if (state.status === 'RUNNING') expectTypeOf(state.done).toEqualTypeOf<false>()
    }
    expectTypeOf(narrow).toBeFunction()
  })
})

describe('events', () => {
  it('are typed by their names', async () => {
    const engine = await createEngine({ tasks: [], store })
    engine.events.on('retrying', event => expectTypeOf(event.nextAttemptTimestamp).toEqualTypeOf<number>())
    engine.events.on('failed', event => expectTypeOf(event.errorInfo).toEqualTypeOf<ErrorInfo>())
    // @ts-expect-error no such event
    engine.events.on('exploded', () => undefined)
  })
})
