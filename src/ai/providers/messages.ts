import { ModelError, type ModelErrorCode } from '../model-error.ts'

/** What a message may say. Nothing of it is a text of the novel or of the provider. */
export interface MessageFacts {
  /** Id of the model, as it is configured. */
  readonly model: string
  /** HTTP status. */
  readonly status?: number
  /** A known one. */
  readonly providerCode?: string
  readonly retryAfterMs?: number
  /** Of a text that is too long: its tokens, and how many are allowed. */
  readonly asked?: number
  readonly limit?: number
}

/** What happened, and what to do. */
const sentences: Readonly<Record<ModelErrorCode, readonly [what: string, toDo: string]>> = {
  MODEL_RATE_LIMITED: [
    'refuses calls of model {model} for a while',
    'The task goes on by itself; if it happens often, lower the limits that are configured for the model.',
  ],
  MODEL_UNAVAILABLE: [
    'of model {model} does not answer or reports an error of its own',
    'It is asked again later; if it goes on, look at its status page and at the base URL.',
  ],
  MODEL_STALLED: [
    'of model {model} said nothing for too long',
    'It is asked again; if it goes on, raise the timeouts of the model.',
  ],
  MODEL_ANSWER_CUT: ['of model {model} ended the connection before its answer did', 'It is asked again.'],
  MODEL_ANSWER_EMPTY: [
    'of model {model} answered with nothing',
    'It is asked again; if it goes on, change the text or the instructions, or take another model.',
  ],
  MODEL_ANSWER_MALFORMED: [
    'of model {model} gave an answer that cannot be read',
    'It is asked again; if it goes on, see whether the base URL leads to the API of the configured provider.',
  ],
  MODEL_ANSWER_FILTERED: [
    'withheld the answer of model {model} because of its content rules',
    'Change the text or the instructions, or take another model.',
  ],
  MODEL_ANSWER_REFUSED: [
    'passed on that model {model} declined to write this',
    'Change the text or the instructions, or take another model.',
  ],
  MODEL_ANSWER_TRUNCATED: [
    'ended the answer of model {model} at its greatest length',
    'Ask for a shorter text, or raise maxOutputTokens of the model; of one that thinks before it writes, thinkingTokens.',
  ],
  MODEL_CONTEXT_EXCEEDED: [
    'says that the text is too long for model {model}',
    'Take less context or a shorter text, or a model with a longer context.',
  ],
  MODEL_QUOTA_EXHAUSTED: [
    'says that the account of model {model} has no credit or quota left',
    'Add credit to the account, then retry the task; or take another model.',
  ],
  MODEL_KEY_REJECTED: [
    'does not accept the key of model {model}',
    'Set a valid `key` for the model (where none is set, none is sent), of an account that may use it; then retry the task.',
  ],
  MODEL_UNKNOWN: [
    'does not know what is configured as model {model}, or the account may not use it',
    'Correct its name or its base URL.',
  ],
  MODEL_REQUEST_REFUSED: [
    'does not accept the request to model {model}',
    'See whether maxOutputTokens, temperature, provider and base URL fit the model.',
  ],
  MODEL_ADDRESS_FORBIDDEN: [
    'of model {model} has an address in a network that models may not be called in',
    'Correct the base URL: http:// is for private addresses alone, https:// for all others. If it is a server of your own, set privateNetwork for this model.',
  ],
}

/** A message of ours for a code. */
export function messageFor(code: ModelErrorCode, facts: MessageFacts): string {
  const [what, toDo] = sentences[code]
  const happened = `The provider ${what.replace('{model}', () => `"${facts.model}"`)}${known(facts)}.`
  return `${happened}${numbers(facts)}${wait(facts)} ${toDo}`
}

/** The error of a code that holds nothing but the model, with what else is to be said of it. */
export function plainError(
  code: ModelErrorCode,
  model: string,
  more = '',
  details: Record<string, unknown> = {},
): ModelError {
  return new ModelError(code, messageFor(code, { model }) + more, { details: { model, ...details } })
}

function known({ status, providerCode }: MessageFacts): string {
  const parts = [status && `HTTP ${status}`, providerCode].filter(part => part !== undefined)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

function numbers({ asked, limit }: MessageFacts): string {
  if (limit === undefined) return ''
  return asked === undefined
    ? ` It takes at most ${limit} tokens.`
    : ` It takes at most ${limit} tokens and was given ${asked}.`
}

function wait({ retryAfterMs }: MessageFacts): string {
  return retryAfterMs === undefined ? '' : ` It asks to wait ${Math.ceil(retryAfterMs / 1_000)} s.`
}
