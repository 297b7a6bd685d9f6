import type { DeadLetterNotification, Delivery, Due, LaneCapacity, Outbox } from '../store.ts'
import { deliverReady } from './deliver.ts'
import { parentsToLookAt } from './look.ts'
import { deadLetterNotices, noticed } from './notices.ts'
import type { Session } from './session.ts'
import { findLost, wake } from './wake.ts'

/**
 * What is still to tell. The right to send a delivery is a guarded write on its task, so that any number of processes need no leader. A
 * look asks for what this process knows to be due, and once a second for what others left.
 */
export function createOutbox(session: Session, listeners: Set<() => void>): Outbox {
  const { hands, hints, keeps } = session
  return {
    async due(lanes, options) {
      session.requireOpen()
      const [deliveries, notices] = await Promise.all([
        deliveriesOf(session, lanes, options.quarantined),
        noticesOf(session),
      ])
      const due: Due = { deliveries, nextAt: hints.tellAt }
      return notices.length > 0 ? { ...due, notifications: notices } : due
    },
    async pendingParents(limit) {
      session.requireOpen()
      return parentsToLookAt(session, limit)
    },
    async published(deliveries) {
      hands.told(deliveries)
    },
    requeue: taskIds => hands.forget(taskIds),
    defer: (taskIds, ms) => hands.putAside(taskIds, ms),
    onDue(listener) {
      // A fresh function: the same listener may be given twice.
      const own = () => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    useDelayTiers(delays) {
      keeps.delays = [...delays].sort((one, other) => one - other)
    },
    keepNotifications() {
      keeps.notices = true
    },
    notified: notices => noticed(session, notices),
  }
}

async function deliveriesOf(
  session: Session,
  lanes: readonly LaneCapacity[],
  quarantined: number,
): Promise<Delivery[]> {
  await session.hands.takeBack(lanes.map(({ lane }) => lane))
  const [delayed] = await Promise.all([
    wake(
      session,
      lanes.map(({ lane }) => lane),
    ),
    findLost(
      session,
      lanes.filter(({ isEmpty }) => isEmpty === true).map(({ lane }) => lane),
    ),
  ])
  return [...delayed, ...(await deliverReady(session, lanes, quarantined))]
}

async function noticesOf(session: Session): Promise<readonly DeadLetterNotification[]> {
  if (!session.keeps.notices || !session.hints.periods.notices.isOver()) return []
  return deadLetterNotices(session)
}
