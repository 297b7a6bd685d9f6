/** The commands of the command line, with their options and help, and the run of one of them. */
import { Command, CommanderError } from 'commander'
import type { QuillworkError } from '../index.ts'
import { version } from '../runtime/version.ts'
import { addAbout } from './commands/about.ts'
import { addAudit } from './commands/audit.ts'
import { addBackup } from './commands/backup.ts'
import { addBudgetCommand } from './commands/budget.ts'
import { addCodex } from './commands/codex.ts'
import { addDeadLetters } from './commands/dead-letters.ts'
import { addDoctor } from './commands/doctor.ts'
import { addImport } from './commands/import.ts'
import { addInit } from './commands/init.ts'
import { addKeys } from './commands/keys.ts'
import { addLanes } from './commands/lanes.ts'
import { addLimits } from './commands/limits.ts'
import { addMigrate } from './commands/migrate.ts'
import { addModels } from './commands/models.ts'
import { addNovels } from './commands/novels.ts'
import { addSchedules } from './commands/schedules.ts'
import { addServe } from './commands/serve.ts'
import { addTasks } from './commands/tasks.ts'
import { addThreads } from './commands/threads.ts'
import { addTopology } from './commands/topology.ts'
import { addTrust } from './commands/trust.ts'
import { addEstimate, addUsage } from './commands/usage.ts'
import { addUsers } from './commands/users.ts'
import { addWebhooks } from './commands/webhooks.ts'
import { codedError, exitCodeOf, exitCodes, exitMeanings, usageError } from './exit-codes.ts'
import { createRegister } from './run.ts'
import type { Terminal } from './terminal.ts'
import { printable } from './text.ts'

/** Runs a command and returns the exit code. Never rejects. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.ok
  const program = createProgram(terminal, code => {
    exitCode = code
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok
    // Without a command, the help was printed.
    if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.usage
    const coded = error instanceof CommanderError ? misused(error) : codedError(error)
    report(terminal, coded, args.includes('--json'))
    return exitCodeOf(coded)
  }
}

/** Returns the commands with their options and help; none runs. */
export function createProgram(terminal: Terminal, end: (exitCode: number) => void): Command {
  const program = new Command('quillwork')
  program
    .description('Durable background tasks for AI writing, and the import of novels.')
    .version(version, '--version', 'print the version')
    .option('--data <dir>', 'data directory; default: QUILLWORK_DATA, else .quillwork')
    .option('--allow-open-data', 'use the data directory as it is, whoever owns it and whoever can read it')
    .option('--config <file>', 'configuration file; default: quillwork.json of the data directory')
    .option(
      '--store <address>',
      'sqlite:FILE or mongodb://…; default: QUILLWORK_STORE, else a file in the data directory',
    )
    .option('--broker <address>', 'amqp://… of RabbitMQ, for a MongoDB store; default: QUILLWORK_BROKER')
    .option('--url <address>', 'API to use; default: QUILLWORK_URL, else the server of the data directory')
    .option('--json', 'print JSON instead of text')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: text => terminal.write(`${text.trimEnd()}\n`),
      writeErr: text => terminal.log(`${text.trimEnd()}\n`),
      // Errors are printed once, by `report`.
      outputError: () => undefined,
    })
    .exitOverride()
  program.addHelpText(
    'after',
    `\nExit codes:\n${exitMeanings.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`).join('\n')}`,
  )
  const register = createRegister(terminal, end)
  addInit(program, register)
  addServe(program, register)
  addImport(program, register)
  addNovels(program, register)
  addCodex(program, register)
  addThreads(program, register)
  addTasks(program, register)
  addBudgetCommand(program, register)
  addEstimate(program, register)
  addUsage(program, register)
  addDeadLetters(program, register)
  addUsers(program, register)
  addKeys(program, register)
  addAudit(program, register)
  addLanes(program, register)
  addLimits(program, register)
  addSchedules(program, register)
  addModels(program, register)
  addWebhooks(program, register)
  addTrust(program, register)
  addTopology(program, register)
  addMigrate(program, register)
  addBackup(program, register)
  addDoctor(program, register)
  addAbout(program, register)
  return program
}

function misused(error: CommanderError): QuillworkError {
  return usageError(
    error.message
      .replace(/^error: /, '')
      .trim()
      .replaceAll('\n', ' '),
  )
}

/** Prints an error: a line for people, JSON for programs. */
function report(terminal: Terminal, { code, message, details }: QuillworkError, json: boolean): void {
  terminal.keep()
  if (json) terminal.note(JSON.stringify({ code, message, details }))
  else terminal.note(`error ${code}: ${printable(message)}`)
}
