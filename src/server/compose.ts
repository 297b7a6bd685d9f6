/** What both compositions have in common: how the configuration becomes options of an engine. */
import type { Engine, EngineOptions } from '../index.ts'
import { loadPrompts, type NovelServices } from '../novel/index.ts'
import type { Records } from '../records/records.ts'
import type { Logger } from '../runtime/log.ts'
import { defined } from '../task/defined.ts'
import { type WebhookParts, Webhooks } from '../webhooks/webhooks.ts'
import type { LiveModels } from './live-models.ts'
import type { Config } from './settings.ts'
import { serverTasks } from './tasks.ts'
import { webhookSecrets } from './webhook-secrets.ts'

/** The parts of a server. Stopping the engine closes the store and the broker. */
export interface Composed {
  readonly engine: Engine
  readonly services: NovelServices
  readonly models: LiveModels
  readonly webhooks: Webhooks
}

/** What a composition needs. */
export interface ComposeOptions {
  readonly config: Config
  readonly log: Logger
}

/** Returns the options of an engine that do not depend on the composition. */
export function engineOptions({ config, log }: ComposeOptions) {
  const { lease, sweepInterval, grace, abortGrace, admission, auditRetention } = config
  return {
    tasks: serverTasks,
    lanes: { ...config.lanes },
    admission: defined({ waitingPerUser: admission.perUser, waitingPerLane: admission.perLane }),
    retention: { ...config.retention },
    usageRetention: defined({ ...config.usageRetention }),
    auditRetention,
    times: { lease, sweepInterval, grace, abortGrace },
    log,
  } satisfies Omit<EngineOptions, 'store'> & { tasks: unknown }
}

/** Returns the webhooks that records of a store are. `isShared`: other processes, with data directories of their own, read them. */
export function webhooksOf(
  { config }: Pick<ComposeOptions, 'config'>,
  parts: { records: Records; store: WebhookParts['store']; isShared: boolean },
): Webhooks {
  const secrets = webhookSecrets(config, parts.isShared)
  return new Webhooks({ ...parts, secrets, sending: { privateHosts: config.webhookHosts } })
}

/** Returns the settings of the novel tasks. Throws CONFIG_INVALID for an invalid prompt, before any task needs it. */
export function novelSettings({
  originals,
  prompts,
}: Config): Pick<NovelServices, 'originalsMs' | 'promptsFolder'> {
  loadPrompts(prompts)
  return { originalsMs: originals, ...defined({ promptsFolder: prompts }) }
}
