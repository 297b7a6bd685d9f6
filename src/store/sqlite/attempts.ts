import type { Applied } from '../../task/transition.ts'
import type { AttemptStore, Fenced, LogLine } from '../store.ts'
import { storeText } from './rows.ts'
import type { Session } from './session.ts'
import { addUsage } from './usage.ts'

/** Log lines kept per task; the newest win. */
const mostLogLines = 1_000

/** What attempts leave behind. */
export function createAttempts(session: Session): AttemptStore {
  const { file, sql } = session
  return {
    progress: writes =>
      file.write(() =>
        writes.map(write =>
          fenced(session, write, seq => {
            const text = storeText(sql, seq, 'progress', write.progress)
            sql('UPDATE tasks SET progress = ?, updated_at = ?, version = version + 1 WHERE seq = ?').run(
              text,
              session.now(),
              seq,
            )
          }),
        ),
      ),
    checkpoint: writes =>
      file.write(() =>
        writes.map(write =>
          fenced(session, write, seq => {
            sql('INSERT INTO checkpoints (task_seq, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
              seq,
              write.key,
              write.value,
            )
            sql('UPDATE tasks SET checkpoint_attempt = ? WHERE seq = ?').run(write.attempt, seq)
          }),
        ),
      ),
    checkpoints: taskId =>
      file.read(() => {
        const rows = sql(
          'SELECT key, value FROM checkpoints WHERE task_seq = (SELECT seq FROM tasks WHERE id = ?)',
        ).all(taskId) as { key: string; value: string }[]
        return new Map(rows.map(({ key, value }) => [key, value]))
      }),
    log: (taskId, lines) => file.write(() => addLines(session, taskId, lines)),
    usage: (taskId, rows) => file.write(() => addUsage(session, taskId, rows)),
  }
}

/** Runs `write` if the attempt still holds the task. */
export function fenced({ sql }: Session, { taskId, attempt }: Fenced, write: (seq: number) => void): Applied {
  const row = sql('SELECT seq, attempt, lease_until IS NOT NULL AS held FROM tasks WHERE id = ?').get(
    taskId,
  ) as { seq: number; attempt: number; held: number } | undefined
  if (row === undefined) return 'missing'
  if (row.attempt !== attempt || row.held === 0) return 'stale'
  write(row.seq)
  return 'applied'
}

function addLines({ sql }: Session, taskId: string, lines: readonly LogLine[]): void {
  const seq = sql('SELECT seq FROM tasks WHERE id = ?').pluck().get(taskId)
  if (typeof seq !== 'number') return
  let sequence = Number(
    sql('SELECT coalesce(max(sequence), 0) FROM logs WHERE task_seq = ?').pluck().get(seq),
  )
  for (const line of lines) {
    sequence += 1
    sql(
      'INSERT INTO logs (task_seq, sequence, at, attempt, level, message, fields) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(seq, sequence, line.at, line.attempt, line.level, line.message, line.fields ?? null)
  }
  sql('DELETE FROM logs WHERE task_seq = ? AND sequence <= ?').run(seq, sequence - mostLogLines)
}
