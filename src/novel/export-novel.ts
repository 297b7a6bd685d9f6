import { z } from 'zod'
import { hashedId, QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { writeNovelArchive } from './archive/write.ts'
import { type ArchiveFile, archived } from './export/archive.ts'
import type { BookWriter } from './export/book.ts'
import { chapterFileName, fileNameOf } from './export/file-name.ts'
import { bookLayouts, exportContents, exportFormats, formatNames, zip } from './export/formats.ts'
import {
  type BookChapter,
  type BookRequest,
  type NovelBook,
  readBook,
  requireRange,
} from './export/read-book.ts'
import { readReference } from './export/read-reference.ts'
import { exportOnce, exportResult, exportResultOf, writeExport } from './export-files.ts'
import { count, id, isWhole, prose, title } from './fields.ts'
import type { ExportedFile, WholeExport } from './library/exports.ts'
import { defineNovelTask, type NovelServices, novelRetry } from './services.ts'

/** The bounds of what is written beside a text. Lengths are UTF-16 code units. */
const exportBounds = { matters: 20, matterText: 20_000, contactLines: 10 } as const

const plainTitle = title.refine(isWhole, 'a line has no half of a surrogate pair')

const matter = z
  .array(
    z.strictObject({
      title: plainTitle.optional(),
      text: prose(exportBounds.matterText).refine(text => text.trim() !== '', 'it has a text'),
    }),
  )
  .min(1)
  .max(exportBounds.matters)

const parameters = z.strictObject({
  novelId: id,
  format: z.enum(formatNames),
  /** First and last chapter; default: those of the novel. An archive is of the whole novel. */
  startChapterId: id.optional(),
  endChapterId: id.optional(),
  /** A ZIP archive with a file of each chapter, and not one file. */
  filePerChapter: z.boolean().default(false),
  /** Of a DOCX or an ODT; refused for other formats. Default: book. */
  layout: z.enum(bookLayouts).optional(),
  /** The text; the outline, which is the titles with the summaries; or the codex with the threads. */
  content: z.enum(exportContents).default('text'),
  /** Written before and after the text, such as a dedication or a note about the author. Refused for Markdown, which is read back exactly. */
  frontMatter: matter.optional(),
  endMatter: matter.optional(),
  /** Lines below the author at the top of a manuscript, such as an address; refused for other layouts. */
  contact: z.array(plainTitle).min(1).max(exportBounds.contactLines).optional(),
})

const result = z.object(exportResult)

/** Chapters. */
const progress = z.object({ done: count, total: count })

type Asked = z.output<typeof parameters>
type ExportContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/**
 * Writes a novel, or a range of its chapters, as a file, which is kept for a day. Texts that are edited meanwhile are in it as they are when their turn comes.
 * An attempt that follows a crash writes the file anew, unless it was whole.
 */
export const exportNovel = defineNovelTask({
  type: 'ExportNovel',
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters,
  result,
  progress,
  async admit(asked, { services, userId }) {
    requireOptions(asked)
    await requireRange(services.library.shelf, requestOf(asked, userId))
  },
  async execute(ctx: ExportContext) {
    const { taskId, parameters: asked } = ctx
    requireOptions(asked)
    const exportId = hashedId(['export', taskId, JSON.stringify(asked)].join('\n'))
    return exportResultOf(await exportOnce(ctx, exportId, () => write(ctx, exportId)))
  },
})

/** Throws OPTION_INVALID for options that do not fit together. */
function requireOptions(asked: Asked): void {
  const { format, layout, content, filePerChapter, contact } = asked
  const hasMatter = asked.frontMatter !== undefined || asked.endMatter !== undefined
  const hasRange = asked.startChapterId !== undefined || asked.endChapterId !== undefined
  const refuse = (message: string) => {
    throw new QuillworkError('OPTION_INVALID', message)
  }
  if (format === 'archive' && (filePerChapter || hasRange || hasMatter || content !== 'text'))
    refuse(
      'An archive holds all of a novel in one file: leave out startChapterId, endChapterId, filePerChapter, content, frontMatter and endMatter, or export another format.',
    )
  if (layout !== undefined && exportFormats[format].hasLayouts !== true)
    refuse(
      `layout is of a docx or an odt alone, and the format is ${format}: leave it out, or export one of these.`,
    )
  if (contact !== undefined && layout !== 'manuscript')
    refuse('contact is of the title page of a manuscript: leave it out, or export with layout manuscript.')
  if (content === 'codex' && hasRange)
    refuse('A codex is of the whole novel: leave startChapterId and endChapterId out.')
  if (content !== 'text' && filePerChapter)
    refuse(`filePerChapter is of the text: leave it out, or export the text and not the ${content}.`)
  if (!hasMatter) return
  if (format === 'md')
    refuse(
      'frontMatter and endMatter are in no Markdown, which is read back exactly: leave them out, or export docx, odt, epub or txt.',
    )
  if (content !== 'text' || filePerChapter)
    refuse('frontMatter and endMatter are of the text in one file: leave them out.')
}

function requestOf({ novelId, startChapterId, endChapterId }: Asked, userId: string): BookRequest {
  return { userId, novelId, ...defined({ startChapterId, endChapterId }) }
}

/** Writes the file. */
async function write(ctx: ExportContext, exportId: string): Promise<WholeExport> {
  const { services, userId, taskId, attempt, parameters: asked } = ctx
  const { novelId } = asked
  const book = await bookOf(ctx)
  return writeExport(
    services,
    { id: exportId, userId, novelId, taskId, attempt },
    {
      content: contentOf(ctx, book),
      file: () => fileOf(asked, book),
      check: () => services.library.shelf.about(userId, novelId),
    },
  )
}

/** Returns the book with its progress: a writer may read it more than once. */
async function bookOf(ctx: ExportContext): Promise<NovelBook> {
  const { services, userId, parameters: asked } = ctx
  const read = new Set<string>()
  let total = 0
  const { library } = services
  const request = requestOf(asked, userId)
  const { content, frontMatter, endMatter } = asked
  const onChapter = ({ id: chapterId }: BookChapter) => {
    ctx.updateProgress({ done: read.add(chapterId).size, total })
  }
  const found = await (content === 'text'
    ? readBook(library.shelf, request, onChapter)
    : readReference(library, { ...request, content }, onChapter))
  const book = { ...found, whole: { ...found.whole, ...defined({ frontMatter, endMatter }) } }
  total = content === 'codex' ? 0 : book.chapters.length
  ctx.updateProgress({ done: 0, total })
  return book
}

async function* contentOf(ctx: ExportContext, book: NovelBook): AsyncGenerator<Uint8Array> {
  const { format } = ctx.parameters
  const { extension, writer } = exportFormats[format]
  const pieces =
    writer === undefined ? archiveOf(ctx, book) : bookOfText(ctx, book, extension, await writer())
  for await (const piece of pieces) {
    ctx.signal.throwIfAborted()
    yield piece
  }
}

function bookOfText(
  { parameters: { filePerChapter, layout, contact } }: ExportContext,
  { whole, chapters, ofChapter }: NovelBook,
  extension: string,
  bytesOf: BookWriter,
): AsyncIterable<Uint8Array> {
  const options = defined({ layout, contact })
  const last = (chapters.at(-1)?.position ?? 0) + 1
  async function* chapterFiles(): AsyncGenerator<ArchiveFile> {
    for (const chapter of chapters) {
      const name = chapterFileName(chapter, { last, extension })
      yield { name, content: bytesOf(ofChapter(chapter), options) }
    }
  }
  return filePerChapter ? archived(chapterFiles(), whole.updatedAt) : bytesOf(whole, options)
}

/** Its progress counts the chapters of which a scene was written. */
function archiveOf(ctx: ExportContext, { chapters }: NovelBook): AsyncIterable<Uint8Array> {
  const { services, userId, parameters } = ctx
  const read = new Set<number>()
  const total = chapters.length
  return writeNovelArchive(services.library, { userId, novelId: parameters.novelId }, ({ of, row }) => {
    if (of !== 'scene' || read.has(row.chapterId)) return
    ctx.updateProgress({ done: Math.min(total, read.add(row.chapterId).size), total })
  })
}

/** Returns what is known of the file but for its length. */
function fileOf(
  { format, filePerChapter }: Asked,
  { whole, counts }: NovelBook,
): Omit<ExportedFile, 'bytes'> {
  const { extension, mediaType } = filePerChapter ? zip : exportFormats[format]
  return { format, fileName: fileNameOf(whole.title, extension), mediaType, ...counts() }
}
