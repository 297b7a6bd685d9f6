import { statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { sqlite } from '../../dist/store/sqlite/index.js'
import { latenessOf } from '../lateness.mjs'

const DAY_MS = 86_400_000
const PER_WRITE = 1_000
const PER_STEP = 100
/** Of each: a thousand novels of a hundred authors, three models, and ten thousand calls a day. */
const [NOVELS, MODELS, PER_DAY] = [1_000, 3, 10_000]

/**
 * How late the event loop is, in ms, while a process sums many calls of models by model, and while it sums old ones by day. The calls of a day are
 * spread over it. `bytesPerCall` and `bytesPerCallLater` are those of the file, divided by all calls, before and after `rolledUp` calls were
 * summed by day and the file was vacuumed.
 */
export async function usageReport({ directory, calls, rolledUp }) {
  const file = join(directory, 'usage.db')
  const store = sqlite({ file })
  const first = Date.UTC(2030, 0, 1)
  for (let from = 0; from < calls; from += PER_WRITE) {
    const rows = Array.from({ length: PER_WRITE }, (_, index) => call(first, from + index))
    await store.attempts.usage(`task-${from}`, rows)
  }
  const begin = performance.now()
  const report = await latenessOf(() => store.queries.usageReport({}, { by: 'model', pageSize: 50 }))
  const reportSeconds = (performance.now() - begin) / 1_000
  const bytes = sizeOf(store, file)
  const before = first + (rolledUp / PER_DAY) * DAY_MS
  const rollUp = await latenessOf(async () => {
    for (let from; ; ) {
      from = await store.usage.rollUp({ before, from, limit: PER_STEP })
      if (from === undefined) return
    }
  })
  const later = sizeOf(store, file)
  await store.tasks.close()
  return {
    reportMs: report.lateMs,
    reportP99Ms: report.p99Ms,
    reportSeconds,
    rollUpMs: rollUp.lateMs,
    rollUpP99Ms: rollUp.p99Ms,
    bytesPerCall: bytes / calls,
    bytesPerCallLater: later / calls,
  }
}

function call(first, index) {
  const novel = index % NOVELS
  return {
    at: first + Math.floor((index / PER_DAY) * DAY_MS),
    attempt: 1,
    model: `provider/model-${novel % MODELS}`,
    inputTokens: 1_000 + (index % 97),
    outputTokens: 500,
    cost: 0.000_25 * (1 + (index % 7)),
    subject: `0197b3c2-7d11-7000-8000-${String(novel).padStart(12, '0')}`,
    call: `call-${index}`,
  }
}

function sizeOf({ database }, file) {
  database.db.exec('VACUUM')
  database.db.pragma('wal_checkpoint(TRUNCATE)')
  return statSync(file).size
}
