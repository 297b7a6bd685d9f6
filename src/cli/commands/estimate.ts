import type { Command } from 'commander'
import { exitCodes } from '../exit-codes.ts'
import { parametersOf } from '../parameters.ts'
import { printJson, type Register, type Run, withServer } from '../run.ts'
import { type EstimateAnswer, estimateLines } from '../usage-lines.ts'

interface EstimateOptions {
  parameters?: string
  user?: string
}

/** `quillwork estimate TYPE`: what a task will ask of models. */
export function addEstimate(program: Command, register: Register): void {
  program
    .command('estimate')
    .description('Tell what a task will ask of models, and what it costs, without submitting it')
    .argument('<type>', 'such as BatchGenerateSummary; see docs/api.md')
    .option('--parameters <json>', 'as they would be submitted, such as \'{"novelId": "…"}\'; default {}')
    .option('--user <id>', 'the owner; default: the user of the server')
    .action(register<EstimateOptions>(estimate))
}

function estimate(run: Run<EstimateOptions>): Promise<number> {
  const { options, terminal } = run
  const [taskType = ''] = run.arguments
  const parameters = parametersOf(options.parameters)
  return withServer(run, 'quillwork estimate', async ({ client }) => {
    const answer = await client.post<EstimateAnswer>('/v1/estimates', {
      taskType,
      parameters,
      ...(options.user === undefined ? {} : { userId: options.user }),
    })
    if (run.json) printJson(run, answer)
    else
      for (const line of estimateLines(answer, terminal.isInteractive ? terminal.columns : undefined))
        terminal.out(line)
    return exitCodes.ok
  })
}
