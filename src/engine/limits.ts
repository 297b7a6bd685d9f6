/** The limits of calls, as an operator sees and sets them. */
import {
  type Limit,
  type LimitOverrides,
  type LimitUse,
  limitParts,
  requireLimit,
} from '../rate-limit/limiter.ts'
import { QuillworkError } from '../task/errors.ts'
import type { Core } from './core.ts'
import { rejoinLimits } from './wake.ts'

/** The limits of calls, by key. */
export interface Limits {
  /** What is limited or parked, in any process, and how much of it is in use. Throws while the store is away, where processes share the limits. */
  list(): Promise<readonly LimitUse[]>
  /**
   * Lets the calls under a limit go on at once: forgets that its provider asked to wait and what counts against its minute, and gives the tasks that
   * wait new places, in the order of their submission. Throws LIMIT_UNKNOWN; STORE_FAILED while the shared state of the limit cannot be changed.
   */
  reset(key: string): Promise<LimitUse>
  /**
   * Sets parts of a limit in every process, in place of what it was configured with, within seconds; null: all of it as configured again. Parts that are not
   * given stay as they are. What waits goes on as the new limit allows; what runs is left alone, and counts. Holds over restarts. Throws LIMIT_UNKNOWN;
   * LIMIT_TOO_LOW where a waiting call asks for more tokens than a minute would have; OPTION_INVALID for a part that is not a whole number of at least 1, and
   * where the limiter has no `overrides`.
   */
  set(key: string, limit: Limit | null): Promise<LimitUse>
}

/** Returns the limits of an engine. */
export function limitsOf(core: Core): Limits {
  const { limiter } = core
  const unused = { limit: {}, inFlight: 0, waiting: 0, requests: 0, tokens: 0 }
  const useOf = (key: string) => limiter.describe(key).find(use => use.key === key)
  const unknown = (key: string) => {
    const known = limiter.describe().map(use => use.key)
    const message = `There is no limit ${JSON.stringify(key)}. Limits of this server: ${known.join(', ') || 'none'}.`
    return new QuillworkError('LIMIT_UNKNOWN', message, { details: { limit: key } })
  }
  return {
    async list() {
      // Another process may have set them, and the message may have got lost.
      if (core.store.capabilities.manyProcesses) await core.operatorValues.refresh()
      await limiter.refresh?.()
      return limiter.describe()
    },
    async reset(key) {
      if (!limiter.isKnown(key) && useOf(key) === undefined) throw unknown(key)
      await limiter.reset(key)
      await rejoinLimits(core, key)
      return useOf(key) ?? { key, ...unused }
    },
    async set(key, limit) {
      const overrides = overridesOf(core)
      const configured = overrides.configured(key)
      if (configured === undefined) throw unknown(key)
      const given = limit === null ? undefined : partsGiven(key, limit)
      if (core.store.capabilities.manyProcesses) await core.operatorValues.read()
      const set = given && { ...overrides.setOf(key), ...given }
      await limiter.refresh?.()
      requireEnough(key, { ...configured, ...set }, overrides.mostAsked(key))
      await core.store.operatorValues.setLimit(key, set)
      core.broker.remote?.sendControl({ kind: 'lanes' })
      await core.operatorValues.read()
      await overrides.replan(key)
      await rejoinLimits(core, key)
      return useOf(key) ?? { key, ...unused }
    },
  }
}

/** Returns the parts of a limit that are given. Throws OPTION_INVALID for none, and for one that is no limit. */
function partsGiven(key: string, limit: Limit): Limit {
  const given = limitParts.flatMap(part => (limit[part] === undefined ? [] : [[part, limit[part]] as const]))
  if (given.length === 0) {
    const message = `Give at least one part of the limit ${key} (${limitParts.join(', ')}), or null for all as configured.`
    throw new QuillworkError('OPTION_INVALID', message, { details: { key } })
  }
  const parts: Limit = Object.fromEntries(given)
  requireLimit(key, parts)
  return parts
}

function overridesOf({ limiter }: Core): LimitOverrides {
  if (limiter.overrides !== undefined) return limiter.overrides
  const message =
    'The limiter of this engine is its own, without `overrides`: change the limits where it has them from.'
  throw new QuillworkError('OPTION_INVALID', message)
}

function requireEnough(key: string, { tokensPerMinute = Number.POSITIVE_INFINITY }: Limit, asked: number) {
  if (asked <= tokensPerMinute) return
  const message =
    `A call that waits for ${key} asks for ${asked} tokens: under ${tokensPerMinute} tokens a minute it could never run. ` +
    `Set at least ${asked}, or cancel the task that waits.`
  throw new QuillworkError('LIMIT_TOO_LOW', message, {
    details: { limit: key, tokensPerMinute, leastTokens: asked },
  })
}
