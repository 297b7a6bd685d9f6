import type { Engine } from '../index.ts'
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

/** Novels that are read at a time. */
const perPage = 200

/**
 * Submits UpdateSummaries for each novel that has rested since its last change, on which no task works, and which has summaries that are missing or out of date; each state of a novel is
 * submitted once, also where its update fails. Returns how many were submitted now or before.
 */
export async function keepSummaries(
  engine: KeepingEngine,
  services: NovelServices,
  { after, model, tokens }: KeptSummaries,
): Promise<number> {
  const { levels } = services.library
  let submitted = 0
  for await (const { id: novelId, userId, updatedAt } of everyItem(perPage, page => levels.novels(page))) {
    if (updatedAt > nowOf(services) - after || (await isBusy(engine, { novelId, userId }))) continue
    const outline = await levels.outline(userId, novelId)
    const { scenes, units } = wantedOf(outline)
    if (scenes.length + units.length === 0) continue
    const parameters = { novelId, ...defined({ model }) }
    await engine.submit(updateSummaries, parameters, {
      userId,
      idempotencyKey: `summaries ${novelId} ${outline.units.at(-1)?.digest}`,
      derivedTags: subjectTags(updateSummaries.type, parameters),
      ...(tokens !== undefined && { budget: { tokens } }),
    })
    submitted++
  }
  return submitted
}

/** Whether a task works on a novel: what it makes is not to be made twice. */
async function isBusy(
  { tasks }: KeepingEngine,
  { novelId, userId }: { novelId: string; userId: string },
): Promise<boolean> {
  const [tag] = subjectTags(updateSummaries.type, { novelId })
  const { items } = await tasks.list({ userId, status: liveStatuses, ...defined({ tag }) }, { pageSize: 1 })
  return items.length > 0
}
