// The state diagram and the table of moves, from the one table in src/task/status.ts.

import { endedStatuses, moves } from '../../dist/task/status.js'

export const into = 'docs/states.md'

const phases = ['executing', 'reducing', 'awaiting-subtasks']
const waiting = 'awaiting-subtasks'
/** RUNNING is drawn as two boxes: an attempt is at work, or the task waits for its sub-tasks. */
const box = (status, phase) => (status === 'RUNNING' && phase === waiting ? 'WAITING' : status)
const unique = values => [...new Set(values)]

/** One line of the diagram per pair of boxes, with every reason that leads along it. */
function arrows() {
  const reasons = new Map()
  for (const move of moves) {
    const pair = `${box(move.from, move.fromPhase)} --> ${box(move.to, move.toPhase)}`
    reasons.set(pair, [...(reasons.get(pair) ?? []), move])
  }
  return [...reasons].map(([pair, grouped]) => {
    const texts = unique(grouped.map(move => move.why)).map(why => {
      const from = grouped.filter(move => move.why === why).map(move => move.fromPhase)
      return from.length === 1 && from[0] === 'reducing' ? `${why} (reducing)` : why
    })
    return `  ${pair} : ${texts.join(', ')}`
  })
}

/** Rows that differ only in the phase they leave are one row of the table. */
function rows() {
  const merged = new Map()
  for (const move of moves) {
    const key = JSON.stringify([move.from, move.to, move.toPhase, move.by, move.why])
    const row = merged.get(key) ?? { ...move, fromPhases: [] }
    if (move.fromPhase) row.fromPhases.push(move.fromPhase)
    merged.set(key, row)
  }
  return [...merged.values()].map(({ from, fromPhases, to, toPhase, by, why }) => {
    const sorted = phases.filter(phase => fromPhases.includes(phase))
    const left = [from, sorted.join(' or ')].filter(Boolean).join(', ')
    return `| ${left} | ${[to, toPhase].filter(Boolean).join(', ')} | ${by.join(', ')} | ${why} |`
  })
}

/** The document. */
export function render() {
  return `# The states of a task

Which states does a task have, and which moves between them? Made from the table in \`src/task/status.ts\` by \`npm run docs\`; change it there. The phase (\`executing\`,
\`awaiting-subtasks\`, \`reducing\`) names the handler that runs next and survives QUEUED and RETRYING.

\`\`\`mermaid
stateDiagram-v2
  state "RUNNING executing or reducing" as RUNNING
  state "RUNNING awaiting-subtasks" as WAITING
  [*] --> QUEUED : submitted
${arrows().join('\n')}
${endedStatuses.map(status => `  ${status} --> [*]`).join('\n')}
\`\`\`

| from | to | moved by | because |
| --- | --- | --- | --- |
${rows().join('\n')}
`
}
