import { z } from 'zod'
import { QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { importArchive } from './archive/import.ts'
import { readNovelArchive } from './archive/read.ts'
import { discardDraft, openDraft, PieceWriter, type Read } from './drafts.ts'
import { count, id, reading, warning } from './fields.ts'
import { type Choice, chosenSurvey } from './import/edits.ts'
import { readChapters } from './import/read-chapters.ts'
import type { TextSource } from './import/source.ts'
import type { TextSurvey } from './import/survey.ts'
import { type DraftState, isWhole } from './library/drafts.ts'
import { textLanguage } from './models/lengths.ts'
import { chaptersOf, keptSurvey, surveyOf } from './preview.ts'
import { defineNovelTask, type NovelServices, novelRetry, unlessFailed } from './services.ts'
import { openUpload } from './upload-files.ts'

const parameters = z.strictObject({
  uploadId: id,
  /** The new novel; see `novelIdOf`. */
  novelId: id,
  ...reading,
  /** The novel gives voice and facts to others, and no model writes in it. */
  reference: z.literal(true).optional(),
})

const result = z.object({
  novelId: id,
  title: z.string(),
  volumes: count,
  chapters: count,
  scenes: count,
  words: count,
  warnings: z.array(warning),
})

const progress = z.object({
  stage: z.enum(['surveying', 'reading']),
  /** Chapters read so far. */
  done: count,
  /** Chapters to read; 0 while the file is surveyed. */
  total: count,
  scenes: count,
  words: count,
})

type ParseFileContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/**
 * Reads an uploaded file into a novel. The novel is hidden until it is complete. An attempt that fails or is cancelled deletes its draft;
 * an attempt that finds the novel complete changes nothing.
 */
export const parseFile = defineNovelTask({
  type: 'ParseFile',
  lane: 'batch',
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters,
  result,
  progress,
  async execute(ctx: ParseFileContext) {
    const { library } = ctx.services
    ctx.updateProgress({ stage: 'surveying', done: 0, total: 0, scenes: 0, words: 0 })
    const published = await publishedBefore(ctx)
    if (published !== undefined) return published
    const upload = await library.uploads.upload(ctx.userId, ctx.parameters.uploadId)
    const survey = await surveyOf(ctx.services, upload, {
      encoding: ctx.parameters.encoding,
      signal: ctx.signal,
    })
    const source = await openUpload(ctx.services, upload)
    if (survey.kind === 'archive') refuseParts(ctx.parameters)
    const draft = await openDraft(library.drafts, await newDraft(ctx, source, survey))
    if (isWhole(draft)) return resultOf(draft, survey.warnings)
    try {
      return await (survey.kind === 'archive' ? writeArchive : write)(ctx, { source, survey, draft })
    } catch (error) {
      await deleteDraft(ctx, draft)
      throw error
    }
  },
})

/** Returns the result of an earlier attempt that published the novel: its upload may be deleted since, with the warnings. */
async function publishedBefore(ctx: ParseFileContext) {
  const { drafts, uploads } = ctx.services.library
  const { novelId, uploadId } = ctx.parameters
  const novel = await drafts.find(novelId)
  if (novel === undefined || !isWhole(novel) || novel.importTaskId !== ctx.rootTaskId) return undefined
  const upload = await unlessFailed('UPLOAD_NOT_FOUND', () => uploads.upload(ctx.userId, uploadId))
  return resultOf(novel, (upload && (await keptSurvey(upload)))?.warnings ?? [])
}

interface Work {
  source: TextSource
  survey: TextSurvey
  draft: DraftState
}

async function write(ctx: ParseFileContext, { source, survey, draft }: Work) {
  const { drafts } = ctx.services.library
  const writer = new PieceWriter(drafts, draft)
  const chosen = await chosenSurvey(survey, ctx.parameters, ctx.signal)
  const total = chosen.chapters?.size ?? chaptersOf(chosen.survey)
  const report = ({ chapters: done, scenes, words }: Read) =>
    ctx.updateProgress({ stage: 'reading', done, total, scenes, words })
  for await (const piece of readPieces(ctx, source, survey)) {
    if (!(await writer.add(piece))) continue
    ctx.signal.throwIfAborted()
    report(writer.read)
  }
  if (writer.read.scenes === 0)
    throw new QuillworkError('TEXT_UNREADABLE', `There is no text to import in ${source.name}.`)
  const counts = await writer.publish(ctx.signal, defined({ reference: ctx.parameters.reference }))
  report(writer.read)
  return resultOf({ ...draft, counts }, survey.warnings)
}

function readPieces(
  { parameters: choice, signal }: ParseFileContext,
  source: TextSource,
  survey: TextSurvey,
) {
  const { chapters, edits, removeLines } = choice
  return readChapters(source, survey, { chapters, edits, removeLines, signal })
}

/** Writes the archive of a novel. */
async function writeArchive(ctx: ParseFileContext, { source, survey, draft }: Work) {
  const words = survey.volumes.flatMap(volume => volume.chapters.map(chapter => chapter.words))
  const read = { done: 0, words: 0 }
  const counts = await importArchive(
    ctx.services.library,
    { ...draft, userId: ctx.userId },
    {
      rows: readNovelArchive(source, { signal: ctx.signal }),
      as: defined({ reference: ctx.parameters.reference }),
      onRead({ chapters, scenes }) {
        if (chapters === read.done) return
        while (read.done < chapters) read.words += words[read.done++] ?? 0
        ctx.updateProgress({ stage: 'reading', total: words.length, scenes, ...read })
      },
    },
  )
  return resultOf({ ...draft, counts }, survey.warnings)
}

/** Throws OPTION_INVALID for a choice of what is in an archive. */
export function refuseParts({ chapters, edits = [], removeLines = [] }: Choice): void {
  if (chapters === undefined && edits.length === 0 && removeLines.length === 0) return
  throw new QuillworkError(
    'OPTION_INVALID',
    'The archive of a novel is imported as a whole: leave chapters, edits and removeLines out, and change the novel afterwards.',
  )
}

async function newDraft(ctx: ParseFileContext, source: TextSource, survey: TextSurvey) {
  const language = await languageOf(source, survey, ctx)
  return {
    novelId: ctx.parameters.novelId,
    userId: ctx.userId,
    title: ctx.parameters.title ?? survey.title,
    ...defined({ author: survey.author, language: language === 'und' ? undefined : language }),
    importTaskId: ctx.rootTaskId,
  }
}

/** Returns the language of the first scene, else the declared one: word processors often declare a wrong language. A novel that was exported keeps its own. */
async function languageOf(source: TextSource, survey: TextSurvey, ctx: ParseFileContext): Promise<string> {
  if (survey.plan.exported !== undefined || survey.kind === 'archive') return survey.language ?? 'und'
  for await (const piece of readPieces(ctx, source, survey)) {
    if (piece.kind !== 'scene') continue
    return textLanguage(piece.text, survey.language)
  }
  return 'und'
}

function resultOf({ novelId, title, counts }: DraftState, found: TextSurvey['warnings']) {
  const { volumes, chapters, scenes, words } = counts
  const warnings: z.infer<typeof warning>[] = found.map(({ pages, ...rest }) => {
    return { ...rest, ...defined({ pages: pages && [...pages] }) }
  })
  return { novelId, title, volumes, chapters, scenes, words, warnings }
}

/** Deletes the draft of this attempt; if that fails, the sweep deletes it later. */
async function deleteDraft(ctx: ParseFileContext, { novelId, generation }: DraftState): Promise<void> {
  try {
    await discardDraft(ctx.services.library.drafts, { novelId, generation })
  } catch (error) {
    ctx.logError('The draft could not be deleted; the sweep will.', { reason: String(error) })
  }
}
