import type { Loop } from '../runtime/loop.ts'
import { startLoop } from '../runtime/loop.ts'
import { aggregate } from './aggregate.ts'
import type { Core } from './core.ts'

/** Parents that one step of the relay looks at. */
const parentsPerStep = 100
/** Milliseconds after which the relay looks although nobody woke it: what a crash left behind, or news that got lost. */
const lookEveryMs = 1_000

/**
 * Moves what is due: deliveries to the broker, as many as its lanes have room for, and parents to the aggregator. One loop per
 * process; sending for the first time and sending again after a crash are the same step.
 */
export function startRelay(core: Core): Loop {
  const lanes = [...core.settings.lanes.keys()]

  async function step(): Promise<number | undefined> {
    try {
      const rooms = lanes.map(lane => ({ lane, room: core.broker.room(lane) }))
      const due = await core.store.outbox.due(rooms, { suspects: true, parents: parentsPerStep })
      if (due.deliveries.length > 0) {
        const published = await core.broker.publish(due.deliveries)
        await core.store.outbox.told(due.deliveries.filter((_, index) => published[index] === 'confirmed'))
      }
      for (const parent of due.parents) await aggregate(core, parent)
      return due.nextAt === undefined ? undefined : Math.max(0, due.nextAt - core.store.tasks.now())
    } catch (error) {
      core.log.error({ err: error }, 'the relay could not look for due tasks; trying again')
      return undefined
    }
  }

  return startLoop({ clock: core.clock, everyMs: lookEveryMs, step })
}
