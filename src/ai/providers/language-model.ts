import { type Clock, systemClock } from '../../runtime/clock.ts'
import { defined } from '../../task/defined.ts'
import type { LanguageModel } from '../model.ts'
import { limitKeyOf, type ModelConfig } from './config.ts'
import { type Access, connectionTo, loadForCalls, loadLanguageModel } from './sdk.ts'
import { costAt, countTokens } from './tokens.ts'
import { writeAnswer } from './write-answer.ts'

/**
 * A language model of a provider. The SDK loads with the first call. Throws `PROVIDER_NOT_CONFIGURED` where the address or the key that
 * its provider needs is missing or cannot be used.
 */
export function createLanguageModel(
  id: string,
  config: ModelConfig,
  access: Access & { readonly clock?: Clock },
): LanguageModel {
  const connection = connectionTo(id, config, access)
  let loading: ReturnType<typeof loadLanguageModel> | undefined
  const asked = {
    id,
    connection,
    clock: access.clock ?? systemClock,
    load: () => {
      loading ??= loadLanguageModel(connection)
      return loading
    },
  }
  return {
    id,
    limit: limitKeyOf(config),
    contextTokens: config.contextTokens,
    maxOutputTokens: config.maxOutputTokens,
    ...defined({ thinkingTokens: config.thinkingTokens, price: config.price }),
    fallbacks: config.fallbacks,
    countTokens,
    costOf: tokens => costAt(config.price, tokens),
    prepare: () => loadForCalls(asked.load),
    write: (request, options) => writeAnswer(asked, request, options),
  }
}
