// What goes through the broker, for tools: from the topology and the schemas in src/broker/. `GET /v1/asyncapi.json` answers the same
// for the lanes and the prefix of an installation.

import { readFileSync } from 'node:fs'
import { asyncApiOf } from '../../dist/broker/rabbitmq/asyncapi.js'
import { topologyOf } from '../../dist/broker/rabbitmq/topology.js'

export const into = 'docs/asyncapi.json'

/** The document. */
export function render() {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const topology = topologyOf({ lanes: ['default', 'batch', 'bulk', 'webhooks'], eventsStream: true })
  return JSON.stringify(asyncApiOf(topology, { version }), undefined, 2)
}
