import { expect, it, vi } from 'vitest'
import { until } from '../servers/until.ts'
import { ask } from './ask.ts'
import { compositions } from './compositions.ts'
import { textFor } from './texts.ts'
import { describeOn, type Writing } from './writing.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Submits one task per prompt. */
function askAll(w: Writing, prompts: readonly string[], { model = 'prose', userId = 'ann' } = {}) {
  return w.t.submitMany(
    ask,
    prompts.map(prompt => ({ parameters: { model, prompts: [prompt] }, options: { userId } })),
  )
}

const numbered = (count: number, name = 'Prompt') =>
  Array.from({ length: count }, (_, at) => `${name} ${at}.`)

describeOn(compositions, 'limits of a model', open => {
  it('E1, E10: a batch of 100 under a limit of 20 a minute is only slower, and no wait spends a retry', async () => {
    await using w = await open({ models: { prose: { limits: { requestsPerMinute: 20 } } }, slots: 8 })
    const handles = await askAll(w, numbered(100))
    const calls: number[] = []
    for (let minute = 0; minute < 6; minute++) {
      await w.t.drain()
      calls.push(w.server.ledger.calls.length)
      await w.t.jump('58s')
      await w.t.advance('3s')
    }
    const states = await Promise.all(handles.map(handle => handle.state()))
    expect(states.map(({ status }) => status)).toEqual(states.map(() => 'COMPLETED'))
    expect(calls).toEqual([20, 40, 60, 80, 100, 100])
    expect(w.server.ledger.paidTwice()).toEqual([])
    for (const { taskId } of handles) expect((await w.t.tasks.get(taskId)).retryCount).toBe(0)
  })

  it('E3, E4: a 429 of one account holds all of its calls for as long as it says, and nobody else', async () => {
    await using w = await open({
      models: { prose: { model: 'm', account: 'a' }, other: { model: 'm', account: 'b', key: 'other-key' } },
    })
    w.server.script.add({ answer: { is: 'rate-limited', retryAfter: 90 }, key: 'test-key', times: 1 })
    const [first] = await askAll(w, ['First.'])
    await w.t.drain()
    const held = await askAll(w, numbered(3, 'Held'))
    const free = await askAll(w, numbered(3, 'Free'), { model: 'other', userId: 'bob' })
    await w.t.advance('89s')
    expect(w.server.ledger.of({ key: 'test-key', refused: true })).toHaveLength(1)
    expect((await Promise.all(free.map(handle => handle.state()))).map(({ status }) => status)).toEqual([
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
    ])
    await w.t.advance('10s')
    for (const handle of [first, ...held]) expect((await handle?.state())?.status).toBe('COMPLETED')
    expect((await w.t.tasks.get(first?.taskId ?? '')).retryCount).toBe(0)
  })

  it('E4: Retry-After as a date is heeded as well', async () => {
    await using w = await open()
    const date = new Date(Date.now() + 45_000).toUTCString()
    w.server.script.add({ answer: { is: 'rate-limited', retryAfter: date }, times: 1 })
    const [handle] = await askAll(w, ['First.'])
    await w.t.advance('40s')
    expect(w.server.ledger.calls).toHaveLength(1)
    await w.t.advance('10s')
    expect((await handle?.state())?.status).toBe('COMPLETED')
  })

  it('E6: an account without credit is asked once', async () => {
    await using w = await open()
    w.server.script.add({ answer: { is: 'quota-gone' } })
    const [handle] = await askAll(w, ['First.'])
    await w.t.jump('2h')
    expect(await handle?.state()).toMatchObject({
      status: 'FAILED',
      error: { code: 'MODEL_QUOTA_EXHAUSTED' },
    })
    expect(w.server.ledger.calls).toHaveLength(1)
  })

  it('E6: a model that always fails is called once per attempt, five times in all', async () => {
    await using w = await open()
    w.server.script.add({ answer: { is: 'failed', status: 503 } })
    const [handle] = await askAll(w, ['First.'])
    for (let retry = 0; retry < 6; retry++) await w.t.jump('34m')
    expect(await handle?.state()).toMatchObject({
      status: 'DEAD_LETTER',
      error: { code: 'MODEL_UNAVAILABLE' },
    })
    expect(w.server.ledger.calls).toHaveLength(5)
  })

  it('E8: a call that fails gives its place back, one that is cancelled too', async () => {
    await using w = await open({ models: { prose: { limits: { concurrency: 1 } } } })
    w.server.script.add(
      { answer: { is: 'quota-gone' }, prompt: 'Fails' },
      { answer: { is: 'stalled' }, prompt: 'Hangs' },
    )
    await askAll(w, ['Fails.'])
    await w.t.drain()
    const [hangs] = await askAll(w, ['Hangs.'])
    await until(() => w.server.ledger.calls[1]?.text, 'part of an answer')
    await w.t.tasks.cancel(hangs?.taskId ?? '')
    await until(() => w.server.ledger.calls[1]?.closedByClient, 'end of the connection')
    await w.t.drain()
    const [good] = await askAll(w, ['Good.'])
    await w.t.advance('5s')
    expect(await good?.state()).toMatchObject({ status: 'COMPLETED' })
    expect(w.t.limiter.describe()).toMatchObject([{ inFlight: 0, waiting: 0 }])
  })

  it('E9: what was finished before a failure is not paid again', async () => {
    await using w = await open()
    w.server.script.add({ answer: { is: 'failed' }, prompt: 'second', timesPerPrompt: 2 })
    const prompts = ['The first.', 'The second.', 'The third.']
    const handle = await w.t.submit(ask, { model: 'prose', prompts }, { userId: 'ann' })
    for (let retry = 0; retry < 3; retry++) await w.t.jump('2m')
    const state = await handle.state()
    expect(state.result).toEqual({ texts: prompts.map(prompt => textFor(`user: ${prompt}`)) })
    expect([...w.server.ledger.byPrompt({ refused: true }).values()].map(calls => calls.length)).toEqual([
      1, 3, 1,
    ])
    expect(w.server.ledger.paidTwice()).toEqual([])
  })
})
