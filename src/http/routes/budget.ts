import type { BudgetUse } from '../../engine/budget.ts'
import { defined } from '../../task/defined.ts'
import type { ApiContext, App } from '../context.ts'
import { budgetSchema, budgetUseSchema } from '../schemas/budget.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import { taskParams } from '../schemas/task.ts'

const tags = ['tasks']

/** Adds the budget of a tree: a resource below its root. */
export function addBudgetRoutes(app: App, context: ApiContext): void {
  readBudget(app, context)
  setBudget(app, context)
  removeBudget(app, context)
}

const refusals = ['REQUEST_INVALID', 'OPTION_INVALID', 'TASK_NOT_FOUND'] as const
const answers = { 200: budgetUseSchema, ...problems(...refusals) }

const readSchema = {
  tags,
  summary: 'Read what a tree may spend, and what it has spent',
  description: 'The budget belongs to the root. For another task of the tree, the response names the root.',
  params: taskParams,
  response: answers,
}

function readBudget(app: App, { engine }: ApiContext): void {
  app.get('/v1/tasks/:taskId/budget', { schema: readSchema }, async request =>
    present(await engine.budgets.get(request.params.taskId)),
  )
}

const setSchema = {
  tags,
  summary: 'Set, raise or lower what a tree may spend',
  description:
    'Replaces the whole budget, also while the tree runs. Waiting tasks continue, as far as the budget allows. The first budget counts what the tree has used so far.',
  params: taskParams,
  body: budgetSchema,
  response: {
    200: budgetUseSchema,
    ...problems(...refusals, ...bodyProblems),
  },
}

function setBudget(app: App, { engine }: ApiContext): void {
  app.put('/v1/tasks/:taskId/budget', { schema: setSchema }, async request =>
    present(await engine.budgets.set(request.params.taskId, defined(request.body))),
  )
}

const removeSchema = {
  tags,
  summary: 'Remove the budget of a tree; tasks that wait for it continue',
  params: taskParams,
  response: answers,
}

function removeBudget(app: App, { engine }: ApiContext): void {
  app.delete('/v1/tasks/:taskId/budget', { schema: removeSchema }, async request =>
    present(await engine.budgets.remove(request.params.taskId)),
  )
}

function present({ budget, ...use }: BudgetUse) {
  return budget === undefined ? use : { ...use, budget: { ...budget } }
}
