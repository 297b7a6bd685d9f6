import { describe, expect, test } from 'vitest'
import { breaksBetween, factsOf } from '../../scripts/contract.mjs'

interface Shape {
  properties?: Record<string, object | undefined>
  required?: string[]
  [key: string]: unknown
}

/** A document of one operation that takes a body, and sends a task. */
function documentOf({
  takes = {},
  sends = {},
  more = {},
}: {
  takes?: Shape
  sends?: Shape
  more?: object
} = {}) {
  const json = (schema: object) => ({ 'application/json': { schema } })
  return {
    paths: {
      '/v1/tasks': {
        post: {
          operationId: 'submitTask',
          parameters: [{ in: 'header', name: 'prefer', schema: { type: 'string' } }],
          requestBody: { required: true, content: json({ $ref: '#/components/schemas/Submission' }) },
          responses: {
            202: { headers: { Location: {} }, content: json({ $ref: '#/components/schemas/Task' }) },
          },
          ...more,
        },
      },
    },
    components: {
      schemas: {
        Submission: {
          type: 'object',
          properties: { taskType: { type: 'string' }, ...takes.properties },
          required: takes.required ?? ['taskType'],
        },
        Task: {
          type: 'object',
          properties: {
            id: { type: 'string' },
            status: { type: 'string', enum: ['QUEUED', 'RUNNING'] },
            parent: { anyOf: [{ $ref: '#/components/schemas/Task' }, { type: 'null' }] },
            ...sends.properties,
          },
          required: sends.required ?? ['id'],
        },
      },
    },
  }
}

const breaks = (before: object, after: object) => breaksBetween(factsOf(before), factsOf(after))

describe('a change that clients bear', () => {
  test.each([
    ['nothing', documentOf()],
    [
      'a new field of an answer',
      documentOf({ sends: { properties: { lane: { type: 'string' } }, required: ['id', 'lane'] } }),
    ],
    ['a new optional field of a body', documentOf({ takes: { properties: { lane: { type: 'string' } } } })],
    [
      'a new object of a body, whatever it requires within',
      documentOf({
        takes: {
          properties: { budget: { type: 'object', properties: { tokens: {} }, required: ['tokens'] } },
        },
      }),
    ],
    ['a body that requires less', documentOf({ takes: { required: [] } })],
    [
      'another value of an answer',
      documentOf({
        sends: { properties: { status: { enum: ['QUEUED', 'RUNNING', 'LOST'], type: 'string' } } },
      }),
    ],
    [
      'a new operation, whatever it requires',
      {
        ...documentOf(),
        paths: {
          ...documentOf().paths,
          '/v1/new': {
            post: { operationId: 'newOne', requestBody: { required: true, content: {} }, responses: {} },
          },
        },
      },
    ],
  ])('%s', (_name, after) => {
    expect(breaks(documentOf(), after)).toEqual([])
  })
})

describe('a change that breaks them is named', () => {
  test.each([
    [
      'a field of an answer goes',
      { sends: { properties: { id: undefined } } },
      'gone: sends Task.id: string',
    ],
    ['a field may be missing', { sends: { required: [] } }, 'gone: sends Task always has id'],
    ['a type changes', { sends: { properties: { id: { type: 'integer' } } } }, 'gone: sends Task.id: string'],
    [
      'a value is taken no longer',
      { sends: { properties: { status: { type: 'string', enum: ['QUEUED'] } } } },
      'gone: sends Task.status = "RUNNING"',
    ],
    [
      'a field is required',
      { takes: { properties: { lane: { type: 'string' } }, required: ['taskType', 'lane'] } },
      'newly required: takes Submission requires lane',
    ],
    ['a parameter goes', { more: { parameters: [] } }, 'gone: POST /v1/tasks header prefer: string'],
    [
      'a parameter is required',
      {
        more: { parameters: [{ in: 'header', name: 'prefer', required: true, schema: { type: 'string' } }] },
      },
      'newly required: POST /v1/tasks requires header prefer',
    ],
    ['an operation has another name', { more: { operationId: 'send' } }, 'gone: submitTask = POST /v1/tasks'],
    ['a status goes', { more: { responses: { 200: {} } } }, 'gone: POST /v1/tasks sends 202'],
    [
      'a header goes',
      { more: { responses: { 202: { content: {} } } } },
      'gone: POST /v1/tasks sends 202 header Location',
    ],
  ])('%s', (_name, change, broken) => {
    const before = documentOf()
    const after = JSON.parse(JSON.stringify(documentOf(change))) as object
    expect(breaks(before, after)).toContain(broken)
  })

  test('an operation that goes is one line', () => {
    const gone = { ...documentOf(), paths: {} }
    expect(breaks(documentOf(), gone).filter(line => line.includes('POST'))).toEqual([
      'gone: POST /v1/tasks',
      'gone: submitTask = POST /v1/tasks',
    ])
  })
})
