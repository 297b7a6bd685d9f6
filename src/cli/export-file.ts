/** Writing a file of the server, such as that of an export, where a person wants to have it. */
import { randomUUID } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TaskJson } from '../http/index.ts'
import { QuillworkError } from '../index.ts'
import type { Client } from './client.ts'
import { usageError } from './exit-codes.ts'
import { type Planned, type SubmitOptions, submitTask } from './follow-task.ts'
import type { Run, Session } from './run.ts'
import { retryWhileUnavailable } from './watch.ts'
import { bytesText } from './words.ts'

/** Options of a command that writes a file. */
export interface FileOptions extends SubmitOptions {
  out?: string
  force?: boolean
}

/** The value of `--out` for standard output. */
const standardOutput = '-'

/** What the task of an export gives. */
interface Exported {
  exportId: string
  bytes: number
}

/** An export that is to be made. */
interface Wanted extends Pick<Planned, 'submission'> {
  /** The name of the file where none was given. */
  fileName: string
  /** Returns what is in the file, for a person. */
  countsOf(task: TaskJson): readonly string[]
}

/** Submits an export, follows it, and writes its file: beside its place first, or to standard output. Throws USAGE_INVALID, FILE_UNWRITABLE. */
export function exportToFile<Options extends FileOptions>(
  given: Run<Options>,
  plan: (session: Session, run: Run<Options>) => Promise<Wanted>,
) {
  const isPiped = given.options.out === standardOutput
  if (isPiped && given.terminal.isInteractive)
    throw usageError(
      'Standard output is a terminal here, which a file could command. Redirect it, or name a file.',
    )
  const run = isPiped ? onStandardError(given) : given
  return submitTask(run, async session => {
    const { options } = run
    const { submission, fileName, countsOf } = await plan(session, run)
    const file = options.out ?? fileName
    if (!isPiped) requireFree(file, options)
    return {
      submission,
      shows: isPiped ? 'nothing' : 'tree',
      async end(task) {
        const address = addressOf(task, submission)
        if (isPiped) await given.terminal.bytes(await session.connection.client.download(address))
        else await save(session, address, { file, options })
        return { file }
      },
      sayEnd(task) {
        const size = bytesText((task.result as Exported).bytes)
        const where = isPiped ? 'standard output' : file
        run.terminal.out(`Wrote ${where}: ${[...countsOf(task), size].join(', ')}.`)
      },
    }
  })
}

function addressOf({ result }: TaskJson, { userId }: Planned['submission']): string {
  const file = `/v1/exports/${encodeURIComponent((result as Exported).exportId)}/file`
  return userId === undefined ? file : `${file}?userId=${encodeURIComponent(userId)}`
}

/** Returns the run with all that it prints on standard error, because standard output takes a file. */
function onStandardError<Options>(run: Run<Options>): Run<Options> {
  const { terminal } = run
  return { ...run, terminal: { ...terminal, out: terminal.note, write: terminal.log } }
}

/** Throws USAGE_INVALID for a file that is there and is not to be overwritten, FILE_UNWRITABLE where its folder is not there. */
export function requireFree(file: string, { force }: Pick<FileOptions, 'force'>): void {
  const folder = path.dirname(file)
  if (!existsSync(folder)) throw unwritable(file, `there is no folder ${folder}`)
  if (force === true || !existsSync(file)) return
  throw usageError(`${file} is there already. Overwrite it with --force, or name another file.`)
}

/** Downloads a file beside its place, and moves it there when it is whole. Throws what `requireFree` does. */
export async function save(
  { connection, signals }: Session,
  address: string,
  { file, options }: { file: string; options: Pick<FileOptions, 'force'> },
): Promise<void> {
  const beside = `${file}.${randomUUID()}.part`
  const download = async (client: Client) => {
    await pipeline(await client.download(address), createWriteStream(beside))
    return true
  }
  try {
    await retryWhileUnavailable({ ...connection, signal: signals.asked }, download)
    requireFree(file, options)
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    if (error instanceof QuillworkError || signals.asked.aborted) throw error
    throw unwritable(file, (error as NodeJS.ErrnoException).code ?? String(error), error)
  }
}

function unwritable(file: string, why: string, cause?: unknown): QuillworkError {
  return new QuillworkError('FILE_UNWRITABLE', `${file} cannot be written: ${why}.`, { cause })
}
