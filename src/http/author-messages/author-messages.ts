import type { FastifyInstance } from 'fastify'
import { type AuthorMessages, english } from './en.ts'
import { chinese } from './zh.ts'

/** The languages of the messages for authors, by BCP 47 tag. The first is the default. */
const languages = { en: english, zh: chinese } as const satisfies Record<string, AuthorMessages>

/** A language of the messages for authors. */
export type AuthorLanguage = keyof typeof languages

/** Returns the message of an error for an author; undefined for codes that concern only the operator. */
export function authorMessage(code: string, language: AuthorLanguage): string | undefined {
  const messages: Readonly<Record<string, string>> = languages[language]
  return Object.hasOwn(messages, code) ? messages[code] : undefined
}

/** Returns the one of these languages that an Accept-Language header prefers (RFC 9110 section 12.5.4); English where it names none. */
export function languageOf(header: string | undefined): AuthorLanguage {
  let best: { language: AuthorLanguage; quality: number } = { language: 'en', quality: 0 }
  for (const range of (header ?? '').slice(0, 1_000).split(',')) {
    const match = /^\s*([a-z]{1,8})(?:-[\da-z-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i.exec(range)
    const language = match?.[1]?.toLowerCase() ?? ''
    const quality = Number(match?.[2] ?? 1)
    if (isKnown(language) && quality > best.quality) best = { language, quality }
  }
  return best.language
}

function isKnown(language: string): language is AuthorLanguage {
  return Object.hasOwn(languages, language)
}

/**
 * Adds `authorMessage` to problems and to the errors of tasks and of their results, in the language that the request prefers. It is done before responses are
 * sent, so no route has to do it.
 */
export function addAuthorMessages(app: FastifyInstance): void {
  app.addHook('preSerialization', async (request, reply, payload) => {
    const language = languageOf(request.headers['accept-language'])
    let isAdded = false
    for (const error of errorsIn(payload)) {
      const message = authorMessage(error.code, language)
      if (message === undefined) continue
      Object.assign(error, { authorMessage: message })
      isAdded = true
    }
    if (isAdded) reply.header('vary', [reply.getHeader('vary') ?? [], 'accept-language'].flat().join(', '))
    return payload
  })
}

/** Yields the errors of a response: a problem, that of the preview of a scene, or those of a task or of a page of tasks. */
function* errorsIn(payload: unknown): Generator<{ code: string }> {
  if (!isObject(payload)) return
  if (isCoded(payload) && typeof payload['type'] === 'string') yield payload
  const { items, task, problem } = payload
  if (isCoded(problem)) yield problem
  for (const each of Array.isArray(items) ? items : [payload, task]) yield* errorsOfTask(each)
}

function* errorsOfTask(task: unknown): Generator<{ code: string }> {
  if (!isObject(task)) return
  const { errorInfo, deadLetter, result } = task
  const error = isObject(deadLetter) ? deadLetter['error'] : undefined
  // A task that completed may have done without some texts.
  const failed = isObject(result) && Array.isArray(result['failed']) ? result['failed'] : []
  for (const each of [errorInfo, error, ...failed]) if (isCoded(each)) yield each
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isCoded(value: unknown): value is Record<string, unknown> & { code: string } {
  return isObject(value) && typeof value['code'] === 'string'
}
