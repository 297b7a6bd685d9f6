import { defineTask, type Store, type TaskDefinition } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { createGate, type Gate, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { allTasks, expectInvariants, expectNoCrash } from './invariants.ts'

/** A task that hangs until its signal for as long as it is held. */
function holdable() {
  const state = { held: true, started: 0, obeyed: 0 }
  const task = defineTask({
    type: 'Holdable',
    parameters: z.null(),
    result: z.null(),
    execute(ctx) {
      state.started += 1
      if (!state.held) return null
      return new Promise<null>((_, reject) => {
        ctx.signal.addEventListener('abort', () => {
          state.obeyed += 1
          reject(ctx.signal.reason)
        })
      })
    },
  })
  return { task, state }
}

/** One store for all lives of an engine: what closes it does nothing. */
function shared(open: (now: () => number) => Store): (now: () => number) => Store {
  let store: Store | undefined
  return now => {
    store ??= open(now)
    return { ...store, tasks: { ...store.tasks, close: async () => undefined } }
  }
}

/** A store that has made its claims when it tells `asked`, and answers them when `answered` is opened. */
function slowClaims(store: Store, asked: Gate, answered: Gate): Store {
  async function slowly<T>(answer: Promise<T>): Promise<T> {
    const value = await answer
    asked.open()
    await answered.opened
    return value
  }
  return {
    ...store,
    tasks: {
      ...store.tasks,
      claim: claims => slowly(store.tasks.claim(claims)),
      create: (tasks, limits) => {
        const created = store.tasks.create(tasks, limits)
        return tasks.some(task => task.claim !== undefined) ? slowly(created) : created
      },
    },
  }
}

const hangOnce = {
  orders: [
    { do: 'hang', attempts: 1 },
    { do: 'succeed', value: 1 },
  ],
} as const

describe('stopping', () => {
  it('A16: starts nothing more, gives running attempts the grace time, then their signal, and gives them back', async () => {
    const { task, state } = holdable()
    await using t = await testEngine({ tasks: [task], persistent: true, lanes: { default: { slots: 5 } } })
    const handles = await t.submitMany(
      task,
      Array.from({ length: 8 }, () => ({ parameters: null })),
    )
    await t.drain()
    const stopping = t.engine.stop({ grace: '20s' })
    await t.advance('19s')
    expect(state).toMatchObject({ started: 5, obeyed: 0 })
    await t.advance('2s')
    await stopping
    expect(state).toMatchObject({ started: 5, obeyed: 5 })
    state.held = false
    await t.restart()
    await t.drain()
    for (const { taskId } of handles)
      expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', retryCount: 0, crashCount: 0 })
    await expectInvariants(t)
    await expectNoCrash(t)
  })

  it('an attempt that ends within the grace time is settled', async () => {
    const gate = createGate()
    const slow = defineTask({
      type: 'Slow',
      parameters: z.null(),
      result: z.string(),
      async execute() {
        await gate.opened
        return 'done'
      },
    })
    await using t = await testEngine({ tasks: [slow], persistent: true })
    const { taskId } = await t.submit(slow, null)
    await t.drain()
    const stopping = t.engine.stop({ grace: '20s' })
    await t.advance('5s')
    gate.open()
    await t.advance('1s')
    await stopping
    await t.restart()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1 })
  })

  it('a result whose schema answers nothing does not keep its attempt from being given back', async () => {
    const task = defineTask({
      type: 'Patient',
      parameters: z.null(),
      result: z.string().refine(() => new Promise<boolean>(() => undefined)),
      execute: () => 'x',
    })
    await using t = await testEngine({ tasks: [task], persistent: true })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    const stopping = t.engine.stop({ grace: 0 })
    await t.advance('4s')
    await stopping
    await t.restart()
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ attempt: 2, retryCount: 0, crashCount: 0 })
    await expectNoCrash(t)
  })

  it('a second stop with no grace stops now', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    const { taskId } = await t.submit(scripted, hangOnce)
    await t.drain()
    const stopping = t.engine.stop({ grace: '10m' })
    await t.advance('1s')
    void t.engine.stop({ grace: 0 })
    await t.advance('1s')
    await stopping
    await t.restart()
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 0 })
    await expectNoCrash(t)
  })

  it.each(['ignores its signal', 'was cancelled and ignores its signal'])(
    'a handler that %s does not hold it up',
    async how => {
      const { scripted } = scriptedTasks()
      await using t = await testEngine({ tasks: [scripted], persistent: true })
      const task = await t.submit(scripted, { orders: [{ do: 'ignoreSignal', attempts: 1 }] })
      await t.drain()
      if (how.startsWith('was')) await task.cancel()
      const stopping = t.engine.stop({ grace: 0 })
      await t.advance('1s')
      await stopping
      await t.restart()
      await t.drain()
      expect((await t.tasks.get(task.taskId)).status).toBe(how.startsWith('was') ? 'CANCELLED' : 'COMPLETED')
    },
  )

  it.each(['submit', 'submitMany'] as const)(
    'an attempt whose claim is on its way when it stops is not taken for a crash (%s)',
    async how => {
      const { task, state } = holdable()
      const [asked, answered] = [createGate(), createGate()]
      await using t = await testEngine({
        tasks: [task],
        openStore: shared(now => slowClaims(sqlite({ file: ':memory:', now }), asked, answered)),
      })
      if (how === 'submit') void t.submit(task, null).catch(() => undefined)
      else await t.submitMany(task, [{ parameters: null }])
      await asked.opened
      const stopping = t.engine.stop({ grace: 0 })
      await t.advance('1s')
      answered.open()
      await t.advance('1s')
      await stopping
      state.held = false
      await t.restart()
      await t.drain()
      const [record] = await allTasks(t)
      expect(record).toMatchObject({ status: 'COMPLETED', retryCount: 0, crashCount: 0 })
      await expectNoCrash(t)
    },
  )

  it('refuses what comes after it', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    await t.stop()
    await expect(t.submit(scripted, { orders: [] })).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    await expect(t.start()).rejects.toMatchObject({ code: 'ENGINE_STOPPED' })
  })
})

describe('a crash', () => {
  it('A11: counts; the task runs again at once, and a poison task ends in DEAD_LETTER', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    const { taskId } = await t.submit(scripted, { orders: [{ do: 'ignoreSignal' }] })
    await t.drain()
    // Two that nobody is blamed for, and the five that the policy allows.
    for (let crash = 1; crash <= 7; crash++) {
      await t.crash()
      await t.jump('1h')
      expect(journal).toHaveLength(Math.min(crash + 1, 7))
    }
    const record = await t.tasks.get(taskId)
    expect(record).toMatchObject({
      status: 'DEAD_LETTER',
      attempt: 7,
      crashCount: 7,
      deadLetter: { reason: 'crashes' },
    })
    expect((await t.tasks.attempts(taskId)).map(({ code }) => code)).toEqual(Array(7).fill('LEASE_LOST'))
    await expectInvariants(t)
  })

  it('after a new checkpoint counts as the first', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    const step = (key: string) => ({ do: 'checkpoint', key }) as const
    const { taskId } = await t.submit(scripted, {
      orders: [step('a'), { do: 'ignoreSignal', attempts: 1 }, step('b'), { do: 'ignoreSignal' }],
    })
    await t.drain()
    await t.crash()
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ attempt: 2, crashCount: 1, retryCount: 0 })
    await t.crash()
    await t.drain()
    expect(await t.tasks.get(taskId)).toMatchObject({ attempt: 3, crashCount: 1, retryCount: 0 })
  })

  it('while a parent waits loses nothing: the tree goes on', async () => {
    const { scripted, parent } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted, parent], persistent: true })
    const { taskId } = await t.submit(parent, {
      orders: [{ do: 'submitMany', count: 3, orders: hangOnce.orders }],
    })
    await t.drain()
    await t.crash()
    await t.advance('10s')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      attempt: 2,
      subTaskStatusSummary: { COMPLETED: 3 },
    })
    await expectInvariants(t)
  })

  it('after a cancel was asked for ends CANCELLED', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    const task = await t.submit(scripted, { orders: [{ do: 'ignoreSignal' }] })
    await t.drain()
    await task.cancel()
    await t.crash()
    await t.drain()
    expect((await t.tasks.get(task.taskId)).status).toBe('CANCELLED')
  })
})

describe('a process that does not know the task', () => {
  const scripted = () => scriptedTasks().scripted
  const nothing: TaskDefinition[] = []

  it('keeps it for one that does, without spending a retry', async () => {
    const known = scripted()
    await using t = await testEngine({ tasks: [known], persistent: true })
    const { taskId } = await t.submit(known, { orders: [{ do: 'succeed' }] }, { delay: '1s' })
    await t.restart({ tasks: nothing })
    await t.advance('5m')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'RETRYING',
      retryCount: 0,
      errorInfo: { code: 'TASK_TYPE_UNKNOWN' },
    })
    await t.restart({ tasks: [known] })
    await t.advance('30s')
    expect((await t.tasks.get(taskId)).status).toBe('COMPLETED')
  })

  it('fails it when nobody has come for ten minutes', async () => {
    const known = scripted()
    await using t = await testEngine({ tasks: [known], persistent: true })
    const { taskId } = await t.submit(known, { orders: [] }, { delay: '1s' })
    await t.restart({ tasks: nothing })
    await t.advance('9m')
    expect((await t.tasks.get(taskId)).status).toBe('RETRYING')
    await t.advance('2m')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'TASK_TYPE_UNKNOWN' },
    })
    await expectInvariants(t)
  })

  it('counts the ten minutes from when it was first unknown, however long the task has been on its way', async () => {
    const known = scripted()
    await using t = await testEngine({ tasks: [known], persistent: true })
    const until = t.fromNow('2h').getTime()
    const { taskId } = await t.submit(known, { orders: [{ do: 'snooze', until, attempts: 1 }] })
    await t.drain()
    await t.restart({ tasks: nothing })
    await t.jump('2h')
    await t.advance('9m')
    expect((await t.tasks.get(taskId)).status).toBe('RETRYING')
    await t.advance('2m')
    expect((await t.tasks.get(taskId)).status).toBe('FAILED')
  })

  it('a newer version of the parameters is kept for a newer process; an older one is upgraded', async () => {
    const version = (parametersVersion: number) =>
      defineTask({
        type: 'Versioned',
        parameters:
          parametersVersion === 1 ? z.object({ name: z.string() }) : z.object({ names: z.array(z.string()) }),
        result: z.string(),
        parametersVersion,
        upgradeParameters: (stored, from) =>
          ({ names: [`${(stored as { name: string }).name} from ${from}`] }) as never,
        execute: ctx => JSON.stringify(ctx.parameters),
      })
    const [old, current] = [version(1), version(2)]
    await using t = await testEngine({ tasks: [old], persistent: true })
    const first = await t.submit(old, { name: 'x' }, { delay: '1s' })
    await t.restart({ tasks: [current] })
    const second = await t.submit(current, { names: ['y'] }, { delay: '2s' })
    await t.advance('1s')
    expect((await t.tasks.get(first.taskId)).result).toContain('x from 1')
    await t.restart({ tasks: [old] })
    await t.advance('5s')
    expect(await t.tasks.get(second.taskId)).toMatchObject({
      status: 'RETRYING',
      errorInfo: { code: 'PARAMETERS_TOO_NEW' },
    })
    await t.restart({ tasks: [current] })
    await t.advance('1m')
    expect((await t.tasks.get(second.taskId)).status).toBe('COMPLETED')
  })
})
