// The reference of the command line, from the commands in src/cli/.

import { exitMeanings } from '../../dist/cli/exit-codes.js'
import { createProgram } from '../../dist/cli/main.js'

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

Made from \`src/cli/\` by \`npm run docs\`; change it there. In a clone of the repository, \`quillwork\` is
\`node bin/quillwork.js\`.

The commands speak the HTTP API: to the address of \`--url\`, else to the server that told of itself in the data directory (in
\`server.json\`). Where no server runs, they start the same application in their own process, on a free port of the loopback, and
stop it again. So \`import\` works without a server: it then stays until the import has ended. \`topology\`, \`migrate\` and a part of
\`doctor\` speak to the store and the broker themselves; see [operations.md](operations.md).

## All commands

${optionRows(program).join('\n')}
With \`--json\`, standard output carries one JSON value a line and nothing else (but for the lines that
\`serve\` begins with; it logs in JSON then), and an error is one JSON object
\`{"code", "message"}\`, perhaps with \`details\`, on standard error. Without it, an error is the line \`error CODE: message\`; the codes are in
[errors.md](errors.md).

| exit code | means |
| --- | --- |
${exits.join('\n')}

## What scripts can rely on

- \`serve\` prints the line \`listening on http://127.0.0.1:N\` on standard output once it answers; without the role \`api\` the line
  \`running as worker\` (its roles); and \`health on http://127.0.0.1:N\` where \`healthPort\` is set.
- \`import FILE --preview --json\` prints
  \`{title, encoding: {name, confidence}, volumes: [{title, chapters: [{title, characters, words}]}], warnings}\`.
- \`import FILE --yes --watch --json\` imports every chapter, waits for all tasks of it, and ends with the line
  \`{taskId, novelId, status}\`.
- \`tasks list --json\` prints \`{items, nextPageToken}\`; no \`nextPageToken\` is the end.
- \`novels read --json\` prints one line a chapter.

## Signals

\`serve\` stops in order at SIGINT (Ctrl-C), SIGTERM or SIGHUP: it takes no more requests, lets running tasks end within
\`grace\`, gives back those that do not, and exits with 0. A second signal gives them back at once; a third ends the
process. A task that is given back runs again at the next start, and no retry is spent.

## Commands

${program.commands.map(command => section(command, ['quillwork'])).join('\n')}`
}
