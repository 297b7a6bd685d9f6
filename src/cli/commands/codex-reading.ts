import type { Command } from 'commander'
import type { checkCodex } from '../../novel/index.ts'
import type { Out } from '../../task/definition.ts'
import { findChapters, findNovel } from '../find-novel.ts'
import { type SubmitOptions, submitTask } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import type { Register, Run, Session } from '../run.ts'
import { printable } from '../text.ts'
import { countOf } from '../words.ts'
import { addBudget } from './budget.ts'

interface ReadingOptions extends SubmitOptions {
  chapters?: string
  model?: string
  again?: boolean
}

/** What a model reads the scenes for, and the command that shows what it found. */
interface ReadingCommand {
  readonly taskType: 'ProposeCodexEntries' | 'CheckCodex'
  readonly shownBy: 'proposals' | 'check'
  readonly found: string
}

type Read = Out<NonNullable<(typeof checkCodex)['result']>>

/** Adds `quillwork codex propose|check-with-model`. */
export function addCodexReading(codex: Command, register: Register, novelArgument: string): void {
  const add = (name: string, description: string, command: ReadingCommand) =>
    addBudget(
      codex
        .command(name)
        .description(description)
        .argument('<novel>', novelArgument)
        .option('--chapters <list>', 'read these chapters, such as 2-4; default: all')
        .option('--model <id>', 'model to use; default: the first one for summaries')
        .option('--again', 'also read scenes again that were read as they are now')
        .option('--estimate', 'only print what it would cost')
        .option('--background', 'do not wait until the scenes are read'),
    ).action(register((run: Run<ReadingOptions>) => read(run, command)))
  add(
    'propose',
    'Have a model read the scenes for people, places, things and facts that the codex could have',
    { taskType: 'ProposeCodexEntries', shownBy: 'proposals', found: 'proposal' },
  )
  add('check-with-model', 'Have a model compare each scene with the entries of the codex that it mentions', {
    taskType: 'CheckCodex',
    shownBy: 'check',
    found: 'contradiction',
  })
}

function read(run: Run<ReadingOptions>, command: ReadingCommand) {
  const { chapters = 'all', model, again } = run.options
  return submitTask(run, async session => {
    const novel = await findNovel(session.connection.client, run.arguments[0] ?? '')
    const parameters = { novelId: novel.id, ...findChapters(novel, chapters), model, again }
    return {
      submission: { taskType: command.taskType, parameters },
      shows: 'tree',
      sayEnd: ({ result }) => sayRead(run, session, { command, novelId: novel.id, result: result as Read }),
    }
  })
}

function sayRead(
  { terminal }: Run,
  { resolved }: Session,
  { command, novelId, result }: { command: ReadingCommand; novelId: string; result: Read },
): void {
  const { success, skipped, found, dropped, failed, failedScenes } = result
  terminal.note(
    `Read ${countOf(success, 'scene')}, left ${countOf(skipped, 'scene')} out. Found ${countOf(found, command.found)}; ${dropped} more were dropped, because the text does not have what they quote.`,
  )
  if (failed > 0) terminal.note(`Scenes that could not be read: ${failed}. The first ones:`)
  for (const { sceneId, reason } of failedScenes.slice(0, 10))
    terminal.note(`  ${sceneId}: ${printable(reason)}`)
  terminal.note(`To see them: ${commandText(`codex ${command.shownBy} ${novelId}`, resolved)}`)
}
