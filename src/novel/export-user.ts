import { z } from 'zod'
import { hashedId, QuillworkError, type TaskContext } from '../index.ts'
import { fileNameOf } from './export/file-name.ts'
import { zip } from './export/formats.ts'
import {
  exportOnce,
  exportResult,
  exportResultOf,
  forgetEarlierArchives,
  writeExport,
} from './export-files.ts'
import { count } from './fields.ts'
import type { WholeExport } from './library/exports.ts'
import { defineNovelTask, type NovelServices, novelRetry, nowOf } from './services.ts'
import { writeUserArchive } from './user-archive/write.ts'

const parameters = z.strictObject({})

/** Novels. */
const progress = z.object({ done: count, total: count })

const result = z.object({
  ...exportResult,
  /** With those of the bin. */
  novels: count,
  uploads: count,
  tasks: count,
  /** Novels and uploads that could not be read; `manifest.json` says why. */
  missing: count,
})

type ExportContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/**
 * Writes all that its user has into one ZIP archive, which is kept for a day, or until the next one is whole: novels, those of the bin too, each as an archive that can be imported; uploads, tasks, and what
 * calls of models used. What is made, changed or deleted meanwhile is in it as it is when its turn comes. An attempt that follows a crash writes it anew.
 */
export const exportUser = defineNovelTask({
  type: 'ExportUser',
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters,
  result,
  progress,
  async execute(ctx: ExportContext) {
    const exportId = hashedId(`export user\n${ctx.taskId}`)
    const whole = await exportOnce(ctx, exportId, () => write(ctx, exportId))
    await forgetEarlierArchives(ctx.services, whole)
    const { archive = { novels: 0, uploads: 0, tasks: 0, missing: 0 } } = whole
    return { ...exportResultOf(whole), ...archive }
  },
})

/** What is not there any more once it was listed. */
const deletedMeanwhile: readonly string[] = [
  ...['EXPORT_NOT_FOUND', 'NOVEL_NOT_FOUND', 'SCENE_NOT_FOUND', 'TEXT_UNREADABLE'],
]

/** Writes the file. Throws EXPORT_OUTDATED where something was deleted that it has; another attempt writes it without. */
async function write(ctx: ExportContext, exportId: string): Promise<WholeExport> {
  const { services, ownTasks, signal, userId, taskId, attempt } = ctx
  const now = nowOf(services)
  const onNovel = (done: number, total: number) => ctx.updateProgress({ done, total })
  const { content, contents } = writeUserArchive({
    userId,
    attempt,
    services,
    ownTasks,
    signal,
    now,
    onNovel,
  })
  const { extension, mediaType } = zip
  const fileName = fileNameOf(`Quillwork ${userId} ${new Date(now).toISOString().slice(0, 10)}`, extension)
  const file = () => ({ format: 'user', fileName, mediaType, ...contents() })
  try {
    return await writeExport(services, { id: exportId, userId, taskId, attempt }, { content, file })
  } catch (error) {
    if (!(error instanceof QuillworkError && deletedMeanwhile.includes(error.code))) throw error
    const message =
      'Something that the archive holds was deleted while it was written. If the task has failed, submit ExportUser again.'
    throw new QuillworkError('EXPORT_OUTDATED', message, { cause: error })
  }
}
