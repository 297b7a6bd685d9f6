import type { TaskJson } from '../../http/index.ts'
import { type BudgetOptions, budgetGiven } from '../budget-options.ts'
import { commandText } from '../hints.ts'
import { parametersOf } from '../parameters.ts'
import type { Run } from '../run.ts'
import { stay, withVisit } from '../stay.ts'

/** Options of `quillwork tasks submit`. */
export interface SubmitOptions extends BudgetOptions {
  parameters?: string
  user?: string
  lane?: string
  key?: string
  watch?: boolean
}

/** `quillwork tasks submit TYPE`: any task, as the API takes it. */
export function submit(run: Run<SubmitOptions>): Promise<number> {
  const { options, terminal } = run
  const [taskType = ''] = run.arguments
  const { user: userId, lane, key } = options
  const parameters = parametersOf(options.parameters)
  const budget = budgetGiven(options)
  return withVisit(run, 'quillwork tasks submit', async visit => {
    const { id: taskId } = await visit.connection.client.post<TaskJson>(
      '/v1/tasks',
      // What is undefined is no part of the JSON.
      { taskType, parameters, userId, lane, budget },
      key === undefined ? {} : { 'idempotency-key': key },
    )
    return stay(run, visit, {
      taskId,
      goes: options.watch !== true,
      shows: 'tree',
      sayEnd: () => terminal.out(`See what it made: ${commandText(`tasks show ${taskId}`, visit.resolved)}`),
    })
  })
}
