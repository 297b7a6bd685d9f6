import { defined } from '../../task/defined.ts'
import { routesOf } from '../route.ts'
import { budgetSchema, budgetUseSchema } from '../schemas/budget.ts'
import { taskParams } from '../schemas/task.ts'

const { get, put, delete: remove } = routesOf('tasks')

const budget = {
  params: taskParams,
  sends: { 200: budgetUseSchema },
  refuses: ['OPTION_INVALID', 'TASK_NOT_FOUND'],
} as const

/** The budget of a tree: a resource below its root. */
export const budgetRoutes = [
  get('/v1/tasks/:taskId/budget', {
    ...budget,
    summary: 'Read what a tree may spend, and what it has spent',
    description: 'The budget belongs to the root. For another task of the tree, the response names the root.',
    handle: ({ engine }, { params }) => engine.budgets.get(params.taskId),
  }),
  put('/v1/tasks/:taskId/budget', {
    ...budget,
    summary: 'Set, raise or lower what a tree may spend',
    description:
      'Replaces the whole budget, also while the tree runs. Waiting tasks continue, as far as the budget allows. The first budget counts what the tree has used so far.',
    body: budgetSchema,
    handle: ({ engine }, { params, body }) => engine.budgets.set(params.taskId, defined(body)),
  }),
  remove('/v1/tasks/:taskId/budget', {
    ...budget,
    summary: 'Remove the budget of a tree; tasks that wait for it continue',
    handle: ({ engine }, { params }) => engine.budgets.remove(params.taskId),
  }),
]
