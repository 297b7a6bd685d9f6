import type { Command } from 'commander'
import type { z } from 'zod'
import type { unitSummarySchema, unitsSchema } from '../../http/schemas/summaries.ts'
import type { updateSummaries } from '../../novel/index.ts'
import type { Out } from '../../task/definition.ts'
import { findNovel } from '../find-novel.ts'
import { type SubmitOptions, submitTask } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import { ask, type Register, type Run } from '../run.ts'
import { printable } from '../text.ts'
import { numberText } from '../words.ts'
import { addBudget } from './budget.ts'

interface UpdateOptions extends SubmitOptions {
  model?: string
}

type Units = z.output<typeof unitsSchema>
type Unit = z.output<typeof unitSummarySchema>

/** Adds `quillwork novels summaries|update-summaries`. */
export function addNovelSummaries(novels: Command, register: Register, novelArgument: string): void {
  novels
    .command('summaries')
    .description('Read the summaries of the book, its volumes and chapters, and see which are out of date')
    .argument('<novel>', novelArgument)
    .action(register(summaries))
  addBudget(
    novels
      .command('update-summaries')
      .description(
        'Make the summaries of scenes, chapters, volumes and the book that are missing or out of date',
      )
      .argument('<novel>', novelArgument)
      .option('--model <id>', 'model to use; default: the first one for summaries, else sentences are quoted')
      .option('--estimate', 'only print what it would cost')
      .option('--background', 'do not wait until they are made'),
  ).action(register(update))
}

function summaries(run: Run) {
  return ask(
    run,
    async client => {
      const { id } = await findNovel(client, run.arguments[0] ?? '')
      const { outOfDate, items } = await client.get<Units>(`/v1/novels/${id}/summaries`)
      const read: Unit[] = []
      for (const unit of items.toReversed())
        if (unit.state !== 'empty') read.push(await client.get<Unit>(`/v1/novels/${id}/summaries/${unit.id}`))
      return { novelId: id, outOfDate, items: read }
    },
    ({ novelId, outOfDate, items }) => [
      ...items.flatMap(unitLines),
      outOfDate === 0
        ? 'All are up to date.'
        : `Summaries to make: ${numberText(outOfDate)}. ${commandText(`novels update-summaries ${novelId}`, run.configure())}`,
    ],
  )
}

function unitLines({ level, title, firstChapter, lastChapter, state, byPerson, summary }: Unit): string[] {
  const chapters =
    firstChapter === lastChapter ? `${firstChapter + 1}` : `${firstChapter + 1}-${lastChapter + 1}`
  const name = { book: 'Book', volume: 'Volume', stretch: 'Chapters', chapter: 'Chapter' }[level]
  const where = level === 'chapter' || level === 'stretch' ? ` ${chapters}` : ''
  const notes = [state === 'current' ? '' : state.replaceAll('-', ' '), byPerson ? 'by a person' : '']
  const note = notes.filter(each => each !== '').join(', ')
  return [
    `${name}${where}${title === '' ? '' : `: ${printable(title)}`}${note === '' ? '' : ` (${note})`}`,
    ...(summary === undefined ? [] : summary.text.split('\n').map(line => `  ${printable(line)}`.trimEnd())),
    '',
  ]
}

function update(run: Run<UpdateOptions>) {
  return submitTask(run, async ({ connection: { client } }) => {
    const { id: novelId } = await findNovel(client, run.arguments[0] ?? '')
    return {
      submission: { taskType: 'UpdateSummaries', parameters: { novelId, model: run.options.model } },
      shows: 'tree',
      sayEnd(task) {
        const { scenes, levels } = task.result as Out<NonNullable<(typeof updateSummaries)['result']>>
        const made = scenes.success + levels.success
        run.terminal.note(`Summaries made: ${numberText(made)}.`)
      },
    }
  })
}
