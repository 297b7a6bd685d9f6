/** Drafts: what an import writes until it is complete. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'
import { pieces } from '../draft-pieces.ts'
import type { Discarded, DraftState, NewDraft, NovelCounts, NovelDrafts, NovelStatus } from '../drafts.ts'
import { discardStep } from '../drafts.ts'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { novelNotFound } from '../refusal.ts'
import { writePiece } from './draft-rows.ts'
import { publishDraft, removeLeftovers } from './publish.ts'
import { deletionStep } from './removal.ts'
import { countsOf } from './standing.ts'
import { statement } from './statement.ts'

/** A novel as its table holds it. */
interface DraftRow extends NovelCounts {
  key: number
  id: string
  user_id: string
  import_task_id: string
  title: string
  status: NovelStatus
  generation: number
  created_at: number
}

const unpublished: Listing = { name: 'unpublished novels', filter: [], keys: 1 }

/** The drafts of a database. */
export function sqliteDrafts(database: SharedDatabase, now: () => number): NovelDrafts {
  return {
    create: draft => database.write(db => create(db, draft, now())),
    find: novelId => database.read(db => find(db, novelId)),
    async write(draft, batch) {
      // A piece at a time, so that one large batch does not hold up the other writers of the file.
      for (const piece of pieces(draft.novelId, batch)) {
        const outcome = await database.write(db => writePiece(db, draft, piece, now()))
        if (outcome !== 'written') return outcome
      }
      return 'written'
    },
    async publish(draft, totals) {
      while (await database.write(db => removeLeftovers(db, draft))) {}
      return database.write(db => publishDraft(db, draft, totals, now()))
    },
    discard: (novelId, options = {}) => database.write(db => discard(db, novelId, options)),
    list: page => database.read(db => list(db, page)),
  }
}

function create(db: Database, draft: NewDraft, at: number): DraftState {
  statement(
    db,
    `INSERT INTO novels (id, user_id, import_task_id, title, author, language, status, generation, created_at, updated_at)
     VALUES (:id, :user, :task, :title, :author, :language, 'draft', 1, :at, :at)
     ON CONFLICT (id) DO UPDATE SET generation = generation + 1, import_task_id = :task,
       title = :title, author = :author, language = :language, updated_at = :at
     WHERE status = 'draft'`,
  ).run({
    id: draft.novelId,
    user: draft.userId,
    task: draft.importTaskId,
    title: draft.title,
    author: draft.author ?? null,
    language: draft.language ?? null,
    at,
  })
  const state = find(db, draft.novelId)
  // Throwing undoes what was written above.
  if (state === undefined || state.userId !== draft.userId) throw novelNotFound(draft.novelId)
  return state
}

/** Counts of what is there: chapters know the sums of their scenes, also before the novel does. */
const states = `
SELECT n.key, n.id, n.user_id, n.import_task_id, n.title, n.status, n.generation, n.created_at,
  (SELECT count(*) FROM volumes v WHERE v.novel_key = n.key) AS volumes,
  count(c.key) AS chapters, coalesce(sum(c.scenes), 0) AS scenes,
  coalesce(sum(c.words), 0) AS words, coalesce(sum(c.characters), 0) AS characters
FROM novels n LEFT JOIN chapters c ON c.novel_key = n.key`

function find(db: Database, novelId: string): DraftState | undefined {
  const row = statement<DraftRow>(db, `${states} WHERE n.id = ? GROUP BY n.key`).get(novelId)
  return row === undefined ? undefined : stateOf(row)
}

function list(db: Database, page: PageRequest): Page<DraftState> {
  const { size, after } = pageStart(unpublished, page)
  const rows = statement<DraftRow>(
    db,
    `${states} WHERE n.status <> 'published' AND n.key > ? GROUP BY n.key ORDER BY n.key LIMIT ?`,
  ).all(after?.[0] ?? 0, size + 1)
  const shown = pageOf(unpublished, rows.slice(0, size), rows.length > size, row => [row.key])
  return { ...shown, items: shown.items.map(stateOf) }
}

function stateOf(row: DraftRow): DraftState {
  return {
    novelId: row.id,
    userId: row.user_id,
    importTaskId: row.import_task_id,
    title: row.title,
    status: row.status,
    generation: row.generation,
    createdAt: row.created_at,
    counts: countsOf(row),
  }
}

function discard(db: Database, novelId: string, options: { generation?: number; limit?: number }): Discarded {
  const row = statement<{ key: number; status: NovelStatus; generation: number }>(
    db,
    'SELECT key, status, generation FROM novels WHERE id = ?',
  ).get(novelId)
  if (row === undefined) return 'done'
  const takenUp = row.status === 'draft' && row.generation !== (options.generation ?? row.generation)
  if (row.status === 'published' || takenUp) return 'kept'
  return deletionStep(db, row.key, options.limit ?? discardStep)
}
