import { z } from 'zod'
import { QuillworkError } from '../../task/errors.ts'
import type { ApiContext, App } from '../context.ts'
import { readinessOf, readinessSchema } from '../readiness.ts'
import { problems } from '../schemas/problem.ts'

const tags = ['server']
const open = { config: { open: true } }

/** Health, metrics and the description of the API. */
export function addHealthRoutes(app: App, context: ApiContext): void {
  addHealth(app)
  addReadiness(app, context)
  addMetrics(app, context)
  addDescription(app)
  addEventsDescription(app, context)
}

const healthSchema = {
  tags,
  summary: 'Whether the process answers',
  response: { 200: z.object({ status: z.literal('ok') }), ...problems() },
}

function addHealth(app: App): void {
  app.get('/healthz', { schema: healthSchema, ...open }, async () => ({ status: 'ok' as const }))
}

const readySchema = {
  tags,
  summary: 'Whether tasks are taken, and what needs a look: store, broker, sweep, processes',
  response: { 200: readinessSchema, ...problems('STORE_FAILED') },
}

function addReadiness(app: App, { engine }: ApiContext): void {
  app.get('/readyz', { schema: readySchema, ...open }, () => readinessOf(engine))
}

const metricsSchema = {
  tags,
  summary: 'Metrics in the text format of Prometheus',
  response: {
    200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } },
    ...problems(),
  },
}

function addMetrics(app: App, { metrics }: ApiContext): void {
  app.get('/metrics', { schema: metricsSchema }, async (_request, reply) => {
    reply.type(metrics.contentType)
    return metrics.text()
  })
}

const descriptionSchema = {
  tags,
  summary: 'This description of the API',
  response: { 200: z.record(z.string(), z.unknown()), ...problems() },
}

function addDescription(app: App): void {
  let document: Record<string, unknown> | undefined
  app.get('/v1/openapi.json', { schema: descriptionSchema }, async () => {
    document ??= app.swagger() as unknown as Record<string, unknown>
    return document
  })
}

const eventsDescriptionSchema = {
  tags,
  summary: 'What goes through the broker, and what other services may read there, as AsyncAPI',
  response: { 200: z.record(z.string(), z.unknown()), ...problems('ROUTE_NOT_FOUND') },
}

function addEventsDescription(app: App, { asyncApi }: ApiContext): void {
  app.get('/v1/asyncapi.json', { schema: eventsDescriptionSchema }, async () => {
    if (asyncApi !== undefined) return asyncApi as Record<string, unknown>
    throw new QuillworkError('ROUTE_NOT_FOUND', 'The tasks of this server stay within its process.')
  })
}
