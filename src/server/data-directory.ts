import { createHmac, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
    token: path.join(data, 'server.token'),
    page: path.join(data, 'server.html'),
    keys: path.join(data, 'keys.json'),
    modelKey: path.join(data, 'model-keys.json'),
    configuration: path.join(data, 'quillwork.json'),
  }
}

/** Returns the time as a part of the name of a file, the same in every time zone: `2026-01-31T12-00-00Z`. */
export function timeInName(at: Date): string {
  return `${at.toISOString().slice(0, 19).replaceAll(':', '-')}Z`
}

const announcementSchema = z.object({
  url: z.url(),
  pid: z.int().min(1),
  startedAt: z.iso.datetime(),
  /** The node of the process, as in `GET /v1/capabilities`. */
  nodeId: z.string(),
  /** The command that was started, for people. */
  command: z.string(),
  /** Whether requests need a token. */
  needsToken: z.boolean().default(true),
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
  replace(file, `${JSON.stringify(content, null, 2)}\n`)
}

function replace(file: string, text: string): void {
  const aside = `${file}.${process.pid}`
  rmSync(aside, { force: true })
  // Not through a link.
  writeFileSync(aside, text, { mode: 0o600, flag: 'wx' })
  renameSync(aside, file)
}

/** 256 bits, as base64url. */
const tokenForm = /^[\w-]{43}$/

/** Returns a new token for a server that starts. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Writes for commands the token of the server of this data directory, which it had not before: nobody else can know it. */
export function keepToken(data: string, token: string): void {
  const { token: file } = placesOf(data)
  try {
    replace(file, `${token}\n`)
  } catch (cause) {
    throw invalid(`The token of the server cannot be written to ${file}: ${messageOf(cause)}`, cause)
  }
}

/** Writes a page that leads a browser to an address, for its user alone. Returns its file. */
export function keepPage(data: string, url: string): string {
  const { page } = placesOf(data)
  const address = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  const refresh = `<meta http-equiv="refresh" content="0; url=${address}">`
  replace(
    page,
    `<!doctype html><meta charset="utf-8"><title>Quillwork</title>${refresh}<a href="${address}">Quillwork</a>\n`,
  )
  return page
}

/** Returns the token of the last server of a data directory; it may not run any more. Undefined where there is none. */
export function readToken(data: string): string | undefined {
  try {
    const text = readFileSync(placesOf(data).token, 'utf8').trim()
    return tokenForm.test(text) ? text : undefined
  } catch {
    return undefined
  }
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

/** Deletes the announcement, the token and the page that leads to the server, if they are still those of this node. */
export function withdraw(data: string, nodeId: string): void {
  if (announced(data)?.nodeId !== nodeId) return
  const { announcement, token, page } = placesOf(data)
  for (const place of [announcement, token, page]) rmSync(place, { force: true })
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
