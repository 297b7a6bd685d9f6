import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commands } from './model-commands.ts'
import { drain } from './model-drain.ts'
import { type Model, seen, World } from './model-world.ts'

/** Set for a longer search, for example over night; a seed repeats a failure, and is printed with it. */
const runs = Number(process.env['QUILLWORK_MODEL_RUNS'] ?? 1_000)
const seed = process.env['QUILLWORK_MODEL_SEED']

/** What a search of this length must have met, or it proves little; each is met some dozens of times in a thousand runs. */
const mustSee = [
  ...[
    'completed',
    'failed',
    'retrying',
    'snoozed',
    'given-back',
    'cancelled',
    'awaiting-subtasks',
    'dead-lettered',
  ].flatMap(name => [`${name} applied`, `${name} stale`]),
  ...['cancel-requested applied', 'cancel-requested stale', 'discarded applied'],
  ...['claim refused', 'claim granted', 'suspect claimed'],
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
    const property = fc.asyncProperty(
      fc.commands(commands, { maxCommands: 100, size: 'max' }),
      fc.boolean(),
      async (steps, restarts) => {
        const world = await World.make()
        const model: Model = { tasks: 0, attempts: 0, deliveries: 0, sights: 0, reads: 0 }
        try {
          await fc.asyncModelRun(() => ({ model, real: world }), steps)
          if (restarts) await world.reopen()
          await drain(world, model)
        } finally {
          await world.end()
        }
      },
    )
    // A failure prints the seed, the path and the shortest list of commands that was found.
    await fc.assert(property, {
      numRuns: runs,
      unbiased: true,
      ...(seed === undefined ? {} : { seed: Number(seed) }),
      endOnFailure: process.env['QUILLWORK_MODEL_QUICK'] !== undefined,
    })
    if (runs >= 1_000)
      expect(
        mustSee.filter(what => !seen.has(what)),
        'never met',
      ).toEqual([])
  })
})
