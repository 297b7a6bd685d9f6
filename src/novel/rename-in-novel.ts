import { z } from 'zod'
import { QuillworkError, type TaskContext } from '../index.ts'
import type { CodexEntry, CodexFields } from './codex/entry.ts'
import { everyEntry, everyThread } from './codex/find-places.ts'
import {
  placeFinder,
  placeKinds,
  renamedNames,
  renames,
  textOfView,
  textsOfEntry,
  textsOfThread,
} from './codex/rename.ts'
import { id } from './fields.ts'
import { codexEntryNotFound } from './library/refusal.ts'
import type { ThreadThere } from './library/threads.ts'
import { hasWords } from './quotation.ts'
import {
  isOneChoice,
  notBoth,
  type Planned,
  type Plans,
  placeChoice,
  planner,
  type Refused,
  type Replaced,
  replaceAll,
  replaced,
  replaceInScenes,
  replacingProgress,
} from './replace-places.ts'
import { defineNovelTask, type NovelServices, novelRetry, unlessFailed } from './services.ts'
import { type ThreadEvent, type ThreadFields, threadBounds } from './threads/thread.ts'

const parameters = z
  .strictObject({
    novelId: id,
    entryId: id,
    /** `version` of the entry that was read. */
    expectedVersion: z.int().min(1),
    /** Its name, its aliases, or other names in the text that mean it, each with the new one. */
    names: renames,
    /** Whether the old names stay as aliases. */
    keepsOld: z.boolean().default(false),
    /** Where mentions are changed too. */
    in: z
      .array(z.enum(placeKinds))
      .max(placeKinds.length)
      .default([...placeKinds]),
    ...placeChoice,
  })
  .refine(isOneChoice, notBoth)

type RenameContext = TaskContext<typeof parameters, typeof replacingProgress, NovelServices>

/**
 * Renames an entry of the codex, and the mentions of it in texts, summaries, entries, threads and points of view. The texts are undone
 * together, by the task.
 */
export const renameInNovel = defineNovelTask({
  type: 'RenameInNovel',
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters,
  result: replaced.extend({ novelId: id, entryId: id }),
  progress: replacingProgress,
  async admit({ novelId, entryId }, { services, userId }) {
    await services.library.codex.entry(userId, { novelId, entryId })
  },
  async execute(ctx: RenameContext) {
    const { novelId, entryId } = ctx.parameters
    const entries = await everyEntry(ctx.services, ctx.userId, novelId)
    const plans = planner(placeFinder(entries, ctx.parameters), ctx.parameters)
    const outside = await renameOutsideScenes(ctx, entries, plans)
    const sum = await replaceInScenes(ctx, plans, outside)
    await requoteThreads(ctx, plans)
    return { novelId, entryId, ...sum }
  },
})

/**
 * Gives the quotations of threads the new names where the text has them now, so that renaming makes no event out of date. One that would be too long stays, as
 * does a thread that somebody changes in this moment.
 */
async function requoteThreads({ services, userId, parameters }: RenameContext, plans: Plans): Promise<void> {
  const { novelId } = parameters
  const { scenes, threads } = services.library
  const textOf = async (sceneId: string) =>
    (await unlessFailed('SCENE_NOT_FOUND', () => scenes.scene(userId, sceneId)))?.content ?? ''
  for await (const thread of everyThread(services, userId, novelId)) {
    const events: ThreadEvent[] = []
    for (const { scene, kind, quotation: old, isQuoted } of thread.events) {
      const quotation = isQuoted ? old : plans.respelled(old)
      const isNew = quotation !== old && quotation.length <= threadBounds.quotation
      const isThere = isNew && hasWords(await textOf(scene), quotation)
      events.push({ scene, kind, quotation: isThere ? quotation : old })
    }
    if (events.every(({ quotation }, at) => quotation === thread.events[at]?.quotation)) continue
    const read = { novelId, threadId: thread.id, expectedVersion: thread.version }
    await unlessFailed('QUOTATION_NOT_FOUND', () =>
      threads.put(userId, read, { ...fieldsOf(thread), events }),
    )
  }
}

function fieldsOf({ title, plan, note, plantBy, resolveBy, events: all }: ThreadThere): ThreadFields {
  const events = all.map(({ scene, kind, quotation }) => ({ scene, kind, quotation }))
  return { title, plan, note, plantBy, resolveBy, events }
}

/**
 * Renames the entry, and the mentions in entries, threads and the point of view of the novel. Throws CODEX_ENTRY_CHANGED where somebody changed the entry
 * since it was read.
 */
async function renameOutsideScenes(
  ctx: RenameContext,
  entries: readonly CodexEntry[],
  plans: Plans,
): Promise<Replaced> {
  const { services, userId } = ctx
  const { novelId, entryId, expectedVersion } = ctx.parameters
  const planned = await ctx.checkpoint<(Planned | Refused)[]>('entries to rename', async () => {
    const own = entries.find(each => each.id === entryId)
    if (own === undefined) throw codexEntryNotFound(entryId)
    if (own.version !== expectedVersion) throw entryChanged(own)
    // The entry itself comes first: where it cannot be renamed, nothing is.
    const inOrder = [own, ...entries.filter(each => each !== own)]
    const those = inOrder.flatMap(entry => plans.plan(textsOfEntry(entry), entry === own))
    for await (const thread of everyThread(services, userId, novelId))
      those.push(...plans.plan(textsOfThread(thread)))
    const { version, ...usual } = await services.library.shelf.narration(userId, novelId)
    return [...those, ...plans.plan([textOfView({ id: novelId, version }, usual)])]
  })
  const write = { entry: renameEntry, thread: renameThread, view: renameView }
  return ctx.checkpoint('entries', () =>
    replaceAll(ctx, planned, plan => write[plan.what as keyof typeof write](ctx, plans, plan)),
  )
}

/** Renames in a thread. A text that is too long then stays as it is. */
async function renameThread(ctx: RenameContext, plans: Plans, plan: Planned): Promise<boolean> {
  const { novelId } = ctx.parameters
  const { threads } = ctx.services.library
  const read = { novelId, threadId: plan.id }
  const thread = await unlessFailed('THREAD_NOT_FOUND', () => threads.thread(ctx.userId, read))
  if (thread === undefined) return false
  const texts = textsOfThread(thread)
  if (thread.version !== plan.version) return plans.isWritten(texts, plan)
  const [title = '', planned = '', note = ''] = texts.map(plans.renamed)
  const fields = { ...fieldsOf(thread), title, plan: planned, note }
  const written = await unlessFailed('OPTION_INVALID', () =>
    threads.put(ctx.userId, { ...read, expectedVersion: plan.version }, fields),
  )
  return written?.outcome === 'applied'
}

/** Renames the person of the point of view of the novel. */
async function renameView(ctx: RenameContext, plans: Plans, plan: Planned): Promise<boolean> {
  const { shelf } = ctx.services.library
  const { version, ...narration } = await shelf.narration(ctx.userId, plan.id)
  const view = textOfView({ id: plan.id, version }, narration)
  if (version !== plan.version) return plans.isWritten([view], plan)
  const given = {
    narration: { ...narration, povCharacter: plans.renamed(view) },
    expectedVersion: plan.version,
  }
  return (await shelf.setNarration(ctx.userId, plan.id, given)).outcome === 'applied'
}

/** Renames in an entry. Texts that are too long then stay as they are; the entry that is renamed has its new names all the same. */
async function renameEntry(ctx: RenameContext, plans: Plans, plan: Planned): Promise<boolean> {
  const { services, userId, parameters: asked } = ctx
  const read = { novelId: asked.novelId, entryId: plan.id }
  const entry = await unlessFailed('CODEX_ENTRY_NOT_FOUND', () => services.library.codex.entry(userId, read))
  if (entry === undefined) return false
  const texts = textsOfEntry(entry)
  const isOwn = entry.id === asked.entryId
  const names = isOwn ? renamedNames(entry, asked.names, asked.keepsOld) : {}
  if (entry.version !== plan.version) {
    const isNamed =
      !isOwn || JSON.stringify(names) === JSON.stringify({ name: entry.name, aliases: entry.aliases })
    if (isOwn && !isNamed) throw entryChanged(entry)
    return plans.isWritten(texts, plan)
  }
  const [text = '', note = '', ...changed] = texts.map(plans.renamed)
  const changes = entry.changes.map((change, at) => ({ ...change, text: changed[at] ?? change.text }))
  const edit = (given: Partial<CodexFields>) =>
    services.library.codex.edit(userId, { ...read, expectedVersion: plan.version }, given)
  const whole = await unlessFailed('OPTION_INVALID', () => edit({ ...names, text, note, changes }))
  const written = isOwn ? (whole ?? (await edit(names))) : whole
  if (written?.outcome === 'conflict' && isOwn) throw entryChanged(entry)
  return whole?.outcome === 'applied'
}

function entryChanged({ id: entryId, name }: Pick<CodexEntry, 'id' | 'name'>): QuillworkError {
  const message = `The entry ${entryId} (${name}) was changed since it was read, so nothing was renamed. Read it again, and rename it again.`
  return new QuillworkError('CODEX_ENTRY_CHANGED', message)
}
