import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { QuillworkError } from '../index.ts'

/** Where things are in a data directory. */
export function placesOf(data: string) {
  return {
    database: path.join(data, 'quillwork.db'),
    uploads: path.join(data, 'uploads'),
    announcement: path.join(data, 'server.json'),
    keys: path.join(data, 'keys.json'),
  }
}

const announcementSchema = z.object({
  url: z.url(),
  pid: z.int().min(1),
  startedAt: z.iso.datetime(),
  /** The process start that it speaks of, as `GET /v1/capabilities` tells it: a port may be another server's by now. */
  nodeId: z.string(),
  /** What was started, for people. */
  command: z.string(),
  /** What it works on, as it may be shown; not told by a server of an earlier version. */
  store: z.string().optional(),
  broker: z.string().optional(),
  token: z.string().optional(),
})

/** What a server tells of itself in the data directory that it owns. */
export type Announcement = z.output<typeof announcementSchema>

/** Makes the data directory, for its owner's eyes alone. Throws CONFIG_INVALID when that cannot be. */
export function makeDataDirectory(data: string): void {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new QuillworkError('CONFIG_INVALID', `The data directory ${data} cannot be made: ${message}`, {
      cause,
    })
  }
}

/** Tells commands where the server of this data directory is. Whole or not at all; readable by its owner alone, as it may hold the token. */
export function announce(data: string, announcement: Announcement): void {
  const { announcement: file } = placesOf(data)
  const aside = `${file}.${process.pid}`
  writeFileSync(aside, `${JSON.stringify(announcement, null, 2)}\n`, { mode: 0o600 })
  renameSync(aside, file)
}

/** What the last server of a data directory told; it may be gone. Undefined where there is nothing that can be read. */
export function announced(data: string): Announcement | undefined {
  try {
    return announcementSchema.parse(JSON.parse(readFileSync(placesOf(data).announcement, 'utf8')))
  } catch {
    return undefined
  }
}

/** Takes the announcement away, if it is still that of this process start. */
export function withdraw(data: string, nodeId: string): void {
  if (announced(data)?.nodeId === nodeId) rmSync(placesOf(data).announcement, { force: true })
}

/** Whether a process of this machine lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process lives, but may not be signalled.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
