import type { Writer } from '../provenance.ts'

/** The columns that say who wrote something. */
export interface WriterColumns {
  by_user: string | null
  by_task: string | null
  by_attempt: number | null
}

/** The columns of a writer. */
export function writerColumns(writer: Writer): WriterColumns {
  return 'userId' in writer
    ? { by_user: writer.userId, by_task: null, by_attempt: null }
    : { by_user: null, by_task: writer.taskId, by_attempt: writer.attempt }
}

/** The writer of a row. */
export function writerOf(row: WriterColumns): Writer {
  return row.by_task === null
    ? { userId: row.by_user ?? '' }
    : { taskId: row.by_task, attempt: row.by_attempt ?? 0 }
}
