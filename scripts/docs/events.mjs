// The table of events, from the descriptions in src/broker/.

import { cloudEventType, eventDescriptions, eventNames } from '../../dist/broker/cloud-events.js'
import { eventKey } from '../../dist/broker/rabbitmq/topology.js'

export const into = 'docs/events.md'
export const region = 'events'

/** The part of the document. */
export function render() {
  const rows = eventNames.map(name => {
    const { summary, names } = eventDescriptions[name]
    const named = names.map(field => `\`${field}\``).join(', ')
    return `| \`${eventKey(name)}\` | \`${cloudEventType(name)}\` | ${summary} | ${named} |`
  })
  return `| key | type | when | \`data\` also names |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
