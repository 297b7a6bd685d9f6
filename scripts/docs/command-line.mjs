// The reference of the command line, from the commands in src/cli/.

import { exitMeanings } from '../../dist/cli/exit-codes.js'
import { createProgram } from '../../dist/cli/program.js'

export const into = 'docs/command-line.md'

const silent = { out: () => undefined, note: () => undefined }

function argumentText(argument) {
  const name = argument.name() + (argument.variadic ? '...' : '')
  return argument.required ? `<${name}>` : `[${name}]`
}

function optionRows(command) {
  const options = command.options.filter(({ hidden }) => !hidden)
  if (options.length === 0) return []
  return [
    '| option | does |',
    '| --- | --- |',
    ...options.map(({ flags, description, argChoices }) => {
      const choices =
        argChoices === undefined ? '' : `: ${argChoices.map(choice => `\`${choice}\``).join(', ')}`
      return `| \`${flags.replaceAll('|', '\\|')}\` | ${description}${choices} |`
    }),
    '',
  ]
}

function section(command, names) {
  const path = [...names, command.name()]
  if (command.commands.length > 0) return command.commands.map(each => section(each, path)).join('\n')
  const args = command.registeredArguments.map(argument => ` ${argumentText(argument)}`).join('')
  const notes = command.registeredArguments.filter(({ description }) => description !== '')
  return [
    `### ${path.join(' ')}`,
    '',
    `\`${path.join(' ')}${args}\``,
    '',
    `${command.description()}.`,
    '',
    ...notes.flatMap(argument => [`\`${argumentText(argument)}\`: ${argument.description}.`, '']),
    ...optionRows(command),
  ].join('\n')
}

/** The document. */
export function render() {
  const program = createProgram(silent, () => undefined)
  const exits = exitMeanings.map(([code, meaning]) => `| ${code} | ${meaning} |`)
  return `# Command line

What can I type? Made from \`src/cli/\` by \`npm run docs\`; change it there. In a clone of the repository, \`quillwork\` is
\`node bin/quillwork.js\`.

The commands use the HTTP API at the address of \`--url\`, else that of the server which runs on the data directory (named in
\`server.json\`). Where no server runs, they start one in their own process, on a free port of the loopback, and stop it again. A command that only
reads makes no data directory. So \`import\` works without a server: it then waits until the import has ended. With a MongoDB store such a server runs no tasks: the workers of the installation do, and
\`import\` ends when they have the work. \`topology\`, \`migrate\` and a part of \`doctor\` use the store and the broker directly; see [operations.md](operations.md). A server at the address of \`--url\` (\`QUILLWORK_URL\`, \`url\`) is named
on standard error, \`note: using the server at https://tasks.example\`, except with \`--json\`: what a command sends goes there. \`http://\` leads to this machine
and to private networks alone, and no redirect is followed.

## All commands

${optionRows(program).join('\n')}
With \`--json\`, standard output carries one JSON value a line and nothing else (except the first
lines of \`serve\`, which then logs in JSON), and an error is one JSON object
\`{"code", "message"}\`, possibly with \`details\`, on standard error. Without it, an error is the line \`error CODE: message\`; the codes are in
[errors.md](errors.md).

Control characters, line ends and bidirectional controls in what a server, a file or a manuscript says are printed as escape sequences such as
\`\\u001b\`. A text, as \`tasks output\` prints it, keeps its line ends and tabs; in a file or a pipe it also keeps carriage returns, form
feeds and the controls of direction, so that \`quillwork tasks output ID > chapter.txt\` is the text of the author. The marks of direction (U+061C, U+200E,
U+200F) are always printed. With \`--json\` the value stays the same.

| exit code | means |
| --- | --- |
${exits.join('\n')}

## What scripts can rely on

- \`serve\` prints the line \`listening on http://127.0.0.1:N\` on standard output once it accepts requests; without the role \`api\` the line
  \`running as worker\` (its roles); and \`health on http://127.0.0.1:N\` where \`healthPort\` is set.
- \`import FILE --preview --json\` prints
  \`{title, encoding: {name, confidence}, volumes: [{title, chapters: [{title, characters, words}]}], warnings}\`.
- \`import FILE --yes --watch --json\` imports every chapter, waits for all tasks of it, and ends with the line
  \`{taskId, novelId, status}\`.
- \`tasks list --json\` prints \`{items, nextPageToken}\`; only the last page has no \`nextPageToken\`.
- \`novels read --json\` prints one line a chapter.

- \`tasks list --format ndjson\` prints one task a line, \`--format csv\` a line of titles and one line a task, until all that match are there.

## What can stand in for an id, a file or a text

- Of a task, the beginning of its id is enough where no other task has it, from four characters on; else the command lists the tasks that have it. Of a novel, the beginning of its id or a part of its title.
- \`-\` is what is piped in, in place of a file, a text or JSON: \`pandoc book.rst -t plain | quillwork import - --yes --title "My book"\`. One option or argument of a command can be \`-\`.
  After \`--out\` it is standard output.

## Completion

\`eval "$(quillwork completion bash)"\` in \`~/.bashrc\` completes commands, options and their values; in \`~/.zshrc\` the same with \`zsh\`, after \`compinit\`; for fish put
\`quillwork completion fish | source\` into \`config.fish\`. The script is made of the commands of this version.

## Signals

\`serve\` stops in order at SIGINT (Ctrl-C), SIGTERM or SIGHUP: it accepts no more requests, lets running tasks end within
\`grace\`, releases those that do not, and exits with 0. A second signal releases them at once; a third ends the process. A
released task runs again at the next start, and spends no retry.

A command that runs tasks in its own process ends in the same way once it has done its own work: tasks of others that run there may end within \`grace\`.
Ctrl-C releases them at once.

## Commands

${program.commands.map(command => section(command, ['quillwork'])).join('\n')}`
}
