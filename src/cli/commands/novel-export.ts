import path from 'node:path'
import { type Command, Option } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import { fileNameOf } from '../../novel/export/file-name.ts'
import { bookLayouts, exportContents, exportFormats, formatNames, zip } from '../../novel/export/formats.ts'
import type { exportNovel } from '../../novel/index.ts'
import type { In, Out } from '../../task/definition.ts'
import { exportToFile, type FileOptions } from '../export-file.ts'
import { findChapters, findNovel } from '../find-novel.ts'
import type { Register, Run } from '../run.ts'
import { countOf } from '../words.ts'
import { textOfFile } from './novel-prompts.ts'

interface ExportOptions extends FileOptions {
  format?: string
  chapters?: string
  filePerChapter?: boolean
  layout?: string
  content?: string
  frontMatter?: string[]
  endMatter?: string[]
  contact?: string[]
}

type Parameters = In<typeof exportNovel.parameters>
type Exported = Out<NonNullable<(typeof exportNovel)['result']>>

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
    .action(register(exportNovelToFile))
}

const titled = 'its title is a first line that begins with "# ". May come again'

/** Adds a value of an option that may come again. */
function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

function exportNovelToFile(given: Run<ExportOptions>) {
  return exportToFile(given, async ({ connection: { client } }, { options, arguments: [novel = ''] }) => {
    const outline = await findNovel(client, novel)
    const range = options.chapters === undefined ? {} : findChapters(outline, options.chapters)
    const matter = {
      frontMatter: await matterIn(options.frontMatter),
      endMatter: await matterIn(options.endMatter),
    }
    const parameters = { novelId: outline.id, ...range, ...mannerOf(options), ...matter }
    return {
      submission: { taskType: 'ExportNovel', parameters },
      fileName: fileNameOf(outline.title, extensionOf(parameters)),
      countsOf: task => countsOf(options, task),
    }
  })
}

function countsOf({ content }: ExportOptions, { result }: TaskJson): readonly string[] {
  const { chapters, scenes, words } = result as Exported
  const parts =
    content === 'codex'
      ? [countOf(chapters, 'entry', 'entries')]
      : [countOf(chapters, 'chapter'), countOf(scenes, 'scene')]
  return [...parts, countOf(words, 'word')]
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
