import { z } from 'zod'
import type { CapabilityStatus } from '../../ai/catalogue.ts'
import { modelNeeds } from '../../novel/services.ts'
import type { ResolvedTask } from '../../task/definition.ts'
import type { ApiContext, App } from '../context.ts'
import { jsonSchemaOf } from '../json-schema.ts'
import { modelProblemSchema, modelSchema, presentModel } from '../schemas/model.ts'
import { problems } from '../schemas/problem.ts'
import { version } from '../version.ts'

const schemaText = z.record(z.string(), z.unknown()).describe('JSON Schema, 2020-12')

const offSchema = z.object({
  code: z.string(),
  reason: z.string().describe('What is off, what is done instead, and how to change that'),
  model: z.string().optional().describe('The model that would be taken'),
  problem: modelProblemSchema.optional().describe('Why that model cannot be used'),
})

const taskTypeSchema = z.object({
  type: z.string(),
  lane: z.string(),
  attemptTimeoutMs: z.number(),
  deadlineMs: z.number().optional(),
  maxAttempts: z.int(),
  parametersVersion: z.int(),
  parameters: schemaText.optional(),
  progress: schemaText.optional(),
  result: schemaText.optional(),
  needs: z.string().optional().describe('What it needs a model for, such as `prose`'),
  off: offSchema
    .optional()
    .describe('Why a task that names no model would be refused, and what to do; absent: it can run'),
})

const capabilitiesSchema = z.object({
  version: z.string(),
  composition: z.object({ store: z.string(), distributed: z.boolean() }),
  nodeId: z.string(),
  roles: z.array(z.string()).describe('What this process does beside answering: `worker`, `maintenance`'),
  authentication: z.enum(['none', 'bearer']),
  taskTypes: z.array(taskTypeSchema),
  models: z.array(modelSchema),
  lanes: z.array(z.object({ lane: z.string(), slots: z.int() })),
  limits: z.record(z.string(), z.number()).describe('Bytes, milliseconds and counts'),
  off: z.array(offSchema.extend({ capability: z.string() })).describe('What is off, and why'),
})

const getSchema = {
  tags: ['server'],
  summary: 'What this server is made of and can do',
  response: { 200: capabilitiesSchema, ...problems() },
}

/** What this server is made of and can do. */
export function addCapabilityRoutes(app: App, context: ApiContext): void {
  const { engine, settings, models } = context
  const taskTypes = engine.types.map(type => ({ ...describeType(type), ...needOf(type, context) }))
  app.get('/v1/capabilities', { schema: getSchema }, async () => ({
    version,
    composition: { store: engine.store.kind, distributed: engine.store.capabilities.manyProcesses },
    nodeId: engine.settings.nodeId,
    roles: [...engine.settings.roles],
    authentication: settings.token === undefined ? ('none' as const) : ('bearer' as const),
    taskTypes,
    models: (models?.models() ?? []).map(presentModel),
    lanes: [...engine.settings.lanes].map(([lane, { slots }]) => ({ lane, slots })),
    limits: {
      bodyBytes: settings.bodyLimit,
      bodyDepth: settings.bodyDepth,
      uploadBytes: settings.uploadLimit,
      pageSize: 200,
      streamsPerClient: settings.streamsPerClient,
      keptEvents: settings.keptEvents,
    },
    off: whatIsOff(context),
  }))
}

function describeType(task: ResolvedTask) {
  const { type, lane, attemptTimeoutMs, deadlineMs, policy, parametersVersion } = task
  return {
    type,
    lane,
    attemptTimeoutMs,
    deadlineMs,
    maxAttempts: policy.maxAttempts,
    parametersVersion,
    parameters: jsonSchemaOf(task.parameters, 'input'),
    progress: jsonSchemaOf(task.progress, 'output'),
    result: jsonSchemaOf(task.result, 'output'),
  }
}

/** What a task type needs a model for, and why that is not there. */
function needOf({ type }: ResolvedTask, { models }: ApiContext) {
  const needs = Object.hasOwn(modelNeeds, type) ? modelNeeds[type] : undefined
  if (needs === undefined) return {}
  const status = models?.capabilities().find(({ capability }) => capability === needs)
  return status?.available === false ? { needs, off: presentOff(status) } : { needs }
}

function whatIsOff({ models, novels }: ApiContext) {
  const off = (models?.capabilities() ?? []).flatMap(status =>
    status.available ? [] : [{ capability: status.capability, ...presentOff(status) }],
  )
  const noNovels = {
    capability: 'novels',
    code: 'PROVIDER_NOT_CONFIGURED',
    reason: 'This server was started without a library of novels.',
  }
  return [...off, ...(novels === undefined ? [noNovels] : [])]
}

function presentOff({ code, reason, model, problem }: Extract<CapabilityStatus, { available: false }>) {
  return { code, reason, ...(problem === undefined ? {} : { model, problem: { ...problem } }) }
}
