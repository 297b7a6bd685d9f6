import { pageKey, pageOf, pageToken } from '../pages.ts'
import type { UnparsableMessage, UnparsableStore } from '../store.ts'
import type { Session } from './session.ts'

/** Messages and records that name no readable task. */
export function createStrays({ file, sql }: Session): UnparsableStore {
  return {
    file: strays =>
      file.write(() => {
        for (const { id, at, reason, content } of strays) {
          sql('INSERT INTO strays (id, at, reason, content) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING').run(
            id,
            at,
            reason,
            content,
          )
        }
      }),
    list: page =>
      file.read(() => {
        const after = pageKey('strays', page.pageToken, ['number'])?.[0] ?? Number.MAX_SAFE_INTEGER
        const rows = sql(
          'SELECT seq, id, at, reason, content FROM strays WHERE seq < ? ORDER BY seq DESC LIMIT ?',
        ).all(after, page.pageSize + 1) as (UnparsableMessage & { seq: number })[]
        return pageOf(rows, page.pageSize, {
          item: ({ seq: _, ...stray }) => stray,
          token: row => pageToken('strays', [row.seq]),
        })
      }),
    remove: ids =>
      file.write(() =>
        ids.reduce((gone, id) => gone + sql('DELETE FROM strays WHERE id = ?').run(id).changes, 0),
      ),
  }
}
