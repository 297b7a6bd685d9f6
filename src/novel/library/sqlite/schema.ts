/**
 * Tables of the library. Texts have tables of their own, so that listings never read them. Rows refer to each other by integer keys;
 * ids are what the outside knows. Deletion goes by steps of its own, hence no cascades.
 */
import type { Migration } from '../../../store/sqlite/file.ts'

const novels = `
CREATE TABLE novels (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL,
  import_task_id TEXT NOT NULL,
  title TEXT NOT NULL,
  author TEXT,
  language TEXT,
  status TEXT NOT NULL CHECK (status IN ('draft', 'published', 'deleting')),
  generation INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  published_at INTEGER,
  updated_at INTEGER NOT NULL,
  text_version INTEGER NOT NULL DEFAULT 0,
  volumes INTEGER NOT NULL DEFAULT 0,
  chapters INTEGER NOT NULL DEFAULT 0,
  scenes INTEGER NOT NULL DEFAULT 0,
  words INTEGER NOT NULL DEFAULT 0,
  characters INTEGER NOT NULL DEFAULT 0,
  summaries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX novels_shelf ON novels (user_id, published_at, key) WHERE status = 'published';
CREATE INDEX novels_unpublished ON novels (key) WHERE status <> 'published';

CREATE TABLE volumes (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  novel_key INTEGER NOT NULL,
  position INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  title TEXT NOT NULL,
  UNIQUE (novel_key, position)
);

CREATE TABLE chapters (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  novel_key INTEGER NOT NULL,
  volume_key INTEGER NOT NULL,
  position INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  title TEXT NOT NULL,
  scenes INTEGER NOT NULL DEFAULT 0,
  words INTEGER NOT NULL DEFAULT 0,
  characters INTEGER NOT NULL DEFAULT 0,
  summaries INTEGER NOT NULL DEFAULT 0,
  UNIQUE (novel_key, position)
);
`

const scenes = `
CREATE TABLE scenes (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  chapter_key INTEGER NOT NULL,
  position INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  title TEXT,
  words INTEGER NOT NULL,
  characters INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  text_version INTEGER NOT NULL DEFAULT 1,
  title_version INTEGER NOT NULL DEFAULT 1,
  summary_version INTEGER NOT NULL DEFAULT 0,
  summary_of INTEGER,
  updated_at INTEGER NOT NULL,
  UNIQUE (chapter_key, position)
);

CREATE TABLE scene_texts (scene_key INTEGER PRIMARY KEY, content TEXT NOT NULL);

CREATE TABLE scene_summaries (
  scene_key INTEGER PRIMARY KEY,
  summary TEXT NOT NULL,
  method TEXT NOT NULL,
  model TEXT,
  language TEXT,
  sentences TEXT,
  expected_version INTEGER NOT NULL,
  by_user TEXT,
  by_task TEXT,
  by_attempt INTEGER,
  written_at INTEGER NOT NULL
);

CREATE TABLE scene_history (
  key INTEGER PRIMARY KEY,
  scene_key INTEGER NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('text', 'summary')),
  version INTEGER NOT NULL,
  overwritten_at INTEGER NOT NULL,
  by_user TEXT,
  by_task TEXT,
  by_attempt INTEGER,
  content TEXT NOT NULL
);
CREATE INDEX scene_history_newest ON scene_history (scene_key, what, version);
`

const uploads = `
CREATE TABLE uploads (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL,
  file_name TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  location TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  survey TEXT,
  novel_id TEXT,
  task_id TEXT
);
CREATE INDEX uploads_of_user ON uploads (user_id, key);
CREATE INDEX uploads_expiring ON uploads (expires_at);
`

const searchIndex = `
CREATE TABLE search_indices (
  novel_key INTEGER PRIMARY KEY,
  last_generation INTEGER NOT NULL,
  generation INTEGER,
  builder TEXT,
  text_version INTEGER,
  built_at INTEGER,
  building INTEGER,
  building_builder TEXT,
  building_text_version INTEGER
);

CREATE TABLE search_segments (
  novel_key INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  number INTEGER NOT NULL,
  passages INTEGER NOT NULL,
  total_length INTEGER NOT NULL,
  documents BLOB NOT NULL,
  PRIMARY KEY (novel_key, generation, number)
) WITHOUT ROWID;

CREATE TABLE search_shards (
  novel_key INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  shard INTEGER NOT NULL,
  number INTEGER NOT NULL,
  postings BLOB NOT NULL,
  PRIMARY KEY (novel_key, generation, shard, number)
) WITHOUT ROWID;

CREATE TABLE search_scenes (
  novel_key INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  scene_key INTEGER NOT NULL,
  text_version INTEGER NOT NULL,
  PRIMARY KEY (novel_key, generation, scene_key)
) WITHOUT ROWID;

CREATE TABLE search_passages (
  novel_key INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  passage INTEGER NOT NULL,
  scene_key INTEGER NOT NULL,
  start_at INTEGER NOT NULL,
  end_at INTEGER NOT NULL,
  PRIMARY KEY (novel_key, generation, passage)
) WITHOUT ROWID;
`

/** What an entry is comes before its text, so that looking for one never reads the texts. */
const provenance = `
ALTER TABLE scene_texts ADD COLUMN origin TEXT;
ALTER TABLE scene_summaries ADD COLUMN provenance TEXT;

CREATE TABLE scene_entries (
  key INTEGER PRIMARY KEY,
  scene_key INTEGER NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('text', 'summary')),
  why TEXT NOT NULL CHECK (why IN ('overwritten', 'conflict')),
  version INTEGER NOT NULL,
  kept_at INTEGER NOT NULL,
  by_user TEXT,
  by_task TEXT,
  by_attempt INTEGER,
  origin TEXT NOT NULL,
  content TEXT NOT NULL
);
INSERT INTO scene_entries
  SELECT key, scene_key, what, 'overwritten', version, overwritten_at, by_user, by_task, by_attempt, '{}', content
  FROM scene_history ORDER BY key;
DROP TABLE scene_history;
ALTER TABLE scene_entries RENAME TO scene_history;
CREATE INDEX scene_history_newest ON scene_history (scene_key, key);
`

/** Which vectors an index has is JSON; absent where it has none. A row holds those of one call of a model. */
const vectors = `
ALTER TABLE search_indices ADD COLUMN vectors TEXT;
ALTER TABLE search_indices ADD COLUMN building_vectors TEXT;

CREATE TABLE search_vectors (
  key INTEGER PRIMARY KEY,
  novel_key INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  number INTEGER NOT NULL,
  part INTEGER NOT NULL,
  first INTEGER NOT NULL,
  vectors BLOB NOT NULL,
  UNIQUE (novel_key, generation, number, part)
);
`

/** The part of the database file that the library owns. */
export const libraryPart = 'novel'

/** What brings the library's tables to their newest form, in order. */
export const libraryMigrations: readonly Migration[] = [
  novels + scenes + uploads,
  searchIndex,
  provenance,
  vectors,
]
