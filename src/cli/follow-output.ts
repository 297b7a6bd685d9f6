import { createPatience } from './patience.ts'
import type { Run } from './run.ts'
import { printableText } from './width.ts'

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
