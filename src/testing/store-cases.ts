/**
 * What every store must do, as data: run each case with a context of its own (see `store-case.ts`). A store that passes them all can
 * carry the engine.
 */

import { activityCases } from './store-activity-cases.ts'
import { guardCases, moveCases } from './store-apply-cases.ts'
import { reportCases, traceCases } from './store-attempt-cases.ts'
import { auditCases } from './store-audit-cases.ts'
import type { StoreCase } from './store-case.ts'
import { claimCases, overdueCases } from './store-claim-cases.ts'
import { admissionCases, createCases } from './store-create-cases.ts'
import { keyCases } from './store-key-cases.ts'
import { outboxCases } from './store-outbox-cases.ts'
import { queryCases } from './store-query-cases.ts'
import { togetherCases } from './store-together-cases.ts'
import { parentCases, upkeepCases } from './store-upkeep-cases.ts'
import { usageCases } from './store-usage-cases.ts'
import { usageDayCases } from './store-usage-day-cases.ts'

/** Every case, by port. */
export const storeCases: readonly StoreCase[] = [
  createCases,
  admissionCases,
  togetherCases,
  claimCases,
  overdueCases,
  moveCases,
  guardCases,
  reportCases,
  traceCases,
  outboxCases,
  parentCases,
  queryCases,
  upkeepCases,
  usageCases,
  usageDayCases,
  keyCases,
  activityCases,
  auditCases,
].flat()

export type { StoreCase, StoreCaseContext } from './store-case.ts'
