/** What the doctor checks on a server, through its API, and beside it on this machine. */
import { existsSync } from 'node:fs'
import type { ModelCatalogue, ModelDescription } from '../ai/catalogue.ts'
import { tryModel } from '../ai/try-model.ts'
import type { Readiness } from '../http/index.ts'
import { compositionOf } from '../server/combinations.ts'
import type { ResolvedConfig } from '../server/config.ts'
import { announced } from '../server/data-directory.ts'
import { inspectTopology, isWrong } from '../server/topology.ts'
import type { NodeState } from '../store/store.ts'
import type { Client } from './client.ts'
import { connect, findServer } from './connect.ts'
import { codedError } from './exit-codes.ts'
import { commandText } from './hints.ts'
import { countOf, trialText } from './words.ts'

/** What the doctor checked, and its state. `note` is worth knowing, `wrong` needs a person. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'note' | 'wrong'
  readonly detail: string
  /** What to do about it. */
  readonly advice?: string
}

/** Adds a finding to the report. */
export type Report = (check: string, state: Finding['state'], detail: string, advice?: string) => void

/** Largest difference of the clocks, milliseconds. Beyond it, people read wrong times; leases use the clock of the store alone. */
const mostClockOffsetMs = 2_000

/** Checks the server, and through it the store and the processes that share it. */
export async function checkServer(resolved: ResolvedConfig, report: Report): Promise<void> {
  const { config } = resolved
  const start = `Start one: ${commandText('serve', resolved)}`
  const server = config.url === undefined ? await findServer(config) : undefined
  if (config.url !== undefined) report('server', 'note', `commands use ${config.url}`)
  if (server !== undefined) {
    const { command, url, pid, startedAt } = server
    report('server', 'ok', `${command} answers at ${url} (process ${pid}, since ${startedAt})`)
  }
  const isNone = server === undefined && config.url === undefined
  const composition = compositionOf(config)
  if (isNone && composition.kind === 'embedded' && !existsSync(composition.file)) {
    report('server', 'note', 'none is running', start)
    report('store', 'note', `${composition.file} does not exist yet; it is created at the first start`)
    await checkConfiguredModels(resolved, report)
    return
  }
  try {
    const connection = await connect(resolved, { command: 'quillwork doctor' })
    try {
      if (isNone) report('server', 'note', noServer(config.data), start)
      await checkInside(connection.client, resolved, report)
    } finally {
      await connection.close()
    }
  } catch (error) {
    const { code, message } = codedError(error)
    report(partOf(code), 'wrong', `${code}: ${message}`, adviceFor(code))
  }
}

function partOf(code: string): string {
  if (code.startsWith('BROKER_')) return 'broker'
  return code.startsWith('STORE_') ? 'store' : 'server'
}

function adviceFor(code: string): string | undefined {
  if (code === 'STORE_FAILED') return 'Check that the database runs, and that this machine can reach it.'
  return undefined
}

/** Returns what to say of a data directory whose announced server does not run. */
function noServer(data: string): string {
  const last = announced(data)
  return last === undefined
    ? 'none is running here'
    : `none is running here; the last one (process ${last.pid}) crashed or was killed`
}

async function checkInside(client: Client, resolved: ResolvedConfig, report: Report): Promise<void> {
  await checkReadiness(client, report)
  await checkProcesses(client, report)
  reportModels(await client.get<ModelsJson>('/v1/capabilities'), report)
  await checkTasks(client, resolved, report)
  await checkLanes(client, resolved, report)
}

async function checkReadiness(client: Client, report: Report): Promise<void> {
  const { reasons, checks } = await client.get<Readiness>('/readyz')
  report('store', 'ok', `${checks.store.kind} answers`)
  const { clockOffsetMs } = checks.store
  if (Math.abs(clockOffsetMs) <= mostClockOffsetMs)
    report('clock', 'ok', `${Math.abs(clockOffsetMs)} ms between the clocks of the server and of the store`)
  else
    report(
      'clock',
      'wrong',
      `the clock of the store is ${clockOffsetMs / 1_000} s ahead of that of the server`,
      'Synchronize the clocks of all machines with NTP.',
    )
  for (const reason of reasons) report('server', 'wrong', reason)
}

async function checkProcesses(client: Client, report: Report): Promise<void> {
  const { items } = await client.get<{ items: readonly Omit<NodeState, 'startedAt' | 'seenAt'>[] }>(
    '/v1/workers',
  )
  for (const { nodeId, roles, lanes, running, pid } of items) {
    const slots = Object.entries(lanes).map(([lane, count]) => `${lane} ${count}`)
    const does = roles.length === 0 ? 'client only' : roles.join(', ')
    const capacity = slots.length === 0 ? '' : `; slots ${slots.join(', ')}; ${running} running`
    report('processes', 'ok', `${nodeId} (process ${pid}): ${does}${capacity}`)
  }
}

async function checkTasks(client: Client, resolved: ResolvedConfig, report: Report): Promise<void> {
  const { counts, total } = await client.get<{ counts: Record<string, number>; total: number }>(
    '/v1/tasks/counts',
  )
  const present = Object.entries(counts).filter(([, count]) => count > 0)
  report(
    'tasks',
    'ok',
    total === 0 ? 'none' : present.map(([status, count]) => `${count} ${status}`).join(', '),
  )
  const letters = (counts['FAILED'] ?? 0) + (counts['DEAD_LETTER'] ?? 0)
  if (letters === 0) return
  const advice = `See why: ${commandText('dead-letters list', resolved)}`
  report('tasks', 'note', `${countOf(letters, 'task')} failed`, advice)
}

async function checkLanes(client: Client, resolved: ResolvedConfig, report: Report): Promise<void> {
  const lanes = await client.get<{ items: { lane: string; paused: boolean; waiting: number }[] }>('/v1/lanes')
  for (const { lane, paused, waiting } of lanes.items) {
    if (!paused) continue
    const detail = `${lane} is paused, ${countOf(waiting, 'task')} waiting`
    report('lanes', 'note', detail, commandText(`lanes resume ${lane}`, resolved))
  }
}

/** The models of a server or of the configuration. */
interface ModelsJson {
  readonly models: readonly {
    id: string
    uses: readonly string[]
    problem?: { message: string } | undefined
  }[]
  readonly off: readonly { capability: string; reason: string; problem?: object | undefined }[]
}

/** Reports which models can be used. A configured model that cannot be used is wrong; a missing one is a note. */
function reportModels({ models, off }: ModelsJson, report: Report): void {
  for (const { id, uses, problem } of models)
    if (problem === undefined) report('models', 'ok', `${uses.join(', ')}: ${id}`)
    else report('models', 'wrong', problem.message)
  for (const { capability, reason, problem } of off)
    if (problem === undefined) report('models', 'note', `${capability} is disabled: ${reason}`)
}

/** Reports the models of the configuration, where there is no server to ask. */
async function checkConfiguredModels({ config }: ResolvedConfig, report: Report): Promise<void> {
  const { createModels } = await import('../server/models.ts')
  const models = createModels(config)
  reportModels({ models: models.models(), off: disabledFeatures(models) }, report)
}

function disabledFeatures(models: ModelCatalogue): ModelsJson['off'] {
  return models.capabilities().flatMap(status => (status.available ? [] : [status]))
}

/** Calls each model of the configuration once, from this machine and with its keys. */
export async function callModels({ config }: ResolvedConfig, report: Report): Promise<void> {
  const { createModels } = await import('../server/models.ts')
  const models = createModels(config)
  const usable = models.models().filter(isCallable)
  for (const model of usable) {
    const trial = await tryModel(models, model, new AbortController().signal)
    report('model calls', trial.ok ? 'ok' : 'wrong', `${model.id}: ${trialText(trial)}`)
  }
}

function isCallable({ provider, problem }: ModelDescription): boolean {
  return provider !== 'built-in' && problem === undefined
}

const stateTexts = {
  ok: 'is as it should be',
  missing: 'is missing',
  differs: 'differs',
  unknown: 'could not be inspected',
} as const

/** Checks the broker from this machine, where the configuration names one. */
export async function checkTopology(resolved: ResolvedConfig, report: Report): Promise<void> {
  const { config } = resolved
  if (compositionOf(config).kind === 'embedded') return
  try {
    await using inspection = await inspectTopology(config)
    report('broker', 'ok', `answers at ${inspection.place}`)
    const findings = await inspection.check()
    const wrong = findings.filter(isWrong)
    for (const { kind, name, state, detail } of wrong)
      report('topology', 'wrong', `${kind} ${name} ${stateTexts[state]}`, detail)
    if (wrong.some(({ state }) => state === 'missing'))
      report('topology', 'note', 'missing parts can be created', commandText('topology apply', resolved))
    const right = findings.filter(({ state }) => state === 'ok')
    if (wrong.length === 0) report('topology', 'ok', `${countOf(right.length, 'part')} as they should be`)
  } catch (error) {
    const { code, message } = codedError(error)
    report(
      'broker',
      'wrong',
      `${code}: ${message}`,
      'Check that RabbitMQ runs, and that this machine can reach it.',
    )
  }
}
