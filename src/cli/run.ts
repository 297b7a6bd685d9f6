import type { Command } from 'commander'
import { shownAddress } from '../server/addresses.ts'
import { closedText } from '../server/close-to-others.ts'
import { type ConfigSources, type ResolvedConfig, resolveConfig } from '../server/config.ts'
import { type SettingName, settings } from '../server/settings.ts'
import type { Client } from './client.ts'
import { type Connection, connect, hasNoStore } from './connect.ts'
import { exitCodes, usageError } from './exit-codes.ts'
import { commandText, programText } from './hints.ts'
import { listenForSignals, type Signals } from './signals.ts'
import { givenTo } from './standard-input.ts'
import type { Terminal } from './terminal.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  data?: string
  config?: string
  json?: boolean
}

/** One run of a command: what it was given and where it prints. */
export interface Run<Options = unknown> {
  /** The command as it was typed, without its options: `quillwork tasks list`. */
  readonly command: string
  readonly terminal: Terminal
  /** Print data for programs, not words for people. */
  readonly json: boolean
  readonly arguments: readonly string[]
  readonly options: Options & GlobalOptions
  /** Reads the configuration; by default that of a client, which with `--url` needs neither store nor broker. Throws CONFIG_INVALID. */
  configure(how?: Pick<ConfigSources, 'countsUntrusted' | 'uses'>): ResolvedConfig
}

/** What a command ends with: its exit code; nothing for 0. */
export type Ending = Promise<number | void>

/** Does what a command is for. */
export type Handler<Options> = (run: Run<Options>) => Ending

/** Makes a handler the action of a command. */
export type Register = <Options>(handler: Handler<Options>) => (...given: unknown[]) => Promise<void>

/** Returns the register of one process, which knows the terminal and passes the exit code to `end`. */
export function createRegister(terminal: Terminal, end: (exitCode: number) => void): Register {
  return <Options>(handler: Handler<Options>) =>
    async (...given: unknown[]) => {
      // The library passes the arguments, then the options, then the command itself.
      const command = given.at(-1) as Command
      await using read = await givenTo(command, terminal.input)
      const options = read.options as Options & GlobalOptions
      const exitCode = await handler({
        command: fullName(command),
        terminal,
        json: options.json === true,
        arguments: read.arguments,
        options,
        configure: how => {
          const sources = { ...sourcesOf(options), program: programText(), uses: 'client' as const }
          const resolved = resolveConfig({ ...sources, ...how })
          noteClosed({ terminal, json: options.json === true }, resolved.closed)
          return resolved
        },
      })
      end(exitCode ?? exitCodes.ok)
    }
}

/** Tells people which files were closed to other users. */
export function noteClosed(
  { terminal, json }: Pick<Run, 'terminal' | 'json'>,
  files: readonly string[],
): void {
  const closed = closedText(files)
  if (closed !== undefined && !json) terminal.note(closed)
}

/** Tells people which server is used, where it is not that of the data directory: what is sent goes there. */
function noteServer({ terminal, json }: Run, { url }: ResolvedConfig['config']): void {
  if (url !== undefined && !json) terminal.note(`note: using the server at ${shownAddress(url)}`)
}

/** Returns a command to type next, as it works here. */
export function nextCommand(run: Run, words: string): string {
  return commandText(words, run.configure())
}

/** Adds a command that only holds others, without a command `help` among them. */
export function addGroup(program: Command, name: string, about: string): Command {
  return program.command(name).description(about).helpCommand(false)
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}

/** Returns the options of the command line that are settings. */
function sourcesOf(options: GlobalOptions): ConfigSources {
  const given = options as Record<string, unknown>
  const flags: Partial<Record<SettingName, string>> = {}
  for (const [name, setting] of Object.entries(settings)) {
    const value = given[name]
    if ('flag' in setting && (typeof value === 'string' || value === true))
      flags[name as SettingName] = String(value)
  }
  // The library reads --no-token as no to an option "token".
  if (given['token'] === false) flags.noToken = 'true'
  return { flags, file: options.config }
}

/** Connects, lets the command use the server, and disconnects. For commands that take a moment. */
export async function withServer(run: Run, use: (connection: Connection) => Ending): Ending {
  const resolved = run.configure()
  const isNew = hasNoStore(resolved.config)
  noteServer(run, resolved.config)
  const connection = await connect(resolved, { command: run.command })
  try {
    // A command that was run in the wrong folder finds nothing; this says why.
    if (isNew && !run.json) run.terminal.note(`note: the data directory ${resolved.config.data} was empty`)
    return await use(connection)
  } finally {
    await connection.close()
  }
}

/** Asks the server once and prints the answer, as `print` does. */
export function ask<T>(
  run: Run,
  question: (client: Client) => Promise<T>,
  lines: (answer: T, widest: number | undefined) => readonly string[],
): Ending {
  return withServer(run, async ({ client }) => {
    const answer = await question(client)
    print(run, answer, widest => lines(answer, widest))
  })
}

/** What a command works with that stays until a task has ended. */
export interface Session {
  readonly resolved: ResolvedConfig
  readonly connection: Connection
  readonly signals: Signals
}

/**
 * Connects to a server that runs tasks, lets the command stay with it, and disconnects. A signal ends the command with its exit code.
 *
 * @param options `works`: false for a command that only looks, so that it runs, and pays, nothing that waits. Default true.
 */
export async function withSession(
  run: Run,
  act: (session: Session) => Ending,
  { works = true }: { works?: boolean } = {},
): Ending {
  using signals = listenForSignals()
  const resolved = run.configure()
  noteServer(run, resolved.config)
  const connection = await connect(resolved, { command: run.command, works, signal: signals.asked })
  try {
    return await act({ resolved, connection, signals })
  } catch (error) {
    if (!signals.asked.aborted) throw error
    run.terminal.keep()
    return signals.exitCode
  } finally {
    await connection.close()
  }
}

/**
 * Asks before what cannot be undone, unless `--yes` was given. Returns whether it is to be done. Throws USAGE_INVALID where nobody can be asked.
 *
 * @param nothing Such as `Nothing was deleted`.
 */
export async function askFirst(
  { terminal, options, json }: Run<{ yes?: boolean }>,
  { question, nothing }: { question: string; nothing: string },
): Promise<boolean> {
  if (options.yes === true) return true
  if (!terminal.canAsk || json) throw usageError(`${nothing}, because nobody can be asked here. Pass --yes.`)
  const isWanted = await terminal.confirm(question)
  if (!isWanted) terminal.note(`${nothing}.`)
  return isWanted
}

/** Prints data as one JSON line. */
export function printJson({ terminal }: Pick<Run, 'terminal'>, data: unknown): void {
  terminal.out(JSON.stringify(data))
}

/** Prints data as one JSON line for programs, else as lines for people. `widest` is the width of a terminal, undefined for a file or a pipe. */
export function print(
  run: Run,
  data: unknown,
  lines: (widest: number | undefined) => readonly string[],
): void {
  const { terminal, json } = run
  if (json) printJson(run, data)
  else for (const line of lines(terminal.isInteractive ? terminal.columns : undefined)) terminal.out(line)
}
