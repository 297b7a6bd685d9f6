import { randomUUID } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import { QuillworkError } from '../../index.ts'
import { fileNameOf } from '../../novel/export/file-name.ts'
import { bookLayouts, exportContents, exportFormats, formatNames, zip } from '../../novel/export/formats.ts'
import type { exportNovel } from '../../novel/index.ts'
import type { In, Out } from '../../task/definition.ts'
import type { Client } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { findChapters, findNovel } from '../find-novel.ts'
import { type SubmitOptions, submitTask } from '../follow-task.ts'
import type { Register, Run, Session } from '../run.ts'
import { retryWhileUnavailable } from '../watch.ts'
import { bytesText, countOf } from '../words.ts'
import { textOfFile } from './novel-prompts.ts'

interface ExportOptions extends SubmitOptions {
  format?: string
  out?: string
  chapters?: string
  filePerChapter?: boolean
  layout?: string
  content?: string
  frontMatter?: string[]
  endMatter?: string[]
  contact?: string[]
  force?: boolean
}

type Parameters = In<typeof exportNovel.parameters>
type Exported = Out<NonNullable<(typeof exportNovel)['result']>>

/** The value of `--out` for standard output. */
const standardOutput = '-'
const [usual] = formatNames

/** Adds `quillwork novels export`. */
export function addNovelExport(novels: Command, register: Register, novelArgument: string): void {
  const format = new Option('--format <format>', `default: that of the name of the file, else ${usual}`)
  const content = new Option('--content <what>', 'the text, the outline with its summaries, or the codex')
  const layout = new Option(
    '--layout <layout>',
    'of a docx or odt: as a book, or as editors ask for manuscripts',
  )
  novels
    .command('export')
    .description('Write a novel, or some of its chapters, into a file')
    .argument('<novel>', novelArgument)
    .addOption(format.choices(formatNames))
    .option('--out <file>', 'the file; default: the title, in this folder. - writes to standard output')
    .option('--chapters <range>', 'only these chapters, such as 3-7')
    .option('--file-per-chapter', 'a ZIP archive with a file of each chapter')
    .addOption(layout.choices(bookLayouts))
    .addOption(content.choices(exportContents))
    .option('--front-matter <file>', `a text to put before the story; ${titled}`, collected)
    .option('--end-matter <file>', `a text to put after it; ${titled}`, collected)
    .option(
      '--contact <line>',
      'below the author of a manuscript, such as an address; may come again',
      collected,
    )
    .option('--force', 'overwrite the file where it is there')
    .action(register(exportToFile))
}

const titled = 'its title is a first line that begins with "# ". May come again'

/** Adds a value of an option that may come again. */
function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

function exportToFile(given: Run<ExportOptions>) {
  const isPiped = given.options.out === standardOutput
  if (isPiped && given.terminal.isInteractive)
    throw usageError(
      'Standard output is a terminal here, which a file could command. Redirect it, or name a file.',
    )
  const run = isPiped ? onStandardError(given) : given
  return submitTask(run, async session => {
    const { client } = session.connection
    const {
      options,
      arguments: [novel = ''],
    } = run
    const outline = await findNovel(client, novel)
    const range = options.chapters === undefined ? {} : findChapters(outline, options.chapters)
    const matter = {
      frontMatter: await matterIn(options.frontMatter),
      endMatter: await matterIn(options.endMatter),
    }
    const parameters = { novelId: outline.id, ...range, ...mannerOf(options), ...matter }
    const file = options.out ?? fileNameOf(outline.title, extensionOf(parameters))
    if (!isPiped) requireFree(file, options)
    return {
      submission: { taskType: 'ExportNovel', parameters },
      shows: isPiped ? 'nothing' : 'tree',
      async end(task) {
        const address = `/v1/exports/${encodeURIComponent(resultOf(task).exportId)}/file`
        if (isPiped) await given.terminal.bytes(await client.download(address))
        else await save(session, address, { file, options })
        return { file }
      },
      sayEnd: task => sayWritten(run, isPiped ? 'standard output' : file, resultOf(task)),
    }
  })
}

function resultOf({ result }: TaskJson): Exported {
  return result as Exported
}

function sayWritten(
  { terminal, options }: Run<ExportOptions>,
  file: string,
  { chapters, scenes, words, bytes }: Exported,
): void {
  const parts =
    options.content === 'codex'
      ? [countOf(chapters, 'entry', 'entries')]
      : [countOf(chapters, 'chapter'), countOf(scenes, 'scene')]
  const counts = [...parts, countOf(words, 'word')]
  terminal.out(`Wrote ${file}: ${[...counts, bytesText(bytes)].join(', ')}.`)
}

/** Returns the run with all that it prints on standard error, because standard output takes a file. */
function onStandardError(run: Run<ExportOptions>): Run<ExportOptions> {
  const { terminal } = run
  return { ...run, terminal: { ...terminal, out: terminal.note, write: terminal.log } }
}

/** Returns what the files hold that are to stand before or after a story. Throws FILE_UNREADABLE. */
async function matterIn(files: readonly string[] | undefined) {
  if (files === undefined) return undefined
  return Promise.all(
    files.map(async file => {
      const [, title, text] = /^\ufeff?(?:# (.*)(?:\r?\n|$))?([\s\S]*)$/.exec(await textOfFile(file)) ?? []
      return { ...(title !== undefined && { title: title.trim() }), text: text ?? '' }
    }),
  )
}

/** Returns how the novel is written: in the format that is asked for, else in that which the name of the file says. */
function mannerOf({
  format,
  out = '',
  filePerChapter,
  layout,
  content,
  contact,
}: ExportOptions): Omit<Parameters, 'novelId'> {
  const wanted = format ?? path.extname(out).slice(1).toLowerCase()
  return {
    format: formatNames.find(name => name === wanted || exportFormats[name].extension === wanted) ?? usual,
    // What is undefined is no part of the JSON.
    ...{ filePerChapter, layout: bookLayouts.find(name => name === layout), contact },
    content: exportContents.find(name => name === content),
  }
}

function extensionOf({ format, filePerChapter }: Omit<Parameters, 'novelId'>): string {
  return (filePerChapter === true ? zip : exportFormats[format]).extension
}

/** Throws USAGE_INVALID for a file that is there and is not to be overwritten, FILE_UNWRITABLE where its folder is not there. */
function requireFree(file: string, { force }: ExportOptions): void {
  const folder = path.dirname(file)
  if (!existsSync(folder)) throw unwritable(file, `there is no folder ${folder}`)
  if (force === true || !existsSync(file)) return
  throw usageError(`${file} is there already. Overwrite it with --force, or name another file with --out.`)
}

/** Downloads a file beside its place, and moves it there when it is whole. Throws what `requireFree` does. */
async function save(
  { connection, signals }: Session,
  address: string,
  { file, options }: { file: string; options: ExportOptions },
): Promise<void> {
  const beside = `${file}.${randomUUID()}.part`
  const download = async (client: Client) => {
    await pipeline(await client.download(address), createWriteStream(beside))
    return true
  }
  try {
    await retryWhileUnavailable({ ...connection, signal: signals.asked }, download)
    requireFree(file, options)
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    if (error instanceof QuillworkError || signals.asked.aborted) throw error
    throw unwritable(file, (error as NodeJS.ErrnoException).code ?? String(error), error)
  }
}

function unwritable(file: string, why: string, cause?: unknown): QuillworkError {
  return new QuillworkError('FILE_UNWRITABLE', `${file} cannot be written: ${why}.`, { cause })
}
