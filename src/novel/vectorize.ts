import { z } from 'zod'
import { QuillworkError, type TaskContext } from '../index.ts'
import { count, id } from './fields.ts'
import { buildNovelSegment } from './library/novel-segment.ts'
import type { IndexBuild } from './library/passage-index.ts'
import type { SceneText } from './library/shelf.ts'
import { defineNovelTask, type NovelServices } from './services.ts'

const parameters = z.strictObject({ novelId: id })

const result = z.object({
  novelId: id,
  /** What answers searches: `lexical`, since no model that makes vectors is used; `none` while another task still builds the first index. */
  index: z.enum(['none', 'lexical']),
  passages: count,
  segments: count,
  /** Another task began to build the index later; this one left it to that. */
  superseded: z.boolean(),
})

const progress = z.object({
  /** Scenes in the index so far. */
  done: count,
  total: count,
})

type VectorizeContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/** Code units of a segment: as much as is quick to build and to write, and enough to be searched quickly. */
const segmentUnits = 60_000
/** Scenes that are read at a time: at first, and at most. */
const firstScenes = 4
const mostScenes = 64

/**
 * Builds the search index of a novel, segment by segment: an attempt that runs again goes on with the segment after the last one. The
 * index that was there answers until the new one is complete.
 */
export const vectorize = defineNovelTask({
  type: 'Vectorize',
  lane: 'batch',
  attemptTimeout: '2h',
  parameters,
  result,
  progress,
  async execute(ctx: VectorizeContext) {
    const { novelId } = ctx.parameters
    const { index, shelf } = ctx.services.library
    const { scenes: total } = await shelf.novel(ctx.userId, novelId)
    const build = await index.begin(ctx.userId, novelId, ctx.taskId)
    const segments = build.finished ? build.segments : await writeSegments(ctx, build, total)
    const outcome = segments === undefined ? 'stale' : await index.finish(build, segments)
    if (outcome === 'incomplete') throw gapInIndex(novelId)
    while ((await index.clean(novelId)) === 'more') ctx.signal.throwIfAborted()
    const { kind, passages } = await index.state(ctx.userId, novelId)
    return { novelId, index: kind, passages, segments: segments ?? 0, superseded: outcome === 'stale' }
  },
})

/** A segment that is written, and where the next one starts. */
interface Written {
  scenes: number
  next?: string | undefined
}

/** Writes the segments that are missing. Answers how many there are, or undefined when another build made this one stale. */
async function writeSegments(
  ctx: VectorizeContext,
  build: IndexBuild,
  total: number,
): Promise<number | undefined> {
  let done = 0
  let next: string | undefined
  for (let number = 0; ; number++) {
    ctx.signal.throwIfAborted()
    const from = next
    const written = await ctx.checkpoint(`segment ${number} of build ${build.generation}`, () =>
      writeSegment(ctx, build, number, from),
    )
    if (written === null) return undefined
    done += written.scenes
    next = written.next
    ctx.updateProgress({ done, total: Math.max(done, total) })
    if (next === undefined) return number + 1
  }
}

/** Null: the build is stale. */
async function writeSegment(
  ctx: VectorizeContext,
  build: IndexBuild,
  number: number,
  from: string | undefined,
): Promise<Written | null> {
  const { scenes, next } = await readScenes(ctx, from)
  const segment = await buildNovelSegment(number, scenes, { signal: ctx.signal })
  if ((await ctx.services.library.index.put(build, segment)) === 'stale') return null
  return next === undefined ? { scenes: scenes.length } : { scenes: scenes.length, next }
}

/** The texts of a segment, from a place in the novel. How many scenes are read depends on nothing but them. */
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

function gapInIndex(novelId: string): QuillworkError {
  return new QuillworkError(
    'INTERNAL',
    `A segment of the index of novel ${novelId} is missing; it is built anew.`,
  )
}
