import type { OutputJson } from '../http/index.ts'
import { connect } from './connect.ts'
import { exitCodes } from './exit-codes.ts'
import { printJson, type Run, withServer } from './run.ts'
import { listenForSignals } from './signals.ts'
import { printableText } from './text.ts'
import { createPatience } from './watch.ts'

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

/** Shows what a task writes. */
export interface Printer {
  text(text: string): Printer
  /** A newer attempt begins anew. */
  reset(attempt: number): Printer
  /** Ends the line that was begun. */
  end(): void
}

/**
 * Follows the output of a task, over all that it breaks off, and answers the status that the task ended with. Throws the signal's reason,
 * SERVER_UNREACHABLE, TASK_NOT_FOUND.
 */
export async function followOutput(
  connection: Parameters<typeof createPatience>[0],
  taskId: string,
  printer: Printer,
): Promise<string> {
  const patience = createPatience(connection)
  let lastEventId: string | undefined
  for (;;) {
    try {
      const events = patience.client.events(outputPath(taskId), lastEventId, () => patience.answered())
      for await (const { id, event, data } of events) {
        lastEventId = id
        const told = JSON.parse(data) as { attempt: number; text: string; status: string }
        if (event === 'text') printer.text(told.text)
        else if (event === 'reset') printer.reset(told.attempt)
        else if (event === 'end') return told.status
      }
    } catch (error) {
      await patience.bear(error)
    }
    await patience.pause()
  }
}

/** The text on standard output, all else on standard error. */
export function printText({ terminal }: Pick<Run, 'terminal'>): Printer {
  let isInLine = false
  const printer: Printer = {
    text(text) {
      terminal.write(terminal.isInteractive ? printableText(text) : text)
      if (text !== '') isInLine = !text.endsWith('\n')
      return printer
    },
    reset(attempt) {
      printer.end()
      terminal.note(`-- attempt ${attempt} begins anew; what is above is not its text --`)
      return printer
    },
    end() {
      if (isInLine) terminal.out('')
      isInLine = false
    },
  }
  return printer
}

/** Where the API has the output of a task. */
export function outputPath(taskId: string): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}/output`
}
