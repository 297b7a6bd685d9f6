import type { OutputJson } from '../../http/index.ts'
import { connect } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { followOutput, outputPath, type Printer, printText } from '../follow-output.ts'
import { printJson, type Run, withServer } from '../run.ts'
import { listenForSignals } from '../signals.ts'

/** `quillwork tasks output ID`: the text so far, or as it grows. */
export function output(run: Run<{ follow?: boolean }>): Promise<number> {
  return run.options.follow === true ? follow(run) : show(run)
}

function show(run: Run): Promise<number> {
  const [taskId = ''] = run.arguments
  return withServer(run, 'quillwork tasks output', async ({ client }) => {
    const answer = await client.get<OutputJson>(outputPath(taskId))
    if (run.json) printJson(run, answer)
    else printText(run).text(answer.text).end()
    return exitCodes.ok
  })
}

async function follow(run: Run): Promise<number> {
  const [taskId = ''] = run.arguments
  using signals = listenForSignals()
  const connection = await connect(run.configure(), {
    command: 'quillwork tasks output --follow',
    works: true,
    signal: signals.asked,
  })
  const printer = run.json ? jsonPrinter(run) : printText(run)
  try {
    const status = await followOutput({ ...connection, signal: signals.asked }, taskId, printer)
    if (status === 'COMPLETED') return exitCodes.ok
    printer.end()
    // Without this, half a text looks like a whole one.
    if (!run.json) run.terminal.note(`-- the task ended ${status}; what is above is all that it wrote --`)
    return exitCodes.failed
  } catch (error) {
    if (!signals.asked.aborted) throw error
    return signals.exitCode
  } finally {
    printer.end()
    await connection.close()
  }
}

/** A line for each piece. */
function jsonPrinter(run: Run): Printer {
  const printer: Printer = {
    text(text) {
      printJson(run, { text })
      return printer
    },
    reset(attempt) {
      printJson(run, { reset: attempt })
      return printer
    },
    end: () => undefined,
  }
  return printer
}
