import type { Collection } from 'mongodb'
import type { OpenableDatabase } from './database.ts'
import type { LaneDocument } from './documents.ts'
import { createPeriod } from './period.ts'

/** Milliseconds until a pause that another process made is seen. */
const rememberedMs = 1_000

/** Which lanes are paused, remembered for a moment. */
export interface PausedLanes {
  current(): Promise<ReadonlySet<string>>
  /** A lane was paused or resumed here: the next question is asked afresh. */
  forget(): void
}

/** @param now The store's clock. */
export function createPausedLanes(
  database: OpenableDatabase,
  lanes: Collection<LaneDocument>,
  now: () => number,
): PausedLanes {
  let period = createPeriod(rememberedMs, now)
  let known: Promise<ReadonlySet<string>> | undefined

  async function ask(): Promise<ReadonlySet<string>> {
    const paused = await database.run('paused lanes', () => lanes.find({ paused: true }).toArray())
    return new Set(paused.map(({ _id }) => _id))
  }

  return {
    current() {
      const isOver = period.isOver()
      if (known !== undefined && !isOver) return known
      const asked = ask()
      known = asked
      asked.catch(() => {
        if (known === asked) known = undefined
      })
      return asked
    },
    forget() {
      known = undefined
      period = createPeriod(rememberedMs, now)
    },
  }
}
