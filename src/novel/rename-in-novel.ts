import { z } from 'zod'
import { hashedId, QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import type { CodexEntry, CodexFields } from './codex/entry.ts'
import { everyEntry, everyThread } from './codex/find-places.ts'
import {
  placeChooser,
  placeFinder,
  placeKinds,
  type RenamableText,
  type RenamePlace,
  renamedNames,
  renamedText,
  renames,
  textOfView,
  textsOfEntry,
  textsOfScene,
  textsOfThread,
} from './codex/rename.ts'
import { count, id } from './fields.ts'
import { textProvenance } from './library/history.ts'
import { codexEntryNotFound } from './library/refusal.ts'
import type { Scene } from './library/scenes.ts'
import type { ThreadThere } from './library/threads.ts'
import { hasWords } from './quotation.ts'
import { defineNovelTask, type NovelServices, novelRetry, unlessFailed } from './services.ts'
import { type ThreadEvent, type ThreadFields, threadBounds } from './threads/thread.ts'

/** The id of a place, as the preview gives it. */
const places = z.array(z.string().min(1).max(200)).max(10_000)

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
    /** The places that are changed, and no others. Default: all without a doubt. */
    only: places.optional(),
    /** The places that stay. */
    except: places.optional(),
  })
  .refine(({ only, except }) => only === undefined || except === undefined, {
    message: 'give only or except, not both',
  })

/** A text that was left as it was. */
const left = z.object({ what: z.enum(placeKinds), id })

const changed = z.object({
  /** Names that were replaced. */
  places: count,
  texts: count,
  summaries: count,
  /** Entries of the codex, the renamed one included. */
  entries: count,
  threads: count,
  /** Points of view, of scenes and of the novel. */
  views: count,
  /** Texts that somebody changed since the author saw them, or since the task did, or that would be too long: they stay as they are. The first 100. */
  refused: z.array(left),
  /** How many there are. */
  refusedTexts: count,
})

const progress = z.object({
  /** Scenes that were searched. */
  done: count,
  total: count,
  places: count,
})

type RenameContext = TaskContext<typeof parameters, typeof progress, NovelServices>
type Changed = z.infer<typeof changed>

const noCounts = { places: 0, texts: 0, summaries: 0, entries: 0, threads: 0, views: 0 }
const nothing: Changed = { ...noCounts, refused: [], refusedTexts: 0 }
/** Refused texts that are named. */
const mostNamed = 100
/** Scenes between two checkpoints. */
const scenesPerStep = 50

/**
 * Renames an entry of the codex, and the mentions of it in texts, summaries, entries, threads and points of view. What a step changes is planned in a
 * checkpoint before it is written, so that no later attempt takes an edit for what it had read. The texts are undone together, by the task.
 */
export const renameInNovel = defineNovelTask({
  type: 'RenameInNovel',
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters,
  result: changed.extend({ novelId: id, entryId: id }),
  progress,
  async admit({ novelId, entryId }, { services, userId }) {
    await services.library.codex.entry(userId, { novelId, entryId })
  },
  async execute(ctx: RenameContext) {
    const { novelId, entryId } = ctx.parameters
    const entries = await everyEntry(ctx.services, ctx.userId, novelId)
    const plans = planner(ctx, entries)
    let sum = await renameOutsideScenes(ctx, entries, plans)
    const { scenes: total } = await ctx.services.library.shelf.about(ctx.userId, novelId)
    let done = 0
    let next: string | undefined
    do {
      ctx.signal.throwIfAborted()
      const from = next
      const page = await ctx.checkpoint(`plan ${done}`, () => planScenes(ctx, plans, from))
      const made = await ctx.checkpoint(`scenes ${done}`, () => renameScenes(ctx, plans, page.planned))
      sum = added(sum, made)
      done += page.scenes
      next = page.next
      ctx.updateProgress({ done, total: Math.max(done, total), places: sum.places })
    } while (next !== undefined)
    await requoteThreads(ctx, plans)
    return { novelId, entryId, ...sum }
  },
})

/** A text that is to be changed. */
interface Planned {
  what: RenamableText['what']
  id: string
  version: number
  /** Places that are changed, and that stay: once it is written the text has as many places as stay. */
  wanted: number
  staying: number
}

/** What stays as it is, because the author saw older texts. */
type Refused = Pick<Planned, 'what' | 'id'> & { refused: true }

/** Plans the changes of texts. */
type Plans = ReturnType<typeof planner>

function planner({ parameters: asked }: RenameContext, entries: readonly CodexEntry[]) {
  const find = placeFinder(entries, asked)
  const choose = placeChooser(asked)
  const chosen = (text: RenamableText) => {
    const all = find(text.text)
    return { all, wanted: asked.in.includes(text.what) ? choose(text, all) : [] }
  }
  return {
    chosen,
    /** Returns what is planned for texts that are written together: nothing where no place is changed, unless they are written `always`. */
    plan([first, ...others]: readonly RenamableText[], always = false): (Planned | Refused)[] {
      if (first === undefined) return []
      const { what, id: of, version } = first
      let [wanted, staying] = [0, 0]
      for (const text of [first, ...others]) {
        const { all, wanted: those } = chosen(text)
        if (those === 'changed') return [{ what, id: of, refused: true }]
        wanted += those.length
        staying += all.length - those.length
      }
      return wanted > 0 || always ? [{ what, id: of, version, wanted, staying }] : []
    },
    /** Whether a text that is another one now is as the task left it. */
    isWritten: (texts: readonly RenamableText[], { staying }: Planned) =>
      texts.reduce((sum, { text }) => sum + find(text).length, 0) === staying,
    /** Returns words of a text with the new names, where no place is in doubt. */
    respelled: (words: string) =>
      renamedText(
        words,
        find(words).filter(({ doubt }) => doubt === undefined),
      ),
    /** Returns a text with the new names. */
    renamed(text: RenamableText): string {
      const { wanted } = chosen(text)
      return wanted === 'changed' ? text.text : renamedText(text.text, wanted as RenamePlace[])
    },
  }
}

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

function added(sum: Changed, one: Changed): Changed {
  return {
    places: sum.places + one.places,
    texts: sum.texts + one.texts,
    summaries: sum.summaries + one.summaries,
    entries: sum.entries + one.entries,
    threads: sum.threads + one.threads,
    views: sum.views + one.views,
    refused: [...sum.refused, ...one.refused].slice(0, mostNamed),
    refusedTexts: sum.refusedTexts + one.refusedTexts,
  }
}

const countOf = {
  text: 'texts',
  summary: 'summaries',
  entry: 'entries',
  thread: 'threads',
  view: 'views',
} as const

/** Returns the counts of one text. */
function counted(
  { what, id: of, wanted }: Pick<Planned, 'what' | 'id' | 'wanted'>,
  isChanged: boolean,
): Changed {
  if (!isChanged) return { ...nothing, refused: [{ what, id: of }], refusedTexts: 1 }
  return { ...nothing, places: wanted, [countOf[what]]: 1 }
}

/** Writes what is planned, and counts it. */
async function renameAll(
  { signal }: RenameContext,
  planned: readonly (Planned | Refused)[],
  write: (plan: Planned) => Promise<boolean>,
): Promise<Changed> {
  let sum = nothing
  for (const plan of planned) {
    signal.throwIfAborted()
    const isChanged = !('refused' in plan) && (await write(plan))
    sum = added(sum, counted({ wanted: 0, ...plan }, isChanged))
  }
  return sum
}

/**
 * Renames the entry, and the mentions in entries, threads and the point of view of the novel. Throws CODEX_ENTRY_CHANGED where somebody changed the entry
 * since it was read.
 */
async function renameOutsideScenes(
  ctx: RenameContext,
  entries: readonly CodexEntry[],
  plans: Plans,
): Promise<Changed> {
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
    renameAll(ctx, planned, plan => write[plan.what as keyof typeof write](ctx, plans, plan)),
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

/** What is planned for some scenes. */
interface ScenePlan {
  scenes: number
  next?: string
  planned: (Planned | Refused)[]
}

async function planScenes(ctx: RenameContext, plans: Plans, from: string | undefined): Promise<ScenePlan> {
  const {
    services,
    userId,
    parameters: { novelId },
  } = ctx
  const request = { pageSize: scenesPerStep, ...defined({ pageToken: from }) }
  const { items, nextPageToken } = await services.library.shelf.texts(userId, { novelId }, request)
  const planned = items.flatMap(scene => textsOfScene(scene).flatMap(text => plans.plan([text])))
  return { scenes: items.length, planned, ...defined({ next: nextPageToken }) }
}

/** A summary goes before its text, which then says that it is still described. */
const order = ['summary', 'text', 'view']

function renameScenes(ctx: RenameContext, plans: Plans, planned: ScenePlan['planned']): Promise<Changed> {
  const inOrder = planned.toSorted((a, b) => order.indexOf(a.what) - order.indexOf(b.what))
  return renameAll(ctx, inOrder, plan => renameInScene(ctx, plans, plan))
}

/** Returns whether the new names are in a text, a summary or a point of view: written now, or by an attempt before. */
async function renameInScene(ctx: RenameContext, plans: Plans, plan: Planned): Promise<boolean> {
  const { scenes } = ctx.services.library
  const scene = await unlessFailed('SCENE_NOT_FOUND', () => scenes.scene(ctx.userId, plan.id))
  if (scene === undefined) return false
  const { summary, ...rest } = scene
  const read = { ...rest, ...defined({ summary: summary?.text }), version: plan.version }
  const text = textsOfScene(read).find(({ what }) => what === plan.what)
  if (text === undefined) return false
  const renamed = plans.renamed(text)
  if (plan.what === 'view') return writeView(ctx, scene, { povCharacter: renamed, plan })
  const changedAt =
    plan.what === 'text' ? scene.textVersion : Math.max(scene.summaryVersion, scene.textVersion)
  if (changedAt > plan.version) return plans.isWritten([text], plan)
  return plan.what === 'text' ? writeText(ctx, scene, renamed) : writeSummary(ctx, scene, renamed)
}

/** Writes the person of the point of view of a scene; one that an attempt before has written is there already. */
async function writeView(
  { services, userId }: RenameContext,
  { narration = {}, id: sceneId }: Scene,
  { povCharacter, plan: { version } }: { povCharacter: string; plan: Planned },
): Promise<boolean> {
  const edit = {
    sceneId,
    expectedVersion: version,
    narration: { ...narration, ...(povCharacter !== '' && { povCharacter }) },
  }
  return (await services.library.scenes.editScene(userId, edit)).outcome === 'applied'
}

async function writeSummary(ctx: RenameContext, scene: Scene, renamed: string): Promise<boolean> {
  const { summary } = scene
  if (summary === undefined) return false
  // The spans of quoted sentences are those of the text as it was.
  const { text: _, sentences: __, writtenBy: ___, writtenAt: ____, ...note } = summary
  const { outcome } = await ctx.services.library.scenes.writeSummary({
    ...note,
    ...{ sceneId: scene.id, summary: renamed, expectedVersion: scene.version },
    writer: { taskId: ctx.taskId, attempt: ctx.attempt },
  })
  return outcome === 'applied'
}

async function writeText(ctx: RenameContext, scene: Scene, renamed: string): Promise<boolean> {
  const { candidates } = ctx.services.library
  const id = hashedId(['renamed', ctx.taskId, scene.id, scene.textVersion].join('\n'))
  const status = await candidates.propose({
    ...{ id, sceneId: scene.id, expectedVersion: scene.version, content: renamed, number: 1 },
    provenance: textProvenance(scene),
    writer: { taskId: ctx.taskId, attempt: ctx.attempt },
    rootTaskId: ctx.rootTaskId,
    // Somebody who changes the text in this moment keeps theirs, and is not offered the earlier one with the new names.
    accept: 'if-unchanged',
    fromSummary: scene.hasSummary && !scene.summaryOutOfDate,
  })
  return status === 'accepted'
}
