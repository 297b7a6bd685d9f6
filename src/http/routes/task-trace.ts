import { z } from 'zod'
import { isOfCall } from '../../novel/models/calls.ts'
import { type AttemptRow, mostStacks } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import type { ErrorInfo } from '../../task/errors.ts'
import type { TaskRecord } from '../../task/task.ts'
import { routesOf } from '../route.ts'
import { time } from '../schemas/fields.ts'
import { taskParams } from '../schemas/task.ts'

const stackSchema = z.object({
  attempt: z.int().describe('The attempt that failed with it'),
  code: z.string(),
  name: z.string().optional().describe('Class of the error that the handler threw'),
  stack: z.string().describe('Frames, one a line; the message is in the error of the task'),
})

const callSchema = z.object({
  at: time,
  attempt: z.int(),
  model: z.string(),
  inputTokens: z.int(),
  cachedInputTokens: z.int().optional(),
  outputTokens: z.int(),
  cost: z.number().optional().describe('In the currency of the price list; absent where no price is known'),
  isEstimated: z
    .literal(true)
    .optional()
    .describe('Nobody heard how the call ended: its tokens are an estimate'),
})

/** Calls, and steps, that are shown at most. */
const most = { calls: 500, steps: 200 }

/** Returns the stacks that are kept of a task, by attempt: of its attempts, of its error, and of its dead letters. */
function stacksOf(
  { attempt, errorInfo, deadLetter, deadLetterHistory = [] }: TaskRecord,
  attempts: readonly AttemptRow[],
) {
  const letters = [...deadLetterHistory, ...(deadLetter === undefined ? [] : [deadLetter])]
  const known: { attempt: number; error: Pick<ErrorInfo, 'code' | 'name' | 'stack'> }[] = [
    ...attempts.map(({ attempt: of, code = '', stack }) => ({
      attempt: of,
      error: defined({ code, stack }),
    })),
    ...letters,
    ...(errorInfo === undefined ? [] : [{ attempt, error: errorInfo }]),
  ]
  // The error of a task that ended is that of its dead letter, and an error has more than the line of its attempt.
  const byAttempt = new Map<number, (typeof known)[number]['error']>()
  for (const each of known) if ((each.error.stack ?? '') !== '') byAttempt.set(each.attempt, each.error)
  return [...byAttempt]
    .sort(([one], [other]) => one - other)
    .flatMap(([of, { code, name, stack }]) =>
      stack === undefined ? [] : [{ attempt: of, code, stack, ...defined({ name }) }],
    )
}

const { get } = routesOf('tasks')

/** What operators look at to see why a task did what it did. */
export const taskTraceRoutes = [
  get('/v1/tasks/:taskId/trace', {
    summary:
      'Read what the attempts of a task did: where errors were thrown, calls of models, finished steps',
    description: `A task keeps the stacks of its last error, of each dead letter, and of the last ${mostStacks} attempts that failed with one; earlier attempts have their messages alone. Calls and steps are those that are still kept: see \`usageRetention.calls\`; a completed task keeps no step.`,
    params: taskParams,
    sends: {
      200: z.object({
        stacks: z.array(stackSchema),
        calls: z.array(callSchema).describe(`The last ${most.calls}, oldest first`),
        steps: z.array(z.string()).describe(`Names of at most ${most.steps} finished steps, in no order`),
      }),
    },
    refuses: ['TASK_NOT_FOUND'],
    handle: async ({ engine }, { params: { taskId } }) => {
      const record = await engine.tasks.get(taskId)
      const [attempts, calls, steps] = await Promise.all([
        engine.tasks.attempts(taskId),
        engine.tasks.calls(taskId, most.calls),
        engine.tasks.steps(taskId),
      ])
      const shown = steps.filter(step => !isOfCall(step)).slice(0, most.steps)
      return { stacks: stacksOf(record, attempts), calls, steps: shown }
    },
  }),
]
