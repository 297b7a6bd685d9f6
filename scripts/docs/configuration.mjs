// The reference of the configuration, from the settings in src/server/settings.ts.

import { fileVariableOf, settingNames, settings, variableOf } from '../../dist/server/settings.js'

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

## Settings

${settingNames.map(section).join('\n')}`
}
