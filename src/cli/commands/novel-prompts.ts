import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { z } from 'zod'
import type { promptsSchema } from '../../http/schemas/prompts.ts'
import { QuillworkError } from '../../index.ts'
import type { Client } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { findNovel } from '../find-novel.ts'
import { textPrinter } from '../output.ts'
import { ask, print, type Register, type Run, withServer } from '../run.ts'
import { printable, tableLines } from '../text.ts'

type Prompts = z.output<typeof promptsSchema>
type Prompt = Prompts['items'][number]

/** Adds `quillwork novels prompts|prompt`. */
export function addNovelPrompts(novels: Command, register: Register, novelArgument: string): void {
  novels
    .command('prompts')
    .description('List the prompts of a novel: those of its own, and those of the server')
    .argument('<novel>', novelArgument)
    .action(register(list))
  novels
    .command('prompt')
    .description('Print a prompt of a novel, or write one in place of that of the server')
    .argument('<novel>', novelArgument)
    .argument('<prompt>', 'as novels prompts lists it, such as generate-scene.en')
    .option('--save <file>', 'write the text of the file, for this novel alone')
    .option('--remove', 'use that of the server again')
    .action(register(prompt))
}

function list(run: Run) {
  const columns = [
    { title: 'PROMPT', text: ({ id }: Prompt) => id },
    { title: 'WHOSE', text: ({ from }: Prompt) => from },
    { title: 'WHAT IT IS FOR', text: ({ description }: Prompt) => printable(description) },
  ]
  return ask(
    run,
    async client => (await promptsOf(client, run)).prompts,
    ({ items }, widest) => [
      ...tableLines(items, columns, widest),
      ...items.flatMap(({ problem }) => (problem === undefined ? [] : [printable(problem)])),
    ],
  )
}

async function promptsOf(client: Client, { arguments: [novel = ''] }: Run) {
  const path = `/v1/novels/${(await findNovel(client, novel)).id}/prompts`
  return { path, prompts: await client.get<Prompts>(path) }
}

function prompt(run: Run<{ save?: string; remove?: boolean }>) {
  const { save, remove = false } = run.options
  if (save !== undefined && remove) throw usageError('Give --save or --remove, not both.')
  const [, id = ''] = run.arguments
  return withServer(run, async ({ client }) => {
    const { path, prompts } = await promptsOf(client, run)
    const one = `${path}/${promptIn(prompts, id).id}`
    const version = { 'if-match': `"${prompts.version}"` }
    let now = prompts
    if (save !== undefined) now = await client.put<Prompts>(one, { text: await textOfFile(save) }, version)
    else if (remove) now = await client.remove<Prompts>(one, version)
    const found = promptIn(now, id)
    const said =
      found.from === 'novel' ? 'Saved for this novel.' : `The novel uses that of the ${found.from} again.`
    if (run.json || now !== prompts) return print(run, found, () => [said])
    // As it is, so that it can be saved, changed and given back.
    const printer = textPrinter(run)
    printer.text(found.text)
    printer.end()
  })
}

/** Throws USAGE_INVALID. */
function promptIn({ items }: Prompts, wanted: string): Prompt {
  const found = items.find(({ id }) => id === wanted)
  if (found !== undefined) return found
  throw usageError(
    `There is no prompt ${JSON.stringify(wanted)}; there are ${items.map(({ id }) => id).join(', ')}.`,
  )
}

/** Reads a text, such as that of a prompt. Throws FILE_UNREADABLE. */
export async function textOfFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new QuillworkError('FILE_UNREADABLE', `${file} cannot be read.`, { cause: error })
  }
}
