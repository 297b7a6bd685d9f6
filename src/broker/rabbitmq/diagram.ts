import type { Topology } from './topology.ts'

/** The topology as the text of a Mermaid flowchart: exchanges, what they lead to by which key, and where what is left over goes. */
export function diagramOf(topology: Topology): string {
  const { exchanges, queues, bindings, processQueues } = topology
  const ids = new Map([...exchanges, ...queues].map(({ name }, index) => [name, `n${index}`]))
  const idOf = (name: string) => ids.get(name) ?? 'unknown'
  const deadLetterings = queues.flatMap(queue => {
    const target = queue.arguments['x-dead-letter-exchange']
    if (target === undefined) return []
    const when = queue.arguments['x-message-ttl'] === undefined ? 'rejected' : 'time is over'
    return [`  ${idOf(queue.name)} -. ${when} .-> ${idOf(String(target))}`]
  })
  const alternates = exchanges.flatMap(exchange => {
    const target = exchange.arguments?.['alternate-exchange']
    return target === undefined ? [] : [`  ${idOf(exchange.name)} -. no queue .-> ${idOf(target)}`]
  })
  return [
    'flowchart LR',
    ...exchanges.map(({ name, type }) => `  ${idOf(name)}{{"${name}<br/>${type}"}}`),
    ...queues.map(
      queue => `  ${idOf(queue.name)}[("${queue.name}<br/>${String(queue.arguments['x-queue-type'])}")]`,
    ),
    ...processQueues.map((_, index) => `  p${index}[("one queue per process")]`),
    ...bindings.map(({ exchange, queue, key }) => `  ${idOf(exchange)} -- "${key}" --> ${idOf(queue)}`),
    ...processQueues.map(({ exchange, key }, index) => {
      const arrow = key === '' ? '-->' : `-- "${key}" -->`
      return `  ${idOf(exchange)} ${arrow} p${index}`
    }),
    ...deadLetterings,
    ...alternates,
    '',
  ].join('\n')
}
