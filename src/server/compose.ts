/** What both compositions have in common: how the configuration becomes options of an engine. */
import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { Engine, EngineOptions } from '../index.ts'
import { loadPrompts, type NovelServices, novelTasks } from '../novel/index.ts'
import type { Limit } from '../rate-limit/limiter.ts'
import type { Logger } from '../runtime/log.ts'
import { modelLimits } from './models.ts'
import type { Config } from './settings.ts'

/** What a server is made of. Whoever has it stops the engine, which closes the store and the broker. */
export interface Composed {
  readonly engine: Engine
  readonly services: NovelServices
  readonly models: ModelCatalogue
}

/** What a composition is made from. */
export interface ComposeOptions {
  readonly config: Config
  readonly log: Logger
}

/** The options of an engine that do not depend on the composition. */
export function engineOptions({ config, log }: ComposeOptions) {
  return {
    tasks: novelTasks,
    lanes: { ...config.lanes },
    admission: admissionOf(config),
    retention: { ...config.retention },
    times: { lease: config.lease, sweepInterval: config.sweep, grace: config.grace, abortGrace: config.obey },
    log,
  } satisfies Omit<EngineOptions, 'store'> & { tasks: unknown }
}

/** The limits of the configuration, those of the models among them. */
export function limitsOf(config: Config): Record<string, Limit> {
  return { ...config.limits, ...modelLimits(config) }
}

/** The author's own prompts. Throws CONFIG_INVALID for one that cannot be used, which is known before a task needs it. */
export function promptsOf({ prompts }: Config): Pick<NovelServices, 'promptsFolder'> {
  loadPrompts(prompts)
  return prompts === undefined ? {} : { promptsFolder: prompts }
}

function admissionOf({ waiting: { perUser, perLane } }: Config) {
  return {
    ...(perUser === undefined ? {} : { waitingPerUser: perUser }),
    ...(perLane === undefined ? {} : { waitingPerLane: perLane }),
  }
}
