import type { Command } from 'commander'
import type { LimitJson } from '../../http/routes/limits.ts'
import { defined } from '../../task/defined.ts'
import { usageError } from '../exit-codes.ts'
import { listCommand } from '../list.ts'
import { addGroup, ask, type Register, type Run } from '../run.ts'
import { numberText } from '../words.ts'

/** Adds `quillwork limits list|set|reset`. */
export function addLimits(program: Command, register: Register): void {
  const limits = addGroup(
    program,
    'limits',
    'List and set the limits of calls, and let a provider be called again',
  )
  limits.command('list').description('List the limits, and how much of them is in use').action(register(list))
  limits
    .command('reset')
    .description('Let the calls under a limit go on at once, though its provider asked to wait')
    .argument('<key>', 'as `quillwork limits list` names it')
    .action(register(reset))
  limits
    .command('set')
    .description('Set how many calls and tokens a limit allows; what is not given stays as it is')
    .argument('<key>', 'as `quillwork limits list` names it')
    .option('--requests <number>', 'calls that start within a minute')
    .option('--tokens <number>', 'tokens within a minute')
    .option('--concurrency <number>', 'calls that run at the same time')
    .option('--reset', 'all as the configuration says')
    .action(register(set))
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

function stateOf({ parkedUntil, isProbed, setLimit }: LimitJson): string {
  if (parkedUntil !== undefined) return `parked until ${parkedUntil}`
  if (isProbed === true) return 'one call probes'
  return setLimit === undefined ? 'open' : 'open, set by an operator'
}

/** What was used within a minute, and what is allowed. */
function share(used: number, most: number | undefined): string {
  return most === undefined ? numberText(used) : `${numberText(used)}/${numberText(most)}`
}

interface SetOptions {
  requests?: string
  tokens?: string
  concurrency?: string
  reset?: boolean
}

function set(run: Run<SetOptions>) {
  const [key = ''] = run.arguments
  const limit = limitGiven(run.options)
  return ask(
    run,
    client => client.patch<LimitJson>(`/v1/limits/${encodeURIComponent(key)}`, { limit }),
    ({ limit: now, setLimit }) => [
      `The limit ${key} is ${setLimit === undefined ? 'as configured' : 'set'}: ${limitText(now)}.`,
    ],
  )
}

/** Throws USAGE_INVALID unless numbers, or the reset, are given. */
function limitGiven({ reset = false, requests, tokens, concurrency }: SetOptions) {
  const given = { '--requests': requests, '--tokens': tokens, '--concurrency': concurrency }
  const isSet = Object.values(given).some(value => value !== undefined)
  if (isSet === reset)
    throw usageError('Give --requests, --tokens or --concurrency with a number each, or --reset.')
  if (reset) return null
  for (const [option, value] of Object.entries(given))
    if (value !== undefined && !/^\d{1,15}$/.test(value)) throw usageError(`${option} is no whole number.`)
  const numberOf = (value: string | undefined) => (value === undefined ? undefined : Number(value))
  return defined({
    requestsPerMinute: numberOf(requests),
    tokensPerMinute: numberOf(tokens),
    concurrency: numberOf(concurrency),
  })
}

/** What a limit allows. */
function limitText({ requestsPerMinute, tokensPerMinute, concurrency }: LimitJson['limit']): string {
  const part = (value: number | undefined, unit: string) =>
    value === undefined ? [] : [`${numberText(value)} ${unit}`]
  const parts = [
    ...part(requestsPerMinute, 'calls a minute'),
    ...part(tokensPerMinute, 'tokens a minute'),
    ...part(concurrency, 'calls at the same time'),
  ]
  return parts.join(', ') || 'no limit'
}

function reset(run: Run) {
  const [key = ''] = run.arguments
  return ask(
    run,
    client => client.post<LimitJson>('/v1/limits:reset', { key }),
    () => [`The limit ${key} is open; what waits for it is called again.`],
  )
}
