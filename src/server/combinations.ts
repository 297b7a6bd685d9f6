import path from 'node:path'
import { limitKeyOf } from '../ai/providers/config.ts'
import { shownAddress, shownDatabase, sqliteFileOf } from './addresses.ts'
import { placesOf } from './data-directory.ts'
import { type Config, invalid, roles } from './settings.ts'

/** One process with a file, or any number of processes that share a database and a broker. */
export type Composition =
  | { readonly kind: 'embedded'; readonly file: string }
  | { readonly kind: 'distributed'; readonly store: string; readonly broker: string }

/** Returns the composition of a configuration. Throws CONFIG_INVALID for a MongoDB store without a broker, and for an SQLite file with one. */
export function compositionOf({
  data,
  store,
  broker,
}: Pick<Config, 'data' | 'store' | 'broker'>): Composition {
  const file = store === undefined ? placesOf(data).database : sqliteFileOf(store)
  if (file !== undefined) {
    if (broker === undefined) return { kind: 'embedded', file: path.resolve(file) }
    throw invalid(
      'A broker is configured, but the store is an SQLite file, which only one process can use. ' +
        'Set the store to mongodb://…, or leave the broker out.',
    )
  }
  if (store !== undefined && broker !== undefined) return { kind: 'distributed', store, broker }
  throw invalid(
    'The store is MongoDB, which several processes share, but no broker is configured to wake them. ' +
      'Set the broker to amqp://… (--broker, QUILLWORK_BROKER), or the store to sqlite:FILE.',
  )
}

/**
 * Returns the store and the broker of a configuration, without passwords, to show and to compare. The store is `sqlite:FILE`, or the MongoDB
 * servers with the name of the database. Throws CONFIG_INVALID as `compositionOf` does.
 */
export function shownComposition(
  config: Pick<Config, 'data' | 'store' | 'broker' | 'database'>,
): Record<'store' | 'broker', string> {
  const composition = compositionOf(config)
  if (composition.kind === 'embedded') return { store: `sqlite:${composition.file}`, broker: 'in-process' }
  const { store, broker } = composition
  return { store: shownDatabase(store, config.database), broker: shownAddress(broker) }
}

/** Throws CONFIG_INVALID for settings that contradict each other. */
export function refuseCombinations(config: Config): void {
  const { kind } = compositionOf(config)
  if (kind === 'embedded') refuseForEmbedded(config)
  refuseLimitsTwice(config)
  if (config.noToken && config.token !== undefined)
    throw invalid('token is set, and noToken (--no-token) says that requests need none. Set one of them.')
  if (config.noToken && config.oidc !== undefined)
    throw invalid('oidc is set, and noToken (--no-token) says that requests need no token. Set one of them.')
  if (config.roles.includes('api') && config.port !== 0 && config.healthPort === config.port)
    throw invalid(
      `healthPort and port are both ${config.port}. Leave healthPort out: port serves health and metrics too.`,
    )
}

/** Throws CONFIG_INVALID for a limit that is set in two places, one of which would be ignored. */
function refuseLimitsTwice({ limits, models }: Config): void {
  for (const [id, model] of Object.entries(models)) {
    const key = limitKeyOf(model)
    if (model.limits !== undefined && limits[key] !== undefined)
      throw invalid(`limits["${key}"] and models.${id}.limits set the same limit. Leave one of them out.`)
  }
}

function refuseForEmbedded(config: Config): void {
  if (config.roles.length < roles.length)
    throw invalid(
      `roles is ${config.roles.join(', ')}, but the store is an SQLite file: its one process has to do everything. ` +
        'Leave roles out, or set a MongoDB store and a broker.',
    )
  for (const name of ['database', 'brokerPrefix'] as const) {
    const value = config[name]
    if (value !== undefined && value !== '')
      throw invalid(`${name} is ${JSON.stringify(value)}, but the store is an SQLite file. Leave it out.`)
  }
  if (config.brokerSecret !== undefined)
    throw invalid(
      'A broker secret is set, but no broker is configured. Leave it out, or set broker and store.',
    )
  if (config.eventsStream)
    throw invalid('eventsStream is true, but no broker is configured. Leave it out, or set broker and store.')
  for (const [lane, { slots }] of Object.entries(config.lanes)) {
    if (slots === 0)
      throw invalid(`lanes.${lane}.slots is 0, and no other process could run its tasks. Give at least 1.`)
  }
}
