import { isQuiet } from './report.mjs'

/**
 * Measures all entries `rounds` times. Rounds go through all entries in turn, so that a drift of the machine hits all of them alike;
 * up to `maxRounds` they go on for entries that have too few quiet runs. `measure(entry)` answers a run: `{ figures, others }`.
 */
export async function measureRounds(entries, { rounds, maxRounds, measure }) {
  const runs = new Map(entries.map(entry => [entry.name, []]))
  const failures = []
  const wanted = entry => runs.get(entry.name).filter(isQuiet).length < rounds
  for (let round = 1; round <= maxRounds; round++) {
    for (const entry of entries) {
      if (round > rounds && !wanted(entry)) continue
      try {
        const run = await measure(entry)
        runs.get(entry.name).push(run)
        console.log(progressLine(round, entry, run))
      } catch (error) {
        failures.push({ name: entry.name, round, message: error.message })
        console.error(`round ${round}  ${entry.name}  FAILED: ${error.message}`)
      }
    }
  }
  return { runs, failures }
}

function progressLine(round, entry, run) {
  const figures = Object.entries(run.figures).map(
    ([name, value]) => `${name} ${Number(value.toPrecision(4))}`,
  )
  const others = run.others === undefined ? '' : `  (others ${Math.round(run.others * 100)} %)`
  return `round ${round}  ${entry.name}  ${figures.join('  ')}${others}`
}
