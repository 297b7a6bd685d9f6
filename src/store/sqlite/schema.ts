import { tablesOf } from '../../records/sqlite.ts'
import { activity } from '../activity.ts'
import { apiKeys } from '../api-keys.ts'
import { audit } from '../audit.ts'
import { states, unparsable } from '../cold-records.ts'
import { operatorValues } from '../operator-values.ts'
import { keptSchedules, schedules } from '../schedules.ts'
import { usageDays } from '../usage-days.ts'
import type { Migration } from './file.ts'

/** The fields of the sums by day before the last step. */
const { cachedInputTokens: _, ...earlierSums } = usageDays.fields
/** The audit trail before its lines could be found by their outcome. */
const { outcome: _field, ...earlierFields } = audit.fields
const { outcome: _index, ...earlierIndexes } = audit.indexes

/**
 * The tables of the engine. `queue` is the lane of a task that could run now, `lane~suspect` when it is quarantined, and null
 * otherwise; `root_id` is null when the task is the root itself; `wake_at` is set while it waits for a time; `lease_until` while an attempt holds it. Texts over 4 KB live in `payloads`
 * (the column then holds the empty text), so that the many small writes of a task never copy them. Statuses are named here for the
 * indexes only.
 */
export const engineMigrations: readonly Migration[] = [
  `
CREATE TABLE tasks (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  task_type TEXT NOT NULL,
  user_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  priority INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  queue TEXT,
  status TEXT NOT NULL,
  phase TEXT NOT NULL,
  version INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  retry_count INTEGER NOT NULL,
  crash_count INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  root_id TEXT,
  depth INTEGER NOT NULL,
  parameters TEXT NOT NULL,
  parameters_version INTEGER NOT NULL,
  wake_at INTEGER,
  lease_until INTEGER,
  claim_token TEXT,
  node TEXT,
  started_at INTEGER,
  last_attempt_at INTEGER,
  next_attempt_at INTEGER,
  completed_at INTEGER,
  result TEXT,
  deadline INTEGER,
  checkpoint_attempt INTEGER,
  round INTEGER NOT NULL DEFAULT 0,
  progress TEXT,
  error TEXT,
  parent_id TEXT,
  sub_task_key TEXT,
  sub_tasks TEXT,
  live_sub_tasks INTEGER,
  reduces INTEGER,
  failed_sub_tasks TEXT,
  cancel_requested_at INTEGER,
  idempotency_key TEXT,
  tags TEXT,
  traceparent TEXT,
  dead_letter TEXT,
  dead_letter_history TEXT,
  fingerprint TEXT,
  pruning INTEGER,
  look INTEGER GENERATED ALWAYS AS (
    CASE
      WHEN status = 'RUNNING' AND phase = 'awaiting-subtasks' AND coalesce(live_sub_tasks, 0) = 0 THEN 1
      WHEN cancel_requested_at IS NOT NULL AND completed_at IS NULL AND lease_until IS NULL THEN 1
      WHEN completed_at IS NOT NULL AND live_sub_tasks > 0 THEN 1
    END
  ) VIRTUAL
) STRICT;

CREATE INDEX tasks_queue ON tasks (queue, priority, rank, seq) WHERE queue IS NOT NULL;
CREATE INDEX tasks_wake ON tasks (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX tasks_deadline ON tasks (deadline) WHERE deadline IS NOT NULL AND completed_at IS NULL;
CREATE INDEX tasks_look ON tasks (root_id, seq) WHERE look = 1;
CREATE INDEX tasks_status ON tasks (status, seq);
CREATE INDEX tasks_user ON tasks (user_id, seq);
CREATE INDEX tasks_parent ON tasks (parent_id, seq) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_expiry ON tasks (status, completed_at) WHERE completed_at IS NOT NULL AND parent_id IS NULL;
CREATE INDEX tasks_dead ON tasks (seq) WHERE dead_letter IS NOT NULL;
CREATE UNIQUE INDEX tasks_idempotency ON tasks (user_id, task_type, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE payloads (
  task_seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (task_seq, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  task_seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  node TEXT,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  code TEXT,
  message TEXT,
  PRIMARY KEY (task_seq, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  task_seq INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (task_seq, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logs (
  task_seq INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  at INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  fields TEXT,
  PRIMARY KEY (task_seq, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
  task_id TEXT NOT NULL,
  root_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost REAL
) STRICT;
CREATE INDEX usage_task ON usage (task_id);
CREATE INDEX usage_root ON usage (root_id);

CREATE TABLE counts (status TEXT PRIMARY KEY, tasks INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lanes (
  lane TEXT PRIMARY KEY,
  paused INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  roots INTEGER NOT NULL,
  virtual_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE flows (
  user_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  priority INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  roots INTEGER NOT NULL,
  last_rank INTEGER NOT NULL,
  PRIMARY KEY (user_id, lane, priority)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
  id TEXT PRIMARY KEY,
  definition TEXT NOT NULL,
  last_tick INTEGER,
  last_task_id TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE strays (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT;
`,
  `
CREATE TABLE output (
  task_seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (task_seq, attempt, sequence)
) STRICT, WITHOUT ROWID;
`,
  `
CREATE TABLE states (key TEXT PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
ALTER TABLE tasks ADD COLUMN budget TEXT;
CREATE INDEX tasks_tree_wake ON tasks (root_id, seq) WHERE wake_at IS NOT NULL AND root_id IS NOT NULL;
`,
  `
ALTER TABLE usage ADD COLUMN subject TEXT;
CREATE INDEX usage_user ON usage (user_id, at);
CREATE INDEX usage_subject ON usage (subject, at) WHERE subject IS NOT NULL;
CREATE INDEX usage_time ON usage (at);
`,
  `
ALTER TABLE lanes ADD COLUMN virtual_times TEXT NOT NULL DEFAULT '[0,0]';
UPDATE lanes SET virtual_times = json_array(virtual_time, virtual_time);
ALTER TABLE lanes DROP COLUMN virtual_time;
`,
  `
CREATE TABLE task_tags (
  tag TEXT NOT NULL,
  task_seq INTEGER NOT NULL,
  PRIMARY KEY (tag, task_seq)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO task_tags (tag, task_seq)
  SELECT value, seq FROM tasks, json_each(iif(json_valid(tags), tags, '[]')) WHERE tags IS NOT NULL;
CREATE INDEX tasks_type ON tasks (task_type, seq);
CREATE INDEX tasks_lane ON tasks (lane, seq);
CREATE INDEX tasks_roots ON tasks (seq) WHERE parent_id IS NULL;
`,
  `
CREATE INDEX tasks_letters ON tasks (
  fingerprint, seq, task_type, user_id, completed_at, id,
  json_extract(iif(json_valid(dead_letter), dead_letter, NULL), '$.error.code')
) WHERE fingerprint IS NOT NULL;
`,
  `
ALTER TABLE schedules RENAME TO earlier_schedules;
ALTER TABLE strays RENAME TO earlier_strays;
${tablesOf([schedules, unparsable, states])}
INSERT INTO schedules (revision, id, body) SELECT 'earlier', id,
  json_patch('{}', json_object('definition', definition, 'lastTick', last_tick, 'lastTaskId', last_task_id)) FROM earlier_schedules;
INSERT INTO strays (revision, id, at, body, content)
  SELECT 'earlier', id, at, json_object('reason', reason), content FROM earlier_strays;
INSERT INTO shared_states (revision, id, version, body, state) SELECT 'earlier', key, version, '{}', state FROM states;
DROP TABLE earlier_schedules;
DROP TABLE earlier_strays;
DROP TABLE states;
`,
  `
ALTER TABLE usage ADD COLUMN call TEXT;
ALTER TABLE usage ADD COLUMN is_estimated INTEGER;
ALTER TABLE tasks ADD COLUMN checkpoint_scope TEXT;
CREATE UNIQUE INDEX usage_call ON usage (task_id, call) WHERE call IS NOT NULL;
`,
  `
ALTER TABLE tasks ADD COLUMN submission_hash TEXT;
ALTER TABLE tasks ADD COLUMN rerun_of TEXT;
`,
  `
CREATE INDEX checkpoints_task ON checkpoints (task_seq);
CREATE INDEX output_task ON output (task_seq);
`,
  tablesOf([{ ...usageDays, fields: earlierSums }]),
  `
CREATE TABLE listing (
  seq INTEGER PRIMARY KEY,
  task_type TEXT NOT NULL,
  user_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  status TEXT NOT NULL,
  is_root INTEGER NOT NULL,
  completed_at INTEGER
) STRICT;
CREATE TABLE listed (last INTEGER NOT NULL) STRICT;
INSERT INTO listing (seq, task_type, user_id, lane, status, is_root, completed_at)
  SELECT seq, task_type, user_id, lane, status, parent_id IS NULL, completed_at FROM tasks;
INSERT INTO listed (last) SELECT coalesce(max(seq), 0) FROM tasks;
CREATE INDEX listing_status ON listing (status, seq);
CREATE INDEX listing_user ON listing (user_id, seq);
CREATE INDEX listing_type ON listing (task_type, seq);
CREATE INDEX listing_lane ON listing (lane, seq);
CREATE INDEX listing_roots ON listing (seq) WHERE is_root = 1;
CREATE INDEX listing_expiry ON listing (status, completed_at) WHERE is_root = 1 AND completed_at IS NOT NULL;
DROP INDEX tasks_status;
DROP INDEX tasks_user;
DROP INDEX tasks_type;
DROP INDEX tasks_lane;
DROP INDEX tasks_roots;
DROP INDEX tasks_expiry;
`,
  // Nothing changes for what is there. An earlier build would take `task_tags` for complete, which now follows `listed` as `listing` does.
  'SELECT 1',
  `
CREATE TABLE task_keys (
  user_id TEXT NOT NULL,
  task_type TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  task_seq INTEGER NOT NULL,
  PRIMARY KEY (user_id, task_type, idempotency_key)
) STRICT, WITHOUT ROWID;
INSERT INTO task_keys (user_id, task_type, idempotency_key, task_seq)
  SELECT user_id, task_type, idempotency_key, seq FROM tasks INDEXED BY tasks_idempotency WHERE idempotency_key IS NOT NULL
  ORDER BY user_id, task_type, idempotency_key;
DROP INDEX tasks_idempotency;
`,
  `
ALTER TABLE tasks ADD COLUMN waits TEXT;
ALTER TABLE tasks ADD COLUMN signals TEXT;
ALTER TABLE tasks ADD COLUMN signal_count INTEGER;
`,
  // A sub-task that starts after others is to be reconciled when the one that it waits for has ended.
  `
ALTER TABLE tasks ADD COLUMN follows TEXT;
ALTER TABLE tasks ADD COLUMN predecessor TEXT;
ALTER TABLE tasks ADD COLUMN predecessor_ended INTEGER;
ALTER TABLE tasks ADD COLUMN has_successors INTEGER;
ALTER TABLE tasks ADD COLUMN retry TEXT;
DROP INDEX tasks_look;
ALTER TABLE tasks DROP COLUMN look;
ALTER TABLE tasks ADD COLUMN look INTEGER GENERATED ALWAYS AS (
  CASE
    WHEN status = 'RUNNING' AND phase = 'awaiting-subtasks' AND coalesce(live_sub_tasks, 0) = 0 THEN 1
    WHEN cancel_requested_at IS NOT NULL AND completed_at IS NULL AND lease_until IS NULL THEN 1
    WHEN completed_at IS NOT NULL AND live_sub_tasks > 0 THEN 1
    WHEN predecessor_ended IS NOT NULL AND completed_at IS NULL THEN 1
  END
) VIRTUAL;
CREATE INDEX tasks_look ON tasks (root_id, seq) WHERE look = 1;
CREATE INDEX tasks_predecessor ON tasks (parent_id, predecessor, seq) WHERE predecessor IS NOT NULL;
`,
  `
ALTER TABLE usage ADD COLUMN cached_input_tokens INTEGER;
ALTER TABLE usage_days ADD COLUMN "cachedInputTokens" INTEGER;
`,
  // Rows of earlier builds have none, as rows that were copied from another store: they end all the same.
  'ALTER TABLE tasks ADD COLUMN padding BLOB',
  tablesOf([apiKeys]),
  tablesOf([activity]),
  tablesOf([{ ...audit, fields: earlierFields, indexes: earlierIndexes }]),
  'ALTER TABLE attempts ADD COLUMN stack TEXT',
  `
ALTER TABLE audit ADD COLUMN "outcome" TEXT;
UPDATE audit SET "outcome" = CASE
  WHEN json_extract(body, '$.status') < 400 THEN 'done'
  WHEN json_extract(body, '$.status') < 500 THEN 'refused'
  ELSE 'failed'
END;
CREATE INDEX audit_outcome ON audit ("outcome", "id");
`,
  tablesOf([keptSchedules, operatorValues]),
]
