import { ModelError } from '../model-error.ts'

/** What an error of the SDK, of HTTP or of a provider says, as far as it is needed to class it. It is read, never kept. */
export interface Facts {
  /** An error of ours somewhere below: it knows best. */
  readonly own: ModelError | undefined
  /** HTTP status, where an answer came. */
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Codes, types and reasons that the provider gave: lower case, parts joined by underscores. */
  readonly words: ReadonlySet<string>
  /** The words of the provider. They may echo a key or a text: for tests only, never for a message. */
  readonly said: string
  /** How long to wait, as Google says it: `7s`. */
  readonly retryDelay: string | undefined
  /** Code of the network's or the system's error, such as `ECONNREFUSED`. */
  readonly network: string | undefined
  /** Names of the error and its causes, outermost first. */
  readonly names: readonly string[]
}

const deepestCause = 8
const longestBody = 100_000
const longestSaid = 2_000

/** Reads an error and its causes. Never throws. */
export function factsOf(error: unknown): Facts {
  const chain = chainOf(error)
  const records = chain.filter(isRecord)
  const given = records.flatMap(answersIn).flatMap(errorsIn)
  const said = given.map(entry => entry['message']).filter(message => typeof message === 'string')
  const delays = given.flatMap(detailsIn).map(entry => entry['retryDelay'])
  return {
    own: chain.find(link => link instanceof ModelError),
    status: [...records.map(link => link['statusCode']), ...given.map(entry => entry['code'])].find(isStatus),
    headers: records.map(link => link['responseHeaders']).find(isHeaders) ?? {},
    words: new Set(given.flatMap(wordsIn)),
    said: said.join(' ').slice(0, longestSaid),
    retryDelay: delays.find(delay => typeof delay === 'string'),
    network: records.map(link => link['code']).find(isSystemCode),
    names: chain.map(link => (link instanceof Error ? link.name : '')),
  }
}

function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let at = error; at !== undefined && at !== null && chain.length < deepestCause; ) {
    if (chain.includes(at)) break
    chain.push(at)
    at = isRecord(at) ? at['cause'] : undefined
  }
  return chain
}

/** What the provider answered: the body of a refusal, or the error within a stream itself. */
function answersIn(link: Record<string, unknown>): unknown[] {
  if (!(link instanceof Error)) return [link]
  const body = link['responseBody']
  const parsed = typeof body === 'string' && body.length <= longestBody ? parse(body) : undefined
  return [parsed ?? link['data']]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The objects that name the error: `{error: {...}}`, the same in a list, or the object itself. */
function errorsIn(answer: unknown): Record<string, unknown>[] {
  if (Array.isArray(answer)) return answer.slice(0, 1).flatMap(errorsIn)
  if (!isRecord(answer)) return []
  const inner = answer['error']
  if (typeof inner === 'string') return [{ ...answer, message: inner }]
  return isRecord(inner) ? [inner, answer] : [answer]
}

function wordsIn(entry: Record<string, unknown>): string[] {
  const reasons = detailsIn(entry).map(detail => detail['reason'])
  return [entry['code'], entry['type'], entry['status'], ...reasons]
    .filter(word => typeof word === 'string')
    .filter(word => /^[\w.-]{1,60}$/u.test(word))
    .map(word => word.toLowerCase().replace(/[.-]/gu, '_'))
}

function detailsIn(entry: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(entry['details']) ? entry['details'].filter(isRecord) : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isStatus(value: unknown): value is number {
  return typeof value === 'number' && value >= 100 && value < 600
}

function isSystemCode(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/u.test(value) && !value.startsWith('MODEL_')
}

function isHeaders(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every(header => typeof header === 'string')
}
