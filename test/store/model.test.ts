import { describe, expect, it } from 'vitest'
import { sizeOf } from '../size.ts'
import { sqlitePlace } from './model-places.ts'
import { searchModel } from './model-search.ts'
import { seen } from './model-world.ts'

/** Set for a longer search, for example over night. */
const runs = Number(process.env['QUILLWORK_MODEL_RUNS'] ?? sizeOf(60, 600, 1_000))

/** What a search of this length must have met, or it proves little; each is met some dozens of times in a thousand runs. */
const mustSee = [
  ...[
    'completed',
    'failed',
    'retrying',
    'snoozed',
    'waiting',
    'given-back',
    'cancelled',
    'awaiting-subtasks',
    'dead-lettered',
  ].flatMap(name => [`${name} applied`, `${name} stale`]),
  ...['cancel-requested applied', 'cancel-requested stale', 'discarded applied'],
  'signal awaited',
  ...['claim refused', 'claim granted', 'quarantined claimed'],
  ...['sub-task created', 'sub-task existing', 'sub-task refused', 'task pruned', 'tree pruned'],
  ...[
    'RUNNING/awaiting-subtasks -> QUEUED/reducing',
    'RUNNING/awaiting-subtasks -> COMPLETED/awaiting-subtasks',
  ],
  ...[
    'RUNNING/awaiting-subtasks -> CANCELLED/awaiting-subtasks',
    'RUNNING/reducing -> RUNNING/awaiting-subtasks',
  ],
  ...[
    'RUNNING/awaiting-subtasks -> FAILED/awaiting-subtasks',
    'CANCELLED/awaiting-subtasks -> RUNNING/awaiting-subtasks',
  ],
  ...['FAILED/executing -> QUEUED/executing', 'DEAD_LETTER/executing -> QUEUED/executing'],
  ...['CANCELLED/executing -> QUEUED/executing', 'QUEUED/reducing -> RUNNING/reducing'],
]

describe('the store under random commands', () => {
  it(`holds every invariant, and every task ends (${runs} runs)`, { timeout: 1_000_000 }, async () => {
    await searchModel(runs, sqlitePlace)
    if (runs >= 1_000)
      expect(
        mustSee.filter(what => !seen.has(what)),
        'never met',
      ).toEqual([])
  })
})
