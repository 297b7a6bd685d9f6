import type { Command } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import type { continueWriting, generateNextSummaries } from '../../novel/index.ts'
import type { ResolvedConfig } from '../../server/config.ts'
import type { Out } from '../../task/definition.ts'
import type { Client } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { findNovel } from '../find-novel.ts'
import { submitTask } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import { ask, type Register, type Run, type Session } from '../run.ts'
import { printable } from '../text.ts'
import { countOf } from '../words.ts'
import { addScenesOptions, numberOf, type ScenesOptions, scenesParameters } from './novel-writing.ts'

interface ContinueOptions extends ScenesOptions {
  chapters?: string
  scenes?: string
  plot?: string
  unreviewed?: boolean
  outlinesOnly?: boolean
}

/** Adds `quillwork novels continue|outlines`. */
export function addNovelContinuing(novels: Command, register: Register, novelArgument: string): void {
  addScenesOptions(
    novels
      .command('continue')
      .description(
        'Have a model plan the next chapters, and write them scene by scene when you have approved the plan',
      )
      .argument('<novel>', novelArgument)
      .option('--chapters <n>', 'number of chapters, at most 20; default 1')
      .option('--scenes <n>', 'scenes of each chapter, at most 12; default: as the events need')
      .option('--plot <text>', 'what is to happen in these chapters')
      .option('--unreviewed', 'write without waiting until you have approved the plan')
      .option('--outlines-only', 'only plan the chapters, and add them without text'),
  ).action(register(goOn))
  novels
    .command('outlines')
    .description('Show the plans of chapters that wait for you')
    .argument('<novel>', novelArgument)
    .action(register(outlines))
}

/** Options of the texts, which a plan alone does not have. */
const ofTexts = [
  ['instructions', '--instructions'],
  ['style', '--style'],
  ['tone', '--tone'],
  ['words', '--words'],
  ['characters', '--characters'],
  ['candidates', '--candidates'],
  ['accept', '--accept'],
  ['reviewChapters', '--review-chapters'],
] as const

/** Throws USAGE_INVALID where options ask something of texts that are not to be written. */
function checkOptions({ options }: Run<ContinueOptions>): void {
  if (options.outlinesOnly !== true) return
  const given = ofTexts.flatMap(([name, option]) => (options[name] === undefined ? [] : [option]))
  if (given.length > 0)
    throw usageError(
      `With --outlines-only no text is written, so leave out ${given.join(', ')}. What is to happen goes into --plot.`,
    )
}

function submissionFor({ options }: Run<ContinueOptions>, novelId: string) {
  const { chapters, scenes, plot, unreviewed, outlinesOnly, model } = options
  const plan = {
    novelId,
    chapters: chapters === undefined ? undefined : numberOf('--chapters', chapters),
    scenesPerChapter: scenes === undefined ? undefined : numberOf('--scenes', scenes),
    reviewOutlines: unreviewed !== true,
  }
  return outlinesOnly === true
    ? { taskType: 'GenerateNextSummaries', parameters: { ...plan, instructions: plot, model } }
    : {
        taskType: 'ContinueWriting',
        parameters: { ...plan, outlineInstructions: plot, ...scenesParameters(options) },
      }
}

function goOn(run: Run<ContinueOptions>) {
  checkOptions(run)
  return submitTask(run, async session => {
    const { id: novelId } = await findNovel(session.connection.client, run.arguments[0] ?? '')
    return {
      submission: submissionFor(run, novelId),
      begun() {
        if (run.options.unreviewed === true) return
        const command = commandText(`novels outlines ${novelId}`, session.resolved)
        run.terminal.note(`When the plan waits for you: ${command}`)
      },
      shows: 'tree',
      sayEnd: task => sayEnd(run, session, task),
    }
  })
}

type Planned = Out<NonNullable<(typeof generateNextSummaries)['result']>>
type Written = Out<NonNullable<(typeof continueWriting)['result']>>

function sayEnd({ terminal }: Run, { resolved }: Session, task: TaskJson): void {
  if (task.taskType === 'GenerateNextSummaries') {
    const { chapters, rejected } = task.result as Planned
    terminal.note(`${countOf(chapters.length, 'chapter')} added, ${rejected} rejected.`)
    return
  }
  const { written, rejected, scenes } = task.result as Written
  terminal.note(
    `${countOf(written, 'chapter')} written, ${countOf(scenes.success, 'scene')}; ${rejected} rejected.`,
  )
  if (scenes.success > 0)
    terminal.note(`To undo the texts: ${commandText(`tasks undo-texts ${task.id}`, resolved)}`)
}

interface Proposed {
  title: string
  scenes: readonly { title: string; summary: string }[]
  decision: string
}

function outlines(run: Run) {
  const waiting = async (client: Client) => {
    const { id: novelId } = await findNovel(client, run.arguments[0] ?? '')
    const { items } = await client.get<{ items: TaskJson[] }>(
      `/v1/tasks?tag=novel:${novelId}&taskType=GenerateNextSummaries&status=RETRYING`,
    )
    return { items: items.filter(({ waitingFor }) => waitingFor?.kind === 'signal') }
  }
  return ask(run, waiting, ({ items }) => {
    const resolved = run.configure()
    return items.length === 0 ? ['No plan waits.'] : items.flatMap(task => outlineLines(resolved, task))
  })
}

function outlineLines(resolved: ResolvedConfig, { id, progress }: TaskJson): string[] {
  const { outlines = [] } = (progress ?? {}) as { outlines?: readonly Proposed[] }
  const send = (payload: object) =>
    `  ${commandText(`tasks signal ${id} review --payload '${JSON.stringify(payload)}'`, resolved)}`
  return [
    ...outlines.flatMap(({ title, scenes, decision }, at) => [
      `${at + 1}. ${printable(title)} (${decision})`,
      ...scenes.flatMap(scene => [
        `   ${printable(scene.title)}`,
        ...scene.summary.split('\n').map(line => `     ${printable(line)}`),
      ]),
    ]),
    'To approve all that is open, or reject one chapter:',
    send({ decision: 'approve' }),
    send({ decision: 'reject', chapter: 1 }),
  ]
}
