/**
 * What every store must do, as data: run each case with a context of its own (see `store-case.ts`). A store that passes them all can
 * carry the engine.
 */

import { guardCases, moveCases } from './store-apply-cases.ts'
import { logCases, outputCases, reportCases, traceCases } from './store-attempt-cases.ts'
import type { StoreCase } from './store-case.ts'
import { claimCases, extendCases, overdueCases } from './store-claim-cases.ts'
import { admissionCases, createCases, startedCases, subTaskCases } from './store-create-cases.ts'
import { orderCases, publishCases } from './store-outbox-cases.ts'
import { childrenCases, countCases, deadLetterCases, listCases } from './store-query-cases.ts'
import {
  durabilityCases,
  laneCases,
  parentCases,
  pruneCases,
  scheduleCases,
  unparsableCases,
} from './store-upkeep-cases.ts'
import { budgetCases, stateCases, usageCases } from './store-usage-cases.ts'

/** Every case, by port. */
export const storeCases: readonly StoreCase[] = [
  createCases,
  startedCases,
  admissionCases,
  subTaskCases,
  claimCases,
  extendCases,
  overdueCases,
  moveCases,
  guardCases,
  traceCases,
  reportCases,
  logCases,
  usageCases,
  outputCases,
  orderCases,
  publishCases,
  parentCases,
  listCases,
  childrenCases,
  countCases,
  deadLetterCases,
  laneCases,
  scheduleCases,
  unparsableCases,
  pruneCases,
  durabilityCases,
  stateCases,
  budgetCases,
].flat()

export type { StoreCase, StoreCaseContext } from './store-case.ts'
