import { type AnySchedule, defineTask, schedule } from 'quillwork'
import { createManualClock, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createOne } from '../../src/testing/store-case.ts'
import { allTasks } from './invariants.ts'

const hour = 3_600_000

function ticking() {
  const ran: string[] = []
  const state = { hang: false }
  const task = defineTask({
    type: 'Tick',
    parameters: z.string().min(1),
    result: z.null(),
    execute(ctx) {
      ran.push(ctx.parameters)
      if (!state.hang) return null
      return new Promise<null>((_, reject) =>
        ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)),
      )
    },
  })
  return { task, ran, state }
}

describe('a schedule that is made while the engine runs', () => {
  const made = { id: 'made', cron: '@every 30m', taskType: 'Tick', parameters: 'm', userId: 'ann' }

  it('ticks from then on and over a restart, is changed, paused and removed', async () => {
    const { task, ran } = ticking()
    await using t = await testEngine({ tasks: [task], persistent: true })
    await t.drain()
    const shown = await t.schedules.create({ ...made, priority: 'high', createdBy: 'Ann' })
    expect(shown).toMatchObject({
      ...{ id: 'made', origin: 'store', lane: 'default', priority: 'high', overlap: 'allow' },
      made: { userId: 'ann', createdBy: 'Ann' },
    })
    expect(shown.nextTicks.slice(0, 2).map(at => at % hour)).toEqual(expect.arrayContaining([0, hour / 2]))
    await t.jump('1h')
    expect(ran).toHaveLength(1)
    const [record] = await allTasks(t)
    expect(record).toMatchObject({ userId: 'ann', priority: 'high', tags: ['schedule:made'] })
    await t.restart()
    await t.jump('30m')
    expect(ran).toHaveLength(2)

    await t.schedules.change('made', { cron: '0 * * * *', parameters: 'other', overlap: 'skip' })
    expect(await t.schedules.read('made')).toMatchObject({
      cron: '0 * * * *',
      ...{ priority: 'high', overlap: 'skip', parameters: 'other' },
    })
    await t.jump('1h')
    expect(ran.slice(2)).toEqual(['other'])
    await t.schedules.pause('made')
    await t.jump('2h')
    expect(ran).toHaveLength(3)
    await t.schedules.run('made')
    await t.drain()
    expect(ran).toHaveLength(4)
    await t.schedules.remove('made')
    await t.jump('2h')
    expect(ran).toHaveLength(4)
    expect(await t.schedules.list()).toEqual([])
    await expect(t.schedules.remove('made')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
    await expect(t.schedules.change('made', {})).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
  })

  it('begins with the first tick after it was made, whatever one of its name left', async () => {
    const { task, ran } = ticking()
    await using t = await testEngine({ tasks: [task] })
    await t.drain()
    await t.schedules.create({ ...made, catchUp: 'all' })
    await t.jump('1h')
    await t.schedules.remove('made')
    await t.jump('3h')
    await t.schedules.create({ ...made, catchUp: 'all' })
    await t.drain()
    const before = ran.length
    await t.jump('30m')
    expect(ran.length - before).toBe(1)
  })

  it('submits at a tick what it is then, also where it is changed, or made anew, while others submit theirs', async () => {
    const { task, ran } = ticking()
    const meanwhile: (() => Promise<unknown>)[] = []
    const base = { parameters: z.string(), result: z.null(), execute: () => null }
    const admit = () => Promise.all(meanwhile.splice(0).map(change => change()))
    const first = defineTask({ ...base, type: 'First', admit: async () => void (await admit()) })
    await using t = await testEngine({ tasks: [task, first, defineTask({ ...base, type: 'Other' })] })
    await t.drain()
    const hourly = { ...made, cron: '0 * * * *' }
    await t.schedules.create({ ...hourly, id: 'a', taskType: 'First' })
    for (const id of ['b', 'c']) await t.schedules.create({ ...hourly, id })
    meanwhile.push(
      async () => {
        await t.schedules.remove('b')
        await t.schedules.create({ ...hourly, id: 'b', userId: 'bob', parameters: 'of bob' })
      },
      () => t.schedules.change('c', { taskType: 'Other', parameters: 'for the other' }),
    )
    await t.jump('1h')
    expect(ran, 'neither the parameters of bob as ann, nor those of another type').toEqual([])
    const submitted = async () => (await allTasks(t)).map(({ taskType, userId }) => [taskType, userId]).sort()
    const once = [
      ['First', 'ann'],
      ['Other', 'ann'],
    ]
    expect(await submitted(), 'the tick of the changed one is not lost').toEqual(once)
    await t.jump('1h')
    expect(await submitted()).toEqual([...once, ...once, ['Tick', 'bob']].sort())
  })

  it('rests while the program knows no such task, or declares one of its name', async () => {
    const { task, ran } = ticking()
    const tasks = [task]
    const schedules: AnySchedule[] = []
    await using t = await testEngine({ tasks, schedules, persistent: true })
    await t.drain()
    await t.schedules.create(made)
    await t.stop()
    const other = defineTask({ type: 'Other', parameters: z.null(), result: z.null(), execute: () => null })
    tasks[0] = other as unknown as typeof task
    await t.restart()
    await t.jump('1h')
    const [rests] = await t.schedules.list()
    expect(rests).toMatchObject({ id: 'made', problem: 'task-type-unknown', nextTicks: [] })
    await expect(t.schedules.run('made')).rejects.toMatchObject({ code: 'SCHEDULE_INVALID' })
    await t.stop()
    tasks[0] = defineTask({
      type: 'Tick',
      result: z.null(),
      parameters: z.object({ of: z.string() }),
      parametersVersion: 2,
      upgradeParameters: stored => ({ of: `upgraded ${stored}` }),
      execute(ctx) {
        ran.push(ctx.parameters.of)
        return null
      },
    }) as unknown as typeof task
    await t.restart()
    await t.jump('30m')
    expect(ran.splice(0), 'what an earlier version of the type took').toContain('upgraded m')
    expect(await t.schedules.change('made', { cron: '@every 20m' })).toMatchObject({ cron: '@every 20m' })
    expect(await t.schedules.read('made')).toMatchObject({ parameters: { of: 'upgraded m' } })
    await t.stop()
    tasks[0] = task
    await t.restart()
    await t.jump('1h')
    expect((await t.schedules.list())[0], 'what a later version takes').toMatchObject({
      problem: 'task-type-unknown',
    })
    await t.stop()
    schedules.push(schedule({ id: 'made', cron: '0 0 1 1 *', task, parameters: 'declared' }))
    await t.restart()
    await t.drain()
    expect(await t.schedules.list()).toMatchObject([{ id: 'made', origin: 'program', cron: '0 0 1 1 *' }])
    for (const refused of [
      t.schedules.create(made),
      t.schedules.change('made', { cron: '@hourly' }),
      (async () => t.schedules.remove('made'))(),
    ])
      await expect(refused).rejects.toMatchObject({ code: 'SCHEDULE_DECLARED' })
    expect(ran).toEqual([])
  })

  it('is refused for what is wrong with it, and nothing is kept', async () => {
    const { task } = ticking()
    await using t = await testEngine({ tasks: [task], start: false })
    const wrongs = [
      [{ cron: 'soon' }, 'SCHEDULE_INVALID', /cron|soon/i],
      [{ cron: '0 0 30 2 *' }, 'SCHEDULE_INVALID', /no tick in the future/],
      [{ cron: `${'0,'.repeat(150)}0 * * * *` }, 'SCHEDULE_INVALID', /at most 200 characters/],
      [{ cron: '@every 10ms' }, 'SCHEDULE_INVALID', /at least one second/],
      [{ cron: '@every soon' }, 'SCHEDULE_INVALID', /duration of @every/],
      [{ timeZone: 'Mars/Olympus' }, 'SCHEDULE_INVALID', /Mars/],
      [{ taskType: 'Nothing' }, 'TASK_TYPE_UNKNOWN', /Nothing/],
      [{ parameters: '' }, 'PARAMETERS_INVALID', /Tick/],
      [{ parameters: 'x'.repeat(70_000) }, 'PARAMETERS_TOO_LARGE', /65536/],
      [{ lane: 'nowhere' }, 'LANE_UNKNOWN', /nowhere/],
      [{ id: '' }, 'OPTION_INVALID', /id must have/],
      [{ userId: 'u'.repeat(201) }, 'OPTION_INVALID', /userId/],
    ] as const
    for (const [wrong, code, why] of wrongs)
      await expect(t.schedules.create({ ...made, ...wrong }), JSON.stringify(wrong)).rejects.toMatchObject({
        ...{ code, message: expect.stringMatching(why) },
      })
    expect(await t.schedules.list()).toEqual([])
  })

  it('is one of a hundred at most, and has its id alone', async () => {
    const { task } = ticking()
    await using t = await testEngine({ tasks: [task], start: false })
    await t.schedules.create({ ...made, id: 's8' })
    const first = await t.store.schedules.readKept('s8')
    if (first === undefined) throw new Error('It is not kept.')
    const others = Array.from({ length: 99 }, (_, index) => ({ ...first, id: `other${index}` }))
    const from = { definition: '', lastTick: 0 }
    await Promise.all(others.map(each => t.store.schedules.addKept(each, from)))
    await expect(t.schedules.create(made)).rejects.toMatchObject({ code: 'SCHEDULES_FULL' })
    await t.schedules.remove('other7')
    await expect(t.schedules.create({ ...made, id: 's8' })).rejects.toMatchObject({ code: 'SCHEDULE_EXISTS' })
    await t.schedules.create(made)
  })
})

describe('a schedule', () => {
  it('submits one task per tick, tagged and owned', async () => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 'hourly', cron: '0 * * * *', task, parameters: 'x', userId: 'ann' })
    await using t = await testEngine({ tasks: [task], schedules: [hourly] })
    await t.drain()
    expect(ran).toHaveLength(0)
    await t.advance('1h')
    expect(ran).toHaveLength(1)
    await t.advance('2h')
    expect(ran).toHaveLength(3)
    const [record] = await allTasks(t)
    expect(record).toMatchObject({ userId: 'ann', tags: ['schedule:hourly'] })
    expect(record?.createdAt).toBe(t.clock.now())
  })

  it('a restart right after a tick repeats nothing', async () => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 'hourly', cron: '0 * * * *', task, parameters: 'x' })
    await using t = await testEngine({ tasks: [task], schedules: [hourly], persistent: true })
    await t.advance('1h')
    await t.restart()
    await t.advance('1m')
    await t.crash()
    await t.advance('1m')
    expect(ran).toHaveLength(1)
  })

  it.each([
    { catchUp: 'latest', made: 1 },
    { catchUp: 'all', made: 5 },
    { catchUp: 'none', made: 0 },
  ] as const)('ticks that passed while nothing ran are made up for: $catchUp', async ({ catchUp, made }) => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 'hourly', cron: '0 * * * *', task, parameters: 'x', catchUp })
    await using t = await testEngine({ tasks: [task], schedules: [hourly], persistent: true })
    await t.drain()
    await t.stop()
    await t.jump(5 * hour + 30 * 60_000)
    await t.restart()
    await t.drain()
    expect(ran).toHaveLength(made)
    await t.advance('30m')
    expect(ran).toHaveLength(made + 1)
  })

  it('makes up for a hundred ticks at most', async () => {
    const { task, ran } = ticking()
    const everyMinute = schedule({ id: 'm', cron: '* * * * *', task, parameters: 'x', catchUp: 'all' })
    await using t = await testEngine({ tasks: [task], schedules: [everyMinute], persistent: true })
    await t.drain()
    await t.stop()
    await t.jump('1d')
    await t.restart()
    await t.drain()
    expect(ran).toHaveLength(100)
  })

  it('skips a tick while the task of the last one is live, if it says so', async () => {
    const { task, ran, state } = ticking()
    state.hang = true
    const base = { cron: '0 * * * *', task } as const
    const schedules = [
      schedule({ ...base, id: 'skip', parameters: 'skip', overlap: 'skip' }),
      schedule({ ...base, id: 'allow', parameters: 'allow' }),
    ]
    await using t = await testEngine({ tasks: [task], schedules })
    await t.drain()
    for (let tick = 0; tick < 3; tick++) await t.jump('1h')
    expect([...new Set(ran)].sort()).toEqual(['allow', 'skip'])
    const tasks = await allTasks(t)
    expect(tasks.filter(({ tags }) => tags.includes('schedule:skip'))).toHaveLength(1)
    expect(tasks.filter(({ tags }) => tags.includes('schedule:allow'))).toHaveLength(3)
  })

  it('follows the daylight saving time of its zone', async () => {
    const { task } = ticking()
    const clock = createManualClock({ startAt: new Date('2026-03-28T00:00:00Z') })
    const daily = schedule({
      id: 'daily',
      cron: '0 9 * * *',
      timeZone: 'Europe/Berlin',
      task,
      parameters: 'x',
    })
    await using t = await testEngine({ tasks: [task], schedules: [daily], clock })
    await t.drain()
    for (let step = 0; step < 48; step++) await t.jump('1h')
    const times = (await allTasks(t)).map(({ createdAt }) => new Date(createdAt).toISOString()).reverse()
    expect(times).toEqual(['2026-03-28T08:00:00.000Z', '2026-03-29T07:00:00.000Z'])
  })

  it('a tick in the hour that a clock change leaves out still comes once that day', async () => {
    const { task } = ticking()
    const clock = createManualClock({ startAt: new Date('2026-03-28T12:00:00Z') })
    const nightly = schedule({
      id: 'n',
      cron: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      task,
      parameters: 'x',
    })
    await using t = await testEngine({ tasks: [task], schedules: [nightly], clock })
    await t.drain()
    for (let step = 0; step < 24; step++) await t.jump('1h')
    expect(await allTasks(t)).toHaveLength(1)
  })

  it('one whose task is refused stands in no other’s way, and is tried again', async () => {
    const { task, ran } = ticking()
    const choosy = defineTask({
      type: 'Choosy',
      parameters: z.null(),
      result: z.null(),
      admit() {
        throw new Error('Not today.')
      },
      execute: () => null,
    })
    const schedules = [
      schedule({ id: 'refused', cron: '0 * * * *', task: choosy, parameters: null }),
      schedule({ id: 'fine', cron: '0 * * * *', task, parameters: 'fine' }),
    ]
    await using t = await testEngine({ tasks: [task, choosy], schedules })
    await t.advance('1h')
    expect(ran).toEqual(['fine'])
    expect(t.log.messages('error')).toContain('scheduled submission failed; will retry')
  })

  it('keeps its ticks where only what it submits has changed: versions of a program take over from each other', async () => {
    const { task, ran } = ticking()
    const hourly = (parameters: string) => schedule({ id: 's', cron: '0 * * * *', task, parameters })
    const schedules = [hourly('old')]
    await using t = await testEngine({ tasks: [task], schedules, persistent: true })
    await t.drain()
    await t.stop()
    schedules[0] = hourly('new')
    await t.jump('90m')
    await t.restart()
    await t.drain()
    expect(ran).toEqual(['new'])
  })

  it.each([
    { cron: '0 0 1 * *', catchUp: 'latest', made: 1 },
    { cron: '0 0 1 * *', catchUp: 'all', made: 13 },
    { cron: '* * * * * *', catchUp: 'latest', made: 1 },
    { cron: '* * * * * *', catchUp: 'all', made: 100 },
  ] as const)(
    'finds the newest ticks of more than a year: $cron, $catchUp',
    async ({ cron, catchUp, made }) => {
      const { task, ran } = ticking()
      const missed = schedule({ id: 's', cron, task, parameters: 'x', catchUp })
      const clock = createManualClock({ startAt: new Date('2030-01-15T12:00:00Z') })
      await using t = await testEngine({ tasks: [task], schedules: [missed], persistent: true, clock })
      await t.drain()
      await t.stop()
      const before = ran.length
      await t.jump('400d')
      await t.restart()
      await t.drain()
      expect(ran.length - before).toBe(made)
    },
  )

  it('goes on from now where the clock was ahead when it last ticked', async () => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 'hourly', cron: '0 * * * *', task, parameters: 'x' })
    await using t = await testEngine({ tasks: [task], schedules: [hourly] })
    t.clock.stepWallTime(365 * 24 * hour)
    await t.advance('1h')
    expect(ran).toHaveLength(1)
    t.clock.stepWallTime(-365 * 24 * hour)
    await t.advance('2h')
    expect(ran.length).toBeGreaterThanOrEqual(2)
    await t.advance('1h')
    expect(ran.length).toBeGreaterThanOrEqual(3)
  })

  it('a tick that another version submitted, and did not write down, holds up none after it', async () => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 'hourly', cron: '0 * * * *', task, parameters: 'new', catchUp: 'all' })
    await using t = await testEngine({ tasks: [task], schedules: [hourly] })
    await t.drain()
    const next = new Date(Math.floor(t.clock.now() / hour) * hour + hour).toISOString()
    await createOne(t.store, {
      taskType: 'Tick',
      userId: '',
      parameters: '"old"',
      idempotencyKey: `schedule hourly ${next}`,
    })
    await t.advance('1h')
    expect(ran).toEqual(['old'])
    await t.advance('1h')
    expect(ran).toEqual(['old', 'new'])
  })

  it('a tick comes once though a process with another definition was there a moment ago', async () => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 's', cron: '0 * * * *', task, parameters: 'x' })
    await using t = await testEngine({ tasks: [task], schedules: [hourly] })
    await t.drain()
    const toTick = hour - (t.clock.now() % hour)
    await t.advance(toTick - 5_000)
    const [own] = await t.store.schedules.schedules()
    const definition = JSON.stringify(['30 * * * *', 'UTC'])
    const other = { id: 's', definition, lastTick: t.clock.now() }
    expect(await t.store.schedules.advance(other, own?.lastTick)).toBe(true)
    await t.advance('5s')
    expect(ran).toEqual(['x'])
    await t.advance('1m')
    expect(ran).toEqual(['x'])
  })

  it('that is paused submits nothing until it is resumed, also over a restart, and makes up for nothing', async () => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 's', cron: '0 * * * *', task, parameters: 'x', catchUp: 'all' })
    await using t = await testEngine({ tasks: [task], schedules: [hourly], persistent: true })
    await t.jump('1h')
    expect(ran).toHaveLength(1)
    await t.schedules.pause('s')
    await t.jump('2h')
    await t.restart()
    await t.jump('2h')
    expect(ran).toHaveLength(1)
    expect(await t.schedules.list()).toMatchObject([{ id: 's', paused: true }])
    const { id } = await t.schedules.run('s')
    await t.drain()
    expect(ran).toHaveLength(2)
    expect((await t.tasks.get(id)).tags).toEqual(['schedule:s'])
    await t.schedules.resume('s')
    await t.drain()
    expect(ran).toHaveLength(2)
    await t.jump('1h')
    expect(ran).toHaveLength(3)
    await expect(t.schedules.run('other')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' })
  })

  it('that is paused before its first tick stays so, and begins when it is resumed', async () => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 's', cron: '0 * * * *', task, parameters: 'x' })
    await using t = await testEngine({ tasks: [task], schedules: [hourly], start: false })
    await t.schedules.pause('s')
    await t.start()
    await t.jump('3h')
    expect(ran).toEqual([])
    await t.schedules.resume('s')
    // Until it is looked at again.
    await t.advance('30s')
    await t.jump('1h')
    expect(ran).toEqual(['x'])
  })

  it('a changed definition starts from now', async () => {
    const { task, ran } = ticking()
    const hourly = schedule({ id: 's', cron: '0 * * * *', task, parameters: 'x', catchUp: 'all' })
    const schedules = [hourly]
    await using t = await testEngine({ tasks: [task], schedules, persistent: true })
    await t.drain()
    await t.stop()
    schedules[0] = schedule({ id: 's', cron: '30 * * * *', task, parameters: 'y', catchUp: 'all' })
    await t.jump('5h')
    await t.restart()
    await t.drain()
    expect(ran).toEqual([])
    await t.advance('30m')
    expect(ran).toEqual(['y'])
  })

  it.each([
    [{ cron: 'soon' }, /cron|soon/],
    [{ timeZone: 'Mars/Olympus' }, /Mars/],
    [{ parameters: '' }, 'The parameters of Tick are not valid: '],
    [{ parameters: 7 }, 'The parameters of Tick are not valid: '],
    [{ parameters: 'a long text' }, 'The parameters of Tick have 13 bytes'],
    [{ lane: 'bach' }, 'There is no lane "bach"; the lanes are default.'],
    [{ userId: 'u'.repeat(201) }, 'userId must be at most 200 characters'],
    [{ id: '' }, 'id must have 1 to 200 characters'],
    [{ catchUp: 'last' }, "catchUp must be 'latest', 'all' or 'none', not \"last\"."],
    [{ overlap: 'never' }, "overlap must be 'allow' or 'skip', not \"never\"."],
  ])('%j is refused at once, and the error names the schedule', async (wrong, why) => {
    const { task } = ticking()
    const one = { id: 'nightly', cron: '0 * * * *', task, parameters: 'x', ...wrong } as AnySchedule
    const made = testEngine({ tasks: [task], schedules: [one], parametersBytes: 10 })
    await expect(made).rejects.toMatchObject({
      code: 'SCHEDULE_INVALID',
      message: expect.stringContaining(`The schedule "${one.id}" cannot be started: `),
      details: { scheduleId: one.id },
    })
    await expect(made).rejects.toThrow(why)
  })

  it('is refused for what a schema that takes its time, or the task that runs, does not take', async () => {
    const { task } = ticking()
    const slow = { type: 'Tick', result: z.null(), parameters: z.string().refine(async text => text !== 'x') }
    const loose = { type: 'Tick', result: z.null(), parameters: z.any() }
    const base = { id: 's', cron: '0 * * * *' }
    for (const one of [
      schedule({ ...base, task: slow, parameters: 'x' }),
      schedule({ ...base, task: loose, parameters: 7 }),
    ])
      await expect(testEngine({ tasks: [task], schedules: [one] })).rejects.toMatchObject({
        code: 'SCHEDULE_INVALID',
        message: expect.stringContaining('The parameters of Tick are not valid: '),
      })
  })

  it('names what the schema refused', async () => {
    const { task } = ticking()
    const one = schedule({ id: 's', cron: '0 * * * *', task, parameters: '' })
    await expect(testEngine({ tasks: [task], schedules: [one] })).rejects.toMatchObject({
      details: { code: 'PARAMETERS_INVALID', issues: [{ pointer: '' }] },
    })
  })
})
