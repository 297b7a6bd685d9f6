import type { ErrorCode } from './errors.ts'

/** How many tasks may wait; absent = as many as the disk holds. */
export interface AdmissionLimits {
  /**
   * Waiting tasks of one user, over all lanes, also those that wait for a signal or a time. Sub-tasks do not count: their root was admitted.
   */
  waitingPerUser?: number
  /** Waiting tasks of one lane. */
  waitingPerLane?: number
}

/** Why a submission is refused. */
export type AdmissionRefusal = Extract<ErrorCode, 'USER_QUEUE_FULL' | 'LANE_QUEUE_FULL'>

/** Returns why one more task may not wait; undefined = admitted. The user's own limit comes first: it is the one that the user can act on. */
export function refusalOf(
  waiting: { user: number; lane: number },
  limits: AdmissionLimits,
): AdmissionRefusal | undefined {
  if (limits.waitingPerUser !== undefined && waiting.user >= limits.waitingPerUser) return 'USER_QUEUE_FULL'
  if (limits.waitingPerLane !== undefined && waiting.lane >= limits.waitingPerLane) return 'LANE_QUEUE_FULL'
  return undefined
}
