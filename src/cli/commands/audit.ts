import { type Command, Option } from 'commander'
import { escapeControls } from '../../task/controls.ts'
import type { Query } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { listCommand, type PagingOptions } from '../list.ts'
import { addGroup, type Register, type Run, withServer } from '../run.ts'
import { agoText } from '../words.ts'
import { timeOf } from './usage.ts'

/** A line of the audit trail, as far as it is printed. */
interface LineJson {
  at: string
  action: string
  name: string
  identity: string
  target?: string
  status: number
  code?: string
  from: string
}

interface FilterOptions {
  identity?: string
  action?: string
  target?: string
  outcome?: string
  since?: string
  until?: string
}

/** Adds `quillwork audit list|export`. */
export function addAudit(program: Command, register: Register): void {
  const audit = addGroup(program, 'audit', 'Who changed what over the API, when, and from where')
  addFilters(
    audit
      .command('list')
      .description('List the changes, the newest first; --json prints all that is known of each')
      .option('--limit <n>', 'number of entries, at most 200; default 50')
      .option('--page <token>', 'the page after another one: the nextPageToken of that page'),
  ).action(register(list))
  addFilters(
    audit
      .command('export')
      .description('Print all of them as JSON, one on each line, for a file or another program'),
  ).action(register(exportLines))
}

function addFilters(command: Command): Command {
  return command
    .option('--identity <id>', 'only what one identity did: the id of an API key, token, or local')
    .option('--action <action>', 'only one action, as the list names it: "POST /v1/lanes/{lane}:pause"')
    .option('--target <id>', 'only what was done to a task, a novel, a lane, or another thing with that id')
    .addOption(
      new Option('--outcome <outcome>', 'only requests that ended so').choices(['done', 'refused', 'failed']),
    )
    .option(
      '--since <time>',
      'only changes from this time on: 2026-01-31, 2026-01-31T12:00:00Z, or 7d for seven days ago',
    )
    .option('--until <time>', 'only changes before this time, in the same forms')
}

/** Returns the filters as a query. Throws USAGE_INVALID. */
function queryOf({ since, until, ...by }: FilterOptions): Query {
  const { identity, action, target, outcome } = by
  if ([identity, action, target, outcome].filter(each => each !== undefined).length > 1)
    throw usageError('Give one of --identity, --action, --target and --outcome.')
  const times = { after: timeOf('--since', since), before: timeOf('--until', until) }
  return { identity, action, target, outcome, ...times }
}

const list = listCommand<LineJson, FilterOptions & PagingOptions>({
  path: '/v1/audit',
  columns: [
    { title: 'WHEN', text: ({ at }) => agoText(at) },
    { title: 'WHO', text: ({ name }) => name },
    { title: 'ACTION', text: ({ action }) => action },
    { title: 'TARGET', text: ({ target = '' }) => target },
    { title: 'OUTCOME', text: ({ status, code }) => (code === undefined ? String(status) : code) },
    { title: 'FROM', text: ({ from }) => from },
  ],
  empty: () => 'No change was made over the API, as far as the audit trail reaches.',
  query: queryOf,
})

function exportLines(run: Run<FilterOptions>) {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(queryOf(run.options)))
    if (value !== undefined) search.set(name, String(value))
  return withServer(run, async ({ client }) => {
    const content = await client.download(`/v1/audit:export?${search}`)
    await run.terminal.bytes(safely(content))
  })
}

/** Nothing that others named may command a terminal. The JSON stays the same JSON. */
async function* safely(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder()
  for await (const bytes of content) {
    const lines = decoder.decode(bytes, { stream: true }).split('\n')
    yield Buffer.from(lines.map(escapeControls).join('\n'))
  }
}
