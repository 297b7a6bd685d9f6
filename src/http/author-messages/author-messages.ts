import type { FastifyInstance } from 'fastify'
import { type AuthorMessages, english } from './en.ts'
import { chinese } from './zh.ts'

/** The languages in which authors are told what went wrong, by BCP 47 tag; the first is the default. */
const languages = { en: english, zh: chinese } as const satisfies Record<string, AuthorMessages>

/** A language that authors are spoken to in. */
export type AuthorLanguage = keyof typeof languages

/** What an author is told of an error; undefined for codes that concern whoever runs the server. */
export function authorMessage(code: string, language: AuthorLanguage): string | undefined {
  const messages: Readonly<Record<string, string>> = languages[language]
  return Object.hasOwn(messages, code) ? messages[code] : undefined
}

/** The language that an Accept-Language header prefers among ours (RFC 9110 section 12.5.4); English where it names none. */
export function languageOf(header: string | undefined): AuthorLanguage {
  let best: { language: AuthorLanguage; quality: number } = { language: 'en', quality: 0 }
  for (const range of (header ?? '').slice(0, 1_000).split(',')) {
    const match = /^\s*([a-z]{1,8})(?:-[\da-z-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i.exec(range)
    const language = match?.[1]?.toLowerCase() ?? ''
    const quality = Number(match?.[2] ?? 1)
    if (isOurs(language) && quality > best.quality) best = { language, quality }
  }
  return best.language
}

function isOurs(language: string): language is AuthorLanguage {
  return Object.hasOwn(languages, language)
}

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
