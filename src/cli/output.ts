/** The text that a task writes: so far, or as it grows. */
import type { OutputJson } from '../http/index.ts'
import { taskPath } from './client.ts'
import { exitCodes } from './exit-codes.ts'
import { findTaskId } from './find-task.ts'
import { printJson, type Run, withServer, withSession } from './run.ts'
import { retryWhileUnavailable, type WatchedServer } from './watch.ts'

/** Handles `quillwork tasks output ID`. */
export function output(run: Run<{ follow?: boolean }>) {
  return run.options.follow === true ? follow(run) : show(run)
}

function show(run: Run) {
  return withServer(run, async ({ client }) => {
    const taskId = await findTaskId(client, run.arguments[0] ?? '')
    const answer = await client.get<OutputJson>(`${taskPath(taskId)}/output`)
    if (run.json) printJson(run, answer)
    else {
      const printer = textPrinter(run)
      printer.text(answer.text)
      printer.end()
      if (answer.text === '' && answer.status === 'COMPLETED')
        run.terminal.note('-- no text: the task wrote none, or completed long ago; see its result --')
    }
  })
}

function follow(run: Run) {
  return withSession(run, async ({ connection, signals }) => {
    const taskId = await findTaskId(connection.client, run.arguments[0] ?? '')
    const printer = run.json ? jsonPrinter(run) : textPrinter(run)
    try {
      const { status, deleted } = await followOutput(
        { ...connection, signal: signals.asked },
        taskId,
        printer,
      )
      if (status === 'COMPLETED' && deleted !== true) return
      printer.end()
      if (status === 'COMPLETED') {
        run.terminal.note('-- the rest of the text is not kept any more; see the result of the task --')
        return
      }
      // Without this, half a text looks like a whole one.
      if (!run.json) run.terminal.note(`-- the task ended ${status}; the text above is all that it wrote --`)
      return exitCodes.failed
    } finally {
      printer.end()
    }
  })
}

interface Printer {
  text(text: string): void
  /** A newer attempt starts over. */
  reset(attempt: number): void
  /** Ends the current line. */
  end(): void
}

/** How a task ended; `deleted`: the rest of its text is not kept any more. */
interface OutputEnd {
  status: string
  deleted?: true
}

/**
 * Follows the output of a task, through restarts of the server, and returns how the task ended. Throws the signal's reason,
 * SERVER_UNREACHABLE, TASK_NOT_FOUND.
 */
export function followOutput(server: WatchedServer, taskId: string, printer: Printer): Promise<OutputEnd> {
  const path = `${taskPath(taskId)}/output`
  let lastEventId: string | undefined
  return retryWhileUnavailable(server, async (client, reached) => {
    for await (const { id, event, data } of client.events(path, lastEventId, reached)) {
      lastEventId = id
      const { attempt, text, ...end } = JSON.parse(data) as { attempt: number; text: string } & OutputEnd
      if (event === 'text') printer.text(text)
      else if (event === 'reset') printer.reset(attempt)
      else if (event === 'end') return end
    }
    return undefined
  })
}

/** Returns a printer with the text on standard output and all else on standard error. */
export function textPrinter({ terminal }: Pick<Run, 'terminal'>): Printer {
  let isInLine = false
  function end(): void {
    if (isInLine) terminal.out('')
    isInLine = false
  }
  return {
    text(text) {
      terminal.write(text)
      if (text !== '') isInLine = !text.endsWith('\n')
    },
    reset(attempt) {
      end()
      terminal.note(`-- attempt ${attempt} starts over; the text above is not part of it --`)
    },
    end,
  }
}

/** Returns a printer with a line of JSON for each piece. */
function jsonPrinter(run: Run): Printer {
  return {
    text: text => printJson(run, { text }),
    reset: attempt => printJson(run, { reset: attempt }),
    end: () => undefined,
  }
}
