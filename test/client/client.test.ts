import { ApiError, createClient, type OutputEvent, type TaskEvent } from 'quillwork/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, serve } from '../http/api.ts'
import { type BrokenWay, brokenWay } from './cut.ts'

const token = 'a-token-of-the-tests-that-is-long-enough'

let api: Api
let way: BrokenWay
beforeAll(async () => {
  api = await serve({ token })
  way = await brokenWay(api.url)
})
afterAll(async () => {
  await way[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

const client = () => createClient({ url: way.url, token })

/** The orders of a scripted task. */
const orders = (...orders: object[]) => ({ taskType: 'Scripted', parameters: { orders } })

/** A task that ends when it is told to. */
const held = (...then: object[]) => orders({ do: 'waitFor', name: 'go' }, ...then)

async function release(taskId: string): Promise<void> {
  await api.engine.drain()
  await api.engine.signal(taskId, 'go')
  await api.engine.drain()
  // Text is written out at intervals.
  await api.engine.advance('1s')
}

async function allOf<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of stream) all.push(each)
  return all
}

describe('tasks', () => {
  test('are submitted, waited for, read, listed and cancelled', async () => {
    const { tasks } = client()
    const { id } = await tasks.submit({ ...orders({ do: 'succeed', value: 7 }), tags: ['mine'] })
    expect(await tasks.waitFor(id)).toMatchObject({ id, status: 'COMPLETED', result: 7 })
    expect(await tasks.get(id)).toMatchObject({ id, tags: ['mine'] })
    expect((await tasks.list({ tag: 'mine', status: ['COMPLETED'] })).items).toMatchObject([{ id }])
    const other = await tasks.submit(held())
    expect(await tasks.cancel(other.id)).toMatchObject({ id: other.id })
    expect(await tasks.waitFor(other.id)).toMatchObject({ status: 'CANCELLED' })
  })

  test('a wait lasts until the task has ended, over several requests', async () => {
    const { tasks } = client()
    const { id } = await tasks.submit(held({ do: 'succeed', value: 'late' }))
    way.breakNext(2, 20)
    const waiting = tasks.waitFor(id)
    await release(id)
    expect(await waiting).toMatchObject({ status: 'COMPLETED', result: 'late' })
  })

  test('a wait is over after its timeout, and with the signal of its caller', async () => {
    const { tasks } = client()
    const { id } = await tasks.submit(held())
    await expect(tasks.waitFor(id, { timeout: 30 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' })
    const gone = new AbortController()
    const waiting = tasks.waitFor(id, { signal: gone.signal })
    gone.abort(new Error('the caller left'))
    await expect(waiting).rejects.toThrow('the caller left')
    await release(id)
  })

  test('a submission whose answer is lost is one task', async () => {
    const { total } = { total: (await api.engine.tasks.counts()).COMPLETED }
    let lost = 0
    const own = createClient({
      url: api.url,
      token,
      fetch: async (...request) => {
        const response = await fetch(...request)
        if (lost++ === 0) throw new TypeError('the answer is lost')
        return response
      },
    })
    const { id } = await own.tasks.submit(orders({ do: 'succeed' }))
    await own.tasks.waitFor(id)
    expect((await api.engine.tasks.counts()).COMPLETED).toBe(total + 1)
  })

  test('what is refused is an ApiError with the code of the server', async () => {
    const { tasks } = client()
    const refused = await tasks.get('nothing').catch(error => error as ApiError)
    expect(refused).toBeInstanceOf(ApiError)
    expect(refused).toMatchObject({ status: 404, code: 'TASK_NOT_FOUND', isRetryable: false })
    expect(refused).toMatchObject({ problem: { instance: '/v1/tasks/nothing' } })
    await expect(tasks.waitFor('nothing')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    await expect(allOf(tasks.events('nothing'))).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    await expect(tasks.submit({ taskType: 'Nothing' })).rejects.toMatchObject({ code: 'TASK_TYPE_UNKNOWN' })
    const other = createClient({ url: api.url, token: 'wrong' })
    await expect(other.tasks.list()).rejects.toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
  })

  test('every other operation is typed by the document', async () => {
    const { data } = await client().api.GET('/v1/lanes')
    expect(data?.items).toMatchObject([{ lane: 'default' }, { lane: 'bulk' }])
    const { data: letters } = await client().api.POST('/v1/dead-letters:purge', { body: { filter: {} } })
    expect(letters?.done).toBe(0)
  })
})

describe('events', () => {
  const ofTask = (events: TaskEvent[], id: string) =>
    events.flatMap(each => (each.event !== 'reset' && each.data.taskId === id ? each.event : []))

  test('of a task and those below it, whatever breaks, until all have ended', async () => {
    const { tasks } = client()
    const subTasks = ['a', 'b'].map(key => ({ key, orders: [{ do: 'succeed' }] }))
    const { id } = await tasks.submit({
      taskType: 'ScriptedParent',
      parameters: {
        orders: [
          { do: 'waitFor', name: 'go' },
          { do: 'submit', subTasks },
        ],
      },
    })
    const before = way.broken
    const seen: TaskEvent[] = []
    let hasBegun: () => void = () => undefined
    const begun = new Promise<void>(resolve => {
      hasBegun = resolve
    })
    const reading = (async () => {
      for await (const event of tasks.events(id, { lastEventId: otherProcess })) {
        seen.push(event)
        hasBegun()
      }
    })()
    way.breakNext(4, 1_300)
    await begun
    await release(id)
    await reading
    expect(way.broken).toBeGreaterThan(before)
    expect(ofTask(seen, id).at(-1)).toBe('task.completed')
    const ids = seen.map(each => each.id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(seen[0]?.event).toBe('reset')
    const below = new Set(seen.flatMap(({ event, data }) => (event === 'reset' ? [] : data.taskId)))
    expect(below.size).toBe(3)
  })

  test('of a task that ended before are none, and the stream is over', async () => {
    const { tasks } = client()
    const { id } = await tasks.submit(orders({ do: 'succeed' }))
    await tasks.waitFor(id)
    expect(await allOf(tasks.events(id))).toEqual([])
  })

  test('are CloudEvents where that is asked for, to the end of the task', async () => {
    const { tasks } = client()
    const { id } = await tasks.submit(orders({ do: 'waitFor', name: 'go' }))
    const types: string[] = []
    for await (const { event, data } of tasks.events(id, {
      format: 'cloudevents',
      lastEventId: otherProcess,
    })) {
      types.push(data.type.replace('dev.quillwork.', ''))
      if (event === 'reset') await release(id)
      else expect(data.subject).toBe(id)
    }
    expect([types[0], types.at(-1)]).toEqual(['stream.reset.v1', 'task.completed.v1'])
  })

  test('of all tasks that the filters find, until the caller stops', async () => {
    const own = client()
    const gone = new AbortController()
    const seen: string[] = []
    const reading = (async () => {
      for await (const { event, data } of own.events({ taskType: ['Scripted'] }, { signal: gone.signal }))
        if (event !== 'reset') {
          seen.push(event)
          if (data.status === 'COMPLETED') break
        }
    })()
    await expect.poll(openStreams).toBe(1)
    await own.tasks.submit(orders({ do: 'progress', value: 1 }, { do: 'succeed' }))
    await reading
    expect(seen).toEqual(expect.arrayContaining(['task.created', 'task.completed']))
    await expect.poll(openStreams).toBe(0)
    gone.abort()
  })
})

/** An id of another process: the stream begins with a reset, so that its reader knows that it stands. */
const otherProcess = 'another-1'

async function openStreams(): Promise<number> {
  const { text } = await api.ask('/metrics', { headers: { authorization: `Bearer ${token}` } })
  return Number(/^quillwork_sse_connections (\d+)/m.exec(text)?.[1])
}

describe('output', () => {
  test('is whole, whatever breaks', async () => {
    const { tasks } = client()
    const pieces = Array.from({ length: 40 }, (_, at) => `piece ${at}, 渡口; `)
    const { id } = await tasks.submit(held(...pieces.map(text => ({ do: 'write', text })), { do: 'hang' }))
    const before = way.broken
    way.breakNext(6, 900)
    const read: OutputEvent[] = []
    const reading = (async () => {
      for await (const event of tasks.output(id)) read.push(event)
    })()
    await release(id)
    await expect.poll(() => textOf(read)).toBe(pieces.join(''))
    await tasks.cancel(id)
    await api.engine.drain()
    await reading
    expect(way.broken).toBeGreaterThan(before)
    expect(textOf(read)).toBe(pieces.join(''))
    expect(read.at(-1)).toMatchObject({ event: 'end', data: { status: 'CANCELLED' } })
    const last = read.findLast(({ event }) => event === 'text')
    expect(await allOf(tasks.output(id, { after: last?.id ?? '' }))).toMatchObject([{ event: 'end' }])
  })
})

test('a connection that breaks before its first id resumes where the one before did', async () => {
  const asked: (string | null)[] = []
  const first = 'id: 1.1\nevent: text\ndata: {"attempt":1,"sequence":1,"text":"once"}\n\n'
  const answers = [`retry: 3000\n\n${first}`, 'retry: 3000\n\n', 'id: 1.1.end\nevent: end\ndata: {}\n\n']
  const { tasks } = createClient({
    url: api.url,
    fetch: async (_address, { headers } = {}) => {
      asked.push(new Headers(headers).get('last-event-id'))
      return new Response(answers[asked.length - 1])
    },
  })
  expect((await allOf(tasks.output('any'))).map(({ event }) => event)).toEqual(['text', 'end'])
  expect(asked).toEqual([null, '1.1', '1.1'])
})

/** The text, of the newest attempt. */
function textOf(read: readonly OutputEvent[]): string {
  return read.reduce(
    (text, { event, data }) =>
      event === 'reset' ? '' : event === 'text' ? text + (data as { text: string }).text : text,
    '',
  )
}
