import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { type ResolvedConfig, shownValue } from '../../server/config.ts'
import { type Setting, type SettingName, settingNames, settings } from '../../server/settings.ts'
import { defined } from '../../task/defined.ts'
import { callModels, checkServer, checkTopology, type Finding, type Report } from '../doctor-checks.ts'
import { exitCodes } from '../exit-codes.ts'
import { print, type Register, type Run } from '../run.ts'
import { bytesText, durationText } from '../words.ts'

/** Adds `quillwork doctor`: what is configured, what is reachable, what is wrong. */
export function addDoctor(program: Command, register: Register): void {
  program
    .command('doctor')
    .description(
      'Show what is configured, what is reachable and what is wrong; exit code 1 if anything is wrong',
    )
    .option('--call-models', 'also ask each model for one word, which may cost a little')
    .action(register(doctor))
}

async function doctor(run: Run<{ callModels?: boolean }>): Promise<number> {
  const resolved = run.configure({ uses: 'all' })
  const findings = await examine(resolved, { callsModels: run.options.callModels === true })
  const isWell = findings.every(({ state }) => state !== 'wrong')
  print(run, { ok: isWell, settings: settingsOf(resolved), findings }, () => lines(resolved, findings))
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
  const configured = settingsOf(resolved).map(
    ({ name, value, origin }) => `  ${name.padEnd(15)} ${valueText(name, value)}  (${origin})`,
  )
  const found = findings.flatMap(({ check, state, detail, advice }) => [
    `${state.padEnd(5)}  ${check.padEnd(15)} ${detail}`,
    ...(advice === undefined ? [] : [`${' '.repeat(23)}${advice}`]),
  ])
  const wrong = findings.filter(({ state }) => state === 'wrong').length
  return [
    'Settings:',
    ...configured,
    '',
    ...found,
    '',
    wrong === 0 ? 'Nothing is wrong.' : `Wrong: ${wrong}. See above what to do.`,
  ]
}

function valueText(name: SettingName, value: unknown): string {
  if (value === undefined) return 'not set'
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') {
    const { kind }: Setting = settings[name]
    return kind === 'duration' ? durationText(value) : kind === 'size' ? bytesText(value) : String(value)
  }
  const entries = Object.entries(value as object)
  if (entries.length === 0) return 'none'
  if (Array.isArray(value)) return value.join(', ')
  if (name === 'models')
    return entries.map(([id, { provider, model }]) => `${id} (${provider} ${model})`).join(', ')
  return entries
    .map(([key, each]) =>
      name === 'retention' || name === 'usageRetention'
        ? `${key} ${durationText(each)}`
        : `${key} ${JSON.stringify(each)}`,
    )
    .join(', ')
}

/** Least free disk space, bytes: when the disk is full, the database takes no tasks. */
const leastFreeBytes = 200e6

/** Checks everything that a server needs, and returns the findings. Changes nothing except what opening the database changes. */
async function examine(
  resolved: ResolvedConfig,
  { callsModels }: { callsModels: boolean },
): Promise<Finding[]> {
  const findings: Finding[] = []
  const report: Report = (check, state, detail, advice) =>
    findings.push(defined({ check, state, detail, advice }))
  const { config, file, warnings } = resolved
  report(
    'configuration',
    'ok',
    file === undefined ? 'no configuration file; see the settings above' : `read ${file}`,
  )
  for (const warning of warnings) report('configuration', 'note', warning)
  report('node', 'ok', `Node ${process.versions.node} on ${process.platform} ${process.arch}`)
  checkDirectory(config.data, report)
  await checkServer(resolved, report)
  await checkTopology(resolved, report)
  if (callsModels) await callModels(resolved, report)
  return findings
}

function checkDirectory(data: string, report: Report): void {
  const exists = existsSync(data)
  const existing = exists ? data : nearestExisting(data)
  try {
    accessSync(existing, constants.W_OK | constants.X_OK)
    report(
      'data directory',
      'ok',
      exists ? `${data} can be written` : `${data} does not exist yet; it is created at the first start`,
    )
  } catch {
    const advice = 'Allow this user to write there, or name another directory with --data.'
    report('data directory', 'wrong', `${existing} cannot be written`, advice)
  }
  const { bavail, bsize } = statfsSync(existing)
  const free = bavail * bsize
  if (free >= leastFreeBytes) report('disk', 'ok', `${bytesText(free)} free`)
  else
    report(
      'disk',
      'wrong',
      `only ${bytesText(free)} free`,
      'Free disk space: when the disk is full, no task is accepted.',
    )
}

function nearestExisting(folder: string): string {
  const above = path.dirname(folder)
  return existsSync(above) || above === folder ? above : nearestExisting(above)
}
