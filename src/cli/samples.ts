import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ResolvedConfig } from '../server/config.ts'
import type { Client } from './client.ts'
import { commandText } from './hints.ts'
import { confirm, preview, uploadFile } from './novel-client.ts'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'
import { watchTrees } from './watch.ts'

/** Where the samples are and where they go. */
export interface SampleImport {
  terminal: Terminal
  client: Client
  folder: URL
  signals: Signals
  /** Say nothing: a program reads the output. */
  quiet: boolean
  /** For the words at the end. */
  resolved: ResolvedConfig
  /** Of the web pages, where there are any. */
  pagesUrl: string | undefined
}

/** Imports the stories of a folder into an empty database, shows how, and says what to do next. Does nothing where anything is there. */
export async function importSamples(work: SampleImport): Promise<void> {
  const { terminal, client, folder, signals, quiet } = work
  const { total } = await client.get<{ total: number }>('/v1/tasks/counts')
  if (total > 0) return
  const files = readdirSync(folder).filter(name => name.endsWith('.txt'))
  if (!quiet) terminal.out(`The database is empty: importing the sample, ${files.length} short stories.`)
  try {
    const stories = []
    for (const name of files) {
      const uploadId = await uploadFile(client, fileURLToPath(new URL(name, folder)))
      stories.push({ uploadId, ...(await preview(client, uploadId, undefined)) })
    }
    const begun = []
    for (const { uploadId } of stories) begun.push(await confirm(client, uploadId, {}))
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
