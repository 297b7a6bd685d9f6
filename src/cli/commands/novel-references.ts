import type { Command } from 'commander'
import type { z } from 'zod'
import type { novelSchema } from '../../http/schemas/novel.ts'
import type { Client } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { findNovel } from '../find-novel.ts'
import { ask, type Register, type Run } from '../run.ts'
import { tableLines } from '../text.ts'

type Novel = z.output<typeof novelSchema>
type Named = NonNullable<Novel['references']>[number]

/** Adds `quillwork novels reference|references`. */
export function addNovelReferences(novels: Command, register: Register, novelArgument: string): void {
  novels
    .command('reference')
    .description(
      'Make a novel a reference: it gives voice and facts to other novels, and no model writes in it',
    )
    .argument('<novel>', novelArgument)
    .option('--unmark', 'make it a novel again in which models write')
    .action(register(mark))
  novels
    .command('references')
    .description('Show or set the references whose voice and facts the prompts of a novel take')
    .argument('<novel>', novelArgument)
    .argument(
      '[references...]',
      'the references that it names from now on, at most 3; each by its id, or part of its title',
    )
    .option('--none', 'it names none from now on')
    .action(register(references))
}

function mark(run: Run<{ unmark?: boolean }>) {
  const [novel = ''] = run.arguments
  const reference = run.options.unmark !== true
  const marked = async (client: Client) =>
    client.patch<Novel>(`/v1/novels/${(await findNovel(client, novel)).id}`, { reference })
  return ask(run, marked, ({ title }) => [
    reference
      ? `${title} is a reference: no model writes in it.`
      : `${title} is no reference: models write in it.`,
  ])
}

function references(run: Run<{ none?: boolean }>) {
  const [novel = '', ...wanted] = run.arguments
  const { none = false } = run.options
  if (none && wanted.length > 0) throw usageError('Give references, or --none, and not both.')
  const asked = async (client: Client): Promise<Novel> => {
    const found = await findNovel(client, novel)
    if (!none && wanted.length === 0) return found
    const ids: string[] = []
    for (const each of wanted) ids.push((await findNovel(client, each)).id)
    return client.patch<Novel>(`/v1/novels/${found.id}`, { references: ids })
  }
  return ask(run, asked, ({ title, references: named = [] }) =>
    named.length === 0 ? [`${title} names no references.`] : tableLines(named, columns, run.terminal.columns),
  )
}

const states = { used: 'used', unmarked: 'no reference any more', gone: 'gone' } as const

const columns = [
  { title: 'REFERENCE', text: ({ novelId }: Named) => novelId },
  { title: 'STATE', text: ({ state }: Named) => states[state] },
  { title: 'TITLE', text: ({ title = '' }: Named) => title },
]
