import { QuillworkError } from '../../task/errors.ts'
import type { Fenced, Output, OutputPiece, OutputPlace, OutputStore } from '../store.ts'
import type { RowsTransfer, TransferredPiece } from '../transfer.ts'
import { fenced } from './attempts.ts'
import type { Session } from './session.ts'

/** What attempts write for others to follow. */
export function createOutput(session: Session): OutputStore {
  const { file } = session
  return {
    append: writes =>
      file.write(() => writes.map(write => fenced(session, write, seq => addPiece(session, seq, write)))),
    read: (taskId, from, limit) => file.read(() => read(session, taskId, { from, limit })),
  }
}

function addPiece({ sql }: Session, seq: number, piece: Fenced & OutputPiece): void {
  const { taskId, attempt, sequence, text } = piece
  const last = Number(
    sql('SELECT coalesce(max(sequence), 0) FROM output WHERE task_seq = ? AND attempt = ?')
      .pluck()
      .get(seq, attempt),
  )
  if (sequence <= last) return
  if (sequence > last + 1) {
    throw new QuillworkError(
      'OPTION_INVALID',
      `Piece ${sequence} of the output of ${taskId} would leave a gap; append pieces in order.`,
    )
  }
  if (sequence === 1) sql('DELETE FROM output WHERE task_seq = ? AND attempt < ?').run(seq, attempt)
  sql('INSERT INTO output (task_seq, attempt, sequence, text) VALUES (?, ?, ?, ?)').run(
    seq,
    attempt,
    sequence,
    text,
  )
}

function read(
  { sql }: Session,
  taskId: string,
  { from, limit }: { from: OutputPlace; limit: number },
): Output {
  const seq = sql('SELECT seq FROM tasks WHERE id = ?').pluck().get(taskId)
  if (typeof seq !== 'number') return { attempt: 0, pieces: [] }
  const attempt = Number(
    sql('SELECT coalesce(max(attempt), 0) FROM output WHERE task_seq = ?').pluck().get(seq),
  )
  const after = from.attempt === attempt ? from.sequence : 0
  const pieces = sql(`SELECT sequence, text FROM output
    WHERE task_seq = ? AND attempt = ? AND sequence > ? ORDER BY sequence LIMIT ?`).all(
    seq,
    attempt,
    after,
    limit,
  ) as OutputPiece[]
  return { attempt, pieces }
}

/** Pieces of a page: at most some megabytes. */
const pagePieces = 100

type PieceRow = TransferredPiece & { seq: number }

/** Reads and writes the pieces of all tasks. */
export function outputTransfer({ file, sql }: Session): RowsTransfer<TransferredPiece> {
  const page = (after: Omit<PieceRow, 'taskId' | 'text'>) =>
    file.read(
      () =>
        sql(`SELECT output.task_seq AS seq, tasks.id AS taskId, output.attempt, output.sequence, output.text
          FROM output JOIN tasks ON tasks.seq = output.task_seq
          WHERE (output.task_seq, output.attempt, output.sequence) > (?, ?, ?)
          ORDER BY output.task_seq, output.attempt, output.sequence LIMIT ?`).all(
          after.seq,
          after.attempt,
          after.sequence,
          pagePieces,
        ) as PieceRow[],
    )
  return {
    async *read() {
      for (let rows = await page({ seq: 0, attempt: 0, sequence: 0 }); ; ) {
        const last = rows.at(-1)
        if (last === undefined) return
        yield rows.map(({ seq: _, ...piece }) => piece)
        rows = await page(last)
      }
    },
    write: pieces =>
      file.write(() => {
        for (const { taskId, attempt, sequence, text } of pieces)
          sql(`INSERT OR REPLACE INTO output (task_seq, attempt, sequence, text)
            SELECT seq, ?, ?, ? FROM tasks WHERE id = ?`).run(attempt, sequence, text, taskId)
      }),
  }
}
