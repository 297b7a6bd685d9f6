import { z } from 'zod'
import { eraseUser } from '../../novel/erase-user.ts'
import { exportUser } from '../../novel/export-user.ts'
import { userActedAs } from '../identity.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { plainText } from '../schemas/fields.ts'
import { presentTask, taskSchema } from '../schemas/task.ts'
import { submissionRefusals, submitFor } from './tasks.ts'

const { post } = routesOf<NovelContext>('users')

const params = z.object({ userId: plainText(200).min(1) })
const headers = z.object(idempotencyKeyHeader)

/** The data of a user. */
export const userRoutes = [
  post('/v1/users/:userId(.+)::export', {
    summary: 'Write all that a user has into one archive',
    description:
      'A ZIP archive with the novels, those of the bin too, each as an archive that can be imported; the uploads, the tasks, and what calls of models used. Its `manifest.json` says ' +
      'what is not in it. The result of the task names the export, whose file is kept for a day, or until the next one is whole. With an Idempotency-Key, a repeated request finds the first task.',
    params,
    headers,
    sends: { 202: taskSchema },
    refuses: submissionRefusals,
    handle: async ({ engine, identity }, request, reply) => {
      const userId = userActedAs(identity, request.params.userId)
      const submission = { userId, taskType: exportUser.type, parameters: {} }
      return presentTask(await submitFor(engine, { request, reply }, submission))
    },
  }),
  // An id may have colons.
  post('/v1/users/:userId(.+)::erase', {
    summary: 'Delete for good all that a user has',
    description:
      'The novels, the uploads, the exports, and the tasks that the user has now; the tasks are cancelled first. The task tells what was deleted. What calls of models ' +
      'used is kept. This cannot be undone: take it along first, with `:export`. With an Idempotency-Key, a repeated request finds the first task.',
    params,
    headers,
    sends: { 202: taskSchema },
    refuses: submissionRefusals,
    handle: async ({ engine, identity }, request, reply) => {
      const userId = userActedAs(identity, request.params.userId)
      const submission = { userId, taskType: eraseUser.type, parameters: { userId } }
      return presentTask(await submitFor(engine, { request, reply }, submission))
    },
  }),
]
