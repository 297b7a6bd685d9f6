import type { ModelError, ModelErrorCode } from '../model-error.ts'
import type { Accumulator } from './accumulator.ts'
import { plainError } from './messages.ts'

/** Reasons to end, of servers that have words of their own for it, which say that the model was done. */
const done: ReadonlySet<string> = new Set(
  'eos eos_token end_turn stop_sequence complete completed'.split(' '),
)

/**
 * Validates the answer of a stream that ended in order. Returns undefined where it is a whole answer, else the error. An answer of another kind must not
 * pass for a text, whatever of it arrived.
 */
export function validateAnswer(accumulator: Accumulator, model: string): ModelError | undefined {
  const code = codeFor(accumulator)
  return code && plainError(code, model)
}

function codeFor(accumulator: Accumulator): ModelErrorCode | undefined {
  const { finish, refused, withheld } = accumulator
  if (withheld) return 'MODEL_ANSWER_FILTERED'
  if (refused || finish?.raw === 'refusal') return 'MODEL_ANSWER_REFUSED'
  switch (finish?.reason) {
    case 'content-filter':
      return 'MODEL_ANSWER_FILTERED'
    case 'length':
      return 'MODEL_ANSWER_TRUNCATED'
    case 'stop':
      return blankOr(accumulator, undefined)
    case 'other':
      // Where nothing is said, the SDK says this.
      if (finish.raw === undefined) return unfinished(accumulator)
      return blankOr(accumulator, done.has(finish.raw.toLowerCase()) ? undefined : 'MODEL_ANSWER_MALFORMED')
    case 'tool-calls':
      return 'MODEL_ANSWER_MALFORMED'
    default:
      return unfinished(accumulator)
  }
}

/** A stream that ended in order, but not its answer. One without a single message was of another kind. */
function unfinished({ messages }: Accumulator): ModelErrorCode {
  return messages === 0 ? 'MODEL_ANSWER_MALFORMED' : 'MODEL_ANSWER_CUT'
}

function blankOr<C>({ texts }: Accumulator, otherwise: C): C | 'MODEL_ANSWER_EMPTY' {
  return texts.some(text => text.trim() !== '') ? otherwise : 'MODEL_ANSWER_EMPTY'
}
