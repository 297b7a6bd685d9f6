/** Requests that wait for the end of a task: `Prefer: wait=20` (RFC 7240, section 4.3). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { QuillworkError } from '../task/errors.ts'
import { hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { isA } from '../task/thrown.ts'
import type { ApiContext } from './route.ts'
import type { OpenStream, StreamEnd } from './streams/places.ts'

/** Longest wait, seconds. Proxies close connections that are silent for longer. */
const longestWait = 60

/** The header of requests that may wait. */
export const preferHeader = {
  prefer: z
    .string()
    .max(500)
    .optional()
    .describe(
      `\`wait=20\`: answer when the task has ended, or after that many seconds, at most ${longestWait}`,
    ),
}

/** Returns the seconds that a Prefer header asks to wait, at most 60; undefined for none. Other preferences are ignored. */
function preferredWait(header: string | undefined): number | undefined {
  for (const preference of (header ?? '').split(',')) {
    const seconds = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?$/i.exec(preference)?.[1]
    if (seconds !== undefined) return Math.min(longestWait, Number(seconds))
  }
  return undefined
}

/**
 * Waits for the end of a task where the request prefers that. Returns its record: as it is then, or after the time. A request that waits takes the
 * place of a stream; where none is free it is answered at once, without Preference-Applied. Throws UNAUTHENTICATED where the credential was revoked meanwhile.
 */
export async function waitForEnd(
  context: ApiContext,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  record: TaskRecord,
): Promise<TaskRecord> {
  const seconds = preferredWait(request.headers['prefer'] as string | undefined)
  if (seconds === undefined) return record
  if (!hasEnded(record.status)) {
    if (!hasPlace(context.hub, request)) return record
    await ended(context, request, { taskId: record.id, seconds })
  }
  reply.header('preference-applied', `wait=${seconds}`)
  return hasEnded(record.status) ? record : context.engine.tasks.get(record.id)
}

function hasPlace({ places }: ApiContext['hub'], { ip }: FastifyRequest): boolean {
  try {
    places.admit(ip)
    return true
  } catch (error) {
    if (isA(error, QuillworkError)) return false
    throw error
  }
}

/** Resolves when the task has ended, the time is over, the client is gone, or the server stops. */
async function ended(
  { engine, hub, authenticator }: Pick<ApiContext, 'engine' | 'hub' | 'authenticator'>,
  request: FastifyRequest,
  { taskId, seconds }: { taskId: string; seconds: number },
): Promise<void> {
  const { ip, signal, identity } = request
  const over = new AbortController()
  let isRefused = false
  const end = (why: StreamEnd) => {
    isRefused = why === 'refused'
    over.abort()
  }
  const place: OpenStream = { beat: () => undefined, end }
  const mayStay = async () => identity === null || authenticator.isStill(request, identity)
  const timer = setTimeout(() => over.abort(), seconds * 1_000)
  hub.places.take({ client: ip, mayStay }, place)
  try {
    await engine.tasks.ended(taskId, { signal: AbortSignal.any([over.signal, signal]) })
  } catch (error) {
    if (!over.signal.aborted && !signal.aborted) throw error
  } finally {
    clearTimeout(timer)
    hub.places.leave(place, 'done')
  }
  if (isRefused)
    throw new QuillworkError('UNAUTHENTICATED', 'The credential was revoked while the request waited.')
}
