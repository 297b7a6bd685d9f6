import { randomUUID } from 'node:crypto'
import type { ScheduleState, ScheduleStore } from '../store.ts'
import { isDuplicateKey } from './duplicate-key.ts'
import type { Session } from './session.ts'

/** A schedule, as the collection `schedules` keeps it. */
export interface ScheduleDocument {
  _id: string
  definition: string
  lastTick?: Date
  lastTaskId?: string
  /** Names the write that took the tick, so that one that was sent twice recognises itself. */
  write: string
}

/** What schedules remember between ticks. */
export function createSchedules({ database }: Session): ScheduleStore {
  const schedules = database.collection<ScheduleDocument>('schedules')

  /** Of those who saw the same tick one finds it; of those who saw no schedule one makes it, and the others meet its id. */
  async function take(document: ScheduleDocument, seenTick: number | undefined): Promise<boolean> {
    const { _id, ...rest } = document
    const filter = {
      _id: { $eq: _id },
      lastTick: seenTick === undefined ? { $exists: false } : { $eq: new Date(seenTick) },
    }
    try {
      const options = { upsert: seenTick === undefined }
      const { matchedCount, upsertedCount } = await schedules.replaceOne(filter, rest, options)
      if (matchedCount + upsertedCount > 0) return true
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
    return (await schedules.findOne({ _id: { $eq: _id } }))?.write === document.write
  }

  return {
    async schedules() {
      const found = await database.run('schedules', () => schedules.find().sort({ _id: 1 }).toArray())
      return found.map(
        ({ _id, definition, lastTick, lastTaskId }): ScheduleState => ({
          id: _id,
          definition,
          ...(lastTick === undefined ? {} : { lastTick: lastTick.getTime() }),
          ...(lastTaskId === undefined ? {} : { lastTaskId }),
        }),
      )
    },
    advance({ id, definition, lastTick, lastTaskId }, seenTick) {
      const document: ScheduleDocument = {
        _id: id,
        definition,
        write: randomUUID(),
        ...(lastTick === undefined ? {} : { lastTick: new Date(lastTick) }),
        ...(lastTaskId === undefined ? {} : { lastTaskId }),
      }
      return database.run('advance', () => take(document, seenTick))
    },
  }
}
