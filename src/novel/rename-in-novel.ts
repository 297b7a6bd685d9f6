import { z } from 'zod'
import { hashedId, QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { everyItem } from '../task/page.ts'
import type { CodexEntry, CodexFields } from './codex/entry.ts'
import { everyEntry, textsOfScene } from './codex/find-places.ts'
import {
  placeChooser,
  placeFinder,
  placeKinds,
  type RenamableText,
  type RenamePlace,
  renamedNames,
  renamedText,
  renames,
  textsOfEntry,
} from './codex/rename.ts'
import { count, id } from './fields.ts'
import { textProvenance } from './library/history.ts'
import { codexEntryNotFound } from './library/refusal.ts'
import type { Scene } from './library/scenes.ts'
import type { SceneText } from './library/shelf.ts'
import { hasWords } from './quotation.ts'
import { defineNovelTask, type NovelServices, novelRetry, unlessFailed } from './services.ts'
import type { ThreadEvent } from './threads/thread.ts'

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
  /** Texts that somebody changed since the author saw them, or since the task did: they stay as they are. The first 100. */
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

const nothing: Changed = { places: 0, texts: 0, summaries: 0, entries: 0, refused: [], refusedTexts: 0 }
/** Refused texts that are named. */
const mostNamed = 100
/** Scenes between two checkpoints. */
const scenesPerStep = 50

/**
 * Renames an entry of the codex, and the mentions of it in texts, summaries and entries. What a step changes is planned in a checkpoint before it is
 * written, so that no later attempt takes an edit for what it had read. The texts are undone together, by the task.
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
    let sum = await renameEntries(ctx, entries, plans)
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
    /** Returns what is planned for texts that are written together; undefined where nothing is, `refused` where the author saw older ones. */
    plan(texts: readonly RenamableText[]): Planned | 'refused' | undefined {
      const [first] = texts
      let [wanted, staying] = [0, 0]
      for (const text of texts) {
        const { all, wanted: those } = chosen(text)
        if (those === 'changed') return 'refused'
        wanted += those.length
        staying += all.length - those.length
      }
      if (first === undefined || wanted === 0) return undefined
      const { what, id: of, version } = first
      return { what, id: of, version, wanted, staying }
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

/** Threads that are read at a time. */
const threadsPerPage = 50

/**
 * Gives the quotations of threads the new names where the text has them now, so that renaming makes no event out of date. A thread that somebody changes
 * in this moment stays as they want it.
 */
async function requoteThreads({ services, userId, parameters }: RenameContext, plans: Plans): Promise<void> {
  const { novelId } = parameters
  const { scenes, threads } = services.library
  const textOf = async (sceneId: string) =>
    (await unlessFailed('SCENE_NOT_FOUND', () => scenes.scene(userId, sceneId)))?.content ?? ''
  for await (const thread of everyItem(threadsPerPage, page => threads.threads(userId, { novelId }, page))) {
    const events: ThreadEvent[] = []
    for (const { scene, kind, quotation: old, isQuoted } of thread.events) {
      const quotation = isQuoted ? old : plans.respelled(old)
      const isThere = quotation !== old && hasWords(await textOf(scene), quotation)
      events.push({ scene, kind, quotation: isThere ? quotation : old })
    }
    if (events.every(({ quotation }, at) => quotation === thread.events[at]?.quotation)) continue
    const { id: threadId, version: expectedVersion, title, plan, note, plantBy, resolveBy } = thread
    const read = { novelId, threadId, expectedVersion }
    const fields = { title, plan, note, plantBy, resolveBy, events }
    await unlessFailed('QUOTATION_NOT_FOUND', () => threads.put(userId, read, fields))
  }
}

function added(sum: Changed, one: Changed): Changed {
  return {
    places: sum.places + one.places,
    texts: sum.texts + one.texts,
    summaries: sum.summaries + one.summaries,
    entries: sum.entries + one.entries,
    refused: [...sum.refused, ...one.refused].slice(0, mostNamed),
    refusedTexts: sum.refusedTexts + one.refusedTexts,
  }
}

const countOf = { text: 'texts', summary: 'summaries', entry: 'entries' } as const

/** Returns the counts of one text. */
function counted(
  { what, id: of, wanted }: Pick<Planned, 'what' | 'id' | 'wanted'>,
  isChanged: boolean,
): Changed {
  if (!isChanged) return { ...nothing, refused: [{ what, id: of }], refusedTexts: 1 }
  return { ...nothing, places: wanted, [countOf[what]]: 1 }
}

type EntryPlan = Planned | { what: 'entry'; id: string; refused: true }

/** Renames the entry, and the mentions in entries. Throws CODEX_ENTRY_CHANGED where somebody changed the entry since it was read. */
async function renameEntries(
  ctx: RenameContext,
  entries: readonly CodexEntry[],
  plans: Plans,
): Promise<Changed> {
  const { entryId, expectedVersion } = ctx.parameters
  const planned = await ctx.checkpoint<EntryPlan[]>('entries to rename', () => {
    const own = entries.find(each => each.id === entryId)
    if (own === undefined) throw codexEntryNotFound(entryId)
    if (own.version !== expectedVersion) throw entryChanged(own)
    return entries.flatMap((entry): EntryPlan[] => {
      const plan = plans.plan(textsOfEntry(entry))
      if (plan === 'refused') return [{ what: 'entry', id: entry.id, refused: true }]
      const none = { what: 'entry', id: entry.id, version: entry.version, wanted: 0, staying: 0 } as const
      return plan !== undefined ? [plan] : entry.id === entryId ? [none] : []
    })
  })
  return ctx.checkpoint('entries', async () => {
    let sum = nothing
    for (const plan of planned) {
      const isChanged = !('refused' in plan) && (await renameEntry(ctx, plans, plan))
      sum = added(sum, counted({ wanted: 0, ...plan }, isChanged))
    }
    return sum
  })
}

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
  const [text = '', note = '', ...changes] = texts.map(plans.renamed)
  const fields: Partial<CodexFields> = {
    ...names,
    text,
    note,
    changes: entry.changes.map((change, at) => ({ ...change, text: changes[at] ?? change.text })),
  }
  const { outcome } = await services.library.codex.edit(
    userId,
    { ...read, expectedVersion: plan.version },
    fields,
  )
  if (outcome === 'conflict' && isOwn) throw entryChanged(entry)
  return outcome === 'applied'
}

function entryChanged({ id: entryId, name }: Pick<CodexEntry, 'id' | 'name'>): QuillworkError {
  const message = `The entry ${entryId} (${name}) was changed since it was read, so nothing was renamed. Read it again, and rename it again.`
  return new QuillworkError('CODEX_ENTRY_CHANGED', message)
}

/** What is planned for some scenes. */
interface ScenePlan {
  scenes: number
  next?: string
  planned: (Planned | { what: 'text' | 'summary'; id: string; refused: true })[]
}

async function planScenes(ctx: RenameContext, plans: Plans, from: string | undefined): Promise<ScenePlan> {
  const {
    services,
    userId,
    parameters: { novelId },
  } = ctx
  const request = { pageSize: scenesPerStep, ...defined({ pageToken: from }) }
  const { items, nextPageToken } = await services.library.shelf.texts(userId, { novelId }, request)
  const planned = items.flatMap(scene =>
    textsOfScene(scene).flatMap(text => {
      const plan = plans.plan([text])
      if (plan !== 'refused') return plan ?? []
      return { what: text.what as 'text' | 'summary', id: scene.id, refused: true as const }
    }),
  )
  return { scenes: items.length, planned, ...defined({ next: nextPageToken }) }
}

async function renameScenes(
  ctx: RenameContext,
  plans: Plans,
  planned: ScenePlan['planned'],
): Promise<Changed> {
  let sum = nothing
  // A summary goes before its text, which then says that it is still described.
  for (const plan of planned.toSorted((a, b) => (a.what < b.what ? -1 : 1))) {
    ctx.signal.throwIfAborted()
    const isChanged = !('refused' in plan) && (await renameInScene(ctx, plans, plan))
    sum = added(sum, counted({ wanted: 0, ...plan }, isChanged))
  }
  return sum
}

/** Returns whether the new names are in a text or a summary: written now, or by an attempt before. */
async function renameInScene(ctx: RenameContext, plans: Plans, plan: Planned): Promise<boolean> {
  const { scenes } = ctx.services.library
  const scene = await unlessFailed('SCENE_NOT_FOUND', () => scenes.scene(ctx.userId, plan.id))
  if (scene === undefined) return false
  const { summary, ...rest } = scene
  const read: SceneText = { ...rest, ...defined({ summary: summary?.text }) }
  const text = textsOfScene({ ...read, version: plan.version }).find(({ what }) => what === plan.what)
  if (text === undefined) return false
  const changedAt =
    plan.what === 'text' ? scene.textVersion : Math.max(scene.summaryVersion, scene.textVersion)
  if (changedAt > plan.version) return plans.isWritten([text], plan)
  return plan.what === 'text'
    ? writeText(ctx, scene, plans.renamed(text))
    : writeSummary(ctx, scene, plans.renamed(text))
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
  const { candidates, scenes } = ctx.services.library
  const candidateId = hashedId(['renamed', ctx.taskId, scene.id, scene.textVersion].join('\n'))
  const status = await candidates.propose({
    ...{ id: candidateId, sceneId: scene.id, expectedVersion: scene.version, content: renamed, number: 1 },
    provenance: textProvenance(scene),
    writer: { taskId: ctx.taskId, attempt: ctx.attempt },
    rootTaskId: ctx.rootTaskId,
    accept: 'automatically',
    fromSummary: scene.hasSummary && !scene.summaryOutOfDate,
  })
  if (status !== 'open') return status === 'accepted'
  // Somebody changed the text in this moment: it stays, and the one with the new names is not offered in its place.
  const { version: expectedVersion } = await scenes.scene(ctx.userId, scene.id)
  await candidates.discard(ctx.userId, { sceneId: scene.id, candidateId, expectedVersion })
  return false
}
