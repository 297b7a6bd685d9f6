import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { invalid } from './settings.ts'

/** Returns the paths within a data directory. */
export function placesOf(data: string) {
  return {
    database: path.join(data, 'quillwork.db'),
    uploads: path.join(data, 'uploads'),
    announcement: path.join(data, 'server.json'),
    keys: path.join(data, 'keys.json'),
    configuration: path.join(data, 'quillwork.json'),
  }
}

const announcementSchema = z.object({
  url: z.url(),
  pid: z.int().min(1),
  startedAt: z.iso.datetime(),
  /** The node of the process, as in `GET /v1/capabilities`: another server may listen on the port by now. */
  nodeId: z.string(),
  /** The command that was started, for people. */
  command: z.string(),
  /** The store and the broker, as they may be shown; absent for a server of an earlier version. */
  store: z.string().optional(),
  broker: z.string().optional(),
  token: z.string().optional(),
})

/** What a server writes about itself into the data directory that it owns. */
export type Announcement = z.output<typeof announcementSchema>

/** Creates the data directory, readable by its owner alone. Throws CONFIG_INVALID when that fails. */
export function makeDataDirectory(data: string): void {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw invalid(`The data directory ${data} cannot be created: ${message}`, cause)
  }
}

/** Writes for commands where the server of this data directory is, and its token. */
export function announce(data: string, announcement: Announcement): void {
  writePrivately(placesOf(data).announcement, announcement)
}

/** Writes a JSON file atomically, readable by its owner alone. */
export function writePrivately(file: string, content: object): void {
  const aside = `${file}.${process.pid}`
  rmSync(aside, { force: true })
  // Not through a link.
  writeFileSync(aside, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  renameSync(aside, file)
}

/** Returns what the last server of a data directory wrote; it may not run any more. Undefined where nothing can be read. */
export function announced(data: string): Announcement | undefined {
  try {
    return announcementSchema.parse(JSON.parse(readFileSync(placesOf(data).announcement, 'utf8')))
  } catch {
    return undefined
  }
}

/** Deletes the announcement, if it is still that of this node. */
export function withdraw(data: string, nodeId: string): void {
  if (announced(data)?.nodeId === nodeId) rmSync(placesOf(data).announcement, { force: true })
}

/** Returns whether a process of this machine is alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: the process of another user is alive, but may not be signalled.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
