import { createRequire } from 'node:module'
import type { EngineOptions, Schema, TaskDefinition } from 'quillwork'
import { beforeAll, describe, expect, it } from 'vitest'
import { until } from '../servers/until.ts'
import { requireBuilt } from './crash/built.ts'

beforeAll(requireBuilt, 120_000)

// Node loads them itself: a thread loads the built package, so the engine beside it has to be that one too.
const load = createRequire(import.meta.url)
const testing = () => load('quillwork/testing') as typeof import('quillwork/testing')
const library = () => load('quillwork') as typeof import('quillwork')
type AnyDefinition = TaskDefinition<Schema, Schema, Schema, unknown>
type Handlers = Record<'report' | 'spin' | 'end' | 'step' | 'sum' | 'late', AnyDefinition> & {
  unusable: Record<string, AnyDefinition>
}
const handlers = () => load('./threads/handlers.mjs') as Handlers

type Options = Pick<EngineOptions, 'threads'> & { persistent?: boolean; extra?: readonly AnyDefinition[] }

async function engine(options: Options = {}) {
  const { report, spin, end, step, sum } = handlers()
  const { extra = [], ...rest } = options
  const t = await testing().testEngine({ tasks: [report, spin, end, step, sum, ...extra], ...rest })
  /** Submits a task, and waits until its handler runs in a thread and will never yield. */
  const spinning = async (parameters: object) => {
    const task = await t.submit(spin, { attempts: 1, ...parameters })
    await until(async () => (await t.tasks.get(task.taskId)).status === 'RUNNING', 'attempt')
    await until(async () => {
      await t.advance('250ms')
      return (await t.tasks.get(task.taskId)).progress !== undefined
    }, 'progress of the thread')
    return task
  }
  /** Lets time pass until a task has the status. */
  const reaches = async (taskId: string, status: string) => {
    const isThere = async () => {
      await t.advance('100ms')
      return (await t.tasks.get(taskId)).status === status
    }
    await until(isThere, status)
    return t.tasks.get(taskId)
  }
  return Object.assign(t, { spinning, reaches })
}

describe('a handler in a thread', () => {
  it('gets and returns what one on the main thread does, and reports', async () => {
    await using t = await engine()
    const at = new Date('2026-03-01T00:00:00Z')
    const task = await t.submit(handlers().report, { at, big: 12n }, { userId: 'ana', tags: ['x'] })
    expect(await task.result()).toEqual({
      ...{ at, big: 12n, times: 3, threadId: expect.any(Number) },
      facts: [task.taskId, 1, 'ana', ['x']],
    })
    const record = await t.tasks.get(task.taskId)
    expect(record.progress).toBe('{"done":100000}')
    const [line] = await t.tasks.logs(task.taskId, 0, 10)
    expect(line).toMatchObject({ level: 'info', message: 'reported', fields: '{"times":3}' })
    const { pieces } = await t.tasks.output(task.taskId)
    expect(pieces.map(({ text }) => text).join('')).toBe('some text')
  })

  it('keeps its steps over a retry', async () => {
    await using t = await engine()
    const task = await t.submit(handlers().step, null)
    await t.reaches(task.taskId, 'COMPLETED')
    expect(await task.result()).toEqual([1, 2])
  })

  it('knows the name of a step that a person had run again', async () => {
    await using t = await engine()
    const task = await t.submit(handlers().end, 'repeated')
    await t.reaches(task.taskId, 'FAILED')
    await t.tasks.retry(task.taskId, { repeatSteps: ['paid'] })
    await t.reaches(task.taskId, 'COMPLETED')
    expect(await task.result()).toEqual([2, '1\u001fpaid', 'other'])
  })

  it('has sub-tasks, and reduces them in a thread', async () => {
    await using t = await engine({ threads: { max: 2 } })
    const task = await t.submit(handlers().sum, 150)
    expect(await task.result()).toEqual({ sum: 150, threads: 1 })
  })
})

describe('an endless loop in a thread', () => {
  it('that is cancelled is ended after abortGrace, while others go on; its place is free', async () => {
    const beside = library().defineTask({ ...handlers().step, type: 'Beside', execute: () => [7] } as never)
    await using t = await engine({ threads: { max: 1 }, extra: [beside] })
    const task = await t.spinning({})
    const other = await t.submit(beside, null)
    expect(await other.result()).toEqual([7])
    expect((await task.state()).status).toBe('RUNNING')
    const next = await t.submit(handlers().spin, { attempts: 0 })
    await task.cancel()
    await t.advance('9s')
    expect((await task.state()).status).toBe('RUNNING')
    await t.advance('2s')
    expect((await task.state()).status).toBe('CANCELLED')
    expect(await next.result()).toEqual(expect.any(Number))
  })

  it('that looks at its signal ends at once, and its thread is used again', async () => {
    await using t = await engine({ threads: { max: 1 } })
    const first = await (await t.submit(handlers().spin, { attempts: 0 })).result()
    const task = await t.spinning({ listens: true })
    await task.cancel()
    await until(async () => (await task.state()).status === 'CANCELLED', 'cancel')
    expect(await (await t.submit(handlers().spin, { attempts: 0 })).result()).toBe(first)
  })

  it('that runs too long is timed out, and tried again', async () => {
    await using t = await engine()
    const task = await t.spinning({})
    await t.advance('1m')
    await t.advance('11s')
    expect(await t.reaches(task.taskId, 'COMPLETED')).toMatchObject({ attempt: 2, retryCount: 1 })
    const attempts = await t.tasks.attempts(task.taskId)
    expect(JSON.stringify(attempts)).toContain('ATTEMPT_TIMEOUT')
  })

  it('is given back when the engine stops, and spends no retry', async () => {
    await using t = await engine({ persistent: true })
    const task = await t.spinning({})
    await t.restart()
    const again = await t.find(handlers().spin, task.taskId)
    expect(await again?.result()).toEqual(expect.any(Number))
    expect(await t.tasks.get(task.taskId)).toMatchObject({ attempt: 2, retryCount: 0 })
  })

  it('leaves those that wait for its thread their time, and lets them be cancelled', async () => {
    await using t = await engine({ threads: { max: 1 } })
    const task = await t.spinning({})
    const [waits, cancelled, late] = [
      await t.submit(handlers().spin, { attempts: 0 }),
      await t.submit(handlers().end, 'permanent'),
      await t.submit(handlers().end, 'permanent'),
    ]
    await t.advance('50s')
    await cancelled.cancel()
    await t.drain()
    expect((await cancelled.state()).status).toBe('CANCELLED')
    await t.advance('30s')
    await late.cancel()
    expect((await t.reaches(waits.taskId, 'COMPLETED')).retryCount).toBe(0)
    await t.reaches(task.taskId, 'COMPLETED')
  })
})

describe('how a handler in a thread fails', () => {
  it.each([
    ['permanent', { code: 'BROKEN', name: 'PermanentError', retryable: false, causes: ['the cause'] }],
    ['status', { code: 'HANDLER_FAILED', name: 'Error', retryable: false, message: 'refused' }],
    ['services', { code: 'THREAD_UNSUPPORTED', message: expect.stringContaining('ctx.services') }],
    ['sleep', { code: 'THREAD_UNSUPPORTED', message: expect.stringContaining('ctx.sleep') }],
    [
      'function',
      { code: 'VALUE_NOT_STORABLE', name: 'QuillworkError', stack: expect.stringMatching(/^ +at /) },
    ],
  ])('%s is for good', async (how, error) => {
    await using t = await engine()
    const task = await t.submit(handlers().end, how)
    const { deadLetter, attempt } = await t.reaches(task.taskId, 'FAILED')
    expect(attempt).toBe(1)
    expect(deadLetter?.error).toMatchObject(error)
  })

  it.each([
    ['uncaught', 'out of band'],
    ['exit', 'process.exit(3)'],
    ['memory', 'memory'],
  ])('%s ends its thread, and another one tries again', async (how, why) => {
    await using t = await engine({ threads: { max: 1, heapMb: 64 } })
    const task = await t.submit(handlers().end, how)
    await t.reaches(task.taskId, 'COMPLETED')
    const [retry] = t.recorder.all('retrying')
    expect(retry).toMatchObject({
      errorInfo: { code: 'THREAD_ENDED', message: expect.stringContaining(why) },
    })
    expect(await task.result()).toBe('again')
  })

  it('a snooze waits, a text is a message, an error of a step is the same object', async () => {
    await using t = await engine()
    const snoozed = await t.submit(handlers().end, 'snooze')
    await until(async () => (await t.tasks.get(snoozed.taskId)).status === 'RETRYING', 'snooze')
    await t.jump('2h')
    expect(await snoozed.result()).toBe('snoozed')
    expect((await t.tasks.get(snoozed.taskId)).retryCount).toBe(0)
    const text = await t.submit(handlers().end, 'text')
    expect((await t.reaches(text.taskId, 'DEAD_LETTER')).deadLetter?.error.message).toBe('only a text')
    expect(await (await t.submit(handlers().end, 'caught')).result()).toBe('true OPTION_INVALID')
  })

  it('a call that nobody waits for fails nothing, and an error in a log line keeps its message', async () => {
    await using t = await engine()
    const task = await t.submit(handlers().end, 'unawaited')
    expect(await task.result()).toBe('went on')
    const [line] = await t.tasks.logs(task.taskId, 0, 10)
    expect(JSON.parse(line?.fields ?? '')).toMatchObject({ err: { message: 'the disk' }, count: '1' })
  })

  it('a module that could not be loaded is loaded in another thread', async () => {
    await using t = await engine({ threads: { max: 1 }, extra: [handlers().late] })
    const { taskId } = await t.submit(handlers().late, null)
    await t.reaches(taskId, 'RETRYING')
    // What a thread knows of it is what it was as the thread began.
    process.env['LATE_MODULE'] = 'ready'
    await t.reaches(taskId, 'COMPLETED').finally(() => Reflect.deleteProperty(process.env, 'LATE_MODULE'))
  })

  it.each([
    ['notExported', 'does not export the task'],
    ['noModule', 'cannot be loaded in a thread'],
    ['makesEngine', 'define the task in a module of its own'],
  ])('a module that is no use: %s', async (name, why) => {
    const task = handlers().unusable[name] as AnyDefinition
    await using t = await engine({ extra: [task] })
    const { taskId } = await t.submit(task, null)
    const { deadLetter } = await t.reaches(taskId, 'DEAD_LETTER')
    expect(deadLetter?.error).toMatchObject({
      code: 'THREAD_MODULE_UNUSABLE',
      message: expect.stringContaining(why),
    })
  })
})

describe('options', () => {
  it.each([[{ runIn: 'thread' }], [{ module: 'file:///x.js' }], [{ runIn: 'thread', module: './x.js' }]])(
    'of a task: %j is refused',
    options => {
      const task = { ...handlers().step, execute: () => [], ...options }
      expect(() => library().defineTask(task as never)).toThrow(
        /runIn: 'thread' with module: import.meta.url/,
      )
    },
  )

  it.each([{ max: 0 }, { heapMb: 1.5 }])('of the threads: %j is refused', async threads => {
    await expect(engine({ threads })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})
