/**
 * Replacing words in a novel, place by place, in the texts that have them: what a rename and a find and replace share. What a step changes is planned in a
 * checkpoint before it is written, so that no later attempt takes an edit for what it had read. The texts of scenes are undone together, by the task.
 */
import { z } from 'zod'
import { hashedId, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import {
  type PlaceChoice,
  placeChooser,
  placeKinds,
  type RenamableText,
  type RenamePlace,
  renamedText,
  textsOfScene,
} from './codex/rename.ts'
import { count, id } from './fields.ts'
import { textProvenance } from './library/history.ts'
import type { Scene } from './library/scenes.ts'
import { type NovelServices, unlessFailed } from './services.ts'

/** Ids of places, as the preview gives them. */
const places = z.array(z.string().min(1).max(200)).max(10_000)

/** Which places are changed. */
export const placeChoice = {
  /** These, and no others. Default: all without a doubt. */
  only: places.optional(),
  /** The places that stay. */
  except: places.optional(),
}

/** Whether a choice makes sense. */
export const isOneChoice = ({ only, except }: PlaceChoice) => only === undefined || except === undefined

/** What is wrong with one that does not. */
export const notBoth = { message: 'give only or except, not both' }

/** A text that was left as it was. */
const left = z.object({ what: z.enum(placeKinds), id })

/** What became of the places. */
export const replaced = z.object({
  /** Places that were changed. */
  places: count,
  texts: count,
  summaries: count,
  /** Entries of the codex. */
  entries: count,
  threads: count,
  /** Points of view, of scenes and of the novel. */
  views: count,
  /** Texts that somebody changed since the author saw them, or since the task did, or that would be too long: they stay as they are. The first 100. */
  refused: z.array(left),
  /** How many there are. */
  refusedTexts: count,
})

/** How far such a task is. */
export const replacingProgress = z.object({
  /** Scenes that were searched. */
  done: count,
  total: count,
  places: count,
})

/** The context of such a task. */
export type ReplacingContext = Pick<
  TaskContext<z.ZodType<{ novelId: string }>, typeof replacingProgress, NovelServices>,
  | 'parameters'
  | 'services'
  | 'userId'
  | 'taskId'
  | 'rootTaskId'
  | 'attempt'
  | 'signal'
  | 'checkpoint'
  | 'updateProgress'
>

/** What became of some places. */
export type Replaced = z.infer<typeof replaced>

const noCounts = { places: 0, texts: 0, summaries: 0, entries: 0, threads: 0, views: 0 }
const nothing: Replaced = { ...noCounts, refused: [], refusedTexts: 0 }
/** Refused texts that are named. */
const mostNamed = 100
/** Scenes between two checkpoints. */
const scenesPerStep = 50

/** A text that is to be changed. */
export interface Planned {
  what: RenamableText['what']
  id: string
  version: number
  /** Places that are changed, and that stay: once it is written the text has as many places as stay. */
  wanted: number
  staying: number
}

/** What stays as it is, because the author saw older texts. */
export type Refused = Pick<Planned, 'what' | 'id'> & { refused: true }

/** Plans the changes of texts. */
export type Plans = ReturnType<typeof planner>

/** Which words are replaced, and where. */
export interface Asked extends PlaceChoice {
  readonly in: readonly (typeof placeKinds)[number][]
}

/** Returns what plans the changes of texts. `find`: the places of a text, which has none once they are replaced. */
export function planner(find: (text: string) => readonly RenamePlace[], asked: Asked) {
  const choose = placeChooser(asked)
  const chosen = (text: RenamableText) => {
    const all = find(text.text)
    return { all, wanted: asked.in.includes(text.what) ? choose(text, all) : [] }
  }
  return {
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

/** Returns two counts as one. */
function added(sum: Replaced, one: Replaced): Replaced {
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
  isReplaced: boolean,
): Replaced {
  if (!isReplaced) return { ...nothing, refused: [{ what, id: of }], refusedTexts: 1 }
  return { ...nothing, places: wanted, [countOf[what]]: 1 }
}

/** Writes what is planned, and counts it. */
export async function replaceAll(
  { signal }: Pick<ReplacingContext, 'signal'>,
  planned: readonly (Planned | Refused)[],
  write: (plan: Planned) => Promise<boolean>,
): Promise<Replaced> {
  let sum = nothing
  for (const plan of planned) {
    signal.throwIfAborted()
    const isReplaced = !('refused' in plan) && (await write(plan))
    sum = added(sum, counted({ wanted: 0, ...plan }, isReplaced))
  }
  return sum
}

/** Replaces in the scenes, in reading order, some at a time. `sum`: what was replaced before. */
export async function replaceInScenes(ctx: ReplacingContext, plans: Plans, sum = nothing): Promise<Replaced> {
  const { scenes: total } = await ctx.services.library.shelf.about(ctx.userId, ctx.parameters.novelId)
  let all = sum
  let done = 0
  let next: string | undefined
  do {
    ctx.signal.throwIfAborted()
    const from = next
    const page = await ctx.checkpoint(`plan ${done}`, () => planScenes(ctx, plans, from))
    const made = await ctx.checkpoint(`scenes ${done}`, () => replaceIn(ctx, plans, page.planned))
    all = added(all, made)
    done += page.scenes
    next = page.next
    ctx.updateProgress({ done, total: Math.max(done, total), places: all.places })
  } while (next !== undefined)
  return all
}

/** What is planned for some scenes. */
interface ScenePlan {
  scenes: number
  next?: string
  planned: (Planned | Refused)[]
}

async function planScenes(ctx: ReplacingContext, plans: Plans, from: string | undefined): Promise<ScenePlan> {
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

function replaceIn(ctx: ReplacingContext, plans: Plans, planned: ScenePlan['planned']): Promise<Replaced> {
  const inOrder = planned.toSorted((a, b) => order.indexOf(a.what) - order.indexOf(b.what))
  return replaceAll(ctx, inOrder, plan => replaceInScene(ctx, plans, plan))
}

/** Returns whether the new words are in a text, a summary or a point of view: written now, or by an attempt before. */
async function replaceInScene(ctx: ReplacingContext, plans: Plans, plan: Planned): Promise<boolean> {
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
  { services, userId }: ReplacingContext,
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

async function writeSummary(ctx: ReplacingContext, scene: Scene, renamed: string): Promise<boolean> {
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

async function writeText(ctx: ReplacingContext, scene: Scene, renamed: string): Promise<boolean> {
  const { candidates } = ctx.services.library
  const id = hashedId(['renamed', ctx.taskId, scene.id, scene.textVersion].join('\n'))
  const status = await candidates.propose({
    ...{ id, sceneId: scene.id, expectedVersion: scene.version, content: renamed, number: 1 },
    provenance: textProvenance(scene),
    writer: { taskId: ctx.taskId, attempt: ctx.attempt },
    rootTaskId: ctx.rootTaskId,
    // Somebody who changes the text in this moment keeps theirs, and is not offered the earlier one with the new words.
    accept: 'if-unchanged',
    fromSummary: scene.hasSummary && !scene.summaryOutOfDate,
  })
  return status === 'accepted'
}
