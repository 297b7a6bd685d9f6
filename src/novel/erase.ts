/** Deleting for good what is a user's: a novel with all that names it, or everything. */
import type { RootTask, TaskContext } from '../index.ts'
import { everyItem } from '../task/page.ts'
import { discardDraft } from './drafts.ts'
import { count } from './fields.ts'
import { novelIdOf } from './library/ids.ts'
import { type NovelServices, unlessFailed } from './services.ts'
import { subjectTags, tag } from './subject-tags.ts'
import { forget } from './upload-files.ts'

/** The task types that delete: their records name ids, and no word of anybody's. */
export const eraseTypes = { novel: 'EraseNovel', user: 'EraseUser' } as const

/** What was deleted. */
export const erasedCounts = {
  /** With their sub-tasks. */
  tasks: count,
  uploads: count,
  chapters: count,
  /** With their summaries and histories. */
  scenes: count,
  words: count,
}

/** Whose data, and of which novel; without one all of the user. */
interface Subject {
  userId: string
  novelId?: string
}

type EraseContext = Pick<TaskContext, 'checkpoint' | 'erasure' | 'signal'> & { services: NovelServices }

/**
 * Deletes tasks, uploads and novels, and returns how many. It goes on where an earlier attempt ended: then the count lacks what that one deleted in its
 * last step.
 */
export async function erase(ctx: EraseContext, subject: Subject) {
  const { erasure, services } = ctx
  const isAbout = (root: RootTask) => concerns(root, subject)
  // First, so that no task fails because its novel is gone.
  for (const root of await erasure.find(subject.userId, isAbout)) await erasure.cancel(root)
  const { novelIds, ...counts } = await ctx.checkpoint('novels', () => takeFromShelf(services, subject))
  const find = () => erasure.find(subject.userId, isAbout, treesPerStep)
  const tasks = await eraseTrees(ctx, 'tasks', find)
  const uploads = await ctx.checkpoint('uploads', () => eraseUploads(services, subject))
  for (const novelId of novelIds) {
    ctx.signal.throwIfAborted()
    await discardDraft(services.library.drafts, { novelId })
  }
  // Those that were admitted just before their novel was hidden.
  const late = await eraseTrees(ctx, 'late tasks', find)
  await erasure.scrub()
  return { tasks: tasks + late, uploads, novels: novelIds.length, ...counts }
}

function concerns({ taskType, tags, parameters }: RootTask, { novelId }: Subject): boolean {
  if (Object.values<string>(eraseTypes).includes(taskType)) return false
  if (novelId === undefined) return true
  const named = tag('novel', novelId) ?? ''
  return tags.includes(named) || subjectTags(taskType, parameters).includes(named)
}

/** Trees that are deleted between two checkpoints. */
const treesPerStep = 100

/** Deletes trees, some at a time, until none is found. Returns how many tasks they had. */
async function eraseTrees(ctx: EraseContext, key: string, find: () => Promise<string[]>): Promise<number> {
  const step = async () => {
    const roots = await find()
    let tasks = 0
    for (const root of roots) tasks += await ctx.erasure.erase(root)
    return { isLast: roots.length < treesPerStep, tasks }
  }
  for (let all = 0, number = 0; ; number += 1) {
    const { isLast, tasks } = await ctx.checkpoint(`${key} ${number}`, step)
    all += tasks
    if (isLast) return all
  }
}

interface Taken {
  novelIds: string[]
  chapters: number
  scenes: number
  words: number
}

/** Hides the novels from everybody. Returns them, with those that are half deleted or imported, and what they had. */
async function takeFromShelf({ library }: NovelServices, { userId, novelId }: Subject): Promise<Taken> {
  const { drafts, shelf } = library
  const taken: Taken = { novelIds: [], chapters: 0, scenes: 0, words: 0 }
  for (const id of novelId === undefined ? await novelsOf(library, userId) : [novelId]) {
    await unlessFailed('NOVEL_NOT_FOUND', () => shelf.remove(userId, id, 0))
    const novel = await drafts.find(id)
    if (novel?.userId !== userId) continue
    taken.novelIds.push(id)
    for (const kind of ['chapters', 'scenes', 'words'] as const) taken[kind] += novel.counts[kind]
  }
  return taken
}

/** Novels read at a time. */
const perPage = 100

async function novelsOf({ drafts, shelf }: NovelServices['library'], userId: string): Promise<string[]> {
  const found: string[] = []
  for await (const { id } of everyItem(perPage, page => shelf.novels(userId, page))) found.push(id)
  for await (const draft of everyItem(perPage, page => drafts.list(page)))
    if (draft.userId === userId) found.push(draft.novelId)
  return found
}

async function eraseUploads(services: NovelServices, { userId, novelId }: Subject): Promise<number> {
  const all = await services.library.uploads.every(userId)
  const own = all.filter(({ id }) => novelId === undefined || novelIdOf(id) === novelId)
  for (const upload of own) await forget(services, upload)
  return own.length
}
