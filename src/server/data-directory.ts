import { createHmac, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { messageOf } from '../task/thrown.ts'
import { invalid } from './settings.ts'

/** Returns the paths within a data directory. */
export function placesOf(data: string) {
  return {
    database: path.join(data, 'quillwork.db'),
    uploads: path.join(data, 'uploads'),
    announcement: path.join(data, 'server.json'),
    token: path.join(data, 'token'),
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
})

/** What a server writes about itself into the data directory that it owns. */
export type Announcement = z.output<typeof announcementSchema>

/** Creates the data directory, readable by its owner alone. Throws CONFIG_INVALID when that fails. */
export function makeDataDirectory(data: string): void {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw invalid(`The data directory ${data} cannot be created: ${messageOf(cause)}`, cause)
  }
}

/** Writes for commands where the server of this data directory is. */
export function announce(data: string, announcement: Announcement): void {
  writePrivately(placesOf(data).announcement, announcement)
}

/** Writes a JSON file atomically, readable by its owner alone. */
export function writePrivately(file: string, content: object): void {
  renameSync(writeAside(file, `${JSON.stringify(content, null, 2)}\n`), file)
}

/** Writes what is to become a file, not through a link. Returns its name. */
function writeAside(file: string, text: string): string {
  const aside = `${file}.${process.pid}`
  rmSync(aside, { force: true })
  writeFileSync(aside, text, { mode: 0o600, flag: 'wx' })
  return aside
}

/** 256 bits, as base64url. */
const tokenForm = /^[\w-]{43}$/

/**
 * Returns the token of a data directory, with which the commands of its user and its server know each other. Undefined where it has none yet.
 * Throws CONFIG_INVALID for a file that holds none.
 */
export function readToken(data: string): string | undefined {
  const file = placesOf(data).token
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw invalid(`${file} cannot be read: ${messageOf(error)}`, error)
  }
  if (tokenForm.test(text)) return text
  throw invalid(
    `${file} does not hold a token of Quillwork. Remove it: the next server to start makes a new one.`,
  )
}

/** Returns the token of a data directory, after making one where it has none. Of two processes that make one, both get the same. */
export function ensureToken(data: string): string {
  const found = readToken(data)
  if (found !== undefined) return found
  const { token: file } = placesOf(data)
  const aside = writeAside(file, `${randomBytes(32).toString('base64url')}\n`)
  try {
    linkSync(aside, file)
  } catch (error) {
    // Some volumes have no links; there, the last one to write wins.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') renameSync(aside, file)
  }
  rmSync(aside, { force: true })
  return ensureToken(data)
}

/**
 * Returns what a server answers to a nonce, so that a command knows that it has the token of the data directory. The address is in it: a program on
 * another port cannot pass the question on to the server, and the answer back.
 */
export function proofOf(token: string, { url, nonce }: { url: string; nonce: string }): string {
  return createHmac('sha256', token).update(`quillwork server proof\n${url}\n${nonce}`).digest('base64url')
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
