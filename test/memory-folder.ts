import { statfsSync } from 'node:fs'
import { freemem } from 'node:os'

/** Where Linux has files in memory. */
const folder = '/dev/shm'
/** What must be free, of the folder and of the machine: the tests of one run keep less than a quarter of it at a time. */
const leastBytes = 4 * 2 ** 30

/**
 * Returns the folder whose files are in memory, or undefined where there is none that is large enough. Stores there are as real as on a disk, and a
 * process that is killed leaves the same; only the syncs cost nothing, which are half of the time of many a test.
 */
export function memoryFolder(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return Math.min(bavail * bsize, freemem()) < leastBytes ? undefined : folder
  } catch {
    return undefined
  }
}
