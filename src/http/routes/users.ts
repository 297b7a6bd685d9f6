import { z } from 'zod'
import { deleteUser } from '../../novel/delete-novel.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { plainText } from '../schemas/fields.ts'
import { presentTask, taskSchema } from '../schemas/task.ts'
import { traceparentFor } from '../trace.ts'
import { accepted } from './tasks.ts'

const { post } = routesOf<NovelContext>('users')

/** The data of a user. */
export const userRoutes = [
  post('/v1/users/:userId([^:]+)::erase', {
    summary: 'Delete for good all that a user has',
    description:
      'The novels, the uploads, and the tasks of the user, which are cancelled first. The task tells what was deleted. What calls of models used is kept. ' +
      'This cannot be undone.',
    params: z.object({ userId: plainText(200).min(1) }),
    sends: { 202: taskSchema },
    refuses: ['USER_QUEUE_FULL', 'LANE_QUEUE_FULL', 'STORE_FULL'],
    handle: async ({ engine }, request, reply) => {
      const asked = { userId: request.params.userId, traceparent: traceparentFor(request) }
      return presentTask(accepted(reply, await deleteUser(engine, asked)))
    },
  }),
]
