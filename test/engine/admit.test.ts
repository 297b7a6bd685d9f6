import { runInNewContext } from 'node:vm'
import { createEngine, defineTask, PermanentError, QuillworkError, schedule } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { allTasks } from './invariants.ts'

interface Asked {
  parameters: unknown
  userId: string
}

/** A type that refuses what `refuse` throws for, and keeps what it was asked. */
function choosy(refuse: (words: number) => unknown = () => undefined) {
  const asked: Asked[] = []
  const type = { type: 'Choosy', parameters: z.object({ words: z.number().default(7) }), result: z.number() }
  const task = defineTask.withServices<{ most: number }>()({
    ...type,
    admit(parameters, { services, userId }) {
      asked.push({ parameters, userId })
      if (parameters.words > services.most) throw new Error(`At most ${services.most} words.`)
      return refuse(parameters.words) as undefined
    },
    execute: ctx => ctx.parameters.words,
  })
  return { type, task, asked, services: { most: 10 } }
}

const refused = {
  code: 'SUBMISSION_REFUSED',
  message: 'Choosy refuses what was submitted: At most 10 words.',
}

describe('a type that may refuse', () => {
  it('is asked with what its schema makes of the parameters, and the owner', async () => {
    const { task, asked, services } = choosy()
    await using t = await testEngine({ tasks: [task], services })
    expect(await (await t.submit(task, {}, { userId: 'ann' })).result()).toBe(7)
    await t.submit(task, { words: 3 })
    expect(asked).toEqual([
      { parameters: { words: 7 }, userId: 'ann' },
      { parameters: { words: 3 }, userId: 'local' },
    ])
  })

  it('refuses every way of submitting, and nothing is written', async () => {
    const { task, services } = choosy()
    await using t = await testEngine({ tasks: [task], services })
    const much = { words: 11 }
    await expect(t.submit(task, much)).rejects.toMatchObject(refused)
    await expect(t.tasks.submit('Choosy', much)).rejects.toMatchObject(refused)
    await expect(t.submitMany(task, [{ parameters: {} }, { parameters: much }])).rejects.toMatchObject({
      code: refused.code,
      message: expect.stringContaining(refused.message),
      details: { index: 1 },
    })
    expect(await allTasks(t)).toEqual([])
  })

  it('can be asked without submitting anything', async () => {
    const { task, asked, services } = choosy()
    await using t = await testEngine({ tasks: [task], services })
    await t.tasks.check('Choosy', { words: 3 }, { userId: 'ann' })
    await expect(t.tasks.check('Choosy', { words: 11 })).rejects.toMatchObject(refused)
    await expect(t.tasks.check('Choosy', 7)).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
    await expect(t.tasks.check('Nothing', 7)).rejects.toMatchObject({ code: 'TASK_TYPE_UNKNOWN' })
    expect(asked.map(({ userId }) => userId)).toEqual(['ann', 'local'])
    expect(await allTasks(t)).toEqual([])
  })

  it('keeps a code of the catalogue, and gives the others one', async () => {
    const thrown = new QuillworkError('PROVIDER_NOT_CONFIGURED', 'Name a model.')
    const { task, services } = choosy(words => {
      if (words === 1) throw thrown
      if (words === 2) throw new PermanentError('never', { code: 'MINE' })
      throw 'no error at all'
    })
    await using t = await testEngine({ tasks: [task], services })
    await expect(t.submit(task, { words: 1 })).rejects.toBe(thrown)
    for (const [words, why] of [
      [2, 'never'],
      [3, 'no error at all'],
    ] as const) {
      const error = { code: 'SUBMISSION_REFUSED', message: expect.stringMatching(new RegExp(`: ${why}$`)) }
      await expect(t.submit(task, { words })).rejects.toMatchObject(error)
    }
  })

  it.each([
    ['a promise', () => Promise.reject(new Error('later'))],
    ['a promise of another realm', () => runInNewContext('Promise.reject(new Error("later"))')],
  ])('may answer with %s', async (_, answer) => {
    const { task, services } = choosy(words => (words === 1 ? answer() : Promise.resolve()))
    await using t = await testEngine({ tasks: [task], services })
    const later = { code: 'SUBMISSION_REFUSED', message: expect.stringContaining('later') }
    await expect(t.submit(task, { words: 1 })).rejects.toMatchObject(later)
    await expect(t.submitMany(task, [{ parameters: { words: 1 } }])).rejects.toMatchObject(later)
    expect(await (await t.submit(task, { words: 2 })).result()).toBe(2)
  })

  it('is not asked about what its schema refuses', async () => {
    const { task, asked, services } = choosy()
    await using t = await testEngine({ tasks: [task], services })
    const wrong = t.tasks.submit('Choosy', { words: 'x' })
    await expect(wrong).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
    expect(asked).toEqual([])
  })

  it('is asked with its own reading of what a client knows by another schema', async () => {
    const { task, type, asked, services } = choosy()
    await using t = await testEngine({ tasks: [task], services })
    const loose = { ...type, parameters: z.looseObject({}).transform(async given => given) }
    expect(await (await t.submit(loose, {})).result()).toBe(7)
    expect(asked).toEqual([{ parameters: { words: 7 }, userId: 'local' }])
    await expect(t.submit(loose, { words: 11 })).rejects.toMatchObject(refused)
    await expect(t.submit(loose, { words: 'x' })).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
  })

  it('is not asked by a client that does not have it', async () => {
    const { task, asked } = choosy()
    await using engine = await createEngine({ tasks: [], store: sqlite({ file: ':memory:' }) })
    await engine.submit(task, { words: 11 })
    expect(asked).toEqual([])
    expect((await engine.tasks.counts()).QUEUED).toBe(1)
  })

  it('is not asked about sub-tasks: their parent was', async () => {
    const { task, asked, services } = choosy()
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.number(),
      async execute(ctx) {
        await ctx.submitSubTask(task, { words: 11 }, { key: 'a' })
      },
      async onSubTasksSettled(ctx) {
        for await (const { result } of ctx.subTasks(task)) return result ?? 0
        return 0
      },
    })
    await using t = await testEngine({ tasks: [task, parent], services })
    const whole = await t.submit(parent, null)
    await t.drain()
    expect(await whole.result()).toBe(11)
    expect(asked).toEqual([])
  })

  it('is asked at each tick of a schedule; a refused one is tried again and holds up no other', async () => {
    const state = { open: false }
    const { task, asked, services } = choosy(words => {
      if (words === 1 && !state.open) throw new Error('not yet')
    })
    const every = (id: string, words: number) =>
      schedule({ id, cron: '0 * * * *', task, parameters: { words }, userId: 'ann' })
    await using t = await testEngine({ tasks: [task], services, schedules: [every('a', 1), every('b', 2)] })
    await t.advance('1h')
    expect((await allTasks(t)).map(({ parameters }) => parameters)).toEqual(['{"words":2}'])
    expect(asked[0]).toEqual({ parameters: { words: 1 }, userId: 'ann' })
    state.open = true
    await t.advance('1m')
    expect((await allTasks(t)).map(({ parameters }) => parameters)).toEqual(['{"words":1}', '{"words":2}'])
  })
})

it('a type that refuses nothing, and one that answers at once, cost no promise on the way to the store', async () => {
  const free = defineTask({ type: 'Free', parameters: z.null(), result: z.null(), execute: () => null })
  const { task, services } = choosy()
  const store = sqlite({ file: ':memory:' })
  await using engine = await createEngine({ tasks: [free, task], services, store })
  const written: number[] = []
  const create = store.tasks.create
  store.tasks.create = (tasks, ...rest) => {
    written.push(tasks.length)
    return create.call(store.tasks, tasks, ...rest)
  }
  // Those of one moment are one write: a promise in between would part them.
  await Promise.all([engine.submit(free, null), engine.submit(task, {}), engine.submit(free, null)])
  expect(written).toEqual([3])
})
