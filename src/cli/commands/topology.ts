import type { Command } from 'commander'
import type { Finding } from '../../broker/rabbitmq/index.ts'
import { inspectTopology, isWrong, plannedTopology } from '../../server/topology.ts'
import { exitCodes } from '../exit-codes.ts'
import { addGroup, print, type Register, type Run } from '../run.ts'
import { tableLines } from '../text.ts'
import { countOf } from '../words.ts'

/** Adds `quillwork topology check|apply|show`: the exchanges, queues and bindings that the broker should have. */
export function addTopology(program: Command, register: Register): void {
  const about = 'Check and repair the exchanges, queues and bindings of the broker'
  const topology = addGroup(program, 'topology', about)
  topology
    .command('check')
    .description(
      'Compare the broker with what it should have; exit code 1 if a part is missing, differs or cannot be inspected',
    )
    .action(register(inspect))
  topology
    .command('apply')
    .description('Declare the missing parts; existing ones stay as they are')
    .action(register(run => inspect(run, true)))
  topology
    .command('show')
    .description('Print what the broker should have as a Mermaid diagram, without connecting to it')
    .action(register(show))
}

/** Prints what the broker has, after an optional repair. Returns 1 if any part is wrong. */
async function inspect(run: Run, repairs = false): Promise<number> {
  await using inspection = await inspectTopology(run.configure({ uses: 'broker' }).config)
  if (repairs) await inspection.apply()
  const { place } = inspection
  const findings = await inspection.check()
  const wrong = findings.filter(isWrong)
  print(run, { ok: wrong.length === 0, place, findings }, () => lines(place, findings, wrong.length))
  return wrong.length === 0 ? exitCodes.ok : exitCodes.failed
}

function lines(place: string, findings: readonly Finding[], wrong: number): string[] {
  const table = tableLines(findings, [
    { title: 'STATE', text: ({ state }) => state },
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'NAME', text: ({ name }) => name },
  ])
  const details = findings.flatMap(({ state, name, detail }) =>
    detail === undefined ? [] : [`${state} ${name}: ${detail}`],
  )
  const end =
    wrong === 0 ? `The broker at ${place} has what it should have.` : `${countOf(wrong, 'part')} wrong.`
  return [...table, '', ...details, ...(details.length > 0 ? [''] : []), end]
}

async function show(run: Run) {
  const { topology, diagram } = await plannedTopology(run.configure({ uses: 'broker' }).config)
  print(run, topology, () => diagram.trimEnd().split('\n'))
}
