import { z } from 'zod'
import { eraseUser } from '../../novel/erase-user.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { plainText } from '../schemas/fields.ts'
import { presentTask, taskSchema } from '../schemas/task.ts'
import { submissionRefusals, submitFor } from './tasks.ts'

const { post } = routesOf<NovelContext>('users')

/** The data of a user. */
export const userRoutes = [
  // An id may have colons.
  post('/v1/users/:userId(.+)::erase', {
    summary: 'Delete for good all that a user has',
    description:
      'The novels, the uploads, and the tasks that the user has now; the tasks are cancelled first. The task tells what was deleted. What calls of models ' +
      'used is kept. This cannot be undone. With an Idempotency-Key, a repeated request finds the first task.',
    params: z.object({ userId: plainText(200).min(1) }),
    headers: z.object(idempotencyKeyHeader),
    sends: { 202: taskSchema },
    refuses: submissionRefusals,
    handle: async ({ engine }, request, reply) => {
      const { userId } = request.params
      const submission = { userId, taskType: eraseUser.type, parameters: { userId } }
      return presentTask(await submitFor(engine, { request, reply }, submission))
    },
  }),
]
