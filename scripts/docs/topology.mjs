// The diagram of what the broker has, from the topology in src/broker/rabbitmq/. `quillwork topology show` prints the same.

import { diagramOf } from '../../dist/broker/rabbitmq/diagram.js'
import { topologyOf } from '../../dist/broker/rabbitmq/topology.js'

export const into = 'docs/architecture.md'
export const region = 'topology'

const rows = (things, text) => things.map(thing => `| ${text(thing).join(' | ')} |`)

/** The part of the document. */
export function render() {
  const topology = topologyOf({ lanes: ['default', 'batch', 'bulk', 'webhooks'] })
  const exchanges = rows(topology.exchanges, ({ name, type, why }) => [`\`${name}\``, type, why])
  const queues = rows(topology.queues, ({ name, arguments: given, why }) => [
    `\`${name}\``,
    String(given['x-queue-type']),
    why,
  ])
  return `\`\`\`mermaid
${diagramOf(topology).trimEnd()}
\`\`\`

| exchange | type | for |
| --- | --- | --- |
${exchanges.join('\n')}

| queue | type | for |
| --- | --- | --- |
${queues.join('\n')}
`
}
