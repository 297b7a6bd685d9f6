/** A search for a list of commands after which something is not as it must be. */
import fc from 'fast-check'
import { commands } from './model-commands.ts'
import { drain } from './model-drain.ts'
import type { Place } from './model-places.ts'
import { type Model, World } from './model-world.ts'

/** A seed repeats a failure, and is printed with it. */
const seed = process.env['QUILLWORK_MODEL_SEED']

/** Random commands, each run in a place of its own, and at the end workers that do their work. Rejects with the shortest list that fails. */
export async function searchModel(runs: number, nextPlace: () => Place): Promise<void> {
  const property = fc.asyncProperty(
    fc.commands(commands, { maxCommands: 100, size: 'max' }),
    fc.boolean(),
    async (steps, restarts) => {
      const world = await World.make(nextPlace())
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
}
