import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Command } from 'commander'
import { type Budget, hasEnded, QuillworkError, type TaskStatus } from '../../index.ts'
import type { ImportEdit } from '../../novel/import/edited-outline.ts'
import { type Client, unreadable } from '../client.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { parseChapters } from '../find-novel.ts'
import { sayFailure, watchText } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import { andAgain } from '../list.ts'
import { type PreviewJson, previewLines } from '../novel-lines.ts'
import { printJson, type Register, type Run, type Session, withSession } from '../run.ts'
import { progressBar } from '../terminal.ts'
import { watchTask } from '../watch.ts'
import { bytesText, countOf } from '../words.ts'
import { addBudget, type BudgetOptions, budgetGiven } from './budget.ts'

interface ImportOptions extends BudgetOptions {
  preview?: boolean
  yes?: boolean
  watch?: boolean
  title?: string
  encoding?: string
  chapters?: string
  rename?: string[]
  merge?: string
  removeLines?: string
  reference?: boolean
}

/** Adds `quillwork import FILE`, which makes a novel with summaries and an index of a text. */
export function addImport(program: Command, register: Register): void {
  const command = program
    .command('import')
    .description(
      'Import a text (.txt, .md, .epub, .docx, .odt, .rtf, .html, a Scrivener project as .zip), or the archive of a novel (.quillwork), as a novel: chapters, scenes, summaries, search index. Chapter headings are found in English, Chinese, Japanese, Korean, Vietnamese, Arabic, Russian, Polish, German, French, Spanish, Italian and Dutch',
    )
    .argument(
      '<file>',
      'the text. Its encoding is detected: UTF-8, UTF-16, GB18030/GBK, Big5, Shift_JIS, EUC-JP, EUC-KR, windows-1251, KOI8-R, windows-1252, windows-1250 or ISO-8859-2',
    )
    .option('--preview', 'only show what the file holds')
    .option('--yes', 'import without asking')
    .option('--watch', 'show the progress until the import has ended')
    .option('--title <title>', 'title of the novel; default: the title in the file')
    .option('--encoding <name>', 'read the file in this encoding')
    .option('--chapters <list>', 'only these chapters, by their numbers in the preview, such as 1-10,12')
    .option(
      '--rename <number=title>',
      'another title for a chapter of the preview, such as 3="The Ferry"; repeat the option for several',
      andAgain,
    )
    .option('--merge <list>', 'chapters of the preview that continue the one before them, such as 4,7-8')
    .option(
      '--remove-lines <list>',
      'lines that stand in most chapters and are left out, by their numbers in the preview, such as 1,3',
    )
    .option('--reference', 'as a reference for other novels, in which no model writes')
  addBudget(command).action(register(importFile))
}

async function importFile(run: Run<ImportOptions>) {
  const { options, terminal } = run
  const [file = ''] = run.arguments
  const chapters = options.chapters === undefined ? undefined : parseChapters(options.chapters)
  const edits = editsGiven(options)
  const budget = budgetGiven(options)
  const mayAsk = terminal.canAsk && !run.json
  if (options.preview !== true && options.yes !== true && !mayAsk) {
    throw usageError(
      'Nothing was imported, because nobody can be asked here. Pass --preview to see what the file holds, or --yes to import it.',
    )
  }
  await sizeOf(file)
  return withSession(run, session => importThrough(run, { ...session, file, chapters, edits, budget }), {
    works: options.preview !== true,
  })
}

/** An import that has started. */
export interface BegunImport {
  taskId: string
  novelId: string
}

interface Work extends Session {
  file: string
  chapters: number[] | undefined
  edits: ImportEdit[]
  budget: Budget | undefined
}

/** Returns the edits that options ask for: each chapter has one. Throws USAGE_INVALID. */
function editsGiven({ rename = [], merge }: ImportOptions): ImportEdit[] {
  const edits = new Map<number, ImportEdit>()
  for (const text of rename) {
    const [, number = '', title = ''] = /^\s*(\d{1,6})\s*=(.*)$/s.exec(text) ?? []
    const [index = 0] = number === '' ? [] : parseChapters(number, '--rename')
    if (title.trim() === '')
      throw usageError(`--rename ${text}: give a number and a title, such as --rename 3="The Ferry".`)
    edits.set(index, { index, title: title.trim() })
  }
  for (const index of merge === undefined ? [] : parseChapters(merge, '--merge')) {
    if (index === 0) throw usageError('--merge 1: there is no chapter before the first one.')
    if (edits.has(index))
      throw usageError(`Chapter ${index + 1} is renamed and merged: a merged chapter has no title.`)
    edits.set(index, { index, merge: true })
  }
  return [...edits.values()]
}

async function importThrough(run: Run<ImportOptions>, work: Work): Promise<number> {
  const { options, json, terminal } = run
  const { client } = work.connection
  const uploadId = await sendFile(run, client, work.file)
  const asked = await previewAndAsk(run, work, uploadId).catch(async error => {
    await discardUpload(client, uploadId)
    throw error
  })
  if ('exitCode' in asked) {
    await discardUpload(client, uploadId)
    return asked.exitCode
  }
  const { title, encoding, reference } = options
  const { budget, chapters } = work
  const edits = work.edits.length === 0 ? undefined : work.edits
  // What is undefined is no part of the JSON.
  const choice = { budget, title, encoding, chapters, edits, removeLines: asked.removeLines, reference }
  const begun = await client
    .post<BegunImport>(`/v1/uploads/${uploadId}:confirm`, choice)
    .catch(async error => {
      // A refused upload is of no use. Without an answer, it may have been confirmed.
      if (isRefusal(error)) await discardUpload(client, uploadId)
      throw error
    })
  // Where no server runs, this process is the only one that can do the work, so it stays until the import has ended.
  if (options.watch === true || work.connection.isOwn) return watch(run, work, begun)
  if (json) printJson(run, { ...begun, status: 'QUEUED' })
  else terminal.out(`The import runs on the server. Watch it: ${watchText(work.resolved, begun.taskId)}`)
  return exitCodes.ok
}

/** Uploads a file, shows how far that is, and returns the id of the upload. Throws FILE_UNREADABLE, UPLOAD_TOO_LARGE. */
export async function sendFile(run: Run, client: Client, file: string): Promise<string> {
  const onShare = (share: number) =>
    showStep(run, `sending ${progressBar(share, 1)} ${Math.floor(share * 100)} %`)
  const bytes = await sizeOf(file)
  const { limits } = await client.get<{ limits: { uploadBytes: number } }>('/v1/capabilities')
  if (bytes > limits.uploadBytes) {
    throw new QuillworkError(
      'UPLOAD_TOO_LARGE',
      `${file} has ${bytesText(bytes)}; the server takes at most ${bytesText(limits.uploadBytes)} (setting uploadLimit).`,
    )
  }
  const { id } = await client.upload<{ id: string }>(
    '/v1/uploads',
    { path: file, bytes, onBytes: sent => onShare(bytes === 0 ? 1 : sent / bytes) },
    { fileName: path.basename(file) },
  )
  return id
}

/** Returns the size of a file that can be imported. Throws FILE_UNREADABLE. */
export async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file)
    if (found.isFile()) return found.size
  } catch (error) {
    throw unreadable(file, error)
  }
  throw new QuillworkError('FILE_UNREADABLE', `${file} is not a file.`)
}

/** Deletes an upload that was not confirmed. If that fails, the upload expires by itself. */
export async function discardUpload(client: Client, uploadId: string): Promise<void> {
  await client.remove(`/v1/uploads/${uploadId}`).catch(() => undefined)
}

/** Whether the server refused a request, so that nothing came of it. */
export function isRefusal(error: unknown): boolean {
  const status = error instanceof QuillworkError ? Number(error.details?.['status']) : Number.NaN
  return status >= 400 && status < 500
}

/** Shows what the file holds, and asks. Returns the exit code where nothing is to be imported, else the lines to be left out. */
async function previewAndAsk(
  run: Run<ImportOptions>,
  work: Work,
  uploadId: string,
): Promise<{ exitCode: number } | { removeLines: string[] | undefined }> {
  const { terminal, options } = run
  showStep(run, 'reading the file …')
  const { encoding } = options
  const { preview: found } = await work.connection.client.get<{ preview: PreviewJson }>(
    `/v1/uploads/${uploadId}`,
    { encoding },
  )
  showStep(run, undefined)
  showPreview(run, found, options.preview === true)
  if (options.preview === true) return { exitCode: exitCodes.ok }
  refuseUnknownChapters(found, work.chapters, '--chapters')
  for (const { index, merge } of work.edits)
    refuseUnknownChapters(found, [index], merge === true ? '--merge' : '--rename')
  const removeLines = linesGiven(found, options.removeLines)
  if (options.yes === true || (await terminal.confirm(questionFor(found, work.chapters), work.signals.asked)))
    return { removeLines }
  terminal.note('Nothing was imported.')
  return { exitCode: exitCodes.failed }
}

/** Returns the repeated lines that a list names by their numbers in the preview. Throws USAGE_INVALID. */
function linesGiven({ repeated }: PreviewJson, list: string | undefined): string[] | undefined {
  if (list === undefined) return undefined
  return parseChapters(list, '--remove-lines').map(index => {
    const found = repeated[index]
    if (found !== undefined) return found.line
    throw usageError(
      `--remove-lines names line ${index + 1}, but the file has ${countOf(repeated.length, 'repeated line')}. See them with --preview.`,
    )
  })
}

/** Shows what is being done, in place of what was shown before; undefined for nothing. */
export function showStep({ terminal, json }: Run, step: string | undefined): void {
  if (!json) terminal.live(step === undefined ? [] : [step])
}

/** Prints a preview; as JSON with exactly the fields that scripts are promised. */
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

function refuseUnknownChapters(
  found: PreviewJson,
  chapters: readonly number[] | undefined,
  option: string,
): void {
  const count = chapterCount(found)
  const unknown = chapters?.find(index => index >= count)
  if (unknown === undefined) return
  throw usageError(
    `${option} names chapter ${unknown + 1}, but the file has ${countOf(count, 'chapter')}. See them with --preview.`,
  )
}

function questionFor(found: PreviewJson, chapters: readonly number[] | undefined): string {
  const all = chapterCount(found)
  const wanted = chapters?.length ?? all
  return wanted === all ? `Import all of it?` : `Import ${wanted} of the ${countOf(all, 'chapter')}?`
}

async function watch(run: Run<ImportOptions>, work: Work, begun: BegunImport): Promise<number> {
  const { terminal, json } = run
  const { connection, signals } = work
  try {
    const task = await watchTask(run, work, begun.taskId)
    const { status } = task
    if (json) printJson(run, { taskId: begun.taskId, novelId: begun.novelId, status })
    else sayEnd(run, work, { ...begun, status })
    if (status === 'COMPLETED') return exitCodes.ok
    sayFailure(run, task)
    return exitCodes.failed
  } catch (error) {
    if (!signals.asked.aborted) throw error
    terminal.keep()
    terminal.note(
      connection.isOwn
        ? `Stopped. The import continues when a server is started: ${commandText('serve', work.resolved)}`
        : `Not watching any more; the import continues. Watch it again: ${watchText(work.resolved, begun.taskId)}`,
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
  if (status !== 'COMPLETED' && hasEnded(status)) next.push([`tasks retry ${taskId}`, 'retry what failed'])
  for (const [words, what] of next) terminal.out(`  ${commandText(words, resolved)}   ${what}`)
}
