import type { Command } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import type { EstimateJson } from '../../http/routes/estimates.ts'
import type { Budget } from '../../index.ts'
import type { generateScene, sceneBrief } from '../../novel/index.ts'
import type { Out } from '../../task/definition.ts'
import type { Client } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { findChapterId, findChapters, findNovel, findSceneId } from '../find-novel.ts'
import { followTask } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import { print, type Register, type Run, type Session, withSession } from '../run.ts'
import { printable } from '../text.ts'
import { estimateLines } from '../usage-lines.ts'
import { costText, countOf, numberText } from '../words.ts'
import { addBudget, type BudgetOptions, budgetGiven } from './budget.ts'

interface WriteOptions extends BudgetOptions {
  chapters?: string
  overwrite?: boolean
  summary?: string
  title?: string
  words?: string
  characters?: string
  style?: string
  tone?: string
  instructions?: string
  model?: string
  estimate?: boolean
  background?: boolean
}

/** How a scene is given to a command. */
export const sceneArgument =
  'chapter and scene as novels read prints them, such as 3.2, or the id of the scene'

/** Adds `quillwork novels write|brief`. */
export function addNovelWriting(novels: Command, register: Register, novelArgument: string): void {
  addBudget(
    novels
      .command('write')
      .description(
        'Have a model write a scene, and read the text as it comes; the text before it goes into the history. With --chapters, writes every scene there that has a summary and no text',
      )
      .argument('<novel>', novelArgument)
      .argument('[scene]', `${sceneArgument}; 3.new adds a scene at the end of chapter 3`)
      .option('--chapters <list>', 'write the scenes of these chapters instead, such as 2-4, or all')
      .option('--overwrite', 'with --chapters: also scenes that have a text')
      .option('--summary <text>', 'what happens in the scene; default: its summary')
      .option('--title <title>', 'title of a new scene')
      .option('--words <n>', 'approximate length; default 800')
      .option('--characters <n>', 'approximate length in characters; default 1,500 for a Chinese novel')
      .option('--style <text>', 'such as "short sentences, few adjectives"')
      .option('--tone <text>', 'such as wry')
      .option('--instructions <text>', 'further instructions for the model')
      .option('--model <id>', 'model to use; default: the first one for prose')
      .option('--estimate', 'only print what it would cost')
      .option('--background', 'do not wait until it is written'),
  ).action(register(write))
  novels
    .command('brief')
    .description(
      'Collect what helps to write a scene by hand, without a model: its steps, people, places, related passages',
    )
    .argument('<novel>', novelArgument)
    .argument('<scene>', sceneArgument)
    .option('--summary <text>', 'what happens in the scene; default: its summary')
    .action(register(brief))
}

interface Submission {
  taskType: 'GenerateScene' | 'BatchGenerateScene'
  parameters: object
}

function write(run: Run<WriteOptions>) {
  const instructions = instructionsOf(run)
  const budget = budgetGiven(run.options)
  return withSession(run, async session => {
    const { client } = session.connection
    const submission = await submissionFor(client, run, instructions)
    if (run.options.estimate !== true) return writeNow(run, session, { ...submission, budget })
    const estimate = await client.post<EstimateJson>('/v1/estimates', submission)
    print(run, estimate, widest => estimateLines(estimate, widest))
  })
}

/** Returns the instructions for each scene. Throws USAGE_INVALID. */
function instructionsOf({ options, arguments: [, place] }: Run<WriteOptions>): object {
  const { chapters, overwrite, summary, title, words, characters } = options
  const isBatch = chapters !== undefined
  if (isBatch === (place !== undefined))
    throw usageError('Name either a scene, such as 3.2, or --chapters, such as 2-4.')
  if (isBatch && (summary ?? title) !== undefined)
    throw usageError('--summary and --title are for one scene. With --chapters each scene has its own.')
  if (!isBatch && overwrite === true)
    throw usageError('--overwrite is for --chapters. The text of a named scene is always replaced.')
  if (words !== undefined && characters !== undefined)
    throw usageError('Give --words or --characters, not both.')
  const { style, tone, instructions, model } = options
  // What is undefined is no part of the JSON.
  return { style, tone, instructions, model, length: lengthOf(options) }
}

function lengthOf({ words, characters }: WriteOptions): object | undefined {
  if (words !== undefined) return { words: numberOf('--words', words) }
  return characters === undefined ? undefined : { characters: numberOf('--characters', characters) }
}

function numberOf(option: string, text: string): number {
  const plain = text.replace(/,(?=\d{3}(\D|$))/g, '')
  if (/^\d{1,9}$/.test(plain)) return Number(plain)
  throw usageError(`${option} takes a whole number, such as 1200, not ${JSON.stringify(text)}.`)
}

async function submissionFor(
  client: Client,
  run: Run<WriteOptions>,
  instructions: object,
): Promise<Submission> {
  const [novel = '', place = ''] = run.arguments
  const { chapters, overwrite, summary, title } = run.options
  const outline = await findNovel(client, novel)
  const novelId = outline.id
  if (chapters !== undefined) {
    const range = findChapters(outline, chapters)
    return {
      taskType: 'BatchGenerateScene',
      parameters: { novelId, ...range, overwriteExisting: overwrite === true, ...instructions },
    }
  }
  const [, chapterNumber] = /^(\d{1,6})\.new$/.exec(place) ?? []
  const which =
    chapterNumber === undefined
      ? { sceneId: await findSceneId(client, novelId, place) }
      : { chapterId: findChapterId(outline, Number(chapterNumber)) }
  return { taskType: 'GenerateScene', parameters: { novelId, ...which, summary, title, ...instructions } }
}

async function writeNow(
  run: Run<WriteOptions>,
  session: Session,
  submission: Submission & { budget: Budget | undefined },
) {
  const isScene = submission.taskType === 'GenerateScene'
  const { id: taskId } = await session.connection.client.post<TaskJson>('/v1/tasks', {
    ...submission,
    // A person waits for one scene. Many go to the lane where they delay nobody.
    ...(isScene ? { lane: 'default' } : {}),
  })
  return followTask(run, session, {
    taskId,
    detached: run.options.background === true,
    shows: isScene ? 'output' : 'tree',
    sayEnd: task => (isScene ? sayScene(run, session, task) : sayBatch(run, task)),
  })
}

function sayBatch({ terminal, options }: Run<WriteOptions>, task: TaskJson): void {
  const { skipped } = task.result as { skipped: number }
  if (skipped === 0) return
  const also = options.overwrite === true ? '' : ', and those with a text (--overwrite replaces it)'
  terminal.note(`Unchanged: scenes without a summary${also}.`)
}

type SceneResult = Out<NonNullable<(typeof generateScene)['result']>>

/** Says on standard error how a scene was written; its text is on standard output. */
function sayScene({ terminal, arguments: [novel = ''] }: Run, { resolved }: Session, task: TaskJson): void {
  const { sceneId, words, conflict, alternativeId, model = '', usage: used } = task.result as SceneResult
  const name = JSON.stringify(novel)
  const tokens =
    used === undefined
      ? ''
      : `; ${numberText(used.inputTokens)} tokens in, ${numberText(used.outputTokens)} out`
  const cost = used?.cost === undefined ? '' : `, cost ${costText(used.cost)}`
  terminal.note(`-- ${countOf(words, 'word')} by ${model}${tokens}${cost} --`)
  if (!conflict) {
    terminal.note(`See its earlier texts: ${commandText(`novels history ${name} ${sceneId}`, resolved)}`)
    return
  }
  terminal.note(
    `The scene was edited while this text was written, so the edited text stays. This text is in the history of the scene. To use it instead: ${commandText(`novels restore ${name} ${sceneId} ${alternativeId ?? 'ENTRY'}`, resolved)}`,
  )
}

function brief(run: Run<{ summary?: string }>) {
  const [novel = '', place = ''] = run.arguments
  const { summary } = run.options
  return withSession(run, async session => {
    const { client } = session.connection
    const { id: novelId } = await findNovel(client, novel)
    const sceneId = await findSceneId(client, novelId, place)
    const { id: taskId } = await client.post<TaskJson>('/v1/tasks', {
      taskType: 'SceneBrief',
      parameters: { novelId, sceneId, summary },
    })
    return followTask(run, session, {
      taskId,
      detached: false,
      shows: 'nothing',
      sayEnd(task) {
        for (const line of briefLines(task.result as BriefResult)) run.terminal.out(line)
      },
    })
  })
}

type BriefResult = Out<NonNullable<(typeof sceneBrief)['result']>>

/** Returns a scene brief for a person, beginning with its label. */
function briefLines(result: BriefResult): string[] {
  const { label, beats, people, places, otherNames, passages, openQuestions } = result
  const names = [
    ...namesLine('people', people),
    ...namesLine('places', places),
    ...namesLine('other names', otherNames),
  ]
  return [
    label,
    ...section(
      'What happens:',
      beats.map((beat, at) => `  ${at + 1}. ${printable(beat)}`),
    ),
    ...section('Names, found by patterns:', names),
    ...section(
      'Close passages:',
      passages.flatMap(({ sceneId, chapterTitle, text }) => [
        `  ${printable(chapterTitle)}, scene ${sceneId}`,
        ...text.split('\n').map(line => `    ${printable(line)}`.trimEnd()),
        '',
      ]),
    ),
    ...section(
      'Open questions:',
      openQuestions.map(question => `  - ${printable(question)}`),
    ),
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  return ['', title, ...(lines.at(-1) === '' ? lines.slice(0, -1) : lines)]
}

function namesLine(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`  ${what}: ${names.map(printable).join(', ')}`]
}
