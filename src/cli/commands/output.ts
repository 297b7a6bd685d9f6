import type { OutputJson } from '../../http/index.ts'
import { connect } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { createPatience } from '../patience.ts'
import { printJson, type Run, withServer } from '../run.ts'
import { listenForSignals } from '../signals.ts'
import { printableText } from '../width.ts'

/** `quillwork tasks output ID`: the text so far, or as it grows. */
export function output(run: Run<{ follow?: boolean }>): Promise<number> {
  return run.options.follow === true ? follow(run) : show(run)
}

function show(run: Run): Promise<number> {
  return withServer(run, 'quillwork tasks output', async ({ client }) => {
    const answer = await client.get<OutputJson>(pathOf(run))
    if (run.json) printJson(run, answer)
    else print(run).text(answer.text).end()
    return exitCodes.ok
  })
}

async function follow(run: Run): Promise<number> {
  using signals = listenForSignals()
  const connection = await connect(run.configure(), {
    command: 'quillwork tasks output --follow',
    works: true,
    signal: signals.asked,
  })
  const printer = run.json ? jsonPrinter(run) : print(run)
  try {
    const status = await readToEnd(run, { ...connection, signal: signals.asked }, printer)
    return status === 'COMPLETED' ? exitCodes.ok : exitCodes.failed
  } catch (error) {
    if (!signals.asked.aborted) throw error
    return signals.exitCode
  } finally {
    printer.end()
    await connection.close()
  }
}

/** Follows the stream, over all that it breaks off, and answers the status that the task ended with. */
async function readToEnd(
  run: Run,
  connection: Parameters<typeof createPatience>[0],
  printer: Printer,
): Promise<string> {
  const patience = createPatience(connection)
  let lastEventId: string | undefined
  for (;;) {
    try {
      for await (const { id, event, data } of patience.client.events(pathOf(run), lastEventId)) {
        patience.answered()
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

/** Shows what a task writes. */
interface Printer {
  text(text: string): Printer
  reset(attempt: number): Printer
  /** Ends the line that was begun. */
  end(): void
}

/** The text on standard output, all else on standard error. */
function print({ terminal }: Run): Printer {
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

function pathOf({ arguments: [taskId = ''] }: Run): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}/output`
}
