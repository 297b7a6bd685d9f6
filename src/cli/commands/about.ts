import { Argument, type Command } from 'commander'
import { version } from '../../runtime/version.ts'
import { completionScript, shells } from '../completion.ts'
import { usageError } from '../exit-codes.ts'
import { print, type Register, type Run } from '../run.ts'

/** Adds `quillwork completion|help|version`. */
export function addAbout(program: Command, register: Register): void {
  program
    .command('completion')
    .description(
      'Print a script that completes commands, options and their values. Load it: eval "$(quillwork completion bash)", or the same with zsh; quillwork completion fish | source',
    )
    .addArgument(new Argument('<shell>', 'the shell that reads it').choices(shells))
    .action(
      register((run: Run) => {
        run.terminal.write(completionScript(program, run.arguments[0] ?? ''))
        return Promise.resolve()
      }),
    )
  program
    .command('help')
    .description('Print the help of a command')
    .argument('[command...]', 'such as tasks list; default: all commands')
    .action(
      register((run: Run) => {
        commandAt(program, run.arguments).outputHelp()
        return Promise.resolve()
      }),
    )
  program
    .command('version')
    .description('Print the version')
    .action(
      register((run: Run) => {
        print(run, { version }, () => [version])
        return Promise.resolve()
      }),
    )
}

/** Returns the command of those words. Throws USAGE_INVALID. */
function commandAt(program: Command, words: readonly string[]): Command {
  let found = program
  for (const word of words) {
    const next = found.commands.find(command => command.name() === word)
    if (next === undefined)
      throw usageError(
        `There is no command ${JSON.stringify(words.join(' '))}. See all of them with quillwork help.`,
      )
    found = next
  }
  return found
}
