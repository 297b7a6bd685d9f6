import type { SharedText } from '../../runtime/shared-account.ts'
import { budgetKey, type SharedStates } from '../store.ts'
import type { RowsTransfer } from '../transfer.ts'
import type { Session } from './session.ts'

/** Small states by key, each guarded by its version. */
export function createStates({ file, sql }: Session): SharedStates {
  return {
    load: keys =>
      file.read(() =>
        keys.map((key): SharedText => {
          const row = sql('SELECT key, state, version FROM states WHERE key = ?').get(key)
          return (row as SharedText | undefined) ?? { key, state: '', version: 0 }
        }),
      ),
    save: ({ key, state, version }) =>
      file.write(() => {
        const { changes } =
          version === 0
            ? sql('INSERT INTO states (key, state, version) VALUES (?, ?, 1) ON CONFLICT DO NOTHING').run(
                key,
                state,
              )
            : sql('UPDATE states SET state = ?, version = version + 1 WHERE key = ? AND version = ?').run(
                state,
                key,
                version,
              )
        return changes === 1
      }),
  }
}

/** States of a page. */
const pageRows = 500

/** The accounts of budgets. Those of rate limits stay behind: a minute later they say nothing. */
export function budgetsTransfer({ file, sql }: Session): RowsTransfer<SharedText> {
  return {
    async *read() {
      const prefix = budgetKey('')
      for (let after = prefix; ; ) {
        const rows = await file.read(
          () =>
            sql('SELECT key, state, version FROM states WHERE key > ? ORDER BY key LIMIT ?').all(
              after,
              pageRows,
            ) as SharedText[],
        )
        const ours = rows.filter(({ key }) => key.startsWith(prefix))
        if (ours.length > 0) yield ours
        if (ours.length < pageRows) return
        after = ours.at(-1)?.key ?? after
      }
    },
    write: rows =>
      file.write(() => {
        for (const { key, state, version } of rows)
          sql('INSERT OR REPLACE INTO states (key, state, version) VALUES (?, ?, ?)').run(key, state, version)
      }),
  }
}
