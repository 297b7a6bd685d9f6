import type { Command } from 'commander'
import { type Budget, hasEnded, QuillworkError, type TaskStatus } from '../../index.ts'
import type { ResolvedConfig } from '../../server/config.ts'
import { addBudget, type BudgetOptions, budgetGiven } from '../budget-options.ts'
import { parseChapters } from '../chapters.ts'
import { type Connection, connect } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { commandText } from '../hints.ts'
import {
  type BegunImport,
  confirm,
  forget,
  type ImportChoice,
  type PreviewJson,
  preview,
  sizeOf,
  uploadFile,
} from '../novel-client.ts'
import { previewLines } from '../preview-lines.ts'
import { printJson, type Register, type Run } from '../run.ts'
import { listenForSignals, type Signals } from '../signals.ts'
import { sayFailure, watchText } from '../stay.ts'
import { progressBar } from '../terminal.ts'
import { watchTrees } from '../watch.ts'
import { countOf } from '../words.ts'

interface ImportOptions extends BudgetOptions {
  preview?: boolean
  yes?: boolean
  watch?: boolean
  title?: string
  encoding?: string
  chapters?: string
}

/** `quillwork import FILE`: a text becomes a novel with summaries and an index. */
export function addImport(program: Command, register: Register): void {
  const command = program
    .command('import')
    .description(
      'Import a text (.txt, .md, .epub, .docx) as a novel: chapters, scenes, summaries, search index',
    )
    .argument('<file>', 'UTF-8, UTF-16, GB18030/GBK or Big5; the encoding is found out')
    .option('--preview', 'only show what the file holds')
    .option('--yes', 'import without asking')
    .option('--watch', 'show the progress until the import has ended')
    .option('--title <title>', 'title of the novel; default: the one found in the file')
    .option('--encoding <name>', 'read the file in this encoding')
    .option('--chapters <list>', 'only these, by the numbers of the preview, such as 1-10,12')
  addBudget(command).action(register<ImportOptions>(importFile))
}

async function importFile(run: Run<ImportOptions>): Promise<number> {
  const { options, terminal } = run
  const [file = ''] = run.arguments
  const chapters = options.chapters === undefined ? undefined : parseChapters(options.chapters)
  const budget = budgetGiven(options)
  const mayAsk = terminal.canAsk && !run.json
  if (options.preview !== true && options.yes !== true && !mayAsk) {
    throw new QuillworkError(
      'USAGE_INVALID',
      'Nothing was imported: there is nobody to ask. Pass --preview to see what the file holds, or --yes to import it.',
    )
  }
  await sizeOf(file)
  using signals = listenForSignals()
  const resolved = run.configure()
  const connection = await connect(resolved, {
    command: 'quillwork import',
    works: options.preview !== true,
    signal: signals.asked,
  })
  try {
    return await importThrough(run, { resolved, connection, signals, file, chapters, budget })
  } catch (error) {
    if (!signals.asked.aborted) throw error
    return signals.exitCode
  } finally {
    await connection.close()
  }
}

interface Work {
  resolved: ResolvedConfig
  connection: Connection
  signals: Signals
  file: string
  chapters: number[] | undefined
  budget: Budget | undefined
}

async function importThrough(run: Run<ImportOptions>, work: Work): Promise<number> {
  const { options, json, terminal } = run
  const { client } = work.connection
  const uploadId = await uploadFile(client, work.file, share => {
    showStep(run, `sending ${progressBar(share, 1)} ${Math.floor(share * 100)} %`)
  })
  const isOver = await look(run, work, uploadId).catch(async error => {
    await forget(client, uploadId)
    throw error
  })
  if (isOver !== undefined) {
    await forget(client, uploadId)
    return isOver
  }
  const begun = await confirm(client, uploadId, choiceOf(options, work)).catch(async error => {
    // Refused, it is of no use; whether it was confirmed is not known where there was no answer.
    if (isRefusal(error)) await forget(client, uploadId)
    throw error
  })
  // Where no server runs, this process is the only one that can do the work, so it stays until it is done.
  if (options.watch === true || work.connection.isOwn) return watch(run, work, begun)
  if (json) printJson(run, { ...begun, status: 'QUEUED' })
  else terminal.out(`The import runs on the server. Watch it: ${watchText(work.resolved, begun.taskId)}`)
  return exitCodes.ok
}

function isRefusal(error: unknown): boolean {
  const status = error instanceof QuillworkError ? Number(error.details?.['status']) : Number.NaN
  return status >= 400 && status < 500
}

/** Shows what the file holds and asks. Returns an exit code where nothing is to be imported. */
async function look(run: Run<ImportOptions>, work: Work, uploadId: string): Promise<number | undefined> {
  const { terminal, options } = run
  showStep(run, 'reading the file …')
  const found = await preview(work.connection.client, uploadId, options.encoding)
  showStep(run, undefined)
  showPreview(run, found, options.preview === true)
  if (options.preview === true) return exitCodes.ok
  refuseUnknownChapters(found, work.chapters)
  if (options.yes === true || (await terminal.confirm(question(found, work.chapters), work.signals.asked)))
    return undefined
  terminal.note('Nothing was imported.')
  return exitCodes.failed
}

function showStep({ terminal, json }: Run, step: string | undefined): void {
  if (!json) terminal.live(step === undefined ? [] : [step])
}

/** Exactly the fields that scripts are promised. */
function showPreview(run: Run<ImportOptions>, found: PreviewJson, whole: boolean): void {
  const { terminal, json } = run
  if (!json) {
    for (const line of previewLines(found, { whole, columns: terminal.columns })) terminal.out(line)
    return
  }
  if (!whole) return
  const { title, encoding, volumes, warnings } = found
  printJson(run, {
    title,
    encoding: { name: encoding.name, confidence: encoding.confidence },
    volumes: volumes.map(volume => ({
      title: volume.title,
      chapters: volume.chapters.map(({ title: name, characters, words }) => ({
        title: name,
        characters,
        words,
      })),
    })),
    warnings,
  })
}

function chapterCount({ volumes }: PreviewJson): number {
  return volumes.reduce((sum, { chapters }) => sum + chapters.length, 0)
}

function refuseUnknownChapters(found: PreviewJson, chapters: readonly number[] | undefined): void {
  const count = chapterCount(found)
  const unknown = chapters?.find(index => index >= count)
  if (unknown === undefined) return
  throw new QuillworkError(
    'USAGE_INVALID',
    `--chapters names chapter ${unknown + 1}, but the file has ${countOf(count, 'chapter')}. See them with --preview.`,
  )
}

function question(found: PreviewJson, chapters: readonly number[] | undefined): string {
  const all = chapterCount(found)
  const wanted = chapters?.length ?? all
  return wanted === all ? `Import all of it?` : `Import ${wanted} of the ${countOf(all, 'chapter')}?`
}

function choiceOf({ title, encoding }: ImportOptions, { chapters, budget }: Work): ImportChoice {
  return {
    ...(budget === undefined ? {} : { budget }),
    ...(title === undefined ? {} : { title }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(chapters === undefined ? {} : { chapters }),
  }
}

async function watch(run: Run<ImportOptions>, work: Work, begun: BegunImport): Promise<number> {
  const { terminal, json } = run
  const { connection, signals } = work
  try {
    const [task] = await watchTrees({
      client: connection.client,
      renew: connection.renew,
      taskIds: [begun.taskId],
      terminal,
      quiet: json,
      signal: signals.asked,
    })
    const status: TaskStatus = task?.status ?? 'FAILED'
    if (json) printJson(run, { taskId: begun.taskId, novelId: begun.novelId, status })
    else sayEnd(run, work, { ...begun, status })
    if (status === 'COMPLETED') return exitCodes.ok
    if (task !== undefined) sayFailure(run, task)
    return exitCodes.failed
  } catch (error) {
    if (!signals.asked.aborted) throw error
    terminal.keep()
    terminal.note(
      connection.isOwn
        ? `Stopped. The import goes on where it was when a server is started: ${commandText('serve', work.resolved)}`
        : `Not watching any more; the import goes on. Watch it again: ${watchText(work.resolved, begun.taskId)}`,
    )
    if (json) printJson(run, { taskId: begun.taskId, novelId: begun.novelId, status: 'RUNNING' })
    return signals.exitCode
  }
}

function sayEnd({ terminal }: Run, { resolved }: Work, begun: BegunImport & { status: TaskStatus }): void {
  const { novelId, taskId, status } = begun
  const next: [words: string, what: string][] = []
  if (status === 'COMPLETED' || status === 'COMPLETED_WITH_ERRORS') {
    terminal.out(`The novel is ${novelId}.`)
    next.push([`novels read ${novelId}`, 'read the summaries'])
    next.push([`novels search ${novelId} WORDS`, 'find a place in it'])
  }
  if (status !== 'COMPLETED' && hasEnded(status))
    next.push([`tasks retry ${taskId}`, 'try again what failed'])
  for (const [words, what] of next) terminal.out(`  ${commandText(words, resolved)}   ${what}`)
}
