/**
 * What every store must do, as data: run each case with a context of its own (see `store-case.ts`). A store that passes them all can
 * carry the engine.
 */

import { admissionCases, subTaskCases } from './store-admission-cases.ts'
import { moveCases } from './store-apply-cases.ts'
import { logCases, reportCases } from './store-attempt-cases.ts'
import type { StoreCase } from './store-case.ts'
import { claimCases, extendCases, lapsedCases } from './store-claim-cases.ts'
import { createCases, startedCases } from './store-create-cases.ts'
import { deadLetterCases } from './store-dead-letter-cases.ts'
import { guardCases, traceCases } from './store-guard-cases.ts'
import { parentCases, tellingCases } from './store-outbox-cases.ts'
import { outputCases } from './store-output-cases.ts'
import { childrenCases, countCases, listCases } from './store-query-cases.ts'
import { budgetCases, stateCases } from './store-state-cases.ts'
import { turnCases } from './store-turn-cases.ts'
import { durabilityCases, laneCases, pruneCases, scheduleCases, strayCases } from './store-upkeep-cases.ts'
import { usageCases } from './store-usage-cases.ts'

/** Every case, by port. */
export const storeCases: readonly StoreCase[] = [
  ...[createCases, startedCases, admissionCases, subTaskCases],
  ...[claimCases, extendCases, lapsedCases],
  ...[moveCases, guardCases, traceCases],
  ...[reportCases, logCases, usageCases, outputCases],
  ...[turnCases, tellingCases, parentCases],
  ...[listCases, childrenCases, countCases, deadLetterCases],
  ...[laneCases, scheduleCases, strayCases, pruneCases, durabilityCases],
  ...[stateCases, budgetCases],
].flat()

export type { StoreCase, StoreCaseContext } from './store-case.ts'
