import type { FastifyInstance } from 'fastify'
import { authorMessage, languageOf } from './author-message.ts'

/**
 * Adds `authorMessage` to the errors of tasks and to refusals, in the language that the request prefers. It is done on the way out, so
 * that no route has to think of it.
 */
export function addAuthorMessages(app: FastifyInstance): void {
  app.addHook('preSerialization', async (request, reply, payload) => {
    const language = languageOf(request.headers['accept-language'])
    let isSaid = false
    for (const error of errorsIn(payload)) {
      const message = authorMessage(error.code, language)
      if (message === undefined) continue
      Object.assign(error, { authorMessage: message })
      isSaid = true
    }
    if (isSaid) reply.header('vary', 'accept-language')
    return payload
  })
}

interface Told {
  code: string
}

/** The errors of an answer: a problem, or those of a task or of a page of tasks. */
function* errorsIn(payload: unknown): Generator<Told> {
  if (!isObject(payload)) return
  if (isTold(payload) && typeof payload['type'] === 'string') yield payload
  const { items, task } = payload
  for (const each of Array.isArray(items) ? items : [payload, task]) yield* errorsOfTask(each)
}

function* errorsOfTask(task: unknown): Generator<Told> {
  if (!isObject(task)) return
  const { errorInfo, deadLetter } = task
  const error = isObject(deadLetter) ? deadLetter['error'] : undefined
  for (const each of [errorInfo, error]) if (isTold(each)) yield each
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isTold(value: unknown): value is Record<string, unknown> & Told {
  return isObject(value) && typeof value['code'] === 'string'
}
