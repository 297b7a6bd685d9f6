import type { Command } from 'commander'
import type { LimitJson } from '../../http/routes/limits.ts'
import { listCommand } from '../list.ts'
import { addGroup, ask, type Register, type Run } from '../run.ts'
import { numberText } from '../words.ts'

/** Adds `quillwork limits list|reset`. */
export function addLimits(program: Command, register: Register): void {
  const limits = addGroup(program, 'limits', 'List the limits of calls, and let a provider be called again')
  limits.command('list').description('List the limits, and how much of them is in use').action(register(list))
  limits
    .command('reset')
    .description('Let the calls under a limit go on at once, though its provider asked to wait')
    .argument('<key>', 'as `quillwork limits list` names it')
    .action(register(reset))
}

const list = listCommand<LimitJson>({
  path: '/v1/limits',
  columns: [
    { title: 'KEY', text: ({ key }) => key },
    { title: 'STATE', text: stateOf },
    { title: 'RUNNING', text: ({ inFlight }) => numberText(inFlight), right: true },
    { title: 'WAITING', text: ({ waiting }) => numberText(waiting), right: true },
    {
      title: 'REQUESTS',
      text: ({ requests, limit }) => share(requests, limit.requestsPerMinute),
      right: true,
    },
    { title: 'TOKENS', text: ({ tokens, limit }) => share(tokens, limit.tokensPerMinute), right: true },
  ],
  empty: () => 'This server has no limits.',
})

function stateOf({ parkedUntil, isProbed }: LimitJson): string {
  if (parkedUntil !== undefined) return `parked until ${parkedUntil}`
  return isProbed === true ? 'one call probes' : 'open'
}

/** What was used within a minute, and what is allowed. */
function share(used: number, most: number | undefined): string {
  return most === undefined ? numberText(used) : `${numberText(used)}/${numberText(most)}`
}

function reset(run: Run) {
  const [key = ''] = run.arguments
  return ask(
    run,
    client => client.post<LimitJson>('/v1/limits:reset', { key }),
    () => [`The limit ${key} is open; what waits for it is called again.`],
  )
}
