import { gapError, type OutputPiece, type OutputStore, type OutputWrite } from '../store.ts'
import { fenced } from './attempts.ts'
import type { Session } from './session.ts'

/** What attempts write for others to follow. */
export function createOutput(session: Session): OutputStore {
  const { file, sql } = session
  return {
    append: writes =>
      file.write(() => writes.map(write => fenced(session, write, seq => addPiece(session, seq, write)))),
    read: (taskId, from, limit) =>
      file.read(() => {
        const seq = sql('SELECT seq FROM tasks WHERE id = ?').pluck().get(taskId)
        if (typeof seq !== 'number') return { attempt: 0, pieces: [] }
        const newest = 'SELECT coalesce(max(attempt), 0) FROM output WHERE task_seq = ?'
        const attempt = Number(sql(newest).pluck().get(seq))
        const after = from.attempt === attempt ? from.sequence : 0
        const following = `SELECT sequence, text FROM output
          WHERE task_seq = ? AND attempt = ? AND sequence > ? ORDER BY sequence LIMIT ?`
        return { attempt, pieces: sql(following).all(seq, attempt, after, limit) as OutputPiece[] }
      }),
  }
}

function addPiece({ sql }: Session, seq: number, piece: OutputWrite): void {
  const { attempt, sequence, text } = piece
  const ofAttempt = 'SELECT coalesce(max(sequence), 0) FROM output WHERE task_seq = ? AND attempt = ?'
  const last = Number(sql(ofAttempt).pluck().get(seq, attempt))
  if (sequence <= last) return
  if (sequence > last + 1) throw gapError(piece)
  if (sequence === 1) sql('DELETE FROM output WHERE task_seq = ? AND attempt < ?').run(seq, attempt)
  const insert = 'INSERT INTO output (task_seq, attempt, sequence, text) VALUES (?, ?, ?, ?)'
  sql(insert).run(seq, attempt, sequence, text)
}
