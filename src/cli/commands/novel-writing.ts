import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { TaskJson } from '../../http/index.ts'
import type { PreviewJson } from '../../http/schemas/preview.ts'
import type { sceneSchema } from '../../http/schemas/scene.ts'
import type { batchGenerateScene, generateScene, sceneBrief } from '../../novel/index.ts'
import { selectionEdits } from '../../novel/selection.ts'
import type { Out } from '../../task/definition.ts'
import type { Client } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { findChapterId, findChapters, findNovel, findSceneId } from '../find-novel.ts'
import { type Planned, type SubmitOptions, submitTask } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import { previewLines } from '../preview-lines.ts'
import { print, type Register, type Run, type Session, withServer } from '../run.ts'
import { printable } from '../text.ts'
import { costText, countOf, tokensText } from '../words.ts'
import { addBudget } from './budget.ts'
import { textOfFile } from './novel-prompts.ts'

/** What is asked of a text, as options of a command. */
interface AskedOptions extends SubmitOptions {
  candidates?: string
  words?: string
  characters?: string
  style?: string
  tone?: string
  instructions?: string
  model?: string
  preview?: boolean
}

/** How scenes are to be written. */
export interface ScenesOptions extends AskedOptions {
  reviewChapters?: boolean
  accept?: string
}

interface WriteOptions extends ScenesOptions {
  chapters?: string
  alsoWritten?: boolean
  atOnce?: boolean
  insteadOf?: string
  preview?: boolean
  summary?: string
  title?: string
  prompt?: string
  continuePrompt?: string
}

/** How a scene is given to a command. */
export const sceneArgument =
  'chapter and scene as novels read prints them, such as 3.2, or the id of the scene'

/** Adds the options of a command that has texts written. */
function addAsked(command: Command, { words, characters }: { words: string; characters: string }): Command {
  return addBudget(
    command
      .option('--candidates <n>', 'number of texts to choose from, at most 4; default 1')
      .option('--words <n>', `approximate length; default ${words}`)
      .option('--characters <n>', `approximate length in characters; default ${characters}`)
      .option('--style <text>', 'such as "short sentences, few adjectives"')
      .option('--tone <text>', 'such as wry')
      .option('--instructions <text>', 'further instructions for the model')
      .option('--model <id>', 'model to use; default: the first one for prose')
      .option('--estimate', 'only print what it would cost')
      .option('--background', 'do not wait until it is written'),
  )
}

/** Adds `quillwork novels write|brief`. */
export function addNovelWriting(novels: Command, register: Register, novelArgument: string): void {
  addScenesOptions(
    novels
      .command('write')
      .description(
        'Have a model write a scene, and read the text as it comes. Where the scene has a text, the new one is a candidate beside it. With --chapters, writes every scene there that has a summary and no text',
      )
      .argument('<novel>', novelArgument)
      .argument('[scene]', `${sceneArgument}; 3.new adds a scene at the end of chapter 3`)
      .option('--chapters <list>', 'write the scenes of these chapters instead, such as 2-4, or all')
      .option('--at-once', 'with --chapters: write all scenes at the same time, and not one after the other')
      .option('--also-written', 'with --chapters: also scenes that have a text or an open candidate')
      .option('--instead-of <candidate>', 'the candidate that the text is asked for in place of')
      .option('--summary <text>', 'what happens in the scene; default: its summary')
      .option('--title <title>', 'title of a new scene')
      .option('--prompt <file>', 'try this text in place of the prompt generate-scene; nothing of it is kept')
      .option('--continue-prompt <file>', 'the same for continue-scene, by which further parts are written')
      .option(
        '--preview',
        'only print what the model would be shown, where it is from, and what is left out',
      ),
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

/** Adds the options of how scenes are written. */
export function addScenesOptions(command: Command): Command {
  return addAsked(
    command
      .option(
        '--review-chapters',
        'of several chapters: wait until you have approved each one before the next',
      )
      .addOption(
        new Option(
          '--accept <when>',
          'when the text enters the scene: only by you, where it has none, or in place of the one there; default where-empty',
        ).choices(['by-author', 'where-empty', 'automatically']),
      ),
    { words: '800', characters: '1,500 for a Chinese novel' },
  )
}

interface Submission {
  taskType: 'GenerateScene' | 'BatchGenerateScene' | 'RewriteSelection'
  parameters: object
}

function write(run: Run<WriteOptions>) {
  const instructions = instructionsOf(run)
  const submission = (client: Client) => submissionFor(client, run, instructions)
  if (run.options.preview !== true) return submitting(run, submission)
  return withServer(run, async ({ client }) => preview(run, client, await submission(client)))
}

/** Submits what is asked for and shows the text as it comes, or prints what it would cost. */
function submitting(run: Run<AskedOptions>, submission: (client: Client) => Promise<Submission>) {
  return submitTask(run, async (session): Promise<Planned> => {
    const planned = await submission(session.connection.client)
    // A person waits for one scene. Many go to the lane where they delay nobody.
    return planned.taskType === 'BatchGenerateScene'
      ? { submission: planned, shows: 'tree', sayEnd: task => sayBatch(run, session, task) }
      : {
          ...{ submission: planned, lane: 'default', shows: 'output' },
          sayEnd: task => sayScene(run, session, task),
        }
  })
}

/** Prints the prompt of a scene. Throws USAGE_INVALID for scenes that have none yet. */
async function preview(run: Run<WriteOptions>, client: Client, { parameters }: Submission) {
  const { sceneId, summary, style, tone, length, instructions, model, prompts } = parameters as Record<
    string,
    unknown
  >
  if (typeof sceneId !== 'string') throw usageError('--preview is for one scene that is there, such as 3.2.')
  // The first part has nothing of the prompt of further parts.
  const part = run.options.continuePrompt !== undefined && run.options.prompt === undefined ? 2 : undefined
  const request = { summary, style, tone, length, instructions, model, prompts, part }
  const shown = await client.post<PreviewJson>(`/v1/scenes/${sceneId}:preview`, request)
  print(run, shown, () => previewLines(shown))
}

/** Returns the instructions for each scene. Throws USAGE_INVALID. */
function instructionsOf({ options, arguments: [, place] }: Run<WriteOptions>): object {
  const { chapters, alsoWritten, insteadOf, summary, title, prompt, continuePrompt } = options
  const isBatch = chapters !== undefined
  if (isBatch === (place !== undefined))
    throw usageError('Name either a scene, such as 3.2, or --chapters, such as 2-4.')
  if (isBatch && (summary ?? title ?? insteadOf) !== undefined)
    throw usageError(
      '--summary, --title and --instead-of are for one scene. With --chapters each scene has its own.',
    )
  if (isBatch && (prompt ?? continuePrompt) !== undefined)
    throw usageError('--prompt and --continue-prompt are for one scene, with which a prompt is tried.')
  if (!isBatch && options.atOnce === true)
    throw usageError('--at-once is for --chapters: a scene by itself is written at once.')
  if (!isBatch && alsoWritten === true)
    throw usageError('--also-written is for --chapters. A named scene is always written.')
  if (!isBatch && options.reviewChapters === true)
    throw usageError('--review-chapters is for --chapters: a scene is reviewed by itself.')
  return { ...scenesParameters(options), insteadOf }
}

/** Returns the parameters of how scenes are written. Throws USAGE_INVALID. */
export function scenesParameters(options: ScenesOptions): object {
  const { accept, reviewChapters } = options
  return { ...askedOf(options), accept, awaitAuthor: reviewChapters === true ? 'chapter' : undefined }
}

/** Returns what the options ask of a text, as parameters. Throws USAGE_INVALID. */
function askedOf(options: AskedOptions): object {
  const { words, characters, style, tone, instructions, model } = options
  if (words !== undefined && characters !== undefined)
    throw usageError('Give --words or --characters, not both.')
  const candidates = options.candidates && numberOf('--candidates', options.candidates)
  // What is undefined is no part of the JSON.
  return { style, tone, instructions, model, candidates, length: lengthOf(options) }
}

function lengthOf({ words, characters }: AskedOptions): object | undefined {
  if (words !== undefined) return { words: numberOf('--words', words) }
  return characters === undefined ? undefined : { characters: numberOf('--characters', characters) }
}

/** Returns the number that an option has. Throws USAGE_INVALID. */
export function numberOf(option: string, text: string): number {
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
  const { chapters, alsoWritten, atOnce, summary, title } = run.options
  const outline = await findNovel(client, novel)
  const novelId = outline.id
  if (chapters !== undefined) {
    const range = findChapters(outline, chapters)
    return {
      taskType: 'BatchGenerateScene',
      parameters: {
        ...{ novelId, ...range, ...instructions },
        skipWritten: alsoWritten !== true,
        order: atOnce === true ? 'parallel' : undefined,
      },
    }
  }
  const [, chapterNumber] = /^(\d{1,6})\.new$/.exec(place) ?? []
  const which =
    chapterNumber === undefined
      ? { sceneId: await findSceneId(client, novelId, place) }
      : { chapterId: findChapterId(outline, Number(chapterNumber)) }
  const prompts = await triedPrompts(run.options)
  const parameters = { novelId, ...which, summary, title, prompts, ...instructions }
  return { taskType: 'GenerateScene', parameters }
}

/** Reads the prompts that a scene is to be tried with. Throws FILE_UNREADABLE. */
async function triedPrompts({ prompt, continuePrompt }: WriteOptions): Promise<object | undefined> {
  if ((prompt ?? continuePrompt) === undefined) return undefined
  return {
    'generate-scene': prompt && (await textOfFile(prompt)),
    'continue-scene': continuePrompt && (await textOfFile(continuePrompt)),
  }
}

function sayBatch(
  { terminal, options }: Run<AskedOptions & Pick<WriteOptions, 'alsoWritten'>>,
  { resolved }: Session,
  task: TaskJson,
): void {
  const { skipped, success, proposed } = task.result as BatchResult
  if (proposed > 0)
    terminal.note(
      `${countOf(proposed, 'scene')} with candidates: read them with quillwork novels candidates.`,
    )
  if (success > 0) terminal.note(`To undo it: ${commandText(`tasks undo-texts ${task.id}`, resolved)}`)
  if (skipped === 0) return
  const also = options.alsoWritten === true ? '' : ', and those with a text or a candidate (--also-written)'
  terminal.note(`Unchanged: scenes without a summary${also}.`)
}

type BatchResult = Out<NonNullable<(typeof batchGenerateScene)['result']>>
type SceneResult = Out<NonNullable<(typeof generateScene)['result']>>

/** Says on standard error how a scene was written; its text is on standard output. */
function sayScene({ terminal, arguments: [novel = ''] }: Run, { resolved }: Session, task: TaskJson): void {
  const { sceneId, words, accepted, candidates, failed, model = '', usage: used } = task.result as SceneResult
  const name = JSON.stringify(novel)
  const tokens = used === undefined ? '' : `; ${tokensText(used)}`
  const cost = used?.cost === undefined ? '' : `, cost ${costText(used.cost)}`
  terminal.note(`-- ${countOf(words, 'word')} by ${model}${tokens}${cost} --`)
  for (const { message } of failed) terminal.note(`One text was not written: ${message}`)
  if (accepted) {
    terminal.note(`See its earlier texts: ${commandText(`novels history ${name} ${sceneId}`, resolved)}`)
    return
  }
  const [first] = candidates
  const which = candidates.length === 1 ? 'This text is a candidate' : 'These texts are candidates'
  const accept = `novels accept ${name} ${sceneId} ${first?.candidateId ?? 'CANDIDATE'}`
  terminal.note(
    `${which}: the scene is as it was. To take the ${candidates.length === 1 ? 'text' : 'first one'}: ${commandText(accept, resolved)}`,
  )
  terminal.note(`See all of them: ${commandText(`novels candidates ${name} ${sceneId}`, resolved)}`)
}

function brief(run: Run<SubmitOptions & { summary?: string }>) {
  const [novel = '', place = ''] = run.arguments
  const { summary } = run.options
  return submitTask(run, async ({ connection: { client } }) => {
    const { id: novelId } = await findNovel(client, novel)
    const sceneId = await findSceneId(client, novelId, place)
    return {
      submission: { taskType: 'SceneBrief', parameters: { novelId, sceneId, summary } },
      shows: 'nothing',
      sayEnd(task) {
        for (const line of briefLines(task.result as BriefResult)) run.terminal.out(line)
      },
    }
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

interface RewriteOptions extends AskedOptions {
  passage: string
  to?: string
  edit?: string
  insteadOf?: string
}

/** Adds `quillwork novels rewrite`. */
export function addNovelRewriting(novels: Command, register: Register, novelArgument: string): void {
  addAsked(
    novels
      .command('rewrite')
      .description(
        'Have a model rewrite, shorten, expand or continue a passage of a scene. The scene with the new text is a candidate beside it; everything outside of the passage stays as it is',
      )
      .argument('<novel>', novelArgument)
      .argument('<scene>', sceneArgument)
      .requiredOption('--passage <text>', 'the passage as the scene has it; with --to, its first words')
      .option('--to <text>', 'the last words of the passage')
      .option('--instead-of <candidate>', 'the candidate that the text is asked for in place of')
      .addOption(
        new Option('--edit <edit>', 'what to do with the passage; default rewrite').choices([
          ...selectionEdits,
        ]),
      ),
    { words: 'that of the passage, half or twice of it', characters: 'the same' },
  ).action(register(rewrite))
}

function rewrite(run: Run<RewriteOptions>) {
  const [novel = '', place = ''] = run.arguments
  const { edit = 'rewrite' } = run.options
  const asked = { ...askedOf(run.options), insteadOf: run.options.insteadOf }
  return submitting(run, async client => {
    const { id: novelId } = await findNovel(client, novel)
    const sceneId = await findSceneId(client, novelId, place)
    const scene = await client.get<z.output<typeof sceneSchema>>(`/v1/scenes/${sceneId}`)
    const selection = { ...passageOf(scene.content, run.options), version: scene.version }
    return { taskType: 'RewriteSelection', parameters: { novelId, sceneId, selection, edit, ...asked } }
  })
}

/** Returns where the passage is. Throws USAGE_INVALID where the scene does not have it once. */
function passageOf(content: string, { passage, to = '' }: RewriteOptions): { start: number; text: string } {
  const start = onlyPlaceOf(content, passage, '--passage')
  const rest = content.slice(start + passage.length)
  const end = to === '' ? 0 : onlyPlaceOf(rest, to, '--to') + to.length
  return { start, text: passage + rest.slice(0, end) }
}

function onlyPlaceOf(text: string, words: string, option: string): number {
  const at = text.indexOf(words)
  if (words !== '' && at >= 0 && text.indexOf(words, at + 1) < 0) return at
  const found = at < 0 ? 'does not have these words' : 'has these words more than once'
  throw usageError(
    `${option} ${JSON.stringify(words)}: the scene ${found}. Give words as they are in it, and enough of them; see quillwork novels read --text.`,
  )
}
