import { defineTask } from 'quillwork'
import { createApp, type TaskJson } from 'quillwork/http'
import { type TestEngine, testEngine } from 'quillwork/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readParameters } from '../../src/http/json-values.ts'
import { type Api, askingOf } from './api.ts'

/** A schema of every kind that may hold a date or a bigint. */
const parameters = z.strictObject({
  at: z.date().optional(),
  count: z.bigint().optional(),
  seven: z.literal([7n, 'all']).optional(),
  list: z.array(z.date()).optional(),
  pair: z.tuple([z.bigint(), z.string()], z.date()).optional(),
  byName: z.record(z.string(), z.date()).optional(),
  orNothing: z.date().nullable().optional(),
  since: z.object({ at: z.date().default(new Date(0)) }).optional(),
  caught: z.date().catch(new Date(0)).optional(),
  within: z.object({ deep: z.object({ at: z.date().readonly() }) }).optional(),
  open: z.object({}).catchall(z.bigint()).optional(),
  both: z.intersection(z.object({ from: z.date() }), z.object({ size: z.bigint() })).optional(),
  textOrDate: z.union([z.string().max(4), z.date(), z.object({ at: z.date() })]).optional(),
  kind: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('text'), at: z.string() }),
      z.object({ kind: z.literal('date'), at: z.date() }),
    ])
    .optional(),
  length: z
    .date()
    .transform(at => at.getTime())
    .optional(),
  either: z.preprocess(value => (value === 'now' ? new Date(7) : value), z.date()).optional(),
  coerced: z.coerce.date().optional(),
  checked: z.union([z.date().refine(async at => at.getTime() > 0), z.bigint()]).optional(),
  get tree() {
    return z.array(tree).optional()
  },
})
const tree: z.ZodType<{ at: Date; below: unknown[] }, { at: Date; below: unknown[] }> = z.object({
  at: z.date(),
  get below() {
    return z.array(tree)
  },
})

/** A tree of two kinds: tried one by one, each level would double the work. */
const kinds: z.ZodType = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('a'),
    at: z.date(),
    get below() {
      return z.array(kinds)
    },
  }),
  z.object({
    kind: z.literal('b'),
    at: z.date(),
    get below() {
      return z.array(kinds)
    },
  }),
])

interface Chain {
  next?: Chain | undefined
}
/** A schema without an end: each part makes the next one. */
const chain = (): z.ZodType<Chain, Chain> => z.object({ next: z.lazy(chain).optional() })

const seen: unknown[] = []
let isDown = false
const remember = defineTask({
  type: 'Remember',
  parameters,
  result: z.object({ at: z.date().optional(), count: z.bigint().optional() }),
  retry: { maxAttempts: 1 },
  execute({ parameters: given }) {
    seen.push(given)
    if (isDown) throw new Error('The service is down.')
    return { at: given.at, count: given.count }
  },
})
const plain = defineTask({
  type: 'Plain',
  parameters: z.looseObject({}),
  result: z.null(),
  execute({ parameters: given }) {
    seen.push(given)
    return null
  },
})
const endless = defineTask({
  type: 'Endless',
  parameters: chain(),
  result: z.null(),
  execute({ parameters: given }) {
    seen.push(given)
    return null
  },
})

let engine: TestEngine
let api: Pick<Api, 'app' | 'ask' | 'post'>
beforeAll(async () => {
  engine = await testEngine({ tasks: [remember, plain, endless] })
  api = await askingOf(createApp({ engine }))
})
afterAll(async () => {
  await api.app.close()
  await engine[Symbol.asyncDispose]()
})
beforeEach(() => {
  seen.length = 0
  isDown = false
})

const text = '2026-01-31T12:00:00Z'
const date = new Date(text)

async function submit(given: unknown, taskType = 'Remember') {
  const answer = await api.post<TaskJson>('/v1/tasks', { taskType, parameters: given })
  await engine.drain()
  return answer
}

describe('parameters as JSON', () => {
  test.each<[string, object, object]>([
    ['a date', { at: text }, { at: date }],
    ['a date with an offset', { at: '2026-01-31T14:00:00.000+02:00' }, { at: date }],
    ['a bigint as text', { count: '-12345678901234567890' }, { count: -12345678901234567890n }],
    ['a bigint as an integer', { count: 12 }, { count: 12n }],
    ['a literal bigint', { seven: '7' }, { seven: 7n }],
    ['a literal bigint as an integer', { seven: 7 }, { seven: 7n }],
    ['a literal beside a bigint', { seven: 'all' }, { seven: 'all' }],
    ['an array', { list: [text, text] }, { list: [date, date] }],
    ['a tuple and its rest', { pair: ['7', '8', text] }, { pair: [7n, '8', date] }],
    ['a record', { byName: { Ada: text, at: text } }, { byName: { Ada: date, at: date } }],
    ['null', { orNothing: null }, { orNothing: null }],
    ['a nullable', { orNothing: text }, { orNothing: date }],
    ['a default', { since: { at: text } }, { since: { at: date } }],
    ['a default that is used', { since: {} }, { since: { at: new Date(0) } }],
    ['a value with a fallback', { caught: text }, { caught: date }],
    ['an invalid value with a fallback', { caught: 'never' }, { caught: new Date(0) }],
    ['objects in objects', { within: { deep: { at: text } } }, { within: { deep: { at: date } } }],
    ['other keys', { open: { a: '7' } }, { open: { a: 7n } }],
    ['an intersection', { both: { from: text, size: 3 } }, { both: { from: date, size: 3n } }],
    ['the first option that takes it', { textOrDate: '2026' }, { textOrDate: '2026' }],
    ['the next option', { textOrDate: text }, { textOrDate: date }],
    ['an object of a union', { textOrDate: { at: text } }, { textOrDate: { at: date } }],
    [
      'the option that its key names',
      { kind: { kind: 'date', at: text } },
      { kind: { kind: 'date', at: date } },
    ],
    ['text in another option', { kind: { kind: 'text', at: text } }, { kind: { kind: 'text', at: text } }],
    ['the input of a transform', { length: text }, { length: date.getTime() }],
    ['a preprocessed date', { either: text }, { either: date }],
    ['what only a preprocessor takes', { either: 'now' }, { either: new Date(7) }],
    ['a coerced date', { coerced: 'January 31, 2026 12:00 UTC' }, { coerced: date }],
    ['an option with an asynchronous check', { checked: text }, { checked: date }],
    ['the option after one that an asynchronous check refuses', { checked: '7' }, { checked: 7n }],
    [
      'a schema that holds itself',
      { tree: [{ at: text, below: [{ at: text, below: [] }] }] },
      { tree: [{ at: date, below: [{ at: date, below: [] }] }] },
    ],
  ])('%s', async (_name, given, expected) => {
    expect(await submit(given)).toMatchObject({ status: 202 })
    expect(seen).toEqual([expected])
  })

  test('a schema without dates and bigints gets what was sent', async () => {
    const given = { at: text, list: [text] }
    expect(await submit(given, 'Plain')).toMatchObject({ status: 202 })
    expect(seen).toEqual([given])
  })

  test('a schema that JSON Schema cannot express gets what was sent', async () => {
    const given = { next: { next: {} } }
    expect(await submit(given, 'Endless')).toMatchObject({ status: 202 })
    expect(seen).toEqual([given])
  })

  test.each<[object, string, RegExp]>([
    [{ at: 'tomorrow' }, '/at', /date and time.+2026-01-31T12:00:00Z/],
    [{ at: '2026-02-30T12:00:00Z' }, '/at', /date and time/],
    [{ at: '2026-01-31' }, '/at', /date and time/],
    [{ at: 1_769_860_800_000 }, '/at', /expected date/],
    [{ list: [text, 'later'] }, '/list/1', /date and time/],
    [{ byName: { 'a/b': '' } }, '/byName/a~1b', /date and time/],
    [{ within: { deep: { at: '' } } }, '/within/deep/at', /date and time/],
    [{ both: { from: '', size: 1 } }, '/both/from', /date and time/],
    [{ count: '1e3' }, '/count', /integer as text/],
    [{ count: '' }, '/count', /integer as text/],
    [{ count: 2 ** 53 }, '/count', /integer as text/],
    [{ count: 1.5 }, '/count', /expected bigint/],
    [{ kind: { kind: 'date', at: 'tomorrow' } }, '/kind/at', /date and time/],
    [{ textOrDate: 'tomorrow' }, '/textOrDate', /./],
    [{ checked: '1969-01-01T00:00:00Z' }, '/checked', /./],
    [{ tree: [{ at: text, below: [{ at: 'x', below: [] }] }] }, '/tree/0/below/0/at', /date and time/],
  ])('%j is refused with its place', async (given, pointer, detail) => {
    const answer = await submit(given)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({
      code: 'PARAMETERS_INVALID',
      errors: [{ pointer: `/parameters${pointer}`, detail: expect.stringMatching(detail) }],
    })
    expect(seen).toEqual([])
  })

  test('a deep tree of kinds is read once', async () => {
    let json: object = { kind: 'b', at: text, below: [] }
    for (let depth = 0; depth < 45; depth++) json = { kind: 'b', at: text, below: [json] }
    const types = [{ type: 'Kinds', parameters: kinds }]
    const read = (await readParameters({ types } as never, 'Kinds', json)) as { at: Date; below: object[] }
    expect([read.at, read.below]).toMatchObject([date, [{ at: date }]])
  })

  test('what is published says how they are written', async () => {
    const { body } = await api.ask<{
      taskTypes: { type: string; parameters: Described; result: Described }[]
    }>('/v1/capabilities')
    const type = body.taskTypes.find(each => each.type === 'Remember')
    const integer = '^-?[0-9]+$'
    expect(type?.parameters.properties).toMatchObject({
      at: { type: 'string', format: 'date-time' },
      count: { type: ['string', 'integer'], pattern: integer },
      seven: { enum: ['7', 7, 'all'] },
      byName: { additionalProperties: { type: 'string', format: 'date-time' } },
    })
    expect(type?.result.properties).toMatchObject({
      at: { type: 'string', format: 'date-time' },
      count: { type: 'string', pattern: integer },
    })
  })

  test('what a task shows can be sent again, also with a retry', async () => {
    isDown = true
    const given = { at: date.toISOString(), count: '9007199254740993', list: [date.toISOString()] }
    const { id } = (await submit(given)).body
    const shown = (await api.ask<TaskJson>(`/v1/tasks/${id}`)).body
    expect(shown).toMatchObject({ status: 'DEAD_LETTER', parameters: given })

    const edited = { ...(shown.parameters as object), list: [] }
    for (const path of [`/v1/tasks/${id}:retry`, `/v1/dead-letters/${id}:retry`]) {
      const refused = await api.post(path, { parameters: { ...edited, at: 'soon' } })
      expect(refused).toMatchObject({ status: 400, body: { errors: [{ pointer: '/parameters/at' }] } })
      expect((await api.post(path, { parameters: edited })).status).toBe(202)
      await engine.drain()
      expect(seen.at(-1)).toEqual({ at: date, count: 9007199254740993n, list: [] })
    }
    expect(await api.post('/v1/tasks/no-task:retry', { parameters: {} })).toMatchObject({ status: 404 })
    expect(await api.post('/v1/dead-letters/no-task:retry', { parameters: {} })).toMatchObject({
      body: { code: 'DEAD_LETTER_NOT_FOUND' },
    })
  })

  test('the library takes dates alone', async () => {
    const handle = await engine.submit(remember, { at: date })
    await engine.drain()
    expect((await handle.result()).at).toEqual(date)
    const asText = { at: text } as unknown as { at: Date }
    await expect(engine.submit(remember, asText)).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
  })
})

interface Described {
  properties: Record<string, unknown>
}
