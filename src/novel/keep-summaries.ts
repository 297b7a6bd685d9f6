import {
  type Engine,
  hashedId,
  type Logger,
  QuillworkError,
  type TaskRecord,
  type TaskStatus,
} from '../index.ts'
import { defined } from '../task/defined.ts'
import { everyItem } from '../task/page.ts'
import { liveStatuses, type NovelServices, nowOf } from './services.ts'
import { subjectTags } from './subject-tags.ts'
import { updateSummaries, wantedOf } from './update-summaries.ts'

/** How summaries are kept up to date in the background. */
export interface KeptSummaries {
  /** Milliseconds after the last change of a novel. */
  readonly after: number
  /** Default: the first model configured for summaries, else sentences are quoted. */
  readonly model?: string | undefined
  /** What each update may use. Default: no bound. */
  readonly tokens?: number | undefined
}

type KeepingEngine = Pick<Engine, 'submit'> & { readonly tasks: Pick<Engine['tasks'], 'list'> }

/** A novel, and when it was last changed. */
interface Novel {
  novelId: string
  userId: string
  updatedAt: number
}

/** Novels that are read at a time. */
const perPage = 200

/** When novels were changed that need nothing, and the last task on each then: by the summaries of their library, and by their ids. */
const settled = new WeakMap<object, ReadonlyMap<string, string>>()

/**
 * Submits UpdateSummaries for each novel that has rested since its last change, on which no task works, and which has summaries that are missing or out of date; each state of a novel is
 * submitted once with each model and bound, also where its update fails. What is refused is logged, and the other novels go on. A novel on which nothing happened since the last call is not read
 * again. Returns how many were submitted.
 */
export async function keepSummaries(
  engine: KeepingEngine,
  services: NovelServices,
  kept: KeptSummaries,
  log: Pick<Logger, 'warn'>,
): Promise<number> {
  const { levels } = services.library
  const before = settled.get(levels)
  const seen = new Map<string, string>()
  settled.set(levels, seen)
  let submitted = 0
  const refused = new Map<string, { err: unknown; novels: number }>()
  for await (const { id: novelId, userId, updatedAt } of everyItem(perPage, page => levels.novels(page))) {
    if (updatedAt > nowOf(services) - kept.after) continue
    const novel = { novelId, userId, updatedAt }
    try {
      if ((await lastTask(engine, novel, liveStatuses)) !== undefined) continue
      const { id, completedAt } = (await lastTask(engine, novel)) ?? {}
      // Tasks that were submitted without tags are seen a day later.
      const day = Math.floor(nowOf(services) / 86_400_000)
      const state = JSON.stringify([updatedAt, id, completedAt, day])
      if (before?.get(novelId) !== state && (await keepNovel(engine, services, { ...kept, ...novel })))
        submitted++
      seen.set(novelId, state)
    } catch (err) {
      const code = err instanceof QuillworkError ? err.code : ''
      refused.set(code, { err, novels: (refused.get(code)?.novels ?? 0) + 1 })
    }
  }
  // One line for each reason: a model that is not configured is one for every novel.
  for (const reason of refused.values()) log.warn(reason, 'update of summaries not submitted; will retry')
  return submitted
}

/** Submits the update of a novel that needs one. Returns whether it did. */
async function keepNovel(
  engine: KeepingEngine,
  { library }: NovelServices,
  { novelId, userId, updatedAt, model, tokens }: KeptSummaries & Novel,
): Promise<boolean> {
  const outline = await library.levels.outline(userId, novelId)
  const { scenes, units } = wantedOf(outline)
  if (scenes.length + units.length === 0) return false
  const parameters = { novelId, ...defined({ model }) }
  const digests = outline.units.map(({ digest }) => digest)
  await engine.submit(updateSummaries, parameters, {
    userId,
    idempotencyKey: `summaries ${novelId} ${hashedId(JSON.stringify([digests, updatedAt, model, tokens]))}`,
    derivedTags: subjectTags(updateSummaries.type, parameters),
    ...(tokens !== undefined && { budget: { tokens } }),
  })
  return true
}

/** The task on a novel that was submitted last: where one is live, what it makes is not to be made twice. */
async function lastTask(
  { tasks }: KeepingEngine,
  { novelId, userId }: Novel,
  status?: readonly TaskStatus[],
): Promise<TaskRecord | undefined> {
  const [tag] = subjectTags(updateSummaries.type, { novelId })
  const { items } = await tasks.list({ userId, ...defined({ status, tag }) }, { pageSize: 1 })
  return items[0]
}
