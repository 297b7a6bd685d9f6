import { median } from '../load.mjs'
import { table } from '../report.mjs'
import { formatNumber } from '../rows.mjs'

const KINDS = {
  mongodb: 'MongoDB command',
  statements: 'MongoDB statements in',
  sent: 'RabbitMQ, sent',
  received: 'RabbitMQ, received',
}

/** What was said to the servers, by name: per task, of an engine at rest per second. Medians over all rounds. */
export function commandTable(summaries) {
  const names = [...summaries.keys()]
  const rows = Object.entries(KINDS).flatMap(([kind, title]) =>
    commandNames(summaries, kind).map(command => [
      `${title} ${command}`,
      ...names.map(name => cell(summaries.get(name).runs, kind, command)),
    ]),
  )
  return table(['per task; at rest: per second', ...names], rows)
}

function commandNames(summaries, kind) {
  const runs = [...summaries.values()].flatMap(({ runs }) => runs)
  return [...new Set(runs.flatMap(run => Object.keys(run.commands[kind])))].sort()
}

function cell(runs, kind, command) {
  const value = median(runs.map(run => run.commands[kind][command] ?? 0))
  return value === 0 ? '' : formatNumber(value, 3)
}
