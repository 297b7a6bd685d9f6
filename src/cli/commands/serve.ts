import { spawn } from 'node:child_process'
import { type Command, Option } from 'commander'
import { QuillworkError } from '../../index.ts'
import { pageOpener, type ResolvedConfig } from '../../server/config.ts'
import { announced, keepPage, placesOf } from '../../server/data-directory.ts'
import { plainLine } from '../../server/log-lines.ts'
import type { RunningServer } from '../../server/server.ts'
import { type Config, logLevels } from '../../server/settings.ts'
import { type Client, createClient } from '../client.ts'
import { findServer, isLocked, lockedError, silentOwner, urlOf } from '../connect.ts'
import { commandText, signedIn } from '../hints.ts'
import { print, type Register, type Run } from '../run.ts'
import { listenForSignals, type Signals } from '../signals.ts'
import type { Terminal } from '../terminal.ts'
import { watchTrees } from '../watch.ts'
import type { BegunImport } from './import.ts'

interface ServeOptions {
  sample?: boolean
  open: boolean
}

/** Adds `quillwork serve`, which runs a server until a signal stops it, and `quillwork sign-in`, which prints the address that signs a browser in. */
export function addServe(program: Command, register: Register): void {
  program
    .command('serve')
    .description(
      'Start a server: the API, workers and maintenance. Ctrl-C lets running tasks end first; a second Ctrl-C stops at once',
    )
    .option('--roles <list>', 'what this process does: api, worker, maintenance; default: all')
    .option('--lanes <slots>', 'worker slots per lane, such as default=10,batch=4')
    .option('--port <n>', 'port to listen on; 0 = any free port')
    .option('--host <address>', 'address to listen on; any but the loopback needs QUILLWORK_TOKEN')
    .option('--trusted-proxies <list>', 'addresses and networks of the proxies in front of the server')
    .option('--streams <n>', 'most event streams of this process')
    .option('--streams-per-client <n>', 'most event streams of one client address')
    .option('--no-token', 'let every user of this machine send requests, without a token')
    .option('--health-port <n>', 'second port, for health and metrics only')
    .option('--grace <time>', 'how long running tasks may continue when the server stops, such as 30s')
    .addOption(new Option('--log-level <level>', 'how much is logged').choices(logLevels))
    .option('--no-open', 'do not open the pages in the browser, as a start on the terminal of a desktop does')
    .option('--sample', 'on an empty database, import the two stories that come with the package')
    .action(register(serve))
  program
    .command('sign-in')
    .description(
      'Print the address that opens the pages of the running server, signed in. Keep it to yourself',
    )
    .action(register(signIn))
}

async function serve(run: Run<ServeOptions>) {
  const { terminal } = run
  const resolved = run.configure({ uses: 'all' })
  using signals = listenForSignals()
  const server = await start(run, resolved)
  if (server.url !== undefined) terminal.out(`listening on ${server.url}`)
  else terminal.out(`running as ${resolved.config.roles.join(', ')}`)
  const pagesUrl = signInAddress(server, run, resolved.config)
  if (pagesUrl !== undefined && !run.json) terminal.out(`open ${pagesUrl} in a browser`)
  openPages(run, resolved.config, pagesUrl)
  if (server.token !== undefined && terminal.isReadByOthers && !run.json)
    terminal.out(`to sign in, open what this prints: ${commandText('sign-in', resolved)}`)
  if (server.healthUrl !== undefined) terminal.out(`health on ${server.healthUrl}`)
  for (const warning of resolved.warnings) terminal.note(`warning: ${warning}`)
  let failure: unknown
  try {
    if (run.options.sample === true) {
      const client = createClient({ url: urlOf(server), token: server.token }, signals.asked)
      await importSamples({ terminal, client, signals, resolved, quiet: run.json, pagesUrl })
    }
    await Promise.race([signals.first, server.damaged])
  } catch (error) {
    failure = error
  }
  const graceMs = (await damageOf(server)) === undefined ? resolved.config.grace : 0
  await stop(terminal, { server, signals, graceMs })
  failure = (await damageOf(server)) ?? failure
  if (failure !== undefined) throw failure
}

/**
 * Opens the pages in the browser of this desktop, where a person started the server on a terminal. The program gets a page in the data directory that
 * leads to the address: other users can read the options of a program.
 */
function openPages(
  { terminal, json, options }: Run<ServeOptions>,
  { data }: Config,
  url: string | undefined,
) {
  const opener = terminal.isInteractive && !json && options.open ? pageOpener() : undefined
  if (opener === undefined || url === undefined) return
  const opening = spawn(opener, [keepPage(data, url)], { detached: true, stdio: 'ignore' })
  // The address is printed, too.
  opening.on('error', () => undefined).unref()
}

/** Returns the address of the pages, which signs the browser in unless a token is set, which people have, or others read what is printed. */
function signInAddress({ pagesUrl, token }: RunningServer, { terminal }: Run, config: Config) {
  const isPrinted = token !== undefined && config.token === undefined && !terminal.isReadByOthers
  return pagesUrl !== undefined && isPrinted ? signedIn(pagesUrl, token) : pagesUrl
}

async function signIn(run: Run) {
  const resolved = run.configure({ uses: 'all' })
  const server = await findServer(resolved.config)
  if (server === undefined) {
    const { config } = resolved
    const message = `No server runs on the data directory ${config.data}. Start one: ${commandText('serve', resolved)}`
    throw silentOwner(config) ?? new QuillworkError('SERVER_UNREACHABLE', message)
  }
  const url = server.needsToken ? signedIn(server.url, server.token) : server.url
  print(run, { url }, () => [url])
}

/** How long to wait until another command has released the data directory, milliseconds. */
const lockWaitMs = 3_000

/** Starts the server. Waits for a command that uses the data directory for a moment, and not for another server. */
async function start({ terminal, json, command }: Run, { config }: ResolvedConfig): Promise<RunningServer> {
  const { startServer } = await import('../../server/server.ts')
  const plain =
    config.logFormat === 'plain' || (config.logFormat === 'auto' && terminal.isInteractive && !json)
  const logTo = { write: (line: string) => terminal.log(plain ? plainLine(line) : line) }
  const until = performance.now() + lockWaitMs
  for (;;) {
    try {
      return await startServer({ config, logTo, works: true, command })
    } catch (error) {
      if (!isLocked(error)) throw error
      const isServed = announced(config.data) !== undefined && (await findServer(config)) !== undefined
      if (isServed || performance.now() > until) throw lockedError(config)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
}

async function stop(
  terminal: Terminal,
  { server, signals, graceMs }: { server: RunningServer; signals: Signals; graceMs: number },
): Promise<void> {
  const seconds = Math.ceil(graceMs / 1_000)
  terminal.note(`stopping: running tasks have ${seconds} s to end; Ctrl-C again stops at once`)
  const stopped = server.stop({ grace: graceMs })
  await Promise.race([stopped, signals.second])
  if (await isPending(stopped)) {
    terminal.note('stopping at once: running tasks run again at the next start')
    await server.stop({ grace: 0 })
  }
  await stopped
  terminal.note('stopped')
}

/** Returns the error of a store that takes nothing any more: then there is nothing to wait for. */
async function damageOf({ damaged }: RunningServer): Promise<unknown> {
  return Promise.race([damaged, Promise.resolve()]).then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function isPending(promise: Promise<void>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending
}

/** What the import of the samples works with. */
export interface SampleImport {
  terminal: Terminal
  client: Client
  signals: Signals
  /** Prints nothing: a program reads the output. */
  quiet: boolean
  /** For the commands that are printed at the end. */
  resolved: ResolvedConfig
  /** Address of the web pages, undefined where there are none. */
  pagesUrl: string | undefined
}

/**
 * Imports the stories of the package into an empty database, shows the progress, and says what to do next. Does nothing where the
 * database holds anything.
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
    terminal.out(isDone ? 'The sample is imported.' : 'The sample is imported with errors; see above.')
    sayWhatNext(work, stories.at(-1)?.title ?? '', begun.at(-1)?.novelId ?? '')
  } catch (error) {
    // A signal stops the server in the middle of the sample. The import continues at the next start.
    if (!signals.asked.aborted) throw error
  }
}

/** Returns whether the database was never used. Tasks alone do not show it, as they are deleted after a while. */
async function isEmpty(client: Client): Promise<boolean> {
  const { total } = await client.get<{ total: number }>('/v1/tasks/counts')
  if (total > 0) return false
  for (const resource of ['novels', 'uploads']) {
    const { items } = await client.get<{ items: unknown[] }>(`/v1/${resource}`, { pageSize: 1 })
    if (items.length > 0) return false
  }
  return true
}

function tokenText({ data }: Config): string {
  return `; its token is in ${placesOf(data).token}`
}

function sayWhatNext(
  { terminal, client, resolved, pagesUrl }: SampleImport,
  title: string,
  novelId: string,
): void {
  const next: [command: string, what: string][] = [
    [commandText(`novels read ${novelId}`, resolved), `read the summaries of ${title}`],
    [commandText('import FILE --watch', resolved), 'import a text of your own'],
    [commandText('tasks list', resolved), 'see the tasks'],
    [`${client.url}/v1/openapi.json`, `the API${resolved.config.noToken ? '' : tokenText(resolved.config)}`],
    [commandText('sign-in', resolved), 'print the address of the pages again'],
  ]
  terminal.out('')
  if (pagesUrl !== undefined) terminal.out(`Open ${pagesUrl} in a browser to read and write.`)
  terminal.out('What you can do now, in another terminal:')
  for (const [command, what] of next) terminal.out(`  ${command}   ${what}`)
  terminal.out('Ctrl-C stops the server. Started again, it continues where it stopped.')
}
