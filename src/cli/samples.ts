import type { ResolvedConfig } from '../server/config.ts'
import type { Client } from './client.ts'
import { commandText } from './hints.ts'
import type { BegunImport } from './novel-client.ts'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'
import { watchTrees } from './watch.ts'

/** Where the samples go. */
export interface SampleImport {
  terminal: Terminal
  client: Client
  signals: Signals
  /** Say nothing: a program reads the output. */
  quiet: boolean
  /** For the words at the end. */
  resolved: ResolvedConfig
  /** Of the web pages, where there are any. */
  pagesUrl: string | undefined
}

/**
 * Imports the stories that come with the package into an empty database, shows how, and says what to do next. Does nothing where
 * anything is there.
 */
export async function importSamples(work: SampleImport): Promise<void> {
  const { terminal, client, signals, quiet } = work
  if (!(await isEmpty(client))) return
  const { items: stories } = await client.get<{ items: { name: string; title: string }[] }>('/v1/samples')
  if (stories.length === 0) {
    terminal.note('The package has no samples; nothing was imported.')
    return
  }
  if (!quiet) terminal.out(`The database is empty: importing the sample, ${stories.length} short stories.`)
  try {
    const begun: BegunImport[] = []
    for (const { name } of stories) begun.push(await client.post(`/v1/samples/${name}:import`, undefined))
    const taskIds = begun.map(({ taskId }) => taskId)
    const titles = stories.map(({ title }) => title)
    const ended = await watchTrees({ client, taskIds, titles, terminal, quiet, signal: signals.asked })
    if (quiet) return
    const isDone = ended.every(({ status }) => status === 'COMPLETED')
    terminal.out(
      isDone ? 'The sample is imported.' : 'The sample is imported, not without errors; see above.',
    )
    sayWhatNext(work, stories.at(-1)?.title ?? '', begun.at(-1)?.novelId ?? '')
  } catch (error) {
    // A server that is told to stop in the middle of the sample stops; the import goes on at the next start.
    if (!signals.asked.aborted) throw error
  }
}

/** Whether nothing was ever done: tasks alone do not tell, as they are deleted after a while. */
async function isEmpty(client: Client): Promise<boolean> {
  const { total } = await client.get<{ total: number }>('/v1/tasks/counts')
  if (total > 0) return false
  for (const kept of ['novels', 'uploads']) {
    const { items } = await client.get<{ items: unknown[] }>(`/v1/${kept}`, { pageSize: 1 })
    if (items.length > 0) return false
  }
  return true
}

function sayWhatNext(
  { terminal, client, resolved, pagesUrl }: SampleImport,
  title: string,
  novelId: string,
): void {
  const next: [command: string, what: string][] = [
    [commandText(`novels read ${novelId}`, resolved), `read the summaries of ${title}`],
    [commandText('import FILE --watch', resolved), 'import a text of your own'],
    [commandText('tasks list', resolved), 'see what ran'],
    [`${client.url}/v1/openapi.json`, 'the API'],
  ]
  terminal.out('')
  if (pagesUrl !== undefined) terminal.out(`Open ${pagesUrl} in a browser to read and write.`)
  terminal.out('What you can do now, in another terminal:')
  for (const [command, what] of next) terminal.out(`  ${command}   ${what}`)
  terminal.out('Ctrl-C stops the server; started again, it goes on where it was.')
}
