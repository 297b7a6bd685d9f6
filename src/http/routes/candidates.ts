import { z } from 'zod'
import { type Engine, hasEnded, QuillworkError, totalOf } from '../../index.ts'
import { awaitsReview, reviewSignal } from '../../novel/await-author.ts'
import { liveStatuses, unlessFailed } from '../../novel/services.ts'
import { defined } from '../../task/defined.ts'
import { everyItem, type PageRequest } from '../../task/page.ts'
import { requiredVersion } from '../request-headers.ts'
import { type Asker, type NovelContext, routesOf } from '../route.ts'
import { ifMatch, pageOf } from '../schemas/fields.ts'
import {
  acceptBody,
  candidateNoteSchema,
  candidateParams,
  candidateSchema,
  candidatesQuery,
  presentEntry,
  sceneParams,
  sceneSchema,
  undoneSchema,
} from '../schemas/scene.ts'
import { taskParams } from '../schemas/task.ts'
import { refuseUnlessApplied, sendScene } from './scenes.ts'

const { get, post } = routesOf<NovelContext>('novels')

/** What a decision about a candidate is refused with. */
const refusals = [
  ...(['IF_MATCH_INVALID', 'IF_MATCH_REQUIRED', 'SCENE_NOT_FOUND'] as const),
  ...(['CANDIDATE_NOT_FOUND', 'SCENE_CHANGED'] as const),
] as const

/** Notifies the task that wrote a candidate, where it waits for that, that somebody decided about it. */
async function notifyTask(
  { engine, novels, userId }: NovelContext & Asker,
  candidate: { sceneId: string; candidateId: string },
) {
  const { id, status, writtenBy } = await novels.library.candidates.candidate(userId, candidate)
  const task = await unlessFailed('TASK_NOT_FOUND', () => engine.tasks.get(writtenBy.taskId))
  if (task === undefined || !awaitsReview(task)) return
  const send = () =>
    engine.signal(writtenBy.taskId, reviewSignal, { candidateId: id, status }, { id: `${id} ${status}` })
  await send().catch(unlessItNeedsNone)
}

/** One that has ended waits for nothing; one that keeps changing looks again by itself. */
function unlessItNeedsNone(error: unknown): void {
  const codes = ['TASK_NOT_FOUND', 'TASK_ALREADY_ENDED', 'SIGNALS_FULL', 'TASK_CHANGED']
  if (!(error instanceof QuillworkError) || !codes.includes(error.code)) throw error
}

/** Sub-tasks that are read at a time. */
const perPage = 1_000

/** Whether a task below has not ended: those of a cancelled task stop after it. */
async function hasLiveBelow({ tasks }: Pick<Engine, 'tasks'>, taskId: string): Promise<boolean> {
  const { items } = await tasks.children(taskId, { status: liveStatuses }, { pageSize: 1 })
  if (items.length > 0) return true
  const all = (page: PageRequest) => tasks.children(taskId, {}, page)
  for await (const { id, subTaskStatusSummary } of everyItem(perPage, all))
    if (totalOf(subTaskStatusSummary) > 0 && (await hasLiveBelow({ tasks }, id))) return true
  return false
}

/** The candidates of scenes: list, read, accept, discard; and undoing all texts of a task. */
export const candidateRoutes = [
  get('/v1/scenes/:sceneId/candidates', {
    summary: 'List the candidates of a scene, newest first',
    description:
      'Texts that tasks wrote, beside that of the scene. The newest 20 that are open are kept, and the newest 20 that were accepted, discarded or displaced.',
    params: sceneParams,
    querystring: candidatesQuery,
    sends: { 200: pageOf(candidateNoteSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'SCENE_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { sceneId }, query: { status, ...page } }) => {
      const filter = { sceneId, ...defined({ status }) }
      const found = await novels.library.candidates.candidates(userId, filter, defined(page))
      return { ...found, items: found.items.map(presentEntry) }
    },
  }),
  get('/v1/scenes/:sceneId/candidates/:candidateId', {
    summary: 'Read a candidate with its whole text',
    params: candidateParams,
    sends: { 200: candidateSchema },
    refuses: ['SCENE_NOT_FOUND', 'CANDIDATE_NOT_FOUND'],
    handle: async ({ novels, userId }, { params }) =>
      presentEntry(await novels.library.candidates.candidate(userId, params)),
  }),
  post('/v1/scenes/:sceneId/candidates/:candidateId([^:]+)::accept', {
    summary: 'Have a candidate become the text of its scene, whole or in part',
    description:
      'The current text goes into the history. For a part of it, send the text that you made of both. Of a candidate with a passage, made from an earlier ' +
      'text than the current one, the passage alone is put in; 409 where the text has no single place for it. If-Match names the version of the scene that ' +
      'was read. If its text changed since, nothing is overwritten: 412. A discarded candidate can be accepted too.',
    params: candidateParams,
    headers: z.object(ifMatch),
    body: acceptBody,
    sends: { 200: sceneSchema },
    refuses: ['OPTION_INVALID', 'SELECTION_NOT_FOUND', ...refusals],
    handle: async (context, { params, headers, body }, reply) => {
      const { userId } = context
      const { candidates, scenes } = context.novels.library
      const { sceneId } = params
      const choice = { ...params, expectedVersion: requiredVersion(headers['if-match'], 'scene') }
      refuseUnlessApplied(sceneId, await candidates.accept(userId, { ...choice, ...defined({ ...body }) }))
      await notifyTask(context, params)
      return sendScene(reply, await scenes.scene(userId, sceneId))
    },
  }),
  post('/v1/scenes/:sceneId/candidates/:candidateId([^:]+)::discard', {
    summary: 'Discard a candidate',
    description:
      'The text of the scene stays as it is, and so does a candidate that is closed already. If-Match names the version of the scene that was read.',
    params: candidateParams,
    headers: z.object(ifMatch),
    sends: { 200: candidateSchema },
    refuses: refusals,
    handle: async (context, { params, headers }) => {
      const { userId } = context
      const { candidates } = context.novels.library
      const choice = { ...params, expectedVersion: requiredVersion(headers['if-match'], 'scene') }
      refuseUnlessApplied(params.sceneId, await candidates.discard(userId, choice))
      await notifyTask(context, params)
      return presentEntry(await candidates.candidate(userId, params))
    },
  }),
  post('/v1/tasks/:taskId([^:]+)::undoTexts', {
    summary: 'Undo all texts of a task and its sub-tasks',
    description:
      'Every scene whose text is that of the task, by itself or because somebody accepted it, gets the text back that it had before; that of the task goes ' +
      'into the history. Scenes whose text changed since stay as they are. A repeated request goes on where the first one ended. Name the root of the tree.',
    params: taskParams,
    sends: { 200: undoneSchema },
    refuses: ['TASK_NOT_FOUND', 'TASK_NOT_ENDED', 'OPTION_INVALID'],
    handle: async ({ engine, novels, userId }, { params: { taskId } }) => {
      // Its texts outlive the task.
      const task = await unlessFailed('TASK_NOT_FOUND', () => engine.tasks.get(taskId))
      if (task !== undefined && task.rootTaskId !== taskId) {
        const message = `Task ${taskId} is a part of the tree ${task.rootTaskId}, whose texts are undone together; name that one.`
        throw new QuillworkError('OPTION_INVALID', message)
      }
      if (task !== undefined && !hasEnded(task.status))
        throw new QuillworkError('TASK_NOT_ENDED', `Task ${taskId} has not ended: cancel it, or wait.`)
      if (task !== undefined && (await hasLiveBelow(engine, taskId)))
        throw new QuillworkError(
          'TASK_NOT_ENDED',
          `Tasks below ${taskId} are still stopping: wait for their end.`,
        )
      const undone = await novels.library.candidates.undo(userId, taskId)
      if (task === undefined && undone.undone + undone.leftScenes === 0) await engine.tasks.get(taskId)
      return undone
    },
  }),
]
