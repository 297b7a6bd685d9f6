import { z } from 'zod'
import type { KeptModelList, ModelChange, ModelSettings } from '../../ai/model-settings.ts'
import type { AuditFields } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { type ErrorCode, QuillworkError } from '../../task/errors.ts'
import { audited } from '../audit/audit.ts'
import { requiredVersion, tagged } from '../request-headers.ts'
import { type ApiContext, routesOf } from '../route.ts'
import { ifMatch } from '../schemas/fields.ts'
import { keptModels, modelChange, modelParams, modelTest, modelTrial } from '../schemas/model.ts'

/** Throws KEPT_MODELS_UNAVAILABLE where a program made the server, with models of its own. */
function settingsOf({ modelSettings }: ApiContext): ModelSettings {
  if (modelSettings !== undefined) return modelSettings
  throw new QuillworkError('KEPT_MODELS_UNAVAILABLE', 'The models of this server are those of its program.')
}

const changes: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'IF_MATCH_INVALID',
  'IF_MATCH_REQUIRED',
  'KEPT_MODELS_UNAVAILABLE',
  'KEPT_MODELS_CHANGED',
  'STORE_FAILED',
]

const versioned = {
  params: modelParams,
  headers: z.object(ifMatch),
  sends: { 200: keptModels },
}

const { get, put, post, delete: remove } = routesOf('models')

type Reply = { header(name: string, value: string): unknown }
type Headers = { 'if-match'?: string | undefined }

/** Makes a change of the list, and sends the list. */
async function sendChanged(
  context: ApiContext,
  request: { headers: Headers },
  reply: Reply,
  change: (settings: ModelSettings, version: number) => Promise<KeptModelList>,
) {
  const version = requiredVersion(request.headers['if-match'], 'list of models')
  const settings = settingsOf(context)
  const before = listed(await settings.list())
  const list = await change(settings, version)
  audited(request, { before, after: listed(list) })
  return sendList(reply, list)
}

/** Returns what the audit trail shows of the list. */
function listed({ version, items }: KeptModelList): AuditFields {
  return {
    version,
    models: items.slice(0, 50).map(({ id, key }) => (key === undefined ? id : `${id}, with a key`)),
  }
}

function sendList(reply: Reply, list: KeptModelList) {
  return tagged(reply, list) as z.input<typeof keptModels>
}

/** Models that are set up while the server runs. */
export const modelRoutes = [
  get('/v1/models', {
    summary: 'List the models that are kept in the store, in the order of preference',
    needs: 'administer',
    description:
      'Those of the configuration are in `GET /v1/capabilities` alone; they come first, and win over a kept one with the same id. A key is never sent.',
    sends: { 200: keptModels },
    refuses: ['KEPT_MODELS_UNAVAILABLE', 'STORE_FAILED'],
    handle: async (context, _, reply) => sendList(reply, await settingsOf(context).list()),
  }),
  put('/v1/models/:modelId', {
    summary: 'Set up a model, or write one anew',
    needs: 'administer',
    description:
      'If-Match names the version of the list. The model is used at once, in other processes within seconds. A kept key stays while the address does.',
    ...versioned,
    body: modelChange,
    refuses: changes,
    handle: (context, request, reply) =>
      sendChanged(context, request, reply, (settings, version) =>
        settings.save(request.params.modelId, changeOf(request.body), version),
      ),
  }),
  remove('/v1/models/:modelId', {
    summary: 'Remove a kept model with its key',
    needs: 'administer',
    ...versioned,
    refuses: [...changes, 'KEPT_MODEL_NOT_FOUND'],
    handle: (context, request, reply) =>
      sendChanged(context, request, reply, (settings, version) =>
        settings.remove(request.params.modelId, version),
      ),
  }),
  post('/v1/models/:modelId([^:]+)::prefer', {
    summary: 'Use a kept model before the others that are kept',
    needs: 'administer',
    ...versioned,
    refuses: [...changes, 'KEPT_MODEL_NOT_FOUND'],
    handle: (context, request, reply) =>
      sendChanged(context, request, reply, (settings, version) =>
        settings.prefer(request.params.modelId, version),
      ),
  }),
  post('/v1/models/:modelId([^:]+)::test', {
    summary: 'Ask a model for one word',
    needs: 'administer',
    description:
      'As it is used, or with `change` as it would be, which is not kept. It costs what one word costs, and counts against no limit and no budget.',
    params: modelParams,
    body: modelTest,
    sends: { 200: modelTrial },
    refuses: ['REQUEST_INVALID', 'KEPT_MODELS_UNAVAILABLE', 'KEPT_MODEL_NOT_FOUND', 'STORE_FAILED'],
    handle: (context, { params, body, signal }) => {
      const change = body.change === undefined ? undefined : changeOf(body.change)
      return settingsOf(context).test(params.modelId, change, signal)
    },
  }),
]

function changeOf({ fields, key }: z.output<typeof modelChange>): ModelChange {
  return { fields: defined(fields), ...(key === undefined ? {} : { key }) }
}
