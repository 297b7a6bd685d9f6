import { defined } from '../../task/defined.ts'
import { requestedWaitMs } from '../../task/retry-after.ts'
import { ModelError, type ModelErrorCode } from '../model-error.ts'
import { type Facts, factsOf } from './facts.ts'
import { type MessageFacts, messageFor } from './messages.ts'

/** Which call failed. */
export interface FailedCall {
  /** Id of the model, as it is configured. */
  readonly model: string
  /** Whether a part of the answer had arrived. */
  readonly answered: boolean
  /** Epoch milliseconds, for a date in Retry-After. */
  readonly now: number
}

/**
 * Classes what went wrong with a call. The answer holds the model's id, the status, the provider's code if it is a known one, and the
 * wait that it asks for. Nothing else of the error is kept, neither as a cause: the objects of the SDK hold the prompt, and a provider's words may echo the key.
 */
export function modelErrorOf(error: unknown, call: FailedCall): ModelError {
  const facts = factsOf(error)
  if (facts.own !== undefined) return facts.own
  const code = codeFor(facts, call)
  const wait = waits.has(code) ? waitOf(facts, call.now) : undefined
  const numbers = code === 'MODEL_CONTEXT_EXCEEDED' ? contextNumbers(facts.said) : undefined
  const { status } = facts
  const known = defined({ status, providerCode: shownCode(facts), retryAfterMs: wait })
  const shown: MessageFacts = { model: call.model, ...known, ...numbers }
  const message = messageFor(code, shown)
  return new ModelError(code, message, { details: { ...shown }, ...defined({ retryAfterMs: wait }) })
}

/** A provider that asks for a longer wait is asked again after this one, milliseconds. */
const longestWait = 24 * 3_600_000

function waitOf(facts: Facts, now: number): number | undefined {
  const ms = requestedWaitMs(facts, now)
  return ms === undefined ? undefined : Math.ceil(Math.min(Math.max(0, ms), longestWait))
}

/** Codes after which the provider's wait is heeded. */
const waits: ReadonlySet<ModelErrorCode> = new Set(['MODEL_RATE_LIMITED', 'MODEL_UNAVAILABLE'])

/** The words of a list. */
const listed = (words: string) => words.split(' ')

interface Rule {
  readonly code: ModelErrorCode
  /** Any of these words of the provider, */
  readonly words?: readonly string[]
  /** any of these statuses, */
  readonly statuses?: readonly number[]
  /** or these words in its message, where it has no code for it. */
  readonly said?: RegExp
}

/** The first rule that fits counts: what is special stands before what is general. */
const rules: readonly Rule[] = [
  {
    code: 'MODEL_QUOTA_EXHAUSTED',
    words: listed(
      'insufficient_quota insufficient_user_quota insufficient_balance insufficient_credits exceeded_current_quota_error billing_hard_limit_reached billing_not_active billing_error arrearage',
    ),
    statuses: [402],
    said: /credit balance is too low|insufficient (?:balance|credits|quota)/iu,
  },
  {
    code: 'MODEL_CONTEXT_EXCEEDED',
    words: ['context_length_exceeded', 'exceed_context_size_error', 'request_too_large'],
    statuses: [413],
    said: /maximum context length|prompt is too long|exceed context limit|exceeds the (?:maximum number of tokens|available context)/iu,
  },
  {
    code: 'MODEL_ANSWER_FILTERED',
    words: listed(
      'content_filter content_policy_violation responsibleaipolicyviolation data_inspection_failed',
    ),
  },
  { code: 'MODEL_UNKNOWN', words: ['model_not_found', 'not_found_error', 'not_found'], statuses: [404] },
  {
    code: 'MODEL_KEY_REJECTED',
    words: listed(
      'invalid_api_key api_key_invalid incorrect_api_key authentication_error unauthenticated permission_error permission_denied',
    ),
    statuses: [401, 403],
  },
  {
    code: 'MODEL_RATE_LIMITED',
    words: listed('rate_limit_exceeded rate_limit_error rate_limited resource_exhausted too_many_requests'),
    statuses: [429],
  },
  {
    code: 'MODEL_UNAVAILABLE',
    words: listed('overloaded_error server_error internal_server_error api_error timeout_error unavailable'),
    statuses: [408, 409, 425, 499],
  },
]

/** Of an error within a stream, which has no status: the request was wrong. */
const requestWords = ['invalid_request_error', 'invalid_argument', 'failed_precondition']

/** Network codes of a connection that was there and broke. */
const cut: ReadonlySet<string> = new Set(
  listed(
    'UND_ERR_SOCKET UND_ERR_ABORTED UND_ERR_RES_CONTENT_LENGTH_MISMATCH ECONNRESET EPIPE HPE_INVALID_EOF_STATE',
  ),
)

/** Errors of the SDK about an answer that it cannot read. */
const unreadable: ReadonlySet<string> = new Set(
  listed('AI_JSONParseError AI_TypeValidationError AI_InvalidResponseDataError'),
)

/** Errors of the SDK about a question that it cannot ask. */
const unaskable: ReadonlySet<string> = new Set(
  listed(
    'AI_InvalidPromptError AI_InvalidArgumentError AI_UnsupportedFunctionalityError AI_NoSuchModelError AI_LoadSettingError',
  ),
)

function codeFor(facts: Facts, call: FailedCall): ModelErrorCode {
  const { status, names, network } = facts
  const failed = status !== undefined && status >= 400
  const rule = rules.find(one => fits(one, facts))
  if (rule !== undefined) return rule.code
  if (failed) return status >= 500 ? 'MODEL_UNAVAILABLE' : 'MODEL_REQUEST_REFUSED'
  if (requestWords.some(word => facts.words.has(word))) return 'MODEL_REQUEST_REFUSED'
  if (names.some(name => unreadable.has(name))) return 'MODEL_ANSWER_MALFORMED'
  if (names.includes('AI_EmptyResponseBodyError')) return 'MODEL_ANSWER_EMPTY'
  if (names.some(name => unaskable.has(name))) return 'MODEL_REQUEST_REFUSED'
  if (network === undefined)
    return call.answered || status !== undefined ? 'MODEL_ANSWER_CUT' : 'MODEL_UNAVAILABLE'
  if (network.startsWith('HPE_')) return 'MODEL_ANSWER_MALFORMED'
  return cut.has(network) ? 'MODEL_ANSWER_CUT' : 'MODEL_UNAVAILABLE'
}

function fits({ words = [], statuses = [], said }: Rule, facts: Facts): boolean {
  return (
    words.some(word => facts.words.has(word)) ||
    (facts.status !== undefined && statuses.includes(facts.status)) ||
    (said?.test(facts.said) ?? false)
  )
}

const numberPatterns: readonly RegExp[] = [
  /maximum context length is (?<limit>\d{2,9})(?:.{0,80}?(?:resulted in|requested|has) (?:about )?(?<asked>\d{2,9}))?/u,
  /(?:too long|context limit): (?<asked>\d{2,9}(?: \+ \d{2,9})?)(?: tokens)? > (?<limit>\d{2,9})/u,
  /count \((?<asked>\d{2,9})\) exceeds .{0,60}?\((?<limit>\d{2,9})\)/u,
  /\((?<asked>\d{2,9}) tokens\) exceeds .{0,60}?\((?<limit>\d{2,9})/u,
]

/** How many tokens were asked for and how many are allowed, where the provider says so. */
function contextNumbers(said: string): { asked?: number; limit?: number } {
  const { asked, limit } = numberPatterns.map(pattern => pattern.exec(said)?.groups).find(Boolean) ?? {}
  const sum = asked?.split(' + ').reduce((total, part) => total + Number(part), 0)
  return defined({ asked: sum, limit: limit === undefined ? undefined : Number(limit) })
}

/** The codes that are shown: those that a rule knows. Any other is the provider's free choice, and may repeat a text or the key. */
const knownWords: ReadonlySet<string> = new Set([
  ...rules.flatMap(({ words = [] }) => words),
  ...requestWords,
])

/** The code that is shown: the provider's, else the network's, where it is a known one. */
function shownCode({ words, network }: Facts): string | undefined {
  const isKnown = network !== undefined && networkCodes.has(network)
  return [...words].find(word => knownWords.has(word)) ?? (isKnown ? network : undefined)
}

/** Failures without a status, of requests that never reached a model. */
const unreached: ReadonlySet<ModelErrorCode> = new Set([
  'MODEL_UNAVAILABLE',
  'MODEL_REQUEST_REFUSED',
  'MODEL_ADDRESS_FORBIDDEN',
])

/** Whether a provider would charge nothing: it refused, or was not reached. */
export function isFree(failure: unknown): boolean {
  if (!(failure instanceof ModelError)) return false
  const status = failure.details?.['status']
  return unreached.has(failure.code) || (typeof status === 'number' && status >= 400)
}

/** Codes of a connection that failed, by the system, the HTTP client, TLS and the HTTP parser: those that help to set a model up. */
const networkCodes: ReadonlySet<string> = new Set(
  listed(
    'ECONNREFUSED ECONNRESET ECONNABORTED ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN EADDRNOTAVAIL EACCES EPIPE EPROTO UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT UND_ERR_HEADERS_OVERFLOW UND_ERR_SOCKET UND_ERR_ABORTED UND_ERR_RES_CONTENT_LENGTH_MISMATCH CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_UNTRUSTED DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE ERR_TLS_CERT_ALTNAME_INVALID ERR_SSL_WRONG_VERSION_NUMBER HPE_INVALID_CONSTANT HPE_INVALID_HEADER_TOKEN HPE_INVALID_EOF_STATE HPE_HEADER_OVERFLOW',
  ),
)
