import { z } from 'zod'
import type { EmbeddingModel } from '../ai/model.ts'
import { hashedId, QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { count, id, modelId, usageNote } from './fields.ts'
import { buildNovelSegment } from './library/novel-segment.ts'
import type { IndexBuild, IndexKind, KnownVectors, NovelSegment } from './library/passage-index.ts'
import type { UsageNote } from './library/provenance.ts'
import type { SceneText } from './library/shelf.ts'
import { storedSeries } from './models/calls.ts'
import { embedTexts, textBatches } from './models/embed-texts.ts'
import { addUsage, noUsage } from './models/expense.ts'
import { encodeVectors } from './search/vectors.ts'
import { defineNovelTask, modelsOf, type NovelServices, novelRetry, vectorModel } from './services.ts'

const parameters = z.strictObject({
  novelId: id,
  /** The model that makes the vectors. Default: the first configured embedding model. Without one, and for `lexical`: words alone. */
  model: modelId.optional(),
  /** Whether vectors that the index has of texts which are as they were, made by the same model, are taken over. Default: all are made anew. */
  reuseVectors: z.boolean().default(false),
})

const result = z.object({
  novelId: id,
  /** The index that answers searches: `lexical` where no model made vectors; `none` while another task builds the first index. */
  index: z.enum(['none', 'lexical', 'hybrid']),
  passages: count,
  segments: count,
  /** Another task began to build the index later, so this one stopped. */
  superseded: z.boolean(),
  /** Id of the model that made the vectors. */
  model: z.string().optional(),
  /** Length of a vector. */
  dimensions: count.optional(),
  /** Usage of the calls that made the vectors; failed calls are in the usage of the task. */
  usage: usageNote.optional(),
})

const progress = z.object({
  /** Scenes in the index so far. */
  done: count,
  total: count,
})

type VectorizeContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/** Code units of a segment: few enough to build and write it quickly, and enough for quick searches. */
const segmentUnits = 60_000
/** Scenes of one read: at first, and at most. */
const firstScenes = 4
const mostScenes = 64

/**
 * Builds the search index of a novel, segment by segment. A later attempt continues after the last segment, and after the last vectors
 * that were paid. The old index answers searches until the new one is complete.
 */
export const vectorize = defineNovelTask({
  type: 'Vectorize',
  lane: 'batch',
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters,
  result,
  progress,
  admit({ model }, asker) {
    modelsOf(asker).indexer(model)
  },
  async execute(ctx: VectorizeContext) {
    const { novelId } = ctx.parameters
    const { index, shelf } = ctx.services.library
    const { scenes: total } = await shelf.novel(ctx.userId, novelId)
    const model = await chosenModel(ctx)
    const kind = model && { model: model.id, space: model.space, dimensions: model.dimensions }
    const build = await index.begin(ctx.userId, novelId, ctx.taskId, kind)
    const known = kind && ctx.parameters.reuseVectors ? await index.known(novelId, kind) : noneKnown
    const building = { build, model, known }
    const segments = build.finished ? build.segments : await writeSegments(ctx, building, total)
    const outcome = segments === undefined ? 'stale' : await index.finish(build, segments)
    if (outcome === 'incomplete')
      throw new QuillworkError(
        'INTERNAL',
        `A segment of the index of novel ${novelId} is missing; a retry builds it again.`,
      )
    while ((await index.clean(novelId)) === 'more') ctx.signal.throwIfAborted()
    const { kind: answering, passages } = await index.state(ctx.userId, novelId)
    const written = { passages, segments: segments ?? 0, superseded: outcome === 'stale' }
    if (model === undefined) return { novelId, index: answering, ...written }
    // No usage is stored where another build made this one stale.
    const usage = await ctx.checkpoint('usage', () => noUsage)
    return { novelId, index: answering, ...written, model: model.id, dimensions: model.dimensions, usage }
  },
})

/**
 * Returns the model of the first attempt: another default since then would pay for all vectors again. A retry with another model uses that
 * model.
 */
async function chosenModel(ctx: VectorizeContext): Promise<EmbeddingModel | undefined> {
  const { model } = ctx.parameters
  const id = await ctx.checkpoint(
    model === undefined ? 'model' : `model ${model}`,
    () => vectorModel(ctx, model)?.id ?? 'lexical',
  )
  return vectorModel(ctx, id)
}

/** An index build, and the model that makes its vectors. */
interface Building {
  build: IndexBuild
  model: EmbeddingModel | undefined
  known: KnownVectors
}

const noneKnown: KnownVectors = async () => new Map()

/** A written segment, and the start of the next one. */
interface Written {
  scenes: number
  next?: string | undefined
  usage?: UsageNote
}

/** Writes the missing segments. Returns the number of all segments, or undefined when another build made this one stale. */
async function writeSegments(
  ctx: VectorizeContext,
  building: Building,
  total: number,
): Promise<number | undefined> {
  let done = 0
  let usage = noUsage
  let next: string | undefined
  for (let number = 0; ; number++) {
    ctx.signal.throwIfAborted()
    const from = next
    const written = await ctx.checkpoint(`segment ${number} of build ${building.build.generation}`, () =>
      writeSegment(ctx, building, { number, from }),
    )
    if (written === null) return undefined
    done += written.scenes
    if (written.usage !== undefined) usage = addUsage(usage, written.usage)
    next = written.next
    ctx.updateProgress({ done, total: Math.max(done, total) })
    if (next !== undefined) continue
    // An attempt that finds the index finished reports the usage of the segments too.
    await ctx.checkpoint('usage', () => usage)
    return number + 1
  }
}

/** Writes a segment. Returns null when the build is stale. */
async function writeSegment(
  ctx: VectorizeContext,
  { build, model, known }: Building,
  { number, from }: { number: number; from: string | undefined },
): Promise<Written | null> {
  const { scenes, next } = await readScenes(ctx, from)
  const segment = await buildNovelSegment(number, scenes, { signal: ctx.signal })
  const paid: PaidVectors | null =
    model === undefined ? { parts: 0 } : await writeVectors(ctx, { build, model, known }, { segment, scenes })
  if (paid === null) return null
  if ((await ctx.services.library.index.put(build, segment, paid.parts)) === 'stale') return null
  return { scenes: scenes.length, ...defined({ next, usage: paid.usage }) }
}

/** The written vectors of a segment. */
interface PaidVectors {
  parts: number
  usage?: UsageNote
}

/** The vectors that were written for a batch. */
interface PaidBatch {
  /** Hash of the texts and of their first passage. */
  hash: string
  usage: UsageNote
}

/**
 * Writes the vectors of a segment, one model call after the other. A hash of the texts identifies paid vectors, so that unchanged texts
 * are not paid again. Returns null when the build is stale.
 */
async function writeVectors(
  ctx: VectorizeContext,
  { build, model, known }: Building & { model: EmbeddingModel },
  { segment, scenes }: { segment: NovelSegment; scenes: readonly SceneText[] },
): Promise<PaidVectors | null> {
  const { novelId } = ctx.parameters
  const contents = new Map(scenes.map(({ id: sceneId, content }) => [sceneId, content]))
  const texts = segment.passages.map(
    ({ sceneId, start, end }) => contents.get(sceneId)?.slice(start, end) ?? '',
  )
  const there = await known(segment)
  let parts = 0
  let usage = noUsage
  for (const batch of textBatches(model, texts)) {
    ctx.signal.throwIfAborted()
    const place = { segment: segment.number, part: parts++ }
    const first = segment.passages[batch.first]?.id ?? 0
    const hash = hashedId(JSON.stringify([first, batch.texts]))
    const keyFor = (number: number) =>
      `vectors ${build.generation}/${place.segment}/${place.part} ${number + 1}`
    // The last write to a place counts.
    const paid = await storedSeries<PaidBatch | null>(ctx, keyFor)
    if (paid.at(-1)?.hash !== hash) {
      const written = await ctx.checkpoint<PaidBatch | null>(keyFor(paid.length), async () => {
        const missing = batch.texts.filter((_, at) => !there.has(first + at))
        const unit = keyFor(paid.length)
        const made =
          missing.length > 0 && (await embedTexts(ctx, { model, texts: missing, subject: novelId, unit }))
        const { vectors: fresh, usage: used } = made || { vectors: [], usage: undefined }
        let next = 0
        const vectors = batch.texts.flatMap((_, at) => there.get(first + at) ?? fresh[next++] ?? [])
        const row = { ...place, first, vectors: encodeVectors(vectors) }
        const outcome = await ctx.services.library.index.putVectors(build, row)
        return outcome === 'stale' ? null : { hash, usage: addUsage(noUsage, used ?? noUsage) }
      })
      paid.push(written)
    }
    for (const one of paid) {
      if (one === null) return null
      usage = addUsage(usage, one.usage)
    }
  }
  return { parts, usage }
}

/** Reads the scenes of a segment, from a place in the novel. Their number depends only on their texts. */
async function readScenes(
  { userId, parameters: { novelId }, services, signal }: VectorizeContext,
  from: string | undefined,
): Promise<{ scenes: SceneText[]; next: string | undefined }> {
  const scenes: SceneText[] = []
  let units = 0
  let pageSize = firstScenes
  let next = from
  do {
    signal.throwIfAborted()
    const request = next === undefined ? { pageSize } : { pageSize, pageToken: next }
    const page = await services.library.shelf.texts(userId, { novelId }, request)
    for (const scene of page.items) {
      scenes.push(scene)
      units += scene.content.length
    }
    next = page.nextPageToken
    const average = Math.max(1, units / scenes.length)
    pageSize = Math.min(mostScenes, Math.max(1, Math.round((segmentUnits - units) / average)))
  } while (next !== undefined && units < segmentUnits)
  return { scenes, next }
}

/** Builds the search index and returns its kind. Where the embedding model cannot be used, the index has words alone. */
export async function makeSearchable(
  ctx: Pick<TaskContext, 'submitSubTask'>,
  asked: { novelId: string; reuseVectors?: true },
): Promise<IndexKind | 'pending'> {
  const index = await ctx.submitSubTask(vectorize, asked, { key: 'index' })
  if (!index.done) return 'pending'
  if (index.result !== undefined || !isOfModel(index.error?.code)) return index.result?.index ?? 'none'
  const words = await ctx.submitSubTask(vectorize, { ...asked, model: 'lexical' }, { key: 'words' })
  return words.done ? (words.result?.index ?? 'none') : 'pending'
}

/** Whether an error is one of the model: it does not answer, is too slow, or differs from its configuration. */
function isOfModel(code = ''): boolean {
  return (
    code.startsWith('MODEL_') ||
    ['ATTEMPT_TIMEOUT', 'CONFIG_INVALID', 'PROVIDER_NOT_CONFIGURED'].includes(code)
  )
}
