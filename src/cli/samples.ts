import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Client } from './client.ts'
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
  /** The data directory, for the words at the end. */
  data: string
}

/** Imports the stories of a folder into an empty database, shows how, and says what to do next. Does nothing where anything is there. */
export async function importSamples({ terminal, client, folder, signals }: SampleImport): Promise<void> {
  const { total } = await client.get<{ total: number }>('/v1/tasks/counts')
  if (total > 0) return
  const files = readdirSync(folder).filter(name => name.endsWith('.txt'))
  terminal.out(`The database is empty: importing the sample, ${files.length} short stories.`)
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
    const ended = await watchTrees({ client, taskIds, titles, terminal, quiet: false, signal: signals.asked })
    const isDone = ended.every(({ status }) => status === 'COMPLETED')
    terminal.out(
      isDone ? 'The sample is imported.' : 'The sample is imported, not without errors; see above.',
    )
    sayWhatNext(terminal, client.url, begun[0]?.novelId)
  } catch (error) {
    // A server that is told to stop in the middle of the sample stops; the import goes on at the next start.
    if (!signals.asked.aborted) throw error
  }
}

function sayWhatNext(terminal: Terminal, url: string, novelId: string | undefined): void {
  terminal.out('')
  terminal.out('What you can do now, in another terminal:')
  if (novelId !== undefined) terminal.out(`  quillwork novels show ${novelId}   see what was made of it`)
  terminal.out('  quillwork import FILE --watch   import a text of your own')
  terminal.out('  quillwork tasks list   see what ran')
  terminal.out(`  ${url}/v1/openapi.json   the API`)
  terminal.out('Ctrl-C stops the server; it goes on where it was when it is started again.')
}
