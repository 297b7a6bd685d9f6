/**
 * What this process took the right to send, until the task is claimed: whoever dies with it loses nothing, for the right ends by itself.
 * Confirmations are written down lazily, because most tasks are claimed before.
 */
import type { Filter } from 'mongodb'
import type { TaskDocument } from './documents.ts'
import { createLazyWrites } from './lazy-writes.ts'
import type { Hands, ResendAfter } from './parts.ts'
import { after, backInLine } from './pipeline.ts'
import { createQuarantinedTasks } from './quarantined.ts'
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
  // A confirmation that cannot be written costs at most a second delivery.
  const unconfirmed = createLazyWrites<string>(confirmEveryMs, sendings =>
    confirmAs(getSession(), sendings, resend.confirmed),
  )
  const forgotten = new Set<string>()
  const quarantine = createQuarantinedTasks(getSession)

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
      for (const { taskId, quarantined } of deliveries) {
        const by = sending.get(taskId)
        sending.delete(taskId)
        offered.delete(taskId)
        if (by !== undefined) unconfirmed.set(taskId, by)
        if (quarantined) quarantine.sent(taskId)
      }
    },
    forget(taskIds) {
      for (const taskId of taskIds) {
        for (const known of [offered, sending, unconfirmed]) known.delete(taskId)
        quarantine.forget(taskId)
        forgotten.add(taskId)
      }
    },
    async putAside(taskIds, ms) {
      const session = getSession()
      const isOver = after(session.serverNow(), ms)
      await session.database.run('put aside', () =>
        session.tasks.updateMany({ _id: { $in: [...taskIds] }, ...isSent }, [
          // As if it had been confirmed: a confirmation that comes late changes nothing.
          { $set: { lostAt: isOver, 'sent.confirmed': true, 'sent.at': session.serverNow() } },
          { $unset: ['sends'] },
        ]),
      )
    },
    claimed(taskId, quarantined) {
      for (const known of [offered, sending, unconfirmed, forgotten]) known.delete(taskId)
      if (quarantined) quarantine.claimed(taskId)
    },
    settled: quarantine.settled,
    async takeBack(lanes) {
      const untold = [...offered].filter(([, lane]) => lanes.includes(lane)).map(([taskId]) => taskId)
      const lost = [...forgotten]
      if (untold.length === 0 && lost.length === 0) return
      const by = [...new Set(untold.map(taskId => sending.get(taskId) ?? ''))]
      const session = getSession()
      const isUntold = { 'sent.by': { $in: by } }
      await Promise.all([putBack(session, untold, isUntold), putBack(session, lost, isSent)])
      for (const taskId of untold) for (const known of [offered, sending]) known.delete(taskId)
      for (const taskId of lost) forgotten.delete(taskId)
      session.hints.noteReady()
      session.hints.quarantined = true
    },
    quarantinedOut: quarantine.out,
    async flush() {
      await Promise.all([unconfirmed.flush(), this.takeBack([...new Set(offered.values())])])
    },
  }
}

const isSent = { sent: { $exists: true } } as const

/** What was sent stands in line again, as if it had not been sent. */
async function putBack(
  { database, tasks, now }: Session,
  ids: readonly string[],
  guard: Filter<TaskDocument>,
): Promise<void> {
  if (ids.length === 0) return
  await database.run('put back', () =>
    tasks.updateMany({ _id: { $in: [...ids] }, ...guard }, [
      backInLine(new Date(now())),
      { $unset: ['sends'] },
    ]),
  )
}

/** Marks what the broker confirmed; a delivery that it holds for a time is lost when that time has passed, and not before. */
async function confirmAs(
  session: Session,
  sendings: ReadonlyMap<string, string>,
  confirmedMs: number,
): Promise<void> {
  const by = [...new Set(sendings.values())]
  const now = session.serverNow()
  const doublings = { $subtract: [{ $ifNull: ['$sends', 1] }, 1] }
  const wait = { $min: [longestResendMs, { $multiply: [confirmedMs, { $pow: [2, doublings] }] }] }
  await session.database.run('confirm', () =>
    session.tasks.updateMany(
      { _id: { $in: [...sendings.keys()] }, 'sent.by': { $in: by }, 'sent.confirmed': false },
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
