import type { Command } from 'commander'
import type { Finding } from '../../broker/rabbitmq/index.ts'
import { inspectTopology, isWrong, plannedTopology } from '../../server/topology.ts'
import { exitCodes } from '../exit-codes.ts'
import { printJson, type Register, type Run } from '../run.ts'
import { tableLines } from '../text.ts'
import { countOf } from '../words.ts'

/** `quillwork topology check|apply|show`: what the broker should have. */
export function addTopology(program: Command, register: Register): void {
  const topology = program
    .command('topology')
    .description('See and repair what the broker should have')
    .helpCommand(false)
  topology
    .command('check')
    .description(
      'Compare the broker with what it should have; exit code 1 if anything is missing, differs or cannot be looked at',
    )
    .action(register(check))
  topology
    .command('apply')
    .description('Declare what is missing; what is there stays as it is')
    .action(register(apply))
  topology
    .command('show')
    .description('Print what the broker should have, as a Mermaid diagram; connects to nothing')
    .action(register(show))
}

async function check(run: Run): Promise<number> {
  await using inspection = await inspectTopology(run.configure().config)
  const findings = await inspection.check()
  return tell(run, inspection.place, findings)
}

async function apply(run: Run): Promise<number> {
  await using inspection = await inspectTopology(run.configure().config)
  await inspection.apply()
  return tell(run, inspection.place, await inspection.check())
}

/** Says how the broker is; 1 if somebody has to do something. */
function tell(run: Run, place: string, findings: readonly Finding[]): number {
  const wrong = findings.filter(isWrong)
  if (run.json) printJson(run, { ok: wrong.length === 0, place, findings })
  else for (const line of lines(place, findings, wrong.length)) run.terminal.out(line)
  return wrong.length === 0 ? exitCodes.ok : exitCodes.failed
}

function lines(place: string, findings: readonly Finding[], wrong: number): string[] {
  const table = tableLines(
    findings,
    [
      { title: 'STATE', text: ({ state }) => state },
      { title: 'KIND', text: ({ kind }) => kind },
      { title: 'NAME', text: ({ name }) => name },
    ],
    undefined,
  )
  const details = findings.flatMap(({ state, name, detail }) =>
    detail === undefined ? [] : [`${state} ${name}: ${detail}`],
  )
  const end =
    wrong === 0 ? `The broker at ${place} has what it should have.` : `${countOf(wrong, 'part')} wrong.`
  return [...table, '', ...details, ...(details.length > 0 ? [''] : []), end]
}

async function show(run: Run): Promise<number> {
  const { topology, diagram } = await plannedTopology(run.configure().config)
  if (run.json) printJson(run, topology)
  else run.terminal.out(diagram.trimEnd())
  return exitCodes.ok
}
