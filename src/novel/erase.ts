/** Deleting for good what is a user's: a novel with all that names it, or everything. */
import {
  type Admission,
  QuillworkError,
  type RootFilter,
  type RootTask,
  submissionTimeOf,
  type TaskContext,
} from '../index.ts'
import { defined } from '../task/defined.ts'
import { everyItem, everyPage } from '../task/page.ts'
import { discardDraft } from './drafts.ts'
import { forgetExport } from './export-files.ts'
import { count } from './fields.ts'
import { importNovel } from './import-novel.ts'
import type { DraftState } from './library/drafts.ts'
import { novelIdOf } from './library/ids.ts'
import { eraseTypes, liveStatuses, type NovelServices, unlessFailed } from './services.ts'
import { tag } from './subject-tag.ts'
import { subjectTags, subjectTypes } from './subject-tags.ts'
import { forget, refuseArrivals } from './upload-files.ts'

/** What was deleted. */
export const erasedCounts = {
  /** With their sub-tasks. */
  tasks: count,
  uploads: count,
  exports: count,
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

/** Refuses to run an ended deletion anew: that would delete what was made since. Throws SUBMISSION_REFUSED. */
export function refuseRerun({ rerunOf }: Pick<Admission<unknown>, 'rerunOf'>): void {
  if (rerunOf === undefined) return
  const message =
    'A deletion is not run anew: it would delete what was made since. Ask for a new one, or retry the one that failed.'
  throw new QuillworkError('SUBMISSION_REFUSED', message)
}

/**
 * Deletes tasks, uploads, exports and novels that were there when this task was submitted, and returns how many. What an import makes or brings meanwhile is
 * found by the next pass; no pass follows one that finds nothing. It goes on where an earlier attempt ended: then the count lacks what that one deleted
 * in its last step.
 */
export async function erase(ctx: EraseContext, subject: Subject) {
  const total = { novels: 0, tasks: 0, uploads: 0, exports: 0, chapters: 0, scenes: 0, words: 0 }
  const gone = new Set(subject.novelId === undefined ? [] : [subject.novelId])
  for (let pass = 0; ; pass += 1) {
    const found = await erasePass(ctx, { subject, gone, pass })
    for (const kind of Object.keys(total) as (keyof typeof total)[]) total[kind] += found[kind]
    if (found.novels + found.tasks + found.uploads + found.exports === 0) break
  }
  await ctx.erasure.scrub()
  return total
}

/** One look at all that there is. */
interface Pass {
  subject: Subject
  /** The novels that nobody finds any more: tasks on them are deleted whenever they were submitted. */
  gone: Set<string>
  pass: number
}

/** What is to be deleted of the trees. */
type Wanted = Pick<Pass, 'subject'> & { gone: ReadonlySet<string> }

async function erasePass(ctx: EraseContext, { subject, gone, pass }: Pass) {
  const { erasure, services } = ctx
  if (subject.novelId === undefined) refuseArrivals(services, subject.userId, erasure.submittedAt)
  if (subject.novelId === undefined) await erasure.removeSchedules(subject.userId)
  // First, so that no task fails because its novel is gone.
  await cancelTrees(ctx, subject)
  const { novelIds, ...counts } = await ctx.checkpoint(`novels ${pass}`, () => takeFromShelf(ctx, subject))
  for (const novelId of novelIds) gone.add(novelId)
  for (const novelId of gone) if (await isRemade(ctx, subject, novelId)) gone.delete(novelId)
  const tasks = await eraseTrees(ctx, { subject, gone, pass })
  const uploads = await ctx.checkpoint(`uploads ${pass}`, () => eraseUploads(ctx, subject))
  const exports = await ctx.checkpoint(`exports ${pass}`, () => eraseExports(ctx, { subject, gone }))
  for (const novelId of gone) await eraseNovelOf(ctx, subject, novelId)
  return { tasks, uploads, exports, novels: novelIds.length, ...counts }
}

async function eraseNovelOf(ctx: EraseContext, subject: Subject, novelId: string): Promise<void> {
  const { drafts, shelf } = ctx.services.library
  ctx.signal.throwIfAborted()
  if (await isRemade(ctx, subject, novelId)) return
  // An import may have published it meanwhile.
  while ((await discardDraft(drafts, { novelId })) === 'kept')
    await unlessFailed('NOVEL_NOT_FOUND', () => shelf.remove(subject.userId, novelId, 0))
}

/** Whether something was there when the deletion was asked for, or is of an import that was. */
function isOld({ erasure }: EraseContext, { createdAt }: { createdAt: number }, taskId = ''): boolean {
  const submittedAt = submissionTimeOf(taskId) ?? createdAt
  return Math.min(createdAt, submittedAt) <= erasure.submittedAt
}

function isMeant(ctx: EraseContext, { userId }: Subject, novel: DraftState): boolean {
  return novel.userId === userId && isOld(ctx, novel, novel.importTaskId)
}

/** Whether a novel was imported anew since, under the id of one that is deleted. */
async function isRemade(ctx: EraseContext, subject: Subject, novelId: string): Promise<boolean> {
  const novel = await ctx.services.library.drafts.find(novelId)
  return novel !== undefined && !isMeant(ctx, subject, novel)
}

function concerns(ctx: EraseContext, root: RootTask, { subject: { novelId }, gone }: Wanted): boolean {
  const { taskType, tags, parameters } = root
  if (Object.values<string>(eraseTypes).includes(taskType)) return false
  const isEarlier = isOld(ctx, root)
  if (novelId === undefined && isEarlier) return true
  // What was submitted just before its novel was hidden; not an import, which may make the novel anew.
  const ids = novelId !== undefined && isEarlier ? [novelId] : taskType === importNovel.type ? [] : [...gone]
  const named = [...tags, ...subjectTags(taskType, parameters)]
  return ids.some(id => named.includes(tag('novel', id) ?? ''))
}

/** Where trees are found. A novel is named by the tag of a root, or by the parameters of one of a type of the product. */
function searchesOf({ userId, novelId }: Subject): RootFilter[] {
  if (novelId === undefined) return [{ userId }]
  const named = tag('novel', novelId)
  return [...(named === undefined ? [] : [{ userId, tag: named }]), { userId, taskType: subjectTypes }]
}

/** Trees that are looked at between two checkpoints. */
const treesPerStep = 100
const none: ReadonlySet<string> = new Set()

async function cancelTrees(ctx: EraseContext, subject: Subject): Promise<void> {
  const { erasure, signal } = ctx
  for (const search of searchesOf(subject)) {
    const live = { ...search, status: liveStatuses }
    for await (const roots of everyPage(treesPerStep, page => erasure.roots(live, page))) {
      signal.throwIfAborted()
      for (const root of roots)
        if (concerns(ctx, root, { subject, gone: none })) await erasure.cancel(root.id)
    }
  }
}

/** Deletes trees, a page at a time. Returns how many tasks they had. */
async function eraseTrees(ctx: EraseContext, { pass, ...wanted }: Pass): Promise<number> {
  const { erasure } = ctx
  const step = async (search: RootFilter, pageToken: string | undefined) => {
    const page = { pageSize: treesPerStep, ...defined({ pageToken }) }
    const { items, nextPageToken } = await erasure.roots(search, page)
    let tasks = 0
    for (const root of items) if (concerns(ctx, root, wanted)) tasks += await erasure.erase(root.id)
    return { tasks, ...defined({ nextPageToken }) }
  }
  let all = 0
  for (const [index, search] of searchesOf(wanted.subject).entries()) {
    let pageToken: string | undefined
    for (let number = 0; number === 0 || pageToken !== undefined; number += 1) {
      const done: { tasks: number; nextPageToken?: string } = await ctx.checkpoint(
        `tasks ${pass} ${index} ${number}`,
        () => step(search, pageToken),
      )
      all += done.tasks
      pageToken = done.nextPageToken
    }
  }
  return all
}

interface Taken {
  novelIds: string[]
  chapters: number
  scenes: number
  words: number
}

/** Hides the novels from everybody. Returns them, with those that are half deleted or imported, and what they had. */
async function takeFromShelf(ctx: EraseContext, subject: Subject): Promise<Taken> {
  const { drafts, shelf } = ctx.services.library
  const { userId, novelId } = subject
  const taken: Taken = { novelIds: [], chapters: 0, scenes: 0, words: 0 }
  for (const id of novelId === undefined ? await novelsOf(ctx.services, userId) : [novelId]) {
    const novel = await drafts.find(id)
    if (novel === undefined || !isMeant(ctx, subject, novel)) continue
    await unlessFailed('NOVEL_NOT_FOUND', () => shelf.remove(userId, id, 0))
    taken.novelIds.push(id)
    for (const kind of ['chapters', 'scenes', 'words'] as const) taken[kind] += novel.counts[kind]
  }
  return taken
}

/** Novels read at a time. */
const perPage = 100

/** Drafts first: one that is published meanwhile is then found on the shelf; and one of the shelf that is deleted meanwhile, in the bin. */
async function novelsOf({ library }: NovelServices, userId: string): Promise<ReadonlySet<string>> {
  const { drafts, shelf, binnedNovels } = library
  const found = new Set<string>()
  for await (const draft of everyItem(perPage, page => drafts.list(page)))
    if (draft.userId === userId) found.add(draft.novelId)
  for await (const { id } of everyItem(perPage, page => shelf.novels(userId, page))) found.add(id)
  for (const { id } of await binnedNovels.list(userId)) found.add(id)
  return found
}

async function eraseUploads(ctx: EraseContext, { userId, novelId }: Subject): Promise<number> {
  const all = await ctx.services.library.uploads.every(userId)
  const own = all.filter(
    upload =>
      isOld(ctx, upload, upload.confirmation?.taskId) &&
      (novelId === undefined || novelIdOf(upload.id) === novelId),
  )
  for (const upload of own) await forget(ctx.services, upload)
  return own.length
}

/**
 * After the trees, so that no task begins another one. An archive of all that the user has goes whenever it was made: it may hold what is deleted, of which it was
 * noted before it read anything.
 */
async function eraseExports(ctx: EraseContext, { subject, gone }: Wanted): Promise<number> {
  const { userId, novelId } = subject
  const all = await ctx.services.library.exports.every(userId)
  const own = all.filter(
    each =>
      each.novelId === undefined ||
      gone.has(each.novelId) ||
      (isOld(ctx, each, each.taskId) && (novelId === undefined || each.novelId === novelId)),
  )
  for (const each of own) await forgetExport(ctx.services, each)
  return own.length
}
