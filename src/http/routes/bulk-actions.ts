import { z } from 'zod'
import {
  fastestRate,
  largestWave,
  longestWaveSeconds,
  problemsTogether,
} from '../../engine/bulk-parameters.ts'
import { bulkActionNames, bulkActionType, mostBulkTags, mostTaskIds } from '../../engine/bulk-selection.ts'
import { requireLane } from '../../engine/submit.ts'
import type { BulkActionParameters, BulkSelection } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import { taskStatuses } from '../../task/status.ts'
import { presentAll } from '../listing.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import { routesOf } from '../route.ts'
import { givenTime, id, named, plainText } from '../schemas/fields.ts'
import { presentListed, taskSchema } from '../schemas/task.ts'
import { ownSelection } from '../scope.ts'
import { sendTask, submissionRefusals, submitFor } from './tasks.ts'

/** Which tasks: the filters of the list of tasks, or of dead letters, in JSON. */
const bulkFilter = z.strictObject({
  taskIds: z.array(id).min(1).max(mostTaskIds).optional().describe('These alone; beside them only `userId`'),
  taskType: z.array(z.string().min(1).max(100)).min(1).max(50).optional(),
  userId: plainText(200).optional(),
  status: z.array(z.enum(taskStatuses)).min(1).max(20).optional().describe('Of tasks'),
  lane: plainText(60).optional().describe('Of tasks'),
  tag: plainText(100).optional().describe('Of tasks'),
  errorCode: plainText(100).optional().describe('Of tasks: as in the list of tasks'),
  parentTaskId: id.optional().describe('Of tasks'),
  rootsOnly: z.boolean().optional().describe('Of tasks: leave out sub-tasks'),
  createdAfter: givenTime.optional().describe('Of tasks'),
  createdBefore: givenTime.optional().describe('Of tasks'),
  code: plainText(100).optional().describe('Of dead letters'),
  fingerprint: plainText(200).optional().describe('Of dead letters'),
  openedAfter: givenTime.optional().describe('Of dead letters'),
  openedBefore: givenTime.optional().describe('Of dead letters'),
})

const selection = {
  action: z
    .enum(bulkActionNames)
    .describe('`purge` takes dead letters off their list; `move` has waiting tasks wait in another lane'),
  among: z
    .enum(['tasks', 'deadLetters'])
    .optional()
    .describe('What the filter is of. Default `tasks`; of a purge `deadLetters`'),
  filter: bulkFilter.describe('Required, so that nobody selects all by accident; `{}` selects all'),
  tags: z
    .array(plainText(100))
    .min(1)
    .max(mostBulkTags)
    .optional()
    .describe('Of `addTags` and `removeTags`: which. Tags that name what a task is about are not removed'),
  lane: plainText(60).optional().describe('Of `move`: the lane in which the tasks are to wait'),
}

/** Adds an issue for each part of a body that makes no sense together with the others. */
function refuseTogether(body: object, context: z.RefinementCtx): void {
  for (const { path, message } of problemsTogether(body as BulkActionParameters))
    context.addIssue({ code: 'custom', path, message })
}

const selectionBody = named('BulkSelection', z.strictObject(selection).superRefine(refuseTogether))

const actionBody = named(
  'BulkAction',
  z
    .strictObject({
      ...selection,
      rate: z.number().positive().max(fastestRate).optional().describe('Tasks per second at most'),
      wave: z
        .strictObject({
          size: z.int().min(1).max(largestWave),
          waitSeconds: z.number().positive().max(longestWaveSeconds).optional().describe('Default 600'),
        })
        .optional()
        .describe('Of a retry: so many at a time; the next when these have ended, or the wait is over'),
      stopWhen: z
        .strictObject({
          failedAgainShare: z.number().positive().max(1),
          of: z.int().min(1).max(1_000_000).optional().describe('Default 10'),
        })
        .optional()
        .describe(
          'Of a retry: stop when this share of those that ended failed again, judged after a wave when at least `of` have ended',
        ),
      atMost: z.int().min(1).optional().describe('Do nothing where more match than this'),
      dryRun: z.boolean().optional().describe('Only count what would be done'),
    })
    .superRefine(refuseTogether),
)

const previewSchema = z.object({
  count: z.int(),
  atLeast: z
    .literal(true)
    .optional()
    .describe('There are more than were counted, or may be: not all were read'),
  sample: z.array(taskSchema).describe('The first of them, at most ten'),
})

const { post } = routesOf('bulk actions')

/** What is done to all tasks that match. */
export const bulkActionRoutes = [
  post('/v1/bulk-actions', {
    summary: 'Cancel, retry, run now, purge, tag or move to another lane all that match, as a task',
    description:
      'An identity that sees its own user alone acts on the tasks of that user. The task acts on what was there when it was submitted, and on no bulk action unless the filter names that type. Its progress says how far it is; ' +
      'it goes on after a restart where it was, and is cancelled like any task. With an Idempotency-Key, a repeated request finds the first task.',
    headers: z.object(idempotencyKeyHeader),
    body: actionBody,
    sends: { 202: taskSchema },
    refuses: ['TASK_TYPE_UNKNOWN', 'LANE_UNKNOWN', 'OPTION_INVALID', ...submissionRefusals],
    handle: async ({ engine, identity, userId }, request, reply) => {
      const parameters = ownSelection(identity, defined(request.body))
      if (parameters.lane !== undefined) requireLane(engine, parameters.lane)
      const submission = { userId, taskType: bulkActionType, parameters }
      return sendTask(reply, await submitFor(engine, { request, reply }, submission), engine)
    },
  }),
  post('/v1/bulk-actions::preview', {
    summary: 'Count what a bulk action would find now, and show the first ten',
    description: 'Counts at most 1,000 and reads at most 10,000 tasks for it.',
    body: selectionBody,
    sends: { 200: previewSchema },
    refuses: ['LANE_UNKNOWN', 'OPTION_INVALID'],
    handle: async ({ engine, identity }, { body }) => {
      const asked = ownSelection(identity, body) as BulkSelection
      const { count, isMore, sample } = await engine.bulk.preview(asked)
      const shown = await presentAll(sample, presentListed)
      return { count, ...(isMore && { atLeast: true as const }), sample: shown }
    },
  }),
]
