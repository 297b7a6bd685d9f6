import fc from 'fast-check'
import { defineTask, type FollowOptions, type OutputEvent, type TaskContext } from 'quillwork'
import { createGate, type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { cutPieces } from '../../src/engine/output.ts'
import { sqlite } from '../../src/store/sqlite/index.ts'
import { longestOutput, longestPiece } from '../../src/store/store.ts'
import { givenBack } from '../../src/task/transition.ts'
import { expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

const schemas = { parameters: z.null(), result: z.null() }

/** A task that writes as told, with other rules for its retries. */
function writing(execute: (ctx: TaskContext) => null | Promise<null>, maxAttempts = 1) {
  return defineTask({ ...schemas, type: 'Writing', retry: { maxAttempts }, execute: ctx => execute(ctx) })
}

async function textOf(t: TestEngine, taskId: string): Promise<[number, string]> {
  const { attempt, pieces } = await t.tasks.output(taskId)
  return [attempt, pieces.map(({ text }) => text).join('')]
}

/** Follows the output of a task; what was told so far is in `events`. */
function follow(t: TestEngine, taskId: string, options?: FollowOptions) {
  const events: OutputEvent[] = []
  const ended = (async () => {
    for await (const event of t.tasks.followOutput(taskId, options)) events.push(event)
  })()
  ended.catch(() => undefined)
  return { events, ended }
}

describe('output', () => {
  it('is appended at most four times a second, in order, and all of it before the attempt is settled', async () => {
    const [half, whole] = [createGate(), createGate()]
    const task = writing(async ctx => {
      for (let word = 1; word <= 50; word++) ctx.write(`${word} `)
      await half.opened
      for (let word = 51; word <= 60; word++) ctx.write(`${word} `)
      ctx.write('')
      await whole.opened
      ctx.write('the end')
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const append = vi.spyOn(t.store.output, 'append')
    const { taskId } = await t.submit(task, null)
    await t.drain()
    expect(append).not.toHaveBeenCalled()
    await t.advance('1s')
    expect(append).toHaveBeenCalledTimes(1)
    half.open()
    await t.advance('250ms')
    expect(append).toHaveBeenCalledTimes(2)
    whole.open()
    await t.drain()
    expect(append).toHaveBeenCalledTimes(3)
    const words = Array.from({ length: 60 }, (_, index) => `${index + 1} `).join('')
    expect(await textOf(t, taskId)).toEqual([1, `${words}the end`])
    expect((await t.tasks.get(taskId)).status).toBe('COMPLETED')
    await expectInvariants(t)
  })

  it.each(['throws at once', 'throws later', 'answers at once'])(
    'is kept of a handler that %s',
    async how => {
      const task = writing(ctx => {
        ctx.write('so far')
        if (how === 'throws later') return Promise.reject(new Error('later'))
        if (how === 'throws at once') throw new Error('at once')
        return null
      })
      await using t = await testEngine({ tasks: [task] })
      const { taskId } = await t.submit(task, null)
      await t.drain()
      expect(await textOf(t, taskId)).toEqual([1, 'so far'])
    },
  )

  it('of a new attempt starts empty; an attempt that writes nothing leaves what was there', async () => {
    const task = writing(ctx => {
      if (ctx.attempt !== 2) ctx.write(`by attempt ${ctx.attempt}`)
      if (ctx.attempt < 4) throw new Error('again')
      return null
    }, 5)
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    expect(await textOf(t, taskId)).toEqual([1, 'by attempt 1'])
    const attempt = async () => (await t.tasks.get(taskId)).attempt
    while ((await attempt()) < 2) await t.advance('1s')
    expect(await textOf(t, taskId)).toEqual([1, 'by attempt 1'])
    while ((await attempt()) < 3) await t.advance('1s')
    expect(await textOf(t, taskId)).toEqual([3, 'by attempt 3'])
    await t.advance('5m')
    expect(await textOf(t, taskId)).toEqual([4, 'by attempt 4'])
  })

  it('of an attempt that lost its task is refused, and tells it to stop', async () => {
    const signals: AbortSignal[] = []
    const gate = createGate()
    const task = writing(async ctx => {
      signals.push(ctx.signal)
      ctx.write('mine. ')
      await gate.opened
      ctx.write('too late')
      await new Promise(() => undefined)
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.advance('1s')
    const record = await t.tasks.get(taskId)
    await t.engine.lanes.pause('default')
    expect(await t.store.tasks.apply([givenBack(record)])).toEqual(['applied'])
    gate.open()
    await t.advance('250ms')
    expect(signals[0]?.aborted).toBe(true)
    expect(await textOf(t, taskId)).toEqual([1, 'mine. '])
  })

  it('that comes after a cancel is dropped; what came before is kept', async () => {
    const task = writing(async ctx => {
      ctx.write('before')
      await new Promise(resolve => ctx.signal.addEventListener('abort', resolve))
      ctx.write(' after')
      ctx.signal.throwIfAborted()
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const submitted = await t.submit(task, null)
    await t.drain()
    await submitted.cancel()
    await t.drain()
    expect((await submitted.state()).status).toBe('CANCELLED')
    expect(await textOf(t, submitted.taskId)).toEqual([1, 'before'])
  })

  it.runIf(onSqlite)('longer than an attempt may write fails it for good, and says so', async () => {
    const task = writing(ctx => {
      for (let written = 0; written <= longestOutput; written += 100_000) ctx.write('x'.repeat(100_000))
      return null
    }, 3)
    await using t = await testEngine({ tasks: [task] })
    const submitted = await t.submit(task, null)
    await t.drain()
    expect(await submitted.state()).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_TOO_LARGE' } })
    expect((await textOf(t, submitted.taskId))[1]).toHaveLength(longestOutput)
  })

  it.runIf(onSqlite)('is not lost when the store is away for a while, and never written twice', async () => {
    let away = 0
    const task = writing(async ctx => {
      for (const word of ['one ', 'two ', 'three ']) {
        ctx.write(word)
        await new Promise(resolve => t.clock.after(1_000, () => resolve(undefined)))
      }
      return null
    })
    await using t = await testEngine({
      tasks: [task],
      openStore(now) {
        const store = sqlite({ file: ':memory:', now })
        const append: typeof store.output.append = async writes => {
          away += 1
          // Every second one fails, half of them after they were executed.
          const answers = away % 4 === 1 ? [] : await store.output.append(writes)
          if (away % 2 === 1) throw Object.assign(new Error('the store is away'))
          return answers
        }
        return { ...store, output: { ...store.output, append } }
      },
    })
    const { taskId } = await t.submit(task, null)
    await t.advance('10s')
    expect(await textOf(t, taskId)).toEqual([1, 'one two three '])
    expect(away).toBeGreaterThan(4)
    expect((await t.tasks.get(taskId)).status).toBe('COMPLETED')
  })
})

describe('whoever follows the output', () => {
  it('is told the text as it grows, and the end when all was told', async () => {
    const gates = { two: createGate(), three: createGate() }
    const task = writing(async ctx => {
      ctx.write('one ')
      await gates.two.opened
      ctx.write('two ')
      await gates.three.opened
      ctx.write('three')
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    const early = follow(t, taskId)
    await t.advance('500ms')
    const one = { kind: 'text', attempt: 1, sequence: 1, text: 'one ' }
    expect(early.events).toEqual([one])
    gates.two.open()
    await t.advance('500ms')
    const later = follow(t, taskId, { from: { attempt: 1, sequence: 1 } })
    gates.three.open()
    await t.drain()
    await Promise.all([early.ended, later.ended])
    const rest = [
      { kind: 'text', attempt: 1, sequence: 2, text: 'two ' },
      { kind: 'text', attempt: 1, sequence: 3, text: 'three' },
      { kind: 'end', status: 'COMPLETED', place: { attempt: 1, sequence: 3 } },
    ]
    expect(early.events).toEqual([one, ...rest])
    expect(later.events).toEqual(rest)
    const afterwards = follow(t, taskId)
    await afterwards.ended
    expect(afterwards.events).toEqual([one, ...rest])
  })

  it('is told when a new attempt begins to write, also after it was away', async () => {
    const gates = [createGate(), createGate()]
    const task = writing(async ctx => {
      ctx.write(`attempt ${ctx.attempt}`)
      await gates[ctx.attempt - 1]?.opened
      if (ctx.attempt === 1) throw new Error('again')
      return null
    }, 2)
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    const { events, ended } = follow(t, taskId)
    await t.advance('1s')
    gates[0]?.open()
    await t.advance('1m')
    const first = { kind: 'text', attempt: 1, sequence: 1, text: 'attempt 1' }
    const second = { kind: 'text', attempt: 2, sequence: 1, text: 'attempt 2' }
    const reset = { kind: 'reset', attempt: 2 }
    expect(events).toEqual([first, reset, second])
    const back = follow(t, taskId, { from: { attempt: 1, sequence: 1 } })
    const fresh = follow(t, taskId)
    await t.drain()
    gates[1]?.open()
    await t.drain()
    await Promise.all([ended, back.ended, fresh.ended])
    const end = { kind: 'end', status: 'COMPLETED', place: { attempt: 2, sequence: 1 } }
    expect(back.events).toEqual([reset, second, end])
    expect(fresh.events).toEqual([second, end])
  })

  it('of a task that writes nothing is told its end; of none that there is none', async () => {
    const gate = createGate()
    const task = writing(async () => {
      await gate.opened
      throw new Error('nothing was written')
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    const { events, ended } = follow(t, taskId)
    await t.drain()
    gate.open()
    await t.drain()
    await ended
    expect(events).toEqual([{ kind: 'end', status: 'DEAD_LETTER', place: { attempt: 0, sequence: 0 } }])
    await expect(follow(t, 'nobody').ended).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
  })

  it('may go at any time, and is told when the engine stops', async () => {
    const task = writing(async ctx => {
      await new Promise(resolve => ctx.signal.addEventListener('abort', resolve))
      ctx.signal.throwIfAborted()
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    const leaving = new AbortController()
    const left = follow(t, taskId, { signal: leaving.signal })
    const stays = follow(t, taskId)
    await t.drain()
    leaving.abort()
    await left.ended
    expect(left.events).toEqual([])
    await t.stop({ grace: 0 })
    await expect(stays.ended).rejects.toMatchObject({ code: 'ENGINE_STOPPED' })
  })

  it.runIf(!onSqlite)('of a task that waits is seldom looked for, and told soon when it comes', async () => {
    const gate = createGate()
    const task = writing(async ctx => {
      ctx.write('one')
      await gate.opened
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const read = vi.spyOn(t.store.output, 'read')
    const { taskId } = await t.submit(task, null, { delay: '20s' })
    const { events, ended } = follow(t, taskId)
    await t.advance('10s')
    expect(read.mock.calls.length).toBeGreaterThanOrEqual(9)
    expect(read.mock.calls.length).toBeLessThanOrEqual(13)
    await t.advance('12s')
    expect(events).toEqual([{ kind: 'text', attempt: 1, sequence: 1, text: 'one' }])
    const before = read.mock.calls.length
    await t.advance('3s')
    expect(read.mock.calls.length - before).toBeGreaterThanOrEqual(9)
    gate.open()
    await t.drain()
    await ended
  })

  it('is asked for before anything is read: a slow one holds nothing up', async () => {
    const task = writing(async ctx => {
      for (let word = 1; word <= 100; word++) {
        ctx.write(`${word} `)
        await new Promise(resolve => t.clock.after(250, () => resolve(undefined)))
      }
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const read = vi.spyOn(t.store.output, 'read')
    const { taskId } = await t.submit(task, null)
    const events = t.tasks.followOutput(taskId)[Symbol.asyncIterator]()
    await t.drain()
    expect(read).not.toHaveBeenCalled()
    const first = events.next()
    await t.advance('30s')
    expect((await first).value).toMatchObject({ text: '1 ' })
    const reads = read.mock.calls.length
    await t.advance('30s')
    expect(read).toHaveBeenCalledTimes(reads)
    let text = '1 '
    for (let next = await events.next(); next.value?.kind === 'text'; next = await events.next())
      text += next.value.text
    expect(text).toBe(Array.from({ length: 100 }, (_, index) => `${index + 1} `).join(''))
  })
})

describe('what a task wrote while it ran', () => {
  it('goes once it is COMPLETED: its checkpoints at once, its output ten minutes later', async () => {
    const task = writing(async ctx => {
      ctx.write(await ctx.checkpoint('text', () => 'whole'))
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    expect((await t.store.attempts.checkpoints(taskId)).size).toBe(1)
    await t.advance('6s')
    expect((await t.store.attempts.checkpoints(taskId)).size).toBe(0)
    await t.jump('9m')
    await t.advance('6s')
    const late = follow(t, taskId)
    await late.ended
    const text = { kind: 'text', attempt: 1, sequence: 1, text: 'whole' }
    const end = { kind: 'end', status: 'COMPLETED', place: { attempt: 1, sequence: 1 } }
    expect(late.events).toEqual([text, end])
    await t.jump('1m')
    await t.advance('6s')
    const [tooLate, back] = [follow(t, taskId), follow(t, taskId, { from: end.place })]
    await Promise.all([tooLate.ended, back.ended])
    expect(tooLate.events).toEqual([{ ...end, place: { attempt: 0, sequence: 0 } }])
    expect(back.events, 'more may have come').toEqual([{ ...end, deleted: true }])
    expect(await textOf(t, taskId)).toEqual([0, ''])
    await expectInvariants(t)
  })

  it('stays of a dead letter, whose retry goes on from it', async () => {
    let paid = 0
    const earlier: unknown[] = []
    const task = writing(async ctx => {
      earlier.push(await ctx.earlierOutput())
      ctx.write(await ctx.checkpoint('text', () => `paid ${++paid} time`))
      if (ctx.attempt === 1) throw new Error('after it was paid')
      return null
    })
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, null)
    await t.drain()
    await t.jump('1d')
    await t.advance('6s')
    expect(await textOf(t, taskId)).toEqual([1, 'paid 1 time'])
    await t.tasks.retry(taskId)
    await t.drain()
    expect(await textOf(t, taskId)).toEqual([2, 'paid 1 time'])
    expect(earlier).toEqual([undefined, { attempt: 1, text: 'paid 1 time' }])
    expect((await t.tasks.get(taskId)).status).toBe('COMPLETED')
  })
})

describe('a text that is cut into pieces', () => {
  it('is whole when they are joined; no piece is too long, and none ends within a character', () => {
    const chunks = fc.array(fc.string({ unit: 'grapheme-composite', maxLength: 40_000, size: 'max' }), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(chunks, fc.array(fc.nat(80_000)), (texts, cuts) => {
        const text = texts.join('')
        const pieces: string[] = []
        let rest = ''
        let from = 0
        for (const to of [...cuts.sort((one, other) => one - other), text.length]) {
          const isEnd = to >= text.length
          const cut = cutPieces(rest + text.slice(from, Math.max(from, to)), isEnd)
          pieces.push(...cut.pieces)
          rest = cut.rest
          from = Math.max(from, to)
        }
        expect(pieces.join('')).toBe(text)
        expect(rest).toBe('')
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(longestPiece)
          expect(Buffer.from(piece).toString()).toBe(piece)
        }
      }),
    )
  })
})
