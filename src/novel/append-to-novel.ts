import { z } from 'zod'
import { type Budget, type Engine, hashedId, type In, QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { compareUpload, type FileChapter, type FullComparison } from './compare-upload.ts'
import { count, id, modelId, noScenes, reading, type SceneCounts, sceneCounts } from './fields.ts'
import { chosenSummarizer, generateSummary } from './generate-summary.ts'
import { readChapters } from './import/read-chapters.ts'
import type { AddedChapter, AddedScene, Addition } from './library/additions.ts'
import { chapterIdOf, sceneIdOf, volumeIdOf } from './library/ids.ts'
import { snapshotsFull } from './library/refusal.ts'
import { scenesPerChapter } from './library/scenes.ts'
import { mostSnapshots } from './library/snapshots.ts'
import type { Confirmation } from './library/uploads.ts'
import { surveyOf } from './preview.ts'
import { defineNovelTask, type NovelServices, novelRetry } from './services.ts'
import { submitSummaries } from './update-summaries.ts'
import { openUpload } from './upload-files.ts'
import { holdUpload, useUpload } from './upload-use.ts'
import { makeSearchable } from './vectorize.ts'

/** Chapters of the file, by their numbers in the preview, from 0. */
const indexes = z.array(z.int().min(0)).max(100_000)

const parameters = z.strictObject({
  uploadId: id,
  novelId: id,
  /** Chapters to add: new ones, and changed ones that are to be there beside those of the novel. Default: all new ones. */
  chapters: indexes.optional(),
  /** Changed chapters whose text takes the place of that of the novel. Default: none. */
  replace: indexes.optional(),
  encoding: reading.encoding,
  /** Whether the scenes with a new text get summaries. */
  summarise: z.boolean().default(true),
  /** The model that summarises. Default: the first model configured for summaries, else quotations from the text. */
  model: modelId.optional(),
})

/**
 * Why a chapter was left out. `known`: the novel has its text. `not-changed`: the novel has no other text that could be replaced. `changed-meanwhile`, `deleted`:
 * the chapter of the novel was, since the comparison. `empty`: there is no text to put in its place. `too-long`: it has more than 3,000,000 characters, or 1,000 scenes.
 */
const skipReasons = ['known', 'not-changed', 'changed-meanwhile', 'deleted', 'empty', 'too-long'] as const

const written = z.object({
  novelId: id,
  /** Chapters that were added. */
  added: count,
  /** Chapters whose text was replaced. */
  replaced: count,
  /** Scenes with a new text. */
  scenes: count,
  /** Chapters that were asked for, and left out. The first 100. */
  skipped: z.array(z.object({ chapter: count, reason: z.enum(skipReasons) })),
  /** How many there are. */
  skippedChapters: count,
  /** The snapshot that was made before texts were replaced: restoring it undoes that. */
  beforeId: id.optional(),
})

const result = written.extend({
  /** All 0 when no summaries were requested. */
  summaries: sceneCounts,
  /** The index that answers searches in the novel; absent where nothing was written. */
  index: z.enum(['none', 'lexical', 'hybrid']).optional(),
})

const progress = z.object({
  stage: z.enum(['comparing', 'writing', 'summarising', 'indexing']),
  /** Completed stages. */
  done: count,
  /** All stages. */
  total: count,
})

type AppendContext = TaskContext<typeof parameters, typeof progress, NovelServices>
type SkipReason = (typeof skipReasons)[number]
type AddStep = {
  index: number
  behind: string | null /** Title of the volume that begins with it. */
  volume?: string
}
type ReplaceStep = { index: number; chapterId: string; expected: string }
/** What was written, with the scenes that have a new text. */
type Written = z.infer<typeof written> & { sceneIds: string[] }

/**
 * Adds the chapters of an uploaded file that a novel does not have, and replaces texts where that is asked for; then come the summaries of what is new, and
 * the search index. What the novel has already stays, with all that was made of it.
 */
export const appendToNovel = defineNovelTask({
  type: 'AppendToNovel',
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters,
  result,
  progress,
  async admit(asked, asker) {
    const { library } = asker.services
    if (asked.summarise) chosenSummarizer(asker, asked)
    await library.uploads.upload(asker.userId, asked.uploadId)
    await library.shelf.about(asker.userId, asked.novelId)
    if ((asked.replace ?? []).length === 0) return
    const page = { pageSize: mostSnapshots }
    const { items } = await library.snapshots.snapshots(asker.userId, asked.novelId, page)
    // There must be place for the one that undoes it.
    if (items.length === mostSnapshots) throw snapshotsFull(asked.novelId, mostSnapshots)
  },
  async execute(ctx: AppendContext) {
    await holdUpload(ctx, ctx.parameters)
    const { sceneIds } = await writtenOf(ctx)
    const { novelId, summarise, model } = ctx.parameters
    if (!summarise || sceneIds.length === 0) return
    report(ctx, 'summarising')
    await submitSummaries(ctx, sceneIds, { novelId, ...defined({ model }) })
  },
  async onSubTasksSettled(ctx: AppendContext) {
    const { sceneIds: _, ...made } = await writtenOf(ctx)
    if (made.added + made.replaced === 0) return { ...made, summaries: noScenes }
    report(ctx, 'indexing')
    const index = await makeSearchable(ctx, { novelId: made.novelId, reuseVectors: true })
    if (index === 'pending') return undefined
    const summaries = ctx.parameters.summarise ? await countSummaries(ctx) : noScenes
    report(ctx, 'indexing', true)
    return { ...made, summaries, index }
  },
})

/** Writes, or returns what an attempt before has written: its file may be gone since. */
function writtenOf(ctx: AppendContext): Promise<Written> {
  return ctx.checkpoint('written', async () => {
    report(ctx, 'comparing')
    const plan = await ctx.checkpoint('plan', async () => planOf(ctx, await comparisonOf(ctx)))
    report(ctx, 'writing')
    const beforeId = plan.steps.some(step => 'chapterId' in step) ? await snapshotBefore(ctx) : undefined
    const writer = new AdditionWriter(ctx, plan.skipped)
    if (plan.steps.length > 0) await writeSteps(ctx, plan, writer)
    return { ...writer.written(), ...defined({ beforeId }) }
  })
}

function comparisonOf(ctx: AppendContext): Promise<FullComparison> {
  const { uploadId, novelId, encoding } = ctx.parameters
  const { userId, signal } = ctx
  return compareUpload(ctx.services, { userId, uploadId, novelId, encoding, signal })
}

/** Copies no text. */
async function snapshotBefore({ taskId, userId, parameters: asked, services }: AppendContext) {
  const { uploadId, novelId } = asked
  const { fileName: name } = await services.library.uploads.upload(userId, uploadId)
  const snapshotId = hashedId(['before', taskId, JSON.stringify(asked)].join('\n'))
  await services.library.snapshots.create(userId, { id: snapshotId, novelId, name, isBeforeAppending: true })
  return snapshotId
}

/** What is done with a chapter of the file: it replaces one of the novel, or it is added behind one, or at the beginning. */
type Step = AddStep | ReplaceStep

interface Skipped {
  chapter: number
  reason: SkipReason
}

interface Plan {
  steps: Step[]
  skipped: Skipped[]
}

/** Decides what is done, in the order of the file. Throws CHAPTER_NOT_FOUND. */
function planOf({ parameters: asked }: AppendContext, { chapters, digests }: FullComparison): Plan {
  const plan: Plan = { steps: [], skipped: [] }
  const replaced = new Set(asked.replace)
  const added = asked.chapters && new Set(asked.chapters)
  checkChapters([...replaced, ...(added ?? [])], chapters.length)
  let inVolume: string | undefined
  for (const chapter of chapters) {
    const { index, status, chapterId = '', volume } = chapter
    const expected = digests.get(index)
    const isAdded = added === undefined ? status === 'new' : added.has(index)
    if (replaced.has(index) && expected !== undefined) plan.steps.push({ index, chapterId, expected })
    else if (replaced.has(index)) plan.skipped.push({ chapter: index, reason: notReplaced(chapter) })
    else if (isAdded && status === 'known') plan.skipped.push({ chapter: index, reason: 'known' })
    else if (isAdded) {
      const begins = volume !== '' && volume !== inVolume ? { volume } : {}
      plan.steps.push({ index, behind: chapter.behind ?? null, ...begins })
    } else if (status === 'new' || chapter.isMoved === true) continue
    inVolume = volume
  }
  return plan
}

function notReplaced({ status }: FileChapter): SkipReason {
  return status === 'known' ? 'known' : 'not-changed'
}

function checkChapters(asked: readonly number[], length: number): void {
  const unknown = asked.find(index => index >= length)
  if (unknown === undefined) return
  throw new QuillworkError(
    'CHAPTER_NOT_FOUND',
    `There is no chapter ${unknown}: the file has ${length}. Name indexes from 0 to ${length - 1}.`,
  )
}

/** Code units of a chapter that one commit writes. */
const longestChapter = 3_000_000

/** Reads the chapters of the steps, one in memory at a time, and has each written. */
async function writeSteps(ctx: AppendContext, { steps }: Plan, writer: AdditionWriter): Promise<void> {
  const { services, userId, signal, parameters: asked } = ctx
  const { uploadId, encoding } = asked
  const upload = await services.library.uploads.upload(userId, uploadId)
  const survey = await surveyOf(services, upload, { encoding, signal })
  const byIndex = new Map(steps.map(step => [step.index, step]))
  const options = { chapters: [...byIndex.keys()], signal }
  let chapter: ReadChapter | undefined
  const take = async () => {
    const step = chapter && byIndex.get(chapter.index)
    if (chapter !== undefined && step !== undefined) await writer.take(step, chapter)
  }
  for await (const piece of readChapters(await openUpload(services, upload), survey, options)) {
    if (piece.kind === 'chapter') {
      await take()
      chapter = { index: piece.index, title: piece.title, scenes: [], units: 0 }
    } else if (piece.kind === 'scene' && chapter !== undefined) {
      chapter.units += piece.text.length
      // What is too long is not written, so it is not kept.
      if (isTooLong(chapter)) chapter.scenes = []
      const sceneId = sceneIdOf(uploadId, piece.chapter, piece.index)
      const title = piece.title
      chapter.scenes.push({ id: sceneId, content: piece.text, ...defined({ title }) })
    }
  }
  await take()
  await writer.flush()
}

/** A chapter as it is read. */
interface ReadChapter {
  index: number
  title: string
  scenes: AddedScene[]
  units: number
}

function isTooLong({ units, scenes }: ReadChapter): boolean {
  return units > longestChapter || scenes.length > scenesPerChapter
}

/** Code units, and chapters, of a run that is written at once. */
const runUnits = 300_000
const runChapters = 100

/** Chapters that follow each other in the file and in the novel. */
interface Run {
  behind: string | null
  volume: string | undefined
  chapters: (AddedChapter & { index: number })[]
  units: number
}

/** Writes chapters in the order of the file. Each write is a checkpoint: an attempt that finds it made does not make it again. */
class AdditionWriter {
  readonly #ctx: AppendContext
  readonly #skipped: Skipped[]
  readonly #sceneIds: string[] = []
  #added = 0
  #replaced = 0
  #run: Run | undefined
  /** The chapter that was added last, and behind which one of the novel. */
  #last: { id: string; behind: string | null } | undefined

  constructor(ctx: AppendContext, skipped: readonly Skipped[]) {
    this.#ctx = ctx
    this.#skipped = [...skipped]
  }

  /** Writes a chapter, or keeps it for the run that it is part of. */
  async take(step: Step, chapter: ReadChapter): Promise<void> {
    this.#ctx.signal.throwIfAborted()
    if (isTooLong(chapter)) this.#skipped.push({ chapter: step.index, reason: 'too-long' })
    else if ('chapterId' in step) {
      await this.flush()
      await this.#replace(step, chapter)
    } else await this.#add(step, chapter)
  }

  async #add({ behind, volume }: AddStep, chapter: ReadChapter): Promise<void> {
    const { index, title, scenes, units } = chapter
    const run = this.#run
    const isFull = run !== undefined && (run.units >= runUnits || run.chapters.length >= runChapters)
    if (run === undefined || isFull || run.behind !== behind || volume !== undefined) {
      await this.flush()
      this.#run = { behind, volume, chapters: [], units: 0 }
    }
    const added = { index, id: chapterIdOf(this.#ctx.parameters.uploadId, index), title, scenes }
    this.#run?.chapters.push(added)
    if (this.#run !== undefined) this.#run.units += units
  }

  /** Writes the run that was kept. */
  async flush(): Promise<void> {
    const run = this.#run
    this.#run = undefined
    const [first, last] = [run?.chapters[0], run?.chapters.at(-1)]
    if (run === undefined || first === undefined || last === undefined) return
    const { userId, parameters: asked, services } = this.#ctx
    const before = this.#last?.behind === run.behind ? [this.#last.id] : []
    const addition: Addition = {
      novelId: asked.novelId,
      behind: [...before, ...(run.behind === null ? [] : [run.behind])],
      ...(run.behind === null && before.length === 0 && { atStart: true }),
      ...(run.volume !== undefined && {
        volume: { id: volumeIdOf(asked.uploadId, first.index), title: run.volume },
      }),
      chapters: run.chapters.map(({ index: _, ...chapter }) => chapter),
    }
    await this.#ctx.checkpoint(`add ${first.index}`, async () => {
      await services.library.additions.add(userId, addition)
      return run.chapters.length
    })
    this.#last = { id: last.id, behind: run.behind }
    this.#added += run.chapters.length
    for (const { scenes } of run.chapters) this.#countTexts(scenes)
  }

  async #replace({ index, chapterId, expected }: ReplaceStep, { scenes }: ReadChapter): Promise<void> {
    if (scenes.length === 0) return void this.#skipped.push({ chapter: index, reason: 'empty' })
    const { userId, taskId, attempt, parameters: asked, services } = this.#ctx
    const replacement = { novelId: asked.novelId, chapterId, expected, scenes, writer: { taskId, attempt } }
    const made = await this.#ctx.checkpoint(`replace ${index}`, () =>
      services.library.additions.replace(userId, replacement),
    )
    if (made.outcome === 'missing') this.#skipped.push({ chapter: index, reason: 'deleted' })
    else if (made.outcome === 'changed') this.#skipped.push({ chapter: index, reason: 'changed-meanwhile' })
    else {
      this.#replaced += 1
      this.#sceneIds.push(...made.sceneIds)
    }
  }

  #countTexts(scenes: readonly AddedScene[]): void {
    for (const { id: sceneId, content } of scenes) if (content.trim() !== '') this.#sceneIds.push(sceneId)
  }

  /** Returns what was written. */
  written(): Written {
    const sceneIds = this.#sceneIds
    const skipped = this.#skipped.toSorted((one, other) => one.chapter - other.chapter)
    return {
      ...{ novelId: this.#ctx.parameters.novelId, added: this.#added, replaced: this.#replaced },
      ...{ scenes: sceneIds.length, sceneIds },
      ...{ skipped: skipped.slice(0, mostNamed), skippedChapters: skipped.length },
    }
  }
}

/** Skipped chapters that are named. */
const mostNamed = 100

async function countSummaries(ctx: AppendContext): Promise<SceneCounts> {
  const counts = { ...noScenes }
  for await (const { result: made } of ctx.subTasks(generateSummary)) {
    counts.total++
    if (made === undefined) counts.failed++
    else counts[made.conflict ? 'conflict' : made.skipped ? 'skipped' : 'success']++
  }
  return counts
}

function report(ctx: AppendContext, stage: z.infer<typeof progress>['stage'], ended = false): void {
  const stages = progress.shape.stage.options.filter(
    each => each !== 'summarising' || ctx.parameters.summarise,
  )
  ctx.updateProgress({ stage, done: stages.indexOf(stage) + (ended ? 1 : 0), total: stages.length })
}

/** The choice of a user after the comparison of an upload with a novel. */
export type AppendChoice = In<typeof appendToNovel.parameters> & {
  userId: string
  /** W3C trace context of the request. */
  traceparent?: string
  /** Budget for models; default: unlimited. */
  budget?: Budget
  /** Further tags, which name its subject. */
  derivedTags?: readonly string[]
}

/**
 * Starts adding an upload to a novel, which confirms the upload. Sent again, it returns the same task. Throws UPLOAD_NOT_FOUND, NOVEL_NOT_FOUND, UPLOAD_CONFIRMED
 * where the upload was used for another novel, SNAPSHOTS_FULL where texts are to be replaced, IDEMPOTENCY_KEY_REUSED when it was sent with another choice.
 */
export async function appendUpload(
  engine: Pick<Engine, 'submit'> & { tasks: Pick<Engine['tasks'], 'get'> },
  services: NovelServices,
  { userId, traceparent, budget, derivedTags, ...choice }: AppendChoice,
): Promise<Confirmation> {
  const upload = await services.library.uploads.upload(userId, choice.uploadId)
  const sorted = (given: readonly number[] | undefined) => given && [...new Set(given)].sort((a, b) => a - b)
  const { chapters, replace, ...rest } = choice
  const asked = { ...rest, ...defined({ chapters: sorted(chapters), replace: sorted(replace) }) }
  const options = { userId, ...defined({ traceparent, budget, derivedTags }) }
  return useUpload(engine, services, {
    upload,
    novelId: choice.novelId,
    submit: idempotencyKey => engine.submit(appendToNovel, asked, { ...options, idempotencyKey }),
  })
}
