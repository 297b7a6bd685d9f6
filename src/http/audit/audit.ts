/** Writes a line of the audit trail for each request that changes something, or takes all along, before its answer is sent. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Engine } from '../../engine/engine.ts'
import type { Logger } from '../../runtime/log.ts'
import type { AuditFields, AuditRecord, AuditStore } from '../../store/store.ts'
import { withoutControls } from '../../task/controls.ts'
import { defined } from '../../task/defined.ts'
import { fieldOf, textIn } from '../../task/thrown.ts'
import { type Identity, isRole } from '../identity.ts'
import { shownBody, shownQuery } from './shown.ts'

/** What a handler says of its change. */
export interface Audited {
  /** What was acted on, where the address does not name it. */
  target?: string
  /** A few fields as they were, and as they are. */
  before?: AuditFields
  after?: AuditFields
}

/** What is known of a request while it is answered. */
interface Note extends Audited {
  /** Who sent it, where it was refused because their key holds no more. */
  refused?: Pick<Identity, 'id' | 'name' | 'role' | 'userId'>
  code?: string
  made?: string
}

const notes = new WeakMap<FastifyRequest, Note>()

function noteOf(request: object): Note {
  const found = notes.get(request as FastifyRequest)
  if (found !== undefined) return found
  const note: Note = {}
  notes.set(request as FastifyRequest, note)
  return note
}

/** Adds to the line of a request what its handler knows: a few fields before and after. Called again, it adds more. */
export function audited(request: object, said: Audited): void {
  Object.assign(noteOf(request), said)
}

/** Adds the status of a task, as it is now, to the line of a request that is about to change it. */
export async function auditedTask(
  request: object,
  { store }: Pick<Engine, 'store'>,
  taskId: string,
): Promise<void> {
  const [task] = await store.queries.get([taskId])
  if (task !== undefined) audited(request, { before: { status: task.status } })
}

/** Refusals that say what somebody known may not do, or what stood against it. Others are mistakes in a request. */
const recordedRefusals: ReadonlySet<number> = new Set([401, 403, 409, 412])

/** Returns whether a request with that answer has a line. */
function isRecorded(request: FastifyRequest, status: number): boolean {
  const { method, is404 } = request
  const { config } = request.routeOptions
  if (method === 'HEAD' || method === 'OPTIONS' || is404) return false
  // What needs to read alone changes nothing, such as a preview.
  const isReading = method === 'GET' || config.needs === 'read'
  if (isReading && config.audits !== 'all') return false
  if (status < 400) return config.audits !== 'said' || notes.has(request)
  return status >= 500 || recordedRefusals.has(status)
}

/** Has each change written down before its answer is sent. Where that fails the change stays, its answer too, and the log has an error. */
export function addAudit(
  app: FastifyInstance,
  { store, now, log }: { store: AuditStore; now: () => number; log: Logger },
): void {
  app.addHook('onError', async (request, _reply, error) => {
    const key = fieldOf(fieldOf(error, 'details'), 'apiKey')
    const [id, name, role, userId] = ['id', 'name', 'role', 'userId'].map(field => textIn(key, field))
    if (id === undefined || name === undefined || userId === undefined || !isRole(role)) return
    noteOf(request).refused = { id, name, role, userId }
  })
  app.addHook('preSerialization', async (request, reply, payload) => {
    if (isRecorded(request, reply.statusCode)) noteAnswer(request, reply, payload)
    return payload
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (!isRecorded(request, reply.statusCode)) return payload
    const line = lineOf(request, reply, now())
    if (line === undefined) return payload
    try {
      await store.add(line)
    } catch (err) {
      const { action, identity, target, traceId } = line
      log.error({ err, action, identity, target, traceId }, 'line of the audit trail not stored')
    }
    return payload
  })
}

/** Notes the code of a problem, and the id of what was made. */
function noteAnswer(request: FastifyRequest, { statusCode }: FastifyReply, payload: unknown): void {
  const note = noteOf(request)
  if (statusCode >= 400) Object.assign(note, defined({ code: textIn(payload, 'code') }))
  else if (statusCode === 201 || statusCode === 202) {
    const made = textIn(payload, 'taskId') ?? textIn(payload, 'id')
    Object.assign(note, defined({ made }))
  }
}

/** Returns the line of a request; undefined where nobody knows who sent it. */
function lineOf(
  request: FastifyRequest,
  reply: FastifyReply,
  at: number,
): Omit<AuditRecord, 'id'> | undefined {
  const { method, headers, routeOptions, ip } = request
  const { refused, made, target: said, before, after, code } = noteOf(request)
  const who = request.identity ?? refused
  if (who === undefined) return undefined
  const { ids, within, last } = idsOf(request)
  const target = said ?? last ?? made
  return defined({
    ...{ at, action: `${method} ${pathOf(routeOptions.url ?? '')}` },
    ...{ identity: cut(who.id), name: cut(who.name), role: who.role, userId: cut(who.userId) },
    ...{ target, within, ids, ...sentBy(request), before },
    // What was refused changed nothing.
    after: reply.statusCode < 400 ? after : undefined,
    ...{ status: reply.statusCode, code, made: made === target ? undefined : made },
    ...{ from: ip, traceId: request.id },
    userAgent: headers['user-agent'] === undefined ? undefined : cut(headers['user-agent']),
  }) as Omit<AuditRecord, 'id'>
}

/** Returns the ids of an address, with the last one, and the first one where there are several. */
function idsOf({ params }: FastifyRequest) {
  const all = Object.entries((params ?? {}) as Record<string, unknown>)
  const ids = Object.fromEntries(all.map(([name, id]) => [name, cut(String(id))]))
  const [first, ...more] = Object.values(ids)
  if (first === undefined) return {}
  return { ids, last: more.at(-1) ?? first, within: more.length === 0 ? undefined : first }
}

/** Returns what is shown of the query and the body. */
function sentBy({ headers, query, body, routeOptions }: FastifyRequest) {
  const length = Number(headers['content-length'])
  const bytes = Number.isFinite(length) ? length : undefined
  const isStream = routeOptions.config.streams === true
  return { query: shownQuery(query), body: isStream ? undefined : shownBody(body, bytes) }
}

/** As much of a text as a line has room for. */
function cut(text: string): string {
  return withoutControls(text.slice(0, 200))
}

/** Returns the address of a route as the OpenAPI document names it. */
function pathOf(template: string): string {
  return template.replace(/::|:(\w+)(\([^)]*\))?/g, (part, name) => (part === '::' ? ':' : `{${name}}`))
}
