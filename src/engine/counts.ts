import type { Overdue } from '../store/store.ts'

/** What an engine has counted since it was made, where no event tells it. */
export interface EngineCounts {
  /** Writes of attempts that no longer held their task, refused by the store. */
  fencedWrites: number
  /** Records that the sweep moved: attempts whose lease had ended, and waiting tasks past their deadline. */
  rescued: Record<Overdue['why'], number>
}

/** Nothing counted yet. */
export function noCounts(): EngineCounts {
  return { fencedWrites: 0, rescued: { lease: 0, deadline: 0 } }
}
