import { defineTask, schedule } from 'quillwork'
import { runHandler, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

/** A task that keeps the tick that it is told, and submits a sub-task that does, too. */
function telling() {
  const told: (readonly [what: string, tick: Date | undefined])[] = []
  const part = defineTask({
    type: 'Part',
    parameters: z.null(),
    result: z.null(),
    execute(ctx) {
      told.push(['sub-task', ctx.scheduledFor])
      return null
    },
  })
  const task = defineTask({
    type: 'Tells',
    parameters: z.object({ fails: z.boolean() }),
    result: z.null(),
    retry: { backoff: ['1s'] },
    async execute(ctx) {
      told.push([`attempt ${ctx.attempt}`, ctx.scheduledFor])
      if (ctx.parameters.fails && ctx.attempt === 1) throw new Error('once')
      await ctx.submitSubTask(part, null, { key: 'p' })
    },
    onSubTasksSettled(ctx) {
      told.push(['hook', ctx.scheduledFor])
      return null
    },
  })
  return { tasks: [task, part] as const, task, told }
}

describe('the tick that a task is told', () => {
  it('is that of its schedule, at each attempt and in its hook; a sub-task has none', async () => {
    const { tasks, task, told } = telling()
    const id = 'every minute, or so: 2026-01-01T00:00:00.000Z'
    const everyMinute = schedule({ id, cron: '* * * * *', task, parameters: { fails: true } })
    await using t = await testEngine({ tasks, schedules: [everyMinute] })
    await t.drain()
    const tick = new Date((Math.floor(t.clock.now() / 60_000) + 1) * 60_000)
    await t.advance(tick.getTime() - t.clock.now() + 20_000)
    expect(told).toEqual([
      ['attempt 1', tick],
      ['attempt 2', tick],
      ['sub-task', undefined],
      ['hook', tick],
    ])
  })

  it('is the tick that is made up for, not the time at which it runs', async () => {
    const { tasks, task, told } = telling()
    const hourly = schedule({ id: 'h', cron: '0 * * * *', task, parameters: { fails: false } })
    await using t = await testEngine({ tasks, schedules: [hourly], persistent: true })
    await t.drain()
    await t.stop()
    await t.jump('3h')
    await t.restart()
    await t.drain()
    const tick = new Date(Math.floor(t.clock.now() / 3_600_000) * 3_600_000)
    expect(told[0]).toEqual(['attempt 1', tick])
  })

  it('is none for a task that a person submits, whose key cannot pass for one', async () => {
    const { tasks, task, told } = telling()
    await using t = await testEngine({ tasks })
    const parameters = { fails: false }
    const forged = { idempotencyKey: 'schedule h 2026-01-01T00:00:00.000Z' }
    const refused = { code: 'OPTION_INVALID', message: expect.stringContaining('give it another one') }
    await expect(t.submit(task, parameters, forged)).rejects.toMatchObject(refused)
    await expect(t.submitMany(task, [{ parameters, ...forged }])).rejects.toMatchObject(refused)
    await expect(t.tasks.submit('Tells', parameters, forged)).rejects.toMatchObject(refused)
    await t.submit(task, parameters, { idempotencyKey: 'schedule of 2026-01-01' })
    await t.drain()
    expect(told[0]).toEqual(['attempt 1', undefined])
  })

  it('is given to a handler that a test runs alone', async () => {
    const scheduledFor = new Date('2026-03-01T09:00:00Z')
    const { task, told } = telling()
    await runHandler(task, { fails: false }, { scheduledFor })
    await runHandler(task, { fails: false })
    expect(told).toEqual([
      ['attempt 1', scheduledFor],
      ['attempt 1', undefined],
    ])
  })
})
