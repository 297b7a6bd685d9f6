import { existsSync } from 'node:fs'
import type { ModelCatalogue, ModelDescription } from '../ai/catalogue.ts'
import type { Readiness } from '../http/index.ts'
import { compositionOf } from '../server/combinations.ts'
import type { ResolvedConfig } from '../server/config.ts'
import { announced, placesOf } from '../server/data-directory.ts'
import { isOpenToOthers } from '../server/key-file.ts'
import { inspectTopology, isWrong } from '../server/topology.ts'
import type { Client } from './client.ts'
import { connect, findServer } from './connect.ts'
import { codedError } from './exit-codes.ts'
import { commandText } from './hints.ts'
import { trialText, tryModel } from './model-trial.ts'
import { countOf } from './words.ts'

/** What the doctor looked at, and how it is. `note` is worth knowing, `wrong` needs somebody. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'note' | 'wrong'
  readonly detail: string
  /** What to do about it. */
  readonly advice?: string
}

/** Adds a finding to the report. */
export type Tell = (check: string, state: Finding['state'], detail: string, advice?: string) => void

/** Clocks that are further apart than this make times that people read wrong; leases go by the clock of the store alone. */
const mostClockOffsetMs = 2_000

/** Looks at the server, and through it at the store and at the processes that share it. */
export async function lookAtServer(resolved: ResolvedConfig, tell: Tell): Promise<void> {
  const { config } = resolved
  const start = `Start one: ${commandText('serve', resolved)}`
  const server = config.url === undefined ? await findServer(config) : undefined
  if (config.url !== undefined) tell('server', 'note', `commands speak to ${config.url}`)
  if (server !== undefined) {
    const { command, url, pid, startedAt } = server
    tell('server', 'ok', `${command} answers at ${url} (process ${pid}, since ${startedAt})`)
  }
  const composition = compositionOf(config)
  if (
    server === undefined &&
    config.url === undefined &&
    composition.kind === 'embedded' &&
    !existsSync(composition.file)
  ) {
    tell('server', 'note', 'none runs', start)
    tell('store', 'note', `${composition.file} is not there yet; it is made at the first start`)
    await lookAtConfiguredModels(resolved, tell)
    return
  }
  try {
    const connection = await connect(resolved, { command: 'quillwork doctor' })
    try {
      if (connection.isOwn) tell('server', 'note', noServer(config.data), start)
      await lookInside(connection.client, resolved, tell)
    } finally {
      await connection.close()
    }
  } catch (error) {
    const { code, message } = codedError(error)
    tell(partOf(code), 'wrong', `${code}: ${message}`, adviceFor(code))
  }
}

/** Which part an error is about. */
function partOf(code: string): string {
  if (code.startsWith('BROKER_')) return 'broker'
  return code.startsWith('STORE_') ? 'store' : 'server'
}

function adviceFor(code: string): string | undefined {
  if (code === 'STORE_FAILED') return 'See that the database runs, and that this machine may reach it.'
  return undefined
}

/** For a data directory that no server announced. */
function noServer(data: string): string {
  const last = announced(data)
  return last === undefined
    ? 'none runs here'
    : `none runs here; the last one (process ${last.pid}) ended without saying so`
}

async function lookInside(client: Client, resolved: ResolvedConfig, tell: Tell): Promise<void> {
  await lookAtReadiness(client, tell)
  await lookAtProcesses(client, tell)
  tellModels(await client.get<ModelsTold>('/v1/capabilities'), tell)
  await lookAtTasks(client, resolved, tell)
  await lookAtLanes(client, resolved, tell)
}

async function lookAtReadiness(client: Client, tell: Tell): Promise<void> {
  const { reasons, checks } = await client.get<Readiness>('/readyz')
  tell('store', 'ok', `${checks.store.kind} answers`)
  const { clockOffsetMs } = checks.store
  if (Math.abs(clockOffsetMs) <= mostClockOffsetMs)
    tell('clock', 'ok', `${Math.abs(clockOffsetMs)} ms between the clocks of the server and of the store`)
  else
    tell(
      'clock',
      'wrong',
      `the clock of the store is ${clockOffsetMs / 1_000} s ahead of that of the server`,
      'Let all machines keep time by NTP.',
    )
  for (const reason of reasons) tell('server', 'wrong', reason)
}

interface WorkerJson {
  nodeId: string
  roles: string[]
  lanes: Record<string, number>
  running: number
  pid: number
}

async function lookAtProcesses(client: Client, tell: Tell): Promise<void> {
  const { items } = await client.get<{ items: WorkerJson[] }>('/v1/workers')
  for (const { nodeId, roles, lanes, running, pid } of items) {
    const slots = Object.entries(lanes).map(([lane, count]) => `${lane} ${count}`)
    const does = roles.length === 0 ? 'submits and asks' : roles.join(', ')
    const room = slots.length === 0 ? '' : `; slots ${slots.join(', ')}; ${running} running`
    tell('processes', 'ok', `${nodeId} (process ${pid}): ${does}${room}`)
  }
}

async function lookAtTasks(client: Client, resolved: ResolvedConfig, tell: Tell): Promise<void> {
  const { counts, total } = await client.get<{ counts: Record<string, number>; total: number }>(
    '/v1/tasks/counts',
  )
  const told = Object.entries(counts).filter(([, count]) => count > 0)
  tell('tasks', 'ok', total === 0 ? 'none' : told.map(([status, count]) => `${count} ${status}`).join(', '))
  const letters = (counts['FAILED'] ?? 0) + (counts['DEAD_LETTER'] ?? 0)
  if (letters === 0) return
  const advice = `See why: ${commandText('dead-letters list', resolved)}`
  tell('tasks', 'note', `${countOf(letters, 'task')} failed`, advice)
}

async function lookAtLanes(client: Client, resolved: ResolvedConfig, tell: Tell): Promise<void> {
  const lanes = await client.get<{ items: { lane: string; paused: boolean; waiting: number }[] }>('/v1/lanes')
  for (const { lane, paused, waiting } of lanes.items) {
    if (!paused) continue
    const detail = `${lane} is paused, ${countOf(waiting, 'task')} waiting`
    tell('lanes', 'note', detail, commandText(`lanes resume ${lane}`, resolved))
  }
}

/** What a server, or the configuration, tells of its models. */
export interface ModelsTold {
  readonly models: readonly {
    id: string
    uses: readonly string[]
    problem?: { message: string } | undefined
  }[]
  readonly off: readonly { capability: string; reason: string; problem?: object | undefined }[]
}

/** Tells which models can be used; one that cannot is wrong, one that nobody configured is not. */
export function tellModels({ models, off }: ModelsTold, tell: Tell): void {
  for (const { id, uses, problem } of models)
    if (problem === undefined) tell('models', 'ok', `${uses.join(', ')}: ${id}`)
    else tell('models', 'wrong', problem.message)
  for (const { capability, reason, problem } of off)
    if (problem === undefined) tell('models', 'note', `${capability} is off: ${reason}`)
}

/** Tells of the models of the configuration, where there is no server to ask. */
export async function lookAtConfiguredModels({ config }: ResolvedConfig, tell: Tell): Promise<void> {
  const { createModels } = await import('../server/models.ts')
  const models = createModels(config)
  tellModels({ models: models.models(), off: whatIsOff(models) }, tell)
}

function whatIsOff(models: ModelCatalogue): ModelsTold['off'] {
  return models.capabilities().flatMap(status => (status.available ? [] : [status]))
}

/** Looks at the file of keys on this machine. */
export function lookAtKeys({ config }: ResolvedConfig, tell: Tell): void {
  if (!isOpenToOthers(config.data)) return
  const { keys } = placesOf(config.data)
  tell('keys', 'wrong', `others than its owner may read ${keys}`, `chmod 600 ${keys}`)
}

/** Calls each model of the configuration once, from this machine and with the keys that are here. */
export async function callModels({ config }: ResolvedConfig, tell: Tell): Promise<void> {
  const { createModels } = await import('../server/models.ts')
  const models = createModels(config)
  const usable = models.models().filter(isCallable)
  for (const model of usable) {
    const trial = await tryModel(models, model, new AbortController().signal)
    tell('model calls', trial.ok ? 'ok' : 'wrong', `${model.id}: ${trialText(trial)}`)
  }
}

function isCallable({ provider, problem }: ModelDescription): boolean {
  return provider !== 'built-in' && problem === undefined
}

const howItIs = {
  ok: 'is as it should be',
  missing: 'is missing',
  differs: 'differs',
  unknown: 'could not be looked at',
} as const

/** Looks at the broker from this machine, where the configuration names one. */
export async function lookAtTopology(resolved: ResolvedConfig, tell: Tell): Promise<void> {
  const { config } = resolved
  if (compositionOf(config).kind === 'embedded') return
  try {
    await using inspection = await inspectTopology(config)
    tell('broker', 'ok', `answers at ${inspection.place}`)
    const findings = await inspection.check()
    const wrong = findings.filter(isWrong)
    for (const { kind, name, state, detail } of wrong)
      tell('topology', 'wrong', `${kind} ${name} ${howItIs[state]}`, detail)
    if (wrong.some(({ state }) => state === 'missing'))
      tell('topology', 'note', 'what is missing can be made', commandText('topology apply', resolved))
    const right = findings.filter(({ state }) => state === 'ok')
    if (wrong.length === 0) tell('topology', 'ok', `${countOf(right.length, 'part')} as they should be`)
  } catch (error) {
    const { code, message } = codedError(error)
    tell(
      'broker',
      'wrong',
      `${code}: ${message}`,
      'See that RabbitMQ runs, and that this machine may reach it.',
    )
  }
}
