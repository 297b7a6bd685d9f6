import { claiming } from '../../task/transition.ts'

/** Which tasks wait for an attempt; the condition of the indexes of waiting tasks. */
export const waiting = { status: { $in: [...claiming.from] } } as const

/** The suffix of a queue whose tasks crashed their last attempt: few are handed out at a time. */
export const quarantinedSuffix = '~suspect'

/** The queue of a lane for a task. */
export function queueOf(lane: string, quarantined: boolean): string {
  return quarantined ? lane + quarantinedSuffix : lane
}
