import { z } from 'zod'
import type { CapabilityStatus } from '../../ai/catalogue.ts'
import { modelNeeds } from '../../novel/services.ts'
import { version } from '../../runtime/version.ts'
import type { ResolvedTask } from '../../task/definition.ts'
import { jsonSchemaOf } from '../json-values.ts'
import { type AddRoute, type ApiContext, routesOf } from '../route.ts'

/** What a limit allows. */
export const limitsSchema = z.object({
  requestsPerMinute: z.number().optional(),
  tokensPerMinute: z.number().optional(),
  concurrency: z.number().optional(),
})

const modelProblemSchema = z.object({
  cause: z
    .string()
    .describe(
      '`KEY_NOT_SET`, `KEY_NOT_STORED`, `KEY_NOT_GIVEN`, `KEY_FOR_OTHER_ADDRESS`, `KEY_MALFORMED`, `KEYS_UNREADABLE`; later versions may add more',
    ),
  key: z
    .string()
    .describe(
      'Where its key is looked for: `env:NAME`, `stored:NAME`, or `kept:ID` of a model that is kept in the store',
    ),
  message: z.string().describe('Why, and what to do about it'),
})

/** A model, without its key and its address. */
const modelSchema = z.object({
  id: z.string(),
  provider: z.string().describe('The provider; `built-in`: part of the product, without a network'),
  model: z.string().describe('Its name at the provider'),
  uses: z.array(z.string()).describe('What it may be used for: `prose`, `summary`, `embedding`'),
  defaultFor: z.array(z.string()).describe('The uses for which it is the default'),
  method: z.enum(['extractive', 'generative']).optional(),
  dimensions: z.int().optional(),
  contextTokens: z.int().optional().describe('Tokens of prompt and answer together'),
  maxOutputTokens: z.int().optional(),
  limit: z.string().optional().describe('Key of its limits'),
  limits: limitsSchema.optional(),
  price: z
    .object({
      input: z.number(),
      cachedInput: z.number().optional().describe('Of cached input; absent: as `input`'),
      output: z.number(),
      currency: z.string(),
    })
    .optional()
    .describe('Per million tokens'),
  fallbacks: z.array(z.object({ model: z.string(), on: z.array(z.string()) })).optional(),
  problem: modelProblemSchema.optional().describe('Why it cannot be used; absent: it can'),
})

const schemaText = z.record(z.string(), z.unknown()).describe('JSON Schema, 2020-12')

const disabledSchema = z.object({
  code: z.string(),
  reason: z.string().describe('Why the feature is disabled, what is done instead, and how to enable it'),
  model: z.string().optional().describe('The model that would be used'),
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
  needs: z.string().optional().describe('The use of a model that it needs, such as `prose`'),
  off: disabledSchema
    .optional()
    .describe('Why a task that names no model would be refused, and what to do. Absent: it can run'),
})

const capabilitiesSchema = z.object({
  version: z.string(),
  composition: z.object({ store: z.string(), distributed: z.boolean() }),
  nodeId: z.string(),
  roles: z
    .array(z.string())
    .describe('What this process does beside serving the API: `worker`, `maintenance`'),
  authentication: z.enum(['none', 'bearer']),
  taskTypes: z.array(taskTypeSchema),
  models: z.array(modelSchema),
  modelSettings: z
    .object({
      available: z.boolean(),
      reason: z.string().optional().describe('Why not'),
    })
    .describe('Whether models may be set up over the API, at `/v1/models`'),
  lanes: z.array(
    z.object({ lane: z.string(), slots: z.int().describe('Of this process; 0 without the role `worker`') }),
  ),
  limits: z.record(z.string(), z.number()).describe('Bytes, milliseconds and counts'),
  off: z.array(disabledSchema.extend({ capability: z.string() })).describe('Disabled features, and why'),
})

/** What the server can do. The task types are described once, when somebody asks: that takes an eighth of the start of a command. */
export const addCapabilities: AddRoute = (app, context) => {
  const { engine, settings, models, authenticator } = context
  let described: { type: ResolvedTask; about: ReturnType<typeof describeType> }[] | undefined
  const describeTypes = () => {
    described ??= engine.types.map(type => ({ type, about: describeType(type) }))
    return described
  }
  routesOf('server').get('/v1/capabilities', {
    summary: 'Read what this server can do',
    sends: { 200: capabilitiesSchema },
    handle: async () => ({
      version,
      composition: { store: engine.store.kind, distributed: engine.store.capabilities.manyProcesses },
      nodeId: engine.settings.nodeId,
      roles: [...engine.settings.roles],
      authentication: authenticator.isClosed ? ('bearer' as const) : ('none' as const),
      taskTypes: describeTypes().map(({ type, about }) => ({ ...about, ...needOf(type, context) })),
      models: models?.models() ?? [],
      modelSettings: settingUp(context),
      lanes: engine.lanes.slots(),
      limits: {
        bodyBytes: settings.bodyLimit,
        bodyDepth: settings.bodyDepth,
        uploadBytes: settings.uploadLimit,
        pageSize: 200,
        streamsPerClient: settings.streamsPerClient,
        keptEvents: settings.keptEvents,
      },
      off: disabledFeatures(context),
    }),
  })(app, context)
}

function settingUp({ modelSettings }: ApiContext) {
  const reason =
    modelSettings === undefined
      ? 'The models of this server are those of its program.'
      : modelSettings.unavailable
  return reason === undefined ? { available: true } : { available: false, reason }
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

/** Returns the use of a model that a task type needs, and why it is disabled where it is. */
function needOf({ type }: ResolvedTask, { models }: ApiContext) {
  const needs = Object.hasOwn(modelNeeds, type) ? modelNeeds[type] : undefined
  if (needs === undefined) return {}
  const status = models?.capabilities().find(({ capability }) => capability === needs)
  return status?.available === false ? { needs, off: presentDisabled(status) } : { needs }
}

function disabledFeatures({ models, novels }: ApiContext) {
  const off = (models?.capabilities() ?? []).flatMap(status =>
    status.available ? [] : [{ capability: status.capability, ...presentDisabled(status) }],
  )
  const noNovels = {
    capability: 'novels',
    code: 'PROVIDER_NOT_CONFIGURED',
    reason: 'This server was started without a library of novels.',
  }
  return [...off, ...(novels === undefined ? [noNovels] : [])]
}

function presentDisabled({ code, reason, model, problem }: Extract<CapabilityStatus, { available: false }>) {
  return { code, reason, ...(problem === undefined ? {} : { model, problem }) }
}
