import type { Core } from './core.ts'

/** Records deleted per step: one short write. */
const perStep = 500
/** Steps per sweep, so that a large backlog of old trees never stands in the way of the rest. */
const stepsPerSweep = 20

/** Deletes ended trees that are older than their status is kept. Returns how many records are gone. */
export async function prune(core: Core): Promise<number> {
  if (Object.keys(core.settings.retention).length === 0) return 0
  let gone = 0
  for (let step = 0; step < stepsPerSweep; step++) {
    const deleted = await core.store.tasks.prune(core.settings.retention, perStep)
    gone += deleted
    if (deleted < perStep) break
  }
  return gone
}
