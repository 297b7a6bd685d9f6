import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { type ResolvedConfig, shownValue } from '../../server/config.ts'
import { type SettingName, settingNames, settings } from '../../server/settings.ts'
import {
  callModels,
  type Finding,
  lookAtKeys,
  lookAtServer,
  lookAtTopology,
  type Tell,
} from '../doctor-checks.ts'
import { exitCodes } from '../exit-codes.ts'
import { printJson, type Register, type Run } from '../run.ts'
import { bytesText, durationText } from '../words.ts'

interface DoctorOptions {
  callModels?: boolean
}

/** `quillwork doctor`: what is configured, what is reachable, what is wrong. */
export function addDoctor(program: Command, register: Register): void {
  program
    .command('doctor')
    .description('Show what is configured, what is reachable, and what is wrong; exit code 1 if anything is')
    .option('--call-models', 'ask each model for one word too, which may cost a little')
    .action(register<DoctorOptions>(doctor))
}

async function doctor(run: Run<DoctorOptions>): Promise<number> {
  const resolved = run.configure()
  const findings = await examine(resolved, { callsModels: run.options.callModels === true })
  const isWell = findings.every(({ state }) => state !== 'wrong')
  if (run.json) printJson(run, { ok: isWell, settings: settingsOf(resolved), findings })
  else for (const line of lines(resolved, findings)) run.terminal.out(line)
  return isWell ? exitCodes.ok : exitCodes.failed
}

function settingsOf(resolved: ResolvedConfig) {
  return settingNames.map(name => ({
    name,
    value: shownValue(resolved, name),
    origin: resolved.origins[name],
  }))
}

function lines(resolved: ResolvedConfig, findings: readonly Finding[]): string[] {
  const told = settingsOf(resolved).map(
    ({ name, value, origin }) => `  ${name.padEnd(15)} ${valueText(name, value)}  (${origin})`,
  )
  const found = findings.flatMap(({ check, state, detail, advice }) => [
    `${state.padEnd(5)}  ${check.padEnd(15)} ${detail}`,
    ...(advice === undefined ? [] : [`${' '.repeat(23)}${advice}`]),
  ])
  const wrong = findings.filter(({ state }) => state === 'wrong').length
  return [
    'Settings:',
    ...told,
    '',
    ...found,
    '',
    wrong === 0 ? 'Nothing is wrong.' : `Wrong: ${wrong}. See above what to do.`,
  ]
}

/** A value as a person would write it. */
function valueText(name: SettingName, value: unknown): string {
  if (value === undefined) return 'not set'
  if (typeof value === 'string') return value
  if (typeof value === 'number') {
    const { kind } = settings[name]
    return kind === 'duration' ? durationText(value) : kind === 'size' ? bytesText(value) : String(value)
  }
  const entries = Object.entries(value as object)
  if (entries.length === 0) return 'none'
  if (Array.isArray(value)) return value.join(', ')
  if (name === 'models')
    return entries.map(([id, { provider, model }]) => `${id} (${provider} ${model})`).join(', ')
  return entries
    .map(([key, each]) =>
      name === 'retention' ? `${key} ${durationText(each)}` : `${key} ${JSON.stringify(each)}`,
    )
    .join(', ')
}

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
