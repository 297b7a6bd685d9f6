/**
 * What this process took the right to send, until the task is claimed: whoever dies with it loses nothing, for the right ends by itself.
 * Confirmations are written down lazily, because most tasks are claimed before.
 */
import type { Hands, ResendAfter } from './parts.ts'
import { after, backInLine } from './pipeline.ts'
import type { Session } from './session.ts'

/** Milliseconds over which confirmations are gathered. */
const confirmEveryMs = 200
/** Deliveries whose sending is remembered. */
const mostSending = 50_000
/** Doubling ends here; milliseconds. */
const longestResendMs = 3_600_000

/** @param getSession The session that it becomes a part of. */
export function createHands(getSession: () => Session, resend: ResendAfter): Hands {
  const offered = new Map<string, string>()
  const sending = new Map<string, string>()
  const unconfirmed = new Map<string, string>()
  const forgotten = new Set<string>()
  const suspects = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  function later(): void {
    timer ??= setTimeout(() => {
      // A confirmation that cannot be written costs at most a second delivery.
      void confirm().catch(() => undefined)
    }, confirmEveryMs).unref()
  }

  async function confirm(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const ids = [...unconfirmed.keys()]
    const by = [...new Set(unconfirmed.values())]
    unconfirmed.clear()
    if (ids.length > 0) await confirmAs(getSession(), ids, by, resend.confirmed)
  }

  async function putBack(ids: readonly string[], by?: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    const { database, tasks, now } = getSession()
    const guard = by === undefined ? { sent: { $exists: true } } : { 'sent.by': { $in: [...by] } }
    await database.run('put back', () =>
      tasks.updateMany({ _id: { $in: [...ids] }, ...guard }, [
        backInLine(new Date(now())),
        { $unset: ['sends'] },
      ]),
    )
  }

  return {
    offer(deliveries, by) {
      for (const { taskId, lane } of deliveries) {
        offered.set(taskId, lane)
        sending.set(taskId, by)
      }
    },
    sending(taskId, by) {
      // What was never told is of no use after a while; without it a delivery is only not marked as confirmed.
      if (sending.size >= mostSending) sending.clear()
      sending.set(taskId, by)
    },
    told(deliveries) {
      for (const { taskId, suspect } of deliveries) {
        const by = sending.get(taskId)
        sending.delete(taskId)
        offered.delete(taskId)
        if (by !== undefined) unconfirmed.set(taskId, by)
        if (suspect) suspects.add(taskId)
      }
      if (unconfirmed.size > 0) later()
    },
    forget(taskIds) {
      for (const taskId of taskIds) {
        for (const known of [offered, sending, unconfirmed, suspects]) known.delete(taskId)
        forgotten.add(taskId)
      }
    },
    claimed(taskId, suspect) {
      for (const known of [offered, sending, unconfirmed, forgotten]) known.delete(taskId)
      if (suspect) suspects.add(taskId)
    },
    settled: taskId => void suspects.delete(taskId),
    async takeBack(lanes) {
      const untold = [...offered].filter(([, lane]) => lanes.includes(lane)).map(([taskId]) => taskId)
      const lost = [...forgotten]
      if (untold.length === 0 && lost.length === 0) return
      const by = [...new Set(untold.map(taskId => sending.get(taskId) ?? ''))]
      await Promise.all([putBack(untold, by), putBack(lost)])
      for (const taskId of untold) for (const known of [offered, sending]) known.delete(taskId)
      for (const taskId of lost) forgotten.delete(taskId)
      getSession().hints.noteReady()
      getSession().hints.suspects = true
    },
    async suspectIsOut() {
      if (suspects.size === 0) return false
      const { database, tasks } = getSession()
      const found = await database.run('suspects', () =>
        tasks
          .find({ _id: { $in: [...suspects] }, crashCount: { $gt: 0 } })
          .project<{ _id: string; sent?: object; leaseUntil?: Date }>({ sent: 1, leaseUntil: 1 })
          .toArray(),
      )
      const out = found.filter(({ sent, leaseUntil }) => sent !== undefined || leaseUntil !== undefined)
      suspects.clear()
      for (const { _id } of out) suspects.add(_id)
      return out.length > 0
    },
    async flush() {
      await Promise.all([confirm(), this.takeBack([...new Set(offered.values())])])
    },
  }
}

/** Marks what the broker confirmed; a delivery that it holds for a time is lost when that time has passed, and not before. */
async function confirmAs(
  session: Session,
  ids: readonly string[],
  by: readonly string[],
  confirmedMs: number,
): Promise<void> {
  const now = session.serverNow()
  const wait = {
    $min: [
      longestResendMs,
      { $multiply: [confirmedMs, { $pow: [2, { $subtract: [{ $ifNull: ['$sends', 1] }, 1] }] }] },
    ],
  }
  await session.database.run('confirm', () =>
    session.tasks.updateMany(
      { _id: { $in: [...ids] }, 'sent.by': { $in: [...by] }, 'sent.confirmed': false },
      [
        {
          $set: {
            'sent.confirmed': true,
            lostAt: { $cond: [{ $gt: ['$wakeAt', now] }, '$lostAt', after(now, wait)] },
          },
        },
      ],
    ),
  )
}
