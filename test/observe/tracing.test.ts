import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { defineTask } from 'quillwork'
import { createApp } from 'quillwork/http'
import { openTelemetry, traceModels } from 'quillwork/opentelemetry'
import { scriptedTasks, testEngine } from 'quillwork/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import type { SummaryModel } from '../../src/ai/model.ts'
import { askingOf } from '../http/api.ts'
import { until } from '../servers/until.ts'
import { registerSdk } from './spans.ts'

const beforeSdk = { tracer: openTelemetry(), models: createModelCatalogue({ summary: [extractiveModel()] }) }
const modelsBeforeSdk = traceModels(beforeSdk.models)
const { exported, forget } = registerSdk()
beforeEach(forget)

interface Services {
  models: { summaryModel(id?: string): SummaryModel }
  seen: (string | undefined)[]
}

const summarise = defineTask.withServices<Services>()({
  type: 'Summarise',
  lane: 'batch',
  parameters: z.object({ text: z.string() }),
  result: z.string(),
  async execute(ctx) {
    ctx.services.seen.push(ctx.traceparent)
    ctx.logInfo('summarising')
    return (await ctx.services.models.summaryModel().summarise(ctx.parameters)).summary
  },
})

const book = defineTask.withServices<Services>()({
  type: 'Book',
  parameters: z.object({ texts: z.array(z.string()) }),
  result: z.null(),
  async execute(ctx) {
    ctx.services.seen.push(ctx.traceparent)
    const items = ctx.parameters.texts.map((text, index) => ({ key: `${index}`, parameters: { text } }))
    await ctx.submitSubTasks(summarise, items)
    return null
  },
})

async function bookEngine(options: { fails?: boolean } = {}) {
  const model = extractiveModel()
  const seen: (string | undefined)[] = []
  const failing: SummaryModel = {
    ...model,
    summarise: () => Promise.reject(Object.assign(new TypeError('of the text'), { code: 'PROVIDER_AWAY' })),
  }
  const models = traceModels(createModelCatalogue({ summary: [options.fails === true ? failing : model] }))
  const engine = await testEngine({
    tasks: [book, summarise],
    services: { models, seen },
    trace: openTelemetry(),
  })
  return { engine, seen }
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const text = 'The tide takes what it is owed. The miller crossed the bridge. The river was loud below him.'

describe('without an SDK', () => {
  test('there is no tracer, and models are the models themselves', () => {
    expect(beforeSdk.tracer).toBeUndefined()
    expect(modelsBeforeSdk).toBe(beforeSdk.models)
  })
})

describe('one trace', () => {
  test('leads from the request to the model call of a sub-task', async () => {
    const { engine, seen } = await bookEngine()
    await using _ = engine
    const app = createApp({ engine })
    const api = await askingOf(app)
    const header = `00-${traceId}-00f067aa0ba902b7-01`
    const body = { taskType: 'Book', parameters: { texts: [text] } }
    const answer = await api.post<{ id: string; traceId: string }>('/v1/tasks', body, { traceparent: header })
    expect(answer).toMatchObject({ status: 202, body: { traceId } })
    await engine.drain()
    await app.close()
    await until(() => exported.named('POST /v1/tasks').length > 0, 'the span of the request')

    const request = exported.one('POST /v1/tasks')
    expect(request.parentSpanContext).toMatchObject({ traceId, spanId: '00f067aa0ba902b7', isRemote: true })
    expect(exported.tree(request)).toEqual([
      'POST /v1/tasks',
      '  send default',
      '    process default',
      '      task Book',
      '        send batch',
      '          process batch',
      '            task Summarise',
      '              summarize extractive',
      '            settle batch',
      '      settle default',
    ])
    for (const span of exported.all) {
      expect(span.spanContext().traceId).toBe(traceId)
      expect(span.status.code).not.toBe(SpanStatusCode.ERROR)
    }
    const idOf = (name: string) => exported.one(name).spanContext().spanId
    expect(seen).toEqual([
      `00-${traceId}-${idOf('task Book')}-01`,
      `00-${traceId}-${idOf('task Summarise')}-01`,
    ])
    const child = (await engine.tasks.children(answer.body.id, {}, { pageSize: 1 })).items[0]
    expect(child?.traceparent).toBe(`00-${traceId}-${idOf('send batch')}-01`)
    const line = engine.log.lines.find(({ message }) => message === 'summarising')
    expect(line?.fields).toMatchObject({ traceId, spanId: idOf('task Summarise') })
  })

  test('names kinds and attributes by the conventions for messaging', async () => {
    const { scripted } = scriptedTasks()
    const names = { work: 'p.tasks.exchange', laneQueue: (lane: string) => `p.${lane}.queue` }
    const rabbitmq = { host: 'broker.example', port: 5672, names }
    await using engine = await testEngine({ tasks: [scripted], trace: openTelemetry({ rabbitmq }) })
    const { taskId } = await engine.submit(scripted, { orders: [] })
    await engine.drain()
    const sentTo = 'p.tasks.exchange:task.default.Scripted'
    const receivedFrom = `${sentTo}:p.default.queue`
    const common = {
      'messaging.system': 'rabbitmq',
      'messaging.rabbitmq.destination.routing_key': 'task.default.Scripted',
      'messaging.message.conversation_id': taskId,
      'server.address': 'broker.example',
      'server.port': 5672,
    }
    const send = exported.one(`send ${sentTo}`)
    expect(send.kind).toBe(SpanKind.PRODUCER)
    expect(send.attributes).toEqual({
      ...common,
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': sentTo,
    })
    const process = exported.one(`process ${receivedFrom}`)
    expect(process.kind).toBe(SpanKind.CONSUMER)
    expect(process.links.map(link => link.context.spanId)).toEqual([send.spanContext().spanId])
    expect(process.attributes).toMatchObject({
      ...common,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': receivedFrom,
      'messaging.message.id': `${taskId}/0`,
    })
    const settle = exported.one(`settle ${receivedFrom}`)
    expect(settle.kind).toBe(SpanKind.CLIENT)
    expect(settle.attributes).toMatchObject({ ...common, 'messaging.operation.type': 'settle' })
    expect(exported.one('task Scripted').attributes).toMatchObject({
      'task.id': taskId,
      'task.type': 'Scripted',
      'task.attempt': 1,
      'task.outcome': 'completed',
    })
  })

  test('has a span for every attempt, the failed ones marked without the words of the error', async () => {
    const { engine } = await bookEngine({ fails: true })
    await using _ = engine
    await engine.submit(summarise, { text })
    await engine.advance('20s')
    const attempts = exported.named('process batch')
    expect(attempts.length).toBe(2)
    for (const name of ['process batch', 'task Summarise', 'summarize extractive'])
      for (const span of exported.named(name)) {
        expect(span.attributes['error.type']).toBe('PROVIDER_AWAY')
        expect(span.status).toEqual({ code: SpanStatusCode.ERROR })
        expect(span.spanContext().traceId).toBe(exported.one('send batch').spanContext().traceId)
      }
    expect(JSON.stringify(exported.all.map(({ attributes, events }) => [attributes, events]))).not.toContain(
      'of the text',
    )
  })

  test('begins at whoever is active when a task is submitted, and a refused submission is marked', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({
      tasks: [scripted],
      trace: openTelemetry(),
      admission: { waitingPerLane: 1 },
      start: false,
    })
    const caller = trace.getTracer('test').startSpan('caller')
    const submitted = Promise.allSettled(
      [1, 2].map(() =>
        context.with(trace.setSpan(context.active(), caller), () => engine.submit(scripted, { orders: [] })),
      ),
    )
    expect((await submitted).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    caller.end()
    expect(exported.tree(exported.one('caller'))).toEqual(['caller', '  send default', '  send default'])
    expect(exported.named('send default').map(span => span.attributes['error.type'])).toEqual([
      undefined,
      'LANE_QUEUE_FULL',
    ])
  })

  test('of a bulk submission is one step, and those who name another trace stay in it', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted], trace: openTelemetry(), start: false })
    const parameters = { orders: [] }
    const other = `00-${traceId}-00f067aa0ba902b7-01`
    const handles = await engine.submitMany(scripted, [
      { parameters },
      { parameters },
      { parameters, traceparent: other },
    ])
    const send = exported.one('send default')
    expect(send.attributes['messaging.batch.message_count']).toBe(3)
    const contexts = await Promise.all(
      handles.map(async ({ taskId }) => (await engine.tasks.get(taskId)).traceparent),
    )
    const own = `00-${send.spanContext().traceId}-${send.spanContext().spanId}-01`
    expect(contexts).toEqual([own, own, other])
  })
})

describe('requests', () => {
  test('that are replayed find the first task, and errors name the trace of their request', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted], trace: openTelemetry(), start: false })
    const app = createApp({ engine })
    const api = await askingOf(app)
    const body = { taskType: 'Scripted', parameters: { orders: [] } }
    const first = await api.post('/v1/tasks', body, { 'idempotency-key': 'k' })
    const again = await api.post('/v1/tasks', body, { 'idempotency-key': 'k' })
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body['id']).toBe(first.body['id'])
    const missing = await api.ask('/v1/tasks/nothing')
    await api.ask('/healthz')
    await app.close()
    await until(() => exported.named('GET /v1/tasks/:taskId').length > 0, 'the span of the request')
    const span = exported.one('GET /v1/tasks/:taskId')
    expect(span.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/v1/tasks/:taskId',
      'http.response.status_code': 404,
      'url.path': '/v1/tasks/nothing',
    })
    expect(missing.body['traceId']).toBe(span.spanContext().traceId)
    expect(exported.all.map(({ name }) => name)).not.toContain('GET /healthz')
  })

  test('that an instrumentation of Node watches already have no second span', async () => {
    const { scripted } = scriptedTasks()
    await using engine = await testEngine({ tasks: [scripted], trace: openTelemetry(), start: false })
    const app = createApp({ engine })
    const outer = trace.getTracer('test').startSpan('GET')
    const emit = app.server.emit.bind(app.server)
    // As instrumentations of Node do it.
    const emitWithin = (...event: [string]) =>
      context.with(trace.setSpan(context.active(), outer), () => emit(...event))
    Object.assign(app.server, { emit: emitWithin })
    const answer = await (await askingOf(app)).ask('/v1/tasks/nothing')
    outer.end()
    await app.close()
    expect(answer).toMatchObject({ status: 404, body: { traceId: outer.spanContext().traceId } })
    expect(exported.all.map(({ name }) => name)).toEqual(['GET'])
  })
})
