/**
 * Returns the rank of a task. Fair order over users, as start-time fair queueing (Goyal, Vin and Cheng, 1996) with one unit of work per task: a task's rank is
 * one more than the larger of the lane's virtual time and the user's last rank. Tasks leave in the order of their ranks, so a user
 * with 500 waiting tasks and a user with one take turns.
 *
 * @param virtualTime Rank of the task that left the lane last.
 * @param lastRank Rank of the last waiting task of the same user in the same lane; absent when none waits.
 */
export function fairRank(virtualTime: number, lastRank: number | undefined): number {
  return Math.max(virtualTime, lastRank ?? 0) + 1
}

/** The rank of a task that waits for its start, or where its handler waits: it holds up no other, and gets its rank when it joins the lane. */
export const unranked = 0
