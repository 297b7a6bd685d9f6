/** `-` in place of a text, of JSON or of a file: what is piped into the command. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { usageError } from './exit-codes.ts'

/** What a command was given, with what was piped in where that was asked for. */
interface Given extends AsyncDisposable {
  readonly arguments: readonly string[]
  readonly options: Readonly<Record<string, unknown>>
}

/** How what is piped in reaches the command: as a text, or as the path of a file that has it. */
type Form = 'text' | 'file'

/** Files that are written, and the configuration, which has to be a file of the user. */
const otherFiles: ReadonlySet<string> = new Set(['out', 'config'])

/** Returns what a command was given. Throws USAGE_INVALID where standard input is asked for twice. */
export async function givenTo(command: Command, input: AsyncIterable<Uint8Array>): Promise<Given> {
  const taken = createTaken(input)
  const words: string[] = []
  for (const [at, value] of command.processedArgs.entries()) {
    const form = formOf(`<${command.registeredArguments[at]?.name() ?? ''}>`)
    for (const word of [value].flat()) if (word !== undefined) words.push(String(await taken.in(form, word)))
  }
  const options: Record<string, unknown> = { ...command.optsWithGlobals() }
  for (const option of command.options) {
    const name = option.attributeName()
    if (otherFiles.has(name)) continue
    const value: unknown = options[name]
    const form = formOf(option.flags)
    if (Array.isArray(value)) options[name] = await Promise.all(value.map(each => taken.in(form, each)))
    else options[name] = await taken.in(form, value)
  }
  return { arguments: words, options, [Symbol.asyncDispose]: taken.remove }
}

/** Returns the form that an argument or an option says by the name of its value; undefined for what `-` is no sign of. */
function formOf(flags: string): Form | undefined {
  if (/<(text|json|quotation)>/.test(flags)) return 'text'
  return flags.includes('<file>') ? 'file' : undefined
}

function createTaken(input: AsyncIterable<Uint8Array>) {
  let isTaken = false
  let folder: string | undefined

  async function inFile(): Promise<string> {
    folder = await mkdtemp(path.join(tmpdir(), 'quillwork-input-'))
    const file = path.join(folder, 'standard-input')
    await pipeline(input, createWriteStream(file, { mode: 0o600 }))
    return file
  }
  return {
    /** Returns the value; for `-` of a form what is piped in. */
    async in(form: Form | undefined, value: unknown): Promise<unknown> {
      if (form === undefined || value !== '-') return value
      if (isTaken) throw usageError('Only one option or argument can be - (standard input).')
      isTaken = true
      return form === 'file' ? inFile() : textIn(input)
    },
    async remove(): Promise<void> {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Longest text, bytes: no request can have a longer one. */
const longestText = 16 * 1_024 * 1_024

async function textIn(input: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of input) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes > longestText) throw usageError('Standard input has more than 16 MB, too much for an option.')
  }
  // The end of the last line is that of the program before.
  return Buffer.concat(pieces)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}
