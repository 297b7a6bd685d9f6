import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { compositionOf } from '../server/combinations.ts'
import { type ConfigSources, type ResolvedConfig, resolveConfig } from '../server/config.ts'
import { type SettingName, settings } from '../server/settings.ts'
import { type Connection, connect } from './connect.ts'
import type { Terminal } from './terminal.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  data?: string
  config?: string
  json?: boolean
}

/** One run of a command: what it was given and where it prints. */
export interface Run<Options = unknown> {
  readonly terminal: Terminal
  /** Print data for programs, not words for people. */
  readonly json: boolean
  readonly arguments: readonly string[]
  readonly options: Options & GlobalOptions
  /** Reads the configuration. Throws CONFIG_INVALID. */
  configure(): ResolvedConfig
}

/** What a command does; answers its exit code. */
export type Handler<Options> = (run: Run<Options>) => Promise<number>

/** Makes a handler the action of a command. */
export type Register = <Options>(handler: Handler<Options>) => (...given: unknown[]) => Promise<void>

/** The register of one process: it knows the terminal, and keeps the exit code. */
export function createRegister(terminal: Terminal, end: (exitCode: number) => void): Register {
  return <Options>(handler: Handler<Options>) =>
    async (...given: unknown[]) => {
      // The library passes the arguments, then the options, then the command itself.
      const command = given.at(-1) as Command
      const options = command.optsWithGlobals() as Options & GlobalOptions
      end(
        await handler({
          terminal,
          json: options.json === true,
          arguments: command.processedArgs.flat().filter(each => each !== undefined) as string[],
          options,
          configure: () => resolveConfig(sourcesOf(options)),
        }),
      )
    }
}

/** The options of the command line that are settings. */
function sourcesOf(options: GlobalOptions): ConfigSources {
  const given = options as Record<string, unknown>
  const flags: Partial<Record<SettingName, string>> = {}
  for (const [name, setting] of Object.entries(settings)) {
    const value = given[name]
    if ('flag' in setting && typeof value === 'string') flags[name as SettingName] = value
  }
  return options.config === undefined ? { flags } : { flags, file: options.config }
}

/** Connects, asks, and lets go again. For commands that take a moment. */
export async function withServer(
  run: Run,
  command: string,
  ask: (connection: Connection) => Promise<number>,
): Promise<number> {
  const resolved = run.configure()
  const isNew = isEmpty(resolved.config)
  const connection = await connect(resolved, { command })
  try {
    // Somebody in another folder than they think sees nothing of their work.
    if (isNew && !run.json) run.terminal.note(`note: the data directory ${resolved.config.data} was empty`)
    return await ask(connection)
  } finally {
    await connection.close()
  }
}

/** Whether nothing was ever stored where the configuration points; of a database that processes share, it is not known. */
function isEmpty(config: ResolvedConfig['config']): boolean {
  if (config.url !== undefined) return false
  const composition = compositionOf(config)
  return composition.kind === 'embedded' && !existsSync(composition.file)
}

/** Prints data as one JSON line. */
export function printJson({ terminal }: Pick<Run, 'terminal'>, data: unknown): void {
  terminal.out(JSON.stringify(data))
}
