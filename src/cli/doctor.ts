import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import path from 'node:path'
import type { ResolvedConfig } from '../server/config.ts'
import { callModels, lookAtKeys } from './doctor-models.ts'
import { lookAtServer } from './doctor-server.ts'
import { lookAtTopology } from './doctor-topology.ts'
import type { Finding, Tell } from './finding.ts'
import { bytesText } from './words.ts'

/** Free disk below this is wrong: the database stops taking tasks when the disk is full. */
const leastFreeBytes = 200e6

/** Looks at everything that a server needs; changes nothing but what opening the database changes. Models are called only if asked for. */
export async function examine(
  resolved: ResolvedConfig,
  { callsModels }: { callsModels: boolean },
): Promise<Finding[]> {
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
  await lookAtTopology(resolved, tell)
  lookAtKeys(resolved, tell)
  if (callsModels) await callModels(resolved, tell)
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
