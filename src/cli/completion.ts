/** Scripts that complete a command line in a shell, made from the definitions of the commands. */
import type { Command, Option } from 'commander'

/** The shells that there is a script for. */
export const shells = ['bash', 'zsh', 'fish'] as const

/** What may follow a command. */
interface Place {
  /** The words of the command, without the name of the program: `tasks list`. Empty for the program. */
  readonly words: string
  readonly commands: readonly Word[]
  readonly options: readonly (Word & { readonly takesValue: boolean; readonly values: readonly string[] })[]
  /** The values that its arguments can have. */
  readonly values: readonly string[]
}

/** A word with what it is for. */
interface Word {
  readonly word: string
  readonly about: string
}

/** Returns the script of a shell for all commands of a program. */
export function completionScript(program: Command, shell: string): string {
  const places = placesIn(program, [], program.options)
  return shell === 'bash' ? bashScript(places) : shell === 'zsh' ? zshScript(places) : fishScript(places)
}

function placesIn(command: Command, words: readonly string[], everywhere: readonly Option[]): Place[] {
  const own = words.length === 0 ? [] : command.options
  const ofAll = everywhere.filter(({ long }) => words.length === 0 || long !== '--version')
  const options = [...own, ...ofAll].filter(({ hidden }) => !hidden)
  const place: Place = {
    words: words.join(' '),
    commands: command.commands.map(each => ({ word: each.name(), about: each.description() })),
    options: [
      ...options.map(({ long, short, description, required, optional, argChoices = [] }) => ({
        word: long ?? short ?? '',
        about: description,
        takesValue: required || optional,
        values: argChoices,
      })),
      { word: '--help', about: 'print this help', takesValue: false, values: [] },
    ],
    values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  }
  const below = command.commands.flatMap(each => placesIn(each, [...words, each.name()], everywhere))
  return [place, ...below]
}

/** Returns a text in single quotes, as all three shells read it. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '').replaceAll("'", '’')}'`
}

/** Returns the first sentence of what a word is for: a list of words has no room for more. */
function shortly(about: string): string {
  return (about.split(/[.;](?: |$)/)[0] ?? '').replaceAll(/[`:[\]]/g, '')
}

/** Returns the paths of all commands as a pattern of `case`. */
function everyPath(places: readonly Place[]): string {
  return places
    .filter(({ words }) => words !== '')
    .map(({ words }) => quoted(words))
    .join(' | ')
}

/** Returns the lines of a `case` for options that take a value: those with known values, and those with any. */
function valueCases(places: readonly Place[], known: (values: readonly string[]) => string, any: string) {
  return places.flatMap(({ words, options }) => {
    const taking = options.filter(({ takesValue }) => takesValue)
    const open = taking.filter(({ values }) => values.length === 0)
    return [
      ...taking
        .filter(({ values }) => values.length > 0)
        .map(({ word, values }) => `    ${quoted(`${words} ${word}`)}) ${known(values)} ;;`),
      ...(open.length === 0
        ? []
        : [`    ${open.map(({ word }) => quoted(`${words} ${word}`)).join(' | ')}) ${any} ;;`]),
    ]
  })
}

function bashScript(places: readonly Place[]): string {
  const words = places.map(
    ({ words: at, commands, options, values }) =>
      `    ${quoted(at)}) words=${quoted([...commands.map(({ word }) => word), ...values].join(' '))} options=${quoted(options.map(({ word }) => word).join(' '))} ;;`,
  )
  return `# Completes quillwork in bash: eval "$(quillwork completion bash)"
_quillwork() {
  local at='' words='' options='' word i
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${at:+$at }\${COMP_WORDS[i]}"
    case "$word" in
    ${everyPath(places)}) at=$word ;;
    esac
    prev=\${COMP_WORDS[i]}
  done
  COMPREPLY=()
  case "$at $prev" in
${valueCases(places, values => `COMPREPLY=($(compgen -W ${quoted(values.join(' '))} -- "$cur")); return`, 'return').join('\n')}
  esac
  case "$at" in
${words.join('\n')}
  esac
  [[ $cur == -* ]] && words=$options
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
# Where nothing is found, the shell completes the name of a file.
complete -o bashdefault -o default -F _quillwork quillwork
`
}

function zshScript(places: readonly Place[]): string {
  const described = ({ word, about }: Word) => quoted(`${word}:${shortly(about)}`)
  const words = places.map(({ words: at, commands, options, values }) => {
    const found = [...commands.map(described), ...values.map(quoted)].join(' ')
    return `    ${quoted(at)}) words_here=(${found}) options_here=(${options.map(described).join(' ')}) ;;`
  })
  return `#compdef quillwork
# Completes quillwork in zsh: eval "$(quillwork completion zsh)"
_quillwork() {
  local at='' word prev='' i
  local -a words_here options_here
  for ((i = 2; i < CURRENT; i++)); do
    word="\${at:+$at }\${words[i]}"
    case "$word" in
    ${everyPath(places)}) at=$word ;;
    esac
    prev=\${words[i]}
  done
  case "$at $prev" in
${valueCases(places, values => `compadd -- ${values.map(quoted).join(' ')}; return`, '_files; return').join('\n')}
  esac
  case "$at" in
${words.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe -t options option options_here
  elif ((\${#words_here})); then
    _describe -t commands command words_here
  else
    _files
  fi
}
compdef _quillwork quillwork
`
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ words: at, commands, options, values }) => {
    const here = `complete -c quillwork -n ${quoted(`__quillwork_at "${at}"`)}`
    return [
      ...commands.map(({ word, about }) => `${here} -f -a ${word} -d ${quoted(shortly(about))}`),
      ...(values.length === 0 ? [] : [`${here} -f -a ${quoted(values.join(' '))}`]),
      ...options.map(({ word, about, takesValue, values: known }) => {
        const value = known.length > 0 ? ` -x -a ${quoted(known.join(' '))}` : takesValue ? ' -r' : ''
        return `${here} -l ${word.replace(/^-+/, '')}${value} -d ${quoted(shortly(about))}`
      }),
    ]
  })
  const paths = places.flatMap(({ words }) => (words === '' ? [] : [quoted(words)]))
  return `# Completes quillwork in fish: quillwork completion fish | source
function __quillwork_at
  set -l at
  for word in (commandline -opc)[2..-1]
    contains -- (string join ' ' $at $word) ${paths.join(' ')}; and set -a at $word
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`
}
