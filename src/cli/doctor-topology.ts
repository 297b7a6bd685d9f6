import { compositionOf } from '../server/combinations.ts'
import type { ResolvedConfig } from '../server/config.ts'
import { inspectTopology, isWrong } from '../server/topology.ts'
import { codedError } from './exit-codes.ts'
import type { Tell } from './finding.ts'
import { commandText } from './hints.ts'
import { countOf } from './words.ts'

const howItIs = {
  ok: 'is as it should be',
  missing: 'is missing',
  differs: 'differs',
  unknown: 'could not be looked at',
} as const

/** Looks at the broker from this machine, where the configuration names one. */
export async function lookAtTopology(resolved: ResolvedConfig, tell: Tell): Promise<void> {
  const { config } = resolved
  if (compositionOf(config).kind === 'embedded') return
  try {
    await using inspection = await inspectTopology(config)
    tell('broker', 'ok', `answers at ${inspection.place}`)
    const findings = await inspection.check()
    const wrong = findings.filter(isWrong)
    for (const { kind, name, state, detail } of wrong)
      tell('topology', 'wrong', `${kind} ${name} ${howItIs[state]}`, detail)
    if (wrong.some(({ state }) => state === 'missing'))
      tell('topology', 'note', 'what is missing can be made', commandText('topology apply', resolved))
    const right = findings.filter(({ state }) => state === 'ok')
    if (wrong.length === 0) tell('topology', 'ok', `${countOf(right.length, 'part')} as they should be`)
  } catch (error) {
    const { code, message } = codedError(error)
    tell(
      'broker',
      'wrong',
      `${code}: ${message}`,
      'See that RabbitMQ runs, and that this machine may reach it.',
    )
  }
}
