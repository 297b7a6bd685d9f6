/** The tasks whose last attempt crashed that this process has to do with: those that it sent, and those that run here. */
import type { TaskDocument } from './documents.ts'
import type { Session } from './session.ts'

/** What is known of them. */
export interface QuarantinedTasks {
  sent(taskId: string): void
  /** It runs here from now on. */
  claimed(taskId: string): void
  /** An attempt of it ended here. */
  settled(taskId: string): void
  /** Its delivery came to nothing. */
  forget(taskId: string): void
  /** How many are on their way from here, or run here. One that runs elsewhere is counted there. */
  out(): Promise<number>
}

/** @param getSession The session that they are a part of. */
export function createQuarantinedTasks(getSession: () => Session): QuarantinedTasks {
  const sent = new Set<string>()
  const running = new Set<string>()
  return {
    sent: taskId => void sent.add(taskId),
    claimed(taskId) {
      sent.delete(taskId)
      running.add(taskId)
    },
    settled: taskId => void running.delete(taskId),
    forget: taskId => void sent.delete(taskId),
    async out() {
      const session = getSession()
      if (sent.size + running.size > 0 && session.hints.periods.quarantined.isOver()) {
        const [asSent, asRunning] = [[...sent], [...running]]
        const found = await readQuarantined(session, [...asSent, ...asRunning])
        // Each as it was when it was asked for: one that is claimed meanwhile runs, whatever the answer says.
        for (const taskId of asSent) if (found.get(taskId)?.sent === undefined) sent.delete(taskId)
        for (const taskId of asRunning)
          if (found.get(taskId)?.leaseUntil === undefined) running.delete(taskId)
      }
      return sent.size + running.size
    },
  }
}

type QuarantinedTask = Pick<TaskDocument, '_id' | 'sent' | 'leaseUntil'>

/** Of those whose last attempt crashed: whether they are sent, or run. */
async function readQuarantined(
  { database, tasks }: Session,
  ids: readonly string[],
): Promise<ReadonlyMap<string, QuarantinedTask>> {
  const found = await database.run('quarantined', () =>
    tasks
      .find({ _id: { $in: [...ids] }, crashCount: { $gt: 0 } })
      .project<QuarantinedTask>({ sent: 1, leaseUntil: 1 })
      .toArray(),
  )
  return new Map(found.map(task => [task._id, task]))
}
