import type { Command } from 'commander'
import type { z } from 'zod'
import type { TaskJson } from '../../http/index.ts'
import type { uploadComparisonSchema } from '../../http/schemas/upload.ts'
import type { appendToNovel } from '../../novel/append-to-novel.ts'
import type { Out } from '../../task/definition.ts'
import type { Client } from '../client.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { findNovel, parseChapters } from '../find-novel.ts'
import { followTask } from '../follow-task.ts'
import { type Ending, printJson, type Register, type Run, type Session, withSession } from '../run.ts'
import { cut, pad, printable } from '../text.ts'
import { countOf, numberText } from '../words.ts'
import { addBudget, type BudgetOptions, budgetGiven } from './budget.ts'
import { discardUpload, isRefusal, sendFile, showStep, sizeOf } from './import.ts'

type Comparison = z.output<typeof uploadComparisonSchema>
type Appended = Out<NonNullable<(typeof appendToNovel)['result']>>

interface AppendOptions extends BudgetOptions {
  preview?: boolean
  yes?: boolean
  watch?: boolean
  encoding?: string
  chapters?: string
  replace?: string
}

/** Adds `quillwork novels append NOVEL FILE`. */
export function addNovelAppend(novels: Command, register: Register, novelArgument: string): void {
  const command = novels
    .command('append')
    .description(
      'Add the chapters of a newer file of a book to the novel: the file is compared with it, and only what is new is added, summarised and indexed',
    )
    .argument('<novel>', novelArgument)
    .argument('<file>', 'the text (.txt, .md, .epub, .docx)')
    .option('--preview', 'only show what the file has that the novel does not have')
    .option('--yes', 'add without asking')
    .option('--watch', 'show the progress until the task has ended')
    .option('--encoding <name>', 'read the file in this encoding')
    .option(
      '--chapters <list>',
      'only these chapters of the file, new or changed ones, by their numbers in the preview, such as 96-99',
    )
    .option(
      '--replace <list>',
      'have these changed chapters take the place of those of the novel, which can be undone',
    )
  addBudget(command).action(register(append))
}

/** What is asked for, as the API takes it. */
interface Choice {
  novelId: string
  encoding: string | undefined
  chapters: number[] | undefined
  replace: number[] | undefined
}

async function append(run: Run<AppendOptions>) {
  const { options, terminal } = run
  const [novel = '', file = ''] = run.arguments
  const mayAsk = terminal.canAsk && !run.json
  if (options.preview !== true && options.yes !== true && !mayAsk)
    throw usageError(
      'Nothing was added, because nobody can be asked here. Pass --preview to see what the file has, or --yes to add it.',
    )
  const numbers = (list: string | undefined) => (list === undefined ? undefined : parseChapters(list))
  const [chapters, replace] = [numbers(options.chapters), numbers(options.replace)]
  budgetGiven(options)
  await sizeOf(file)
  const act = async (session: Session) => {
    const { client } = session.connection
    const { id: novelId } = await findNovel(client, novel)
    const choice = { novelId, encoding: options.encoding, chapters, replace }
    const uploadId = await sendFile(run, client, file)
    const exitCode = await compareAndAsk(run, session, { uploadId, choice }).catch(async error => {
      await discardUpload(client, uploadId)
      throw error
    })
    if (exitCode === undefined) return begin(run, session, { uploadId, choice })
    await discardUpload(client, uploadId)
    return exitCode
  }
  return withSession(run, act, { works: options.preview !== true })
}

/** An upload, and what is asked of it. */
interface Asked {
  uploadId: string
  choice: Choice
}

/** Shows what is new, and asks. Returns the exit code where nothing is to be added, else undefined. */
async function compareAndAsk(
  run: Run<AppendOptions>,
  session: Session,
  { uploadId, choice }: Asked,
): Promise<number | undefined> {
  const { options, json, terminal } = run
  showStep(run, 'comparing the file with the novel …')
  const found = await compared(session.connection.client, uploadId, choice).finally(() =>
    showStep(run, undefined),
  )
  const isPreview = options.preview === true
  if (json && isPreview) printJson(run, found)
  else if (!json)
    for (const line of comparisonLines(found, { whole: isPreview, columns: terminal.columns }))
      terminal.out(line)
  if (isPreview) return exitCodes.ok
  const wanted = wantedOf(found, choice)
  const isNothing = wanted.added + wanted.replaced === 0
  if (!isNothing && (await isConfirmed(run, session, wanted))) return undefined
  terminal.note('Nothing was added.')
  return isNothing ? exitCodes.ok : exitCodes.failed
}

/** Submits the task, and follows it. */
async function begin(run: Run<AppendOptions>, session: Session, { uploadId, choice }: Asked): Ending {
  const { client } = session.connection
  const body = { ...choice, budget: budgetGiven(run.options) }
  const { taskId } = await client
    .post<{ taskId: string }>(`/v1/uploads/${uploadId}:append`, body)
    .catch(async error => {
      // Without an answer, it may have been confirmed.
      if (isRefusal(error)) await discardUpload(client, uploadId)
      throw error
    })
  return followTask(run, session, {
    task: await client.get<TaskJson>(`/v1/tasks/${taskId}`),
    detached: run.options.watch !== true,
    shows: 'tree',
    sayEnd: ({ result }) => {
      for (const line of resultLines(result as Appended)) run.terminal.out(line)
    },
  })
}

function compared(client: Client, uploadId: string, { novelId, encoding }: Choice): Promise<Comparison> {
  return client.get<Comparison>(`/v1/uploads/${uploadId}/comparison`, { novelId, encoding })
}

/** How many chapters would be added, and replaced. */
interface Wanted {
  added: number
  replaced: number
}

function wantedOf(found: Comparison, { chapters, replace = [] }: Choice): Wanted {
  const named = [...(chapters ?? []), ...replace]
  const unknown = named.find(index => index >= found.chapters.length)
  if (unknown !== undefined)
    throw usageError(
      `There is no chapter ${unknown + 1}: the file has ${countOf(found.chapters.length, 'chapter')}. See them with --preview.`,
    )
  const unchanged = replace.find(index => found.chapters[index]?.status !== 'changed')
  if (unchanged !== undefined)
    throw usageError(
      `--replace names chapter ${unchanged + 1}, which is not changed in the file. See them with --preview.`,
    )
  const isAdded = ({ index, status }: Comparison['chapters'][number]) =>
    !replace.includes(index) &&
    (chapters === undefined ? status === 'new' : chapters.includes(index) && status !== 'known')
  return { added: found.chapters.filter(isAdded).length, replaced: new Set(replace).size }
}

async function isConfirmed(
  { options, terminal }: Run<AppendOptions>,
  { signals }: Session,
  { added, replaced }: Wanted,
): Promise<boolean> {
  if (options.yes === true) return true
  const parts = [
    ...(added > 0 ? [`add ${countOf(added, 'chapter')}`] : []),
    ...(replaced > 0 ? [`replace the text of ${numberText(replaced)}`] : []),
  ]
  const words = parts.join(' and ')
  return terminal.confirm(`${words.charAt(0).toUpperCase()}${words.slice(1)}?`, signals.asked)
}

/** Chapters that are listed where somebody is asked. */
const fewChapters = 30

/** Returns what of a file a novel has, and what not. */
function comparisonLines(
  { counts, chapters, missing }: Comparison,
  { whole, columns }: { whole: boolean; columns: number },
): string[] {
  const others = chapters.filter(({ status }) => status !== 'known')
  const shown = whole ? others : others.slice(0, fewChapters)
  const titleColumns = Math.max(20, Math.min(50, columns - 45))
  const titles = new Map(
    chapters.flatMap(({ chapterId, title }) => (chapterId === undefined ? [] : [[chapterId, title]])),
  )
  for (const { chapterId, title } of missing) titles.set(chapterId, title)
  const place = ({ status, behind, wordsInNovel = 0 }: (typeof chapters)[number]) => {
    if (status === 'changed') return `, ${numberText(wordsInNovel)} in the novel`
    return behind === undefined ? ', at the beginning' : `, behind ${printable(titles.get(behind) ?? behind)}`
  }
  const all = [counts.new, counts.changed, counts.known].map(numberText)
  return [
    `${all[0]} new, ${all[1]} changed, ${all[2]} known; ${countOf(counts.missing, 'chapter')} of the novel not in the file`,
    ...shown.map(
      chapter =>
        `${String(chapter.index + 1).padStart(6)}  ${pad(chapter.status, 7)}  ${pad(cut(printable(chapter.title), titleColumns), titleColumns)} ${numberText(chapter.words).padStart(7)} words${place(chapter)}`,
    ),
    ...(shown.length < others.length
      ? [`        … ${numberText(others.length - shown.length)} more, with --preview`]
      : []),
  ]
}

function resultLines({ added, replaced, skipped, skippedChapters, beforeId }: Appended): string[] {
  return [
    `${countOf(added, 'chapter')} added, ${numberText(replaced)} replaced.`,
    ...skipped.map(({ chapter, reason }) => `  chapter ${chapter + 1} left out: ${reason}`),
    ...(skippedChapters > skipped.length
      ? [`  and ${numberText(skippedChapters - skipped.length)} more`]
      : []),
    ...(beforeId === undefined ? [] : [`Snapshot ${beforeId} has the texts that were there before.`]),
  ]
}
