import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { Engine } from '../engine/engine.ts'
import type { NovelServices } from '../novel/services.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Logger } from '../runtime/log.ts'
import type { HttpSettings } from './settings.ts'
import type { StreamHub } from './streams/hub.ts'

/** What all routes share. */
export interface ApiContext {
  readonly engine: Engine
  readonly settings: HttpSettings
  readonly hub: StreamHub
  readonly metrics: Metrics
  readonly models: ModelCatalogue | undefined
  readonly novels: NovelServices | undefined
  /** The AsyncAPI document of the broker, undefined where there is no broker between processes. */
  readonly asyncApi: object | undefined
  /** The folder of the samples, where there is one. */
  readonly samples: URL | string | undefined
  readonly log: Logger
}

/** What all routes of novels share. */
export type NovelContext = ApiContext & { readonly novels: NovelServices }
