import type { Command } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import { type Budget, QuillworkError } from '../../index.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { findChapterId, findChapters, findNovel, findSceneId } from '../find-novel.ts'
import { commandText } from '../hints.ts'
import { printJson, type Register, type Run } from '../run.ts'
import { stay, type Visit, withVisit } from '../session.ts'
import { printable } from '../text.ts'
import { type EstimateAnswer, estimateLines } from '../usage-lines.ts'
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

const sceneArgument = 'chapter and scene as novels read prints them, such as 3.2, or the id of the scene'

/** `quillwork novels write|brief`. */
export function addNovelWriting(novels: Command, register: Register, novelArgument: string): void {
  addBudget(
    novels
      .command('write')
      .description(
        'Have a model write a scene, and read along; what it replaces is kept in the history. With --chapters, every scene there that has a summary and no text',
      )
      .argument('<novel>', novelArgument)
      .argument('[scene]', `${sceneArgument}; 3.new is a new one at the end of chapter 3`)
      .option('--chapters <list>', 'the scenes of these instead, such as 2-4, or all')
      .option('--overwrite', 'with --chapters: also the scenes that have a text')
      .option('--summary <text>', 'what happens in the scene; default: its summary')
      .option('--title <title>', 'title of a new scene')
      .option('--words <n>', 'about how long; default 800')
      .option('--characters <n>', 'the same in characters; default 1,500 for a Chinese novel')
      .option('--style <text>', 'such as "short sentences, few adjectives"')
      .option('--tone <text>', 'such as wry')
      .option('--instructions <text>', 'what else is asked for')
      .option('--model <id>', 'default: the first one for prose')
      .option('--estimate', 'only tell what it would cost')
      .option('--background', 'do not wait for it'),
  ).action(register<WriteOptions>(write))
  novels
    .command('brief')
    .description(
      'Collect what helps to write a scene by hand: its steps, people, places, close passages; made without a model',
    )
    .argument('<novel>', novelArgument)
    .argument('<scene>', sceneArgument)
    .option('--summary <text>', 'what happens in the scene; default: its summary')
    .action(register<{ summary?: string }>(brief))
}

/** A task as it is submitted. */
interface Submission {
  taskType: 'GenerateScene' | 'BatchGenerateScene'
  parameters: object
}

function write(run: Run<WriteOptions>): Promise<number> {
  const { options, terminal } = run
  const wishes = wishesOf(run)
  const budget = budgetGiven(options)
  return withVisit(run, 'quillwork novels write', async visit => {
    const { client } = visit.connection
    const submission = await submissionFor(client, run, wishes)
    if (options.estimate !== true) return writeNow(run, visit, { ...submission, budget })
    const answer = await client.post<EstimateAnswer>('/v1/estimates', submission)
    if (run.json) printJson(run, answer)
    else
      for (const line of estimateLines(answer, terminal.isInteractive ? terminal.columns : undefined))
        terminal.out(line)
    return exitCodes.ok
  })
}

/** What is asked of each scene. Throws USAGE_INVALID. */
function wishesOf({ options, arguments: [, place] }: Run<WriteOptions>): object {
  const { chapters, overwrite, summary, title, words, characters } = options
  const isBatch = chapters !== undefined
  if (isBatch === (place !== undefined))
    throw usage('Name either a scene, such as 3.2, or --chapters, such as 2-4.')
  if (isBatch && (summary ?? title) !== undefined)
    throw usage('--summary and --title are for one scene; with --chapters each scene has its own.')
  if (!isBatch && overwrite === true)
    throw usage('--overwrite is for --chapters; the text of a scene that is named is replaced in any case.')
  if (words !== undefined && characters !== undefined) throw usage('Give --words or --characters, not both.')
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
  throw usage(`${option} takes a whole number, such as 1200, not ${JSON.stringify(text)}.`)
}

function usage(message: string): QuillworkError {
  return new QuillworkError('USAGE_INVALID', message)
}

async function submissionFor(client: Client, run: Run<WriteOptions>, wishes: object): Promise<Submission> {
  const [novel = '', place = ''] = run.arguments
  const { chapters, overwrite, summary, title } = run.options
  const outline = await findNovel(client, novel)
  const novelId = outline.id
  if (chapters !== undefined) {
    const range = findChapters(outline, chapters)
    return {
      taskType: 'BatchGenerateScene',
      parameters: { novelId, ...range, overwriteExisting: overwrite === true, ...wishes },
    }
  }
  const [, chapterNumber] = /^(\d{1,6})\.new$/.exec(place) ?? []
  const which =
    chapterNumber === undefined
      ? { sceneId: await findSceneId(client, novelId, place) }
      : { chapterId: findChapterId(outline, Number(chapterNumber)) }
  return { taskType: 'GenerateScene', parameters: { novelId, ...which, summary, title, ...wishes } }
}

async function writeNow(
  run: Run<WriteOptions>,
  visit: Visit,
  submission: Submission & { budget: Budget | undefined },
): Promise<number> {
  const isScene = submission.taskType === 'GenerateScene'
  const { id: taskId } = await visit.connection.client.post<TaskJson>('/v1/tasks', {
    ...submission,
    // A person waits for one scene; many go where they hold up nobody.
    ...(isScene ? { lane: 'default' } : {}),
  })
  return stay(run, visit, {
    taskId,
    goes: run.options.background === true,
    shows: isScene ? 'output' : 'tree',
    sayEnd: task => (isScene ? sayScene(run, visit, task) : sayBatch(run, task)),
  })
}

function sayBatch({ terminal, options }: Run<WriteOptions>, task: TaskJson): void {
  const { skipped } = task.result as { skipped: number }
  if (skipped === 0) return
  const also = options.overwrite === true ? '' : ', and those that have a text (--overwrite writes them anew)'
  terminal.note(`Left as they are: scenes without a summary${also}.`)
}

/** What a person wants to know of a scene that was written. */
interface SceneResult {
  sceneId: string
  words: number
  conflict: boolean
  alternativeId?: string
  model?: string
  usage?: { inputTokens: number; outputTokens: number; cost?: number }
}

/** Standard output has the text; this goes beside it. */
function sayScene({ terminal, arguments: [novel = ''] }: Run, { resolved }: Visit, task: TaskJson): void {
  const { sceneId, words, conflict, alternativeId, model = '', usage: used } = task.result as SceneResult
  const name = JSON.stringify(novel)
  const tokens =
    used === undefined
      ? ''
      : `; ${numberText(used.inputTokens)} tokens in, ${numberText(used.outputTokens)} out`
  const cost = used?.cost === undefined ? '' : `, cost ${costText(used.cost)}`
  terminal.note(`-- ${countOf(words, 'word')} by ${model}${tokens}${cost} --`)
  if (!conflict) {
    terminal.note(`Not as you want it? ${commandText(`novels history ${name} ${sceneId}`, resolved)}`)
    return
  }
  terminal.note(
    `The text of the scene was changed while this was written, and stays as it was changed. This text is in its history; to take it instead: ${commandText(`novels restore ${name} ${sceneId} ${alternativeId ?? 'ENTRY'}`, resolved)}`,
  )
}

function brief(run: Run<{ summary?: string }>): Promise<number> {
  const [novel = '', place = ''] = run.arguments
  const { summary } = run.options
  return withVisit(run, 'quillwork novels brief', async visit => {
    const { client } = visit.connection
    const { id: novelId } = await findNovel(client, novel)
    const sceneId = await findSceneId(client, novelId, place)
    const { id: taskId } = await client.post<TaskJson>('/v1/tasks', {
      taskType: 'SceneBrief',
      parameters: { novelId, sceneId, summary },
    })
    return stay(run, visit, {
      taskId,
      goes: false,
      shows: 'nothing',
      sayEnd(task) {
        for (const line of briefLines(task.result as BriefResult)) run.terminal.out(line)
      },
    })
  })
}

/** What of the result of SceneBrief is shown. */
export interface BriefResult {
  label: string
  beats: readonly string[]
  people: readonly string[]
  places: readonly string[]
  otherNames: readonly string[]
  passages: readonly { sceneId: string; chapterTitle: string; text: string }[]
  openQuestions: readonly string[]
}

/** A scene brief for a person; it says what it is. */
export function briefLines(result: BriefResult): string[] {
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
      beats.map((beat, at) => `  ${at + 1}. ${oneLine(beat)}`),
    ),
    ...section('Names, found by patterns:', names),
    ...section(
      'Close passages:',
      passages.flatMap(({ sceneId, chapterTitle, text }) => [
        `  ${oneLine(chapterTitle)}, scene ${sceneId}`,
        ...text.split('\n').map(line => `    ${printable(line)}`.trimEnd()),
        '',
      ]),
    ),
    ...section(
      'Open questions:',
      openQuestions.map(question => `  - ${oneLine(question)}`),
    ),
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  return ['', title, ...(lines.at(-1) === '' ? lines.slice(0, -1) : lines)]
}

function namesLine(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`  ${what}: ${names.map(oneLine).join(', ')}`]
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*\n\s*/g, ' '))
}
