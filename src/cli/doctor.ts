import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import path from 'node:path'
import type { ResolvedConfig } from '../server/config.ts'
import { announced, placesOf } from '../server/data-directory.ts'
import type { Client } from './client.ts'
import { connect, findServer } from './connect.ts'
import { codedError } from './exit-codes.ts'
import { commandText } from './hints.ts'
import { bytesText, countOf } from './words.ts'

/** What was looked at, and how it is. `note` is worth knowing, `wrong` needs somebody. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'note' | 'wrong'
  readonly detail: string
  /** What to do about it. */
  readonly advice?: string
}

type Tell = (check: string, state: Finding['state'], detail: string, advice?: string) => void

/** Free disk below this is wrong: the database stops taking tasks when the disk is full. */
const leastFreeBytes = 200e6

/** Looks at everything that a server needs; changes nothing but what opening the database changes. */
export async function examine(resolved: ResolvedConfig): Promise<Finding[]> {
  const findings: Finding[] = []
  const tell: Tell = (check, state, detail, advice) =>
    findings.push({ check, state, detail, ...(advice === undefined ? {} : { advice }) })
  const { config, file, warnings } = resolved
  tell(
    'configuration',
    'ok',
    file === undefined ? 'no configuration file; see the settings above' : `read ${file}`,
  )
  for (const warning of warnings) tell('configuration', 'note', warning)
  tell('node', 'ok', `Node ${process.versions.node} on ${process.platform} ${process.arch}`)
  lookAtDirectory(config.data, tell)
  await lookAtServer(resolved, tell)
  return findings
}

function lookAtDirectory(data: string, tell: Tell): void {
  const isThere = existsSync(data)
  const standing = isThere ? data : nearestStanding(data)
  try {
    accessSync(standing, constants.W_OK | constants.X_OK)
    tell(
      'data directory',
      'ok',
      isThere ? `${data} can be written` : `${data} is not there yet; it is made at the first start`,
    )
  } catch {
    const advice = 'Give this user the right to write there, or name another directory with --data.'
    tell('data directory', 'wrong', `${standing} cannot be written`, advice)
  }
  const { bavail, bsize } = statfsSync(standing)
  const free = bavail * bsize
  if (free >= leastFreeBytes) tell('disk', 'ok', `${bytesText(free)} free`)
  else
    tell(
      'disk',
      'wrong',
      `only ${bytesText(free)} free`,
      'Make room: when the disk is full, no task is taken.',
    )
}

/** The nearest folder above that is there. */
function nearestStanding(folder: string): string {
  const above = path.dirname(folder)
  return existsSync(above) || above === folder ? above : nearestStanding(above)
}

async function lookAtServer(resolved: ResolvedConfig, tell: Tell): Promise<void> {
  const { data } = resolved.config
  const { database } = placesOf(data)
  const start = `Start one: ${commandText('serve', resolved)}`
  const server = await findServer(resolved.config)
  if (server !== undefined) {
    const { command, url, pid, startedAt } = server
    tell('server', 'ok', `${command} answers at ${url} (process ${pid}, since ${startedAt})`)
  }
  if (server === undefined && !existsSync(database)) {
    tell('server', 'note', 'none runs', start)
    tell('database', 'note', `${database} is not there yet; it is made at the first start`)
    return
  }
  try {
    const connection = await connect(resolved, { command: 'quillwork doctor' })
    try {
      if (connection.isOwn) tell('server', 'note', noServer(data), start)
      tell('database', 'ok', `${database} opens and answers`)
      await lookInside(connection.client, resolved, tell)
    } finally {
      await connection.close()
    }
  } catch (error) {
    const { code, message } = codedError(error)
    tell('database', 'wrong', `${code}: ${message}`)
  }
}

/** For a data directory that nobody owns. */
function noServer(data: string): string {
  const last = announced(data)
  return last === undefined
    ? 'none runs'
    : `none runs; the last one (process ${last.pid}) ended without saying so`
}

interface Capabilities {
  version: string
  models: { id: string; capability: string; isDefault: boolean }[]
  off: { capability: string; reason: string }[]
}

async function lookInside(client: Client, resolved: ResolvedConfig, tell: Tell): Promise<void> {
  await client.get('/readyz')
  const { models, off } = await client.get<Capabilities>('/v1/capabilities')
  for (const { id, capability } of models) tell('models', 'ok', `${capability}: ${id}`)
  for (const { capability, reason } of off) tell('models', 'note', `${capability} is off: ${reason}`)
  const { counts, total } = await client.get<{ counts: Record<string, number>; total: number }>(
    '/v1/tasks/counts',
  )
  const told = Object.entries(counts).filter(([, count]) => count > 0)
  tell('tasks', 'ok', total === 0 ? 'none' : told.map(([status, count]) => `${count} ${status}`).join(', '))
  const letters = (counts['FAILED'] ?? 0) + (counts['DEAD_LETTER'] ?? 0)
  if (letters > 0)
    tell(
      'tasks',
      'note',
      `${countOf(letters, 'task')} failed`,
      `See why: ${commandText('dead-letters list', resolved)}`,
    )
  const lanes = await client.get<{ items: { lane: string; paused: boolean; waiting: number }[] }>('/v1/lanes')
  for (const { lane, paused, waiting } of lanes.items) {
    if (paused)
      tell(
        'lanes',
        'note',
        `${lane} is paused, ${countOf(waiting, 'task')} waiting`,
        commandText(`lanes resume ${lane}`, resolved),
      )
  }
}
