/** How the rows of earlier versions become records. */
import type { AnyKind } from '../../records/records.ts'
import { tablesOf } from '../../records/sqlite.ts'
import type { Migration } from '../../store/sqlite/file.ts'
import { novelExports } from '../library/file-kinds.ts'
import { entryIdOf } from '../library/history.ts'
import {
  bin,
  binnedNovels,
  candidates,
  codex,
  dismissals,
  keptModels,
  levelSummaries,
  libraryKinds,
  narrations,
  novelPrompts,
  readings,
  threads,
} from '../library/kinds.ts'
import { snapshotChapters, snapshots } from '../library/snapshot-kinds.ts'
import { earlierTables } from './tables.ts'

/** JSON of an object without the members that are null. */
const object = (members: Record<string, string>) =>
  `json_patch('{}', json_object(${Object.entries(members)
    .map(([name, value]) => `'${name}', ${value}`)
    .join(', ')}))`

const writerOf = (table: string) =>
  `json(CASE WHEN ${table}.by_user IS NOT NULL THEN json_object('userId', ${table}.by_user)
    ELSE json_object('taskId', ${table}.by_task, 'attempt', ${table}.by_attempt) END)`

/** The rows of `select`, each with the revision of no commit. */
const records = (kind: string, columns: string, select: string) =>
  `INSERT OR REPLACE INTO library_${kind} (revision, id, ${columns}) SELECT 'earlier', ${select};`

const novelRecords = [
  records(
    'novels',
    'userId, "order", shelvedAt, pending, scenes, words, characters, textVersion, updatedAt, body',
    `id, user_id, key, CASE status WHEN 'published' THEN published_at END, CASE status WHEN 'published' THEN NULL ELSE 1 END,
      scenes, words, characters, text_version, updated_at, ${object({
        importTaskId: 'import_task_id',
        title: 'title',
        author: 'author',
        language: 'language',
        status: 'status',
        generation: 'generation',
        createdAt: 'created_at',
        publishedAt: 'published_at',
        volumes: 'volumes',
        chapters: 'chapters',
      })} FROM novels`,
  ),
  records(
    'volumes',
    'novelId, position, generation, body',
    `v.id, n.id, v.position, v.generation, json_object('title', v.title) FROM volumes v JOIN novels n ON n.key = v.novel_key`,
  ),
  records(
    'chapters',
    'novelId, position, generation, volumeId, body',
    `c.id, n.id, c.position, c.generation, v.id, json_object('title', c.title)
      FROM chapters c JOIN novels n ON n.key = c.novel_key JOIN volumes v ON v.key = c.volume_key`,
  ),
]

const summaryOf = `json_patch(coalesce(m.provenance, '{}'), ${object({
  text: 'm.summary',
  method: 'm.method',
  model: 'm.model',
  language: 'm.language',
  sentences: 'json(m.sentences)',
  ofTextVersion: 's.summary_of',
  expectedVersion: 'm.expected_version',
  writtenBy: writerOf('m'),
  writtenAt: 'm.written_at',
})})`

const sceneRecords = [
  records(
    'scenes',
    'novelId, chapter, position, generation, words, characters, summarised, edited, summary, body',
    `s.id, n.id, c.position, s.position, s.generation, s.words, s.characters, CASE WHEN s.summary_of IS NOT NULL THEN 1 END,
      CASE WHEN s.text_version > 1 THEN 1 END, CASE WHEN m.scene_key IS NOT NULL THEN ${summaryOf} END, ${object(
        {
          chapterId: 'c.id',
          title: 's.title',
          version: 's.version',
          textVersion: 's.text_version',
          titleVersion: 's.title_version',
          summaryVersion: 's.summary_version',
          summaryOf: 's.summary_of',
          updatedAt: 's.updated_at',
        },
      )}
      FROM scenes s JOIN chapters c ON c.key = s.chapter_key JOIN novels n ON n.key = c.novel_key
      LEFT JOIN scene_summaries m ON m.scene_key = s.key`,
  ),
  records(
    'texts',
    'body, content',
    `s.id, ${object({ origin: 'json(t.origin)' })}, t.content FROM scene_texts t JOIN scenes s ON s.key = t.scene_key`,
  ),
  records(
    'history',
    'sceneId, "order", text, body',
    `entry_id(s.id, h.what, h.why, h.version, json_extract(h.origin, '$.writtenBy.taskId')), s.id, h.key, h.content,
      json_patch(h.origin, ${object({
        what: 'h.what',
        why: 'h.why',
        version: 'h.version',
        keptAt: 'h.kept_at',
        overwrittenBy: `CASE h.why WHEN 'overwritten' THEN ${writerOf('h')} END`,
      })}) FROM scene_history h JOIN scenes s ON s.key = h.scene_key ORDER BY h.key`,
  ),
]

/** The build that answers, or, by the prefix of its columns, the one that is being made. */
const buildOf = (generation: string, prefix = '') => ({
  generation: `i.${generation}`,
  builder: `i.${prefix}builder`,
  textVersion: `i.${prefix}text_version`,
  vectors: `json(i.${prefix}vectors)`,
})

/** Which scenes a segment had was not kept: those of its passages; those without a passage are in the first one. */
const indexedScenes = `
CREATE TEMP TABLE indexed_scenes AS
SELECT found.*, row_number() OVER (PARTITION BY novel_key, generation, number ORDER BY scene_key) - 1 AS place FROM (
  SELECT DISTINCT novel_key, generation, passage / 65536 AS number, scene_key FROM search_passages
  UNION SELECT i.novel_key, i.generation, 0, i.scene_key FROM search_scenes i WHERE NOT EXISTS (
    SELECT 1 FROM search_passages p
    WHERE p.novel_key = i.novel_key AND p.generation = i.generation AND p.scene_key = i.scene_key)) AS found;
CREATE INDEX temp.indexed ON indexed_scenes (novel_key, generation, number, scene_key);`

const ofSegment = (table: string) => `${table}.novel_key = g.novel_key AND ${table}.generation = g.generation`

const indexRecords = [
  indexedScenes,
  records(
    'indexes',
    'body',
    `n.id, ${object({
      lastGeneration: 'i.last_generation',
      answering: `json(CASE WHEN i.generation IS NOT NULL THEN ${object({
        ...buildOf('generation'),
        builtAt: 'i.built_at',
        passages: `(SELECT coalesce(sum(passages), 0) FROM search_segments g
          WHERE g.novel_key = i.novel_key AND g.generation = i.generation)`,
      })} END)`,
      building: `json(CASE WHEN i.building IS NOT NULL THEN ${object(buildOf('building', 'building_'))} END)`,
    })} FROM search_indices i JOIN novels n ON n.key = i.novel_key WHERE n.status = 'published'`,
  ),
  records(
    'segments',
    'novelId, generation, number, passages, documents, scenes, places, body',
    `printf('%s %d %d', n.id, g.generation, g.number), n.id, g.generation, g.number, g.passages, g.documents,
      (SELECT json_group_array(json_array(s.id, i.text_version) ORDER BY x.place) FROM indexed_scenes x
        JOIN scenes s ON s.key = x.scene_key JOIN search_scenes i ON ${ofSegment('i')} AND i.scene_key = x.scene_key
        WHERE ${ofSegment('x')} AND x.number = g.number),
      (SELECT json_group_array(json_array(p.passage - g.number * 65536, x.place, p.start_at, p.end_at) ORDER BY p.passage)
        FROM search_passages p JOIN indexed_scenes x ON ${ofSegment('x')} AND x.number = g.number AND x.scene_key = p.scene_key
        WHERE ${ofSegment('p')} AND p.passage BETWEEN g.number * 65536 AND g.number * 65536 + 65535),
      json_object('totalLength', g.total_length) FROM search_segments g JOIN novels n ON n.key = g.novel_key`,
  ),
  records(
    'shards',
    'postings, body',
    `printf('%s %d %d %d', n.id, g.generation, g.shard, g.number), g.postings, '{}'
      FROM search_shards g JOIN novels n ON n.key = g.novel_key`,
  ),
  records(
    'vectors',
    'novelId, generation, number, part, vectors, body',
    `printf('%s %d %d %d', n.id, g.generation, g.number, g.part), n.id, g.generation, g.number, g.part, g.vectors,
      json_object('first', g.first) FROM search_vectors g JOIN novels n ON n.key = g.novel_key`,
  ),
  'DROP TABLE indexed_scenes;',
]

const otherRecords = [
  records(
    'uploads',
    'userId, "order", expiresAt, survey, body',
    `id, user_id, key, expires_at, survey, ${object({
      fileName: 'file_name',
      bytes: 'bytes',
      location: 'location',
      createdAt: 'created_at',
      confirmation: `json(CASE WHEN task_id IS NOT NULL THEN json_object('novelId', novel_id, 'taskId', task_id) END)`,
    })} FROM uploads`,
  ),
  ...['novels', 'uploads'].map(table =>
    records(
      'counters',
      'body',
      `'${table}', json_object('last', max(key)) FROM ${table} HAVING count(*) > 0`,
    ),
  ),
]

const convertedTables =
  'novels volumes chapters scenes scene_texts scene_summaries scene_history uploads search_indices search_segments search_shards search_scenes search_passages search_vectors'.split(
    ' ',
  )

/** Makes records of the rows of earlier versions, whose tables go. */
const convert: Migration & object = db => {
  db.function('entry_id', { deterministic: true }, (sceneId, what, why, version, taskId) =>
    entryIdOf(String(sceneId), {
      what: what === 'text' ? 'text' : 'summary',
      why: why === 'conflict' ? 'conflict' : 'overwritten',
      version: Number(version),
      ...(taskId === null ? {} : { writtenBy: { taskId: String(taskId), attempt: 0 } }),
    }),
  )
  for (const sql of [...novelRecords, ...sceneRecords, ...indexRecords, ...otherRecords]) db.exec(sql)
  for (const table of convertedTables) db.exec(`DROP TABLE ${table}`)
}

/** Kinds that came after the first records, each with a step of its own. */
const laterKinds: readonly AnyKind[] = [
  candidates,
  codex,
  narrations,
  levelSummaries,
  dismissals,
  snapshots,
  snapshotChapters,
  keptModels,
  threads,
  readings,
  novelPrompts,
]

/** Kinds that came after the step `levelTexts`. */
const newestKinds: readonly AnyKind[] = [novelExports, bin, binnedNovels]

const areFirst = (kind: AnyKind): boolean => !laterKinds.includes(kind) && !newestKinds.includes(kind)

const makeTable =
  (kind: AnyKind): Migration =>
  db =>
    db.exec(tablesOf([kind]))

/** The kinds as those steps made them: their tables are what earlier versions wrote. */
const atFirst = (kind: AnyKind): AnyKind => (kind === levelSummaries ? { ...kind, large: {} } : kind)

/** Gives the texts of the summaries of levels a column of their own, which a reading can leave out. */
const levelTexts = `
ALTER TABLE library_level_summaries ADD COLUMN text TEXT;
UPDATE library_level_summaries SET text = json_extract(body, '$.text'), body = json_remove(body, '$.text');
UPDATE library_level_summaries SET body = json_set(body, '$.isEmpty', json('true')) WHERE text = '';`

/** What brings the library's part of a file to its newest form, in order. */
export const libraryMigrations: readonly Migration[] = [
  ...earlierTables,
  db => db.exec(tablesOf(libraryKinds.filter(areFirst))),
  convert,
  ...laterKinds.map(kind => makeTable(atFirst(kind))),
  levelTexts,
  ...newestKinds.map(makeTable),
]
