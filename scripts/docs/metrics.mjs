// The table of metrics, from what src/observe/ registers.

import { createMetrics } from '../../dist/observe/metrics.js'

export const into = 'docs/observability.md'
export const region = 'metrics'

/** An engine of which nothing is known: names, kinds and help are told all the same. */
const unknown = () => Promise.reject(new Error('There is no engine.'))
const engine = {
  events: { onAny: () => () => undefined },
  tasks: { counts: unknown },
  lanes: { list: unknown },
  health: unknown,
  limiter: { describe: () => [] },
  store: { tasks: { now: () => 0 } },
}

/** The part of the document. */
export async function render() {
  const metrics = createMetrics({ engine, streams: () => ({ open: 0, opened: 0, dropped: 0 }) })
  const text = await metrics.text()
  metrics.close()
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)$/gm)]
    .map(([, name, help, kind]) => `| \`${name}\` | ${kind} | ${help} |`)
    .sort()
  return `| metric | kind | what |
| --- | --- | --- |
${rows.join('\n')}
`
}
