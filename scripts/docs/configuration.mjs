// The reference of the configuration, from the settings in src/server/settings.ts.

import { fileVariableOf, settingNames, settings, variableOf } from '../../dist/server/settings.js'
import { harmlessSettings } from '../../dist/server/trust.js'

export const into = 'docs/configuration.md'

/** How a value is written, per kind of setting. */
const kinds = {
  text: 'text',
  count: 'a whole number',
  duration: "milliseconds, or a text such as `'250ms'`, `'15s'`, `'10m'`, `'2h'`, `'7d'`; at most `'3650d'`",
  size: "bytes, or a text such as `'200MB'`",
  list: 'a list of texts; in the environment separated by commas',
  switch: '`true` or `false`',
  slots: 'an object; on the command line and in the environment also as `default=10,batch=4`',
  json: 'an object; in the environment as JSON',
}

function section(name) {
  const { kind = 'text', about, fallback, flag, isSecret, notInFile } = settings[name]
  const places = [
    ...(flag === undefined ? [] : [`\`${flag}\``]),
    `\`${variableOf(name)}\``,
    ...(fileVariableOf(name) === undefined
      ? []
      : [`a file that \`${fileVariableOf(name)}\` names${kind === 'list' ? ', one a line' : ''}`]),
    ...(notInFile ? [] : [`\`"${name}"\` in the file`]),
  ]
  return [
    `### ${name}`,
    '',
    about,
    '',
    `- Set by: ${places.join(', ')}`,
    `- Value: ${kinds[kind]}`,
    `- Default: ${fallback === undefined ? 'not set' : `\`${JSON.stringify(fallback)}\``}`,
    ...(isSecret
      ? ['- Secret: never printed, and no option of the command line, which every process can read']
      : []),
    '',
  ].join('\n')
}

/** The document. */
export function render() {
  return `# Configuration

Which settings are there, and what do they default to? Made from \`src/server/settings.ts\` by \`npm run docs\`; change it there. Nothing needs to be configured: every setting
has a default.

A value on the command line wins over the environment, the environment over the configuration file, the file over the
default. The file is \`quillwork.json\` in the data directory, or the one that \`--config\` or \`QUILLWORK_CONFIG\` names:
one JSON object.

\`\`\`json
{
  "port": 8080,
  "lanes": { "default": { "slots": 10 }, "batch": { "slots": 2 } },
  "retention": { "COMPLETED": "7d" }
}
\`\`\`

An unknown name in the file or on the command line, or an invalid value, stops every command with exit code 2 and the name that was
probably meant. So does the former name of a setting, in the file or as a variable. Any other unknown variable \`QUILLWORK_…\` is ignored;
\`serve\` and \`doctor\` warn where it looks like a setting. An empty variable counts as not set. \`quillwork doctor\` shows the value of
each setting and its source.

## A file that was found

A \`quillwork.json\` in the \`.quillwork\` of the working directory was found, not named: it may have come with a folder that somebody else packed. It sets
${harmlessSettings.map(name => `\`${name}\``).join(', ')} at once. What else it sets (where texts, keys and the token go,
who may come in, what models are told, what is deleted) counts only once you trust it:

\`\`\`sh
quillwork trust                  # shows what the file sets, and asks; --yes does not ask
quillwork trust --list           # the files that you trust
quillwork trust --remove         # not this one any more; --remove FILE for another
\`\`\`

Until then every command ends with exit code 2, \`CONFIG_INVALID\` and the names of these settings. So it does when the file changes them later. A value from
the environment or the command line takes the place of that in the file, and needs no trust. Neither does a file whose data directory is named (\`--data\`,
\`QUILLWORK_DATA\`), or that is named itself (\`--config\`, \`QUILLWORK_CONFIG\`): name one in a service. The trust is kept outside of the folder: in \`quillwork/trust.json\` of
\`XDG_STATE_HOME\` (\`~/.local/state\`), on macOS in \`~/Library/Application Support/Quillwork\`, on Windows in \`%LOCALAPPDATA%\\Quillwork\`. See
also [what else a folder can bring along](operations.md#a-folder-from-somebody-else).

## Settings

${settingNames.map(section).join('\n')}`
}
