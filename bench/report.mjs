import { readFileSync, writeFileSync } from 'node:fs'
import { median } from './load.mjs'
import { cells, evaluate, formatNumber } from './rows.mjs'
import { QUIET_SHARE } from './run.mjs'

/**
 * Medians per figure of an entry's rounds. Only quiet runs count where there are at least `rounds` of them; the rule looks at
 * the share that other processes used, never at the result.
 */
export function summarise(runs, rounds) {
  const quiet = runs.filter(isQuiet)
  const used = quiet.length >= rounds ? quiet : runs
  if (used.length === 0) return { runs, used: 0 }
  const names = Object.keys(used[0].figures)
  const valuesOf = name => used.map(run => run.figures[name])
  const each = pick => Object.fromEntries(names.map(name => [name, pick(valuesOf(name))]))
  const shares = used.map(run => run.others).filter(share => share !== undefined)
  return {
    runs,
    used: used.length,
    medians: each(median),
    lowest: each(values => Math.min(...values)),
    highest: each(values => Math.max(...values)),
    others: shares.length > 0 ? median(shares) : undefined,
    busyRuns: used.filter(run => !isQuiet(run)).length,
  }
}

/** A run is quiet when other processes used less than a fifth of the cores; unknown counts as quiet. */
export function isQuiet(run) {
  return (run.others ?? 0) < QUIET_SHARE
}

/** Every figure of every entry: median, smallest, largest, runs, and the share of the cores that others used. */
export function entryTable(summaries) {
  const rows = []
  for (const [name, summary] of summaries) {
    for (const figure of Object.keys(summary.medians ?? {})) {
      const show = part => formatNumber(summary[part][figure], summary.medians[figure] < 100 ? 2 : 0)
      const share = summary.others === undefined ? '-' : `${Math.round(summary.others * 100)} %`
      const busy = summary.busyRuns > 0 ? `${summary.used} (${summary.busyRuns} busy)` : String(summary.used)
      rows.push([name, figure, show('medians'), show('lowest'), show('highest'), busy, share])
    }
  }
  return table(['measurement', 'figure', 'median', 'lowest', 'highest', 'runs', 'CPU used by others'], rows)
}

/** Those of the rows with bar and aim that need one of the entries `chosen` by name: `{ results, text }`. */
export function barTable(all, summaries, chosen) {
  const rows = all.filter(row => chosen.has(row.of) || chosen.has(row.against))
  const results = rows.map(row => evaluate(row, summaries))
  const head = ['what', 'Quillwork', 'against', 'ratio', 'bar', 'aim', 'verdict']
  return {
    results,
    text: table(
      head,
      rows.map((row, i) => cells(row, results[i])),
    ),
  }
}

/** A Markdown table whose columns also line up on a terminal. */
export function table(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => row[i].length)))
  const line = row => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`
  return [line(head), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join(
    '\n',
  )
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`, so that figures in a document are never typed by hand. */
export function fillDocument(path, name, parts) {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const text = readFileSync(path, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${path} lacks the markers ${begin} and ${end}`)
  const figures = `${begin}\n\n${parts.join('\n\n')}\n\n`
  writeFileSync(path, text.slice(0, from) + figures + text.slice(to))
}
