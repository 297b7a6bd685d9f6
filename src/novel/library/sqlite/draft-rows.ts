/** The rows of a draft: written by position, so that writing them again changes nothing. */
import type { Database } from 'better-sqlite3'
import { chapterMissing, type DraftPiece, type PreparedScene, volumeMissing } from '../draft-pieces.ts'
import type { DraftWriter, DraftWritten } from '../drafts.ts'
import { standing } from './standing.ts'
import { statement } from './statement.ts'

/** Writes one piece, if the attempt still holds the draft. */
export function writePiece(db: Database, draft: DraftWriter, piece: DraftPiece, at: number): DraftWritten {
  const held = standing(db, draft)
  if (held.outcome !== 'written') return held.outcome
  const place: Place = { db, novel: held.key, generation: draft.generation, at }
  for (const volume of piece.volumes) writeVolume(place, volume)
  for (const chapter of piece.chapters) writeChapter(place, chapter)
  const touched = new Map<number, number>()
  for (const scene of piece.scenes) writeScene(place, scene, touched)
  for (const chapter of touched.values()) countChapter(db, chapter)
  return 'written'
}

/** Where rows go. */
interface Place {
  db: Database
  novel: number
  generation: number
  at: number
}

function writeVolume({ db, novel, generation }: Place, volume: DraftPiece['volumes'][number]): void {
  statement(
    db,
    `INSERT INTO volumes (id, novel_key, position, generation, title) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (novel_key, position) DO UPDATE SET title = excluded.title, generation = excluded.generation`,
  ).run(volume.id, novel, volume.position, generation, volume.title)
}

function writeChapter({ db, novel, generation }: Place, chapter: DraftPiece['chapters'][number]): void {
  const { changes } = statement(
    db,
    `INSERT INTO chapters (id, novel_key, volume_key, position, generation, title)
     SELECT :id, :novel, key, :position, :generation, :title FROM volumes
       WHERE novel_key = :novel AND position = :volume AND generation = :generation
     ON CONFLICT (novel_key, position) DO UPDATE SET
       title = excluded.title, volume_key = excluded.volume_key, generation = excluded.generation`,
  ).run({
    id: chapter.id,
    novel,
    position: chapter.position,
    generation,
    title: chapter.title,
    volume: chapter.volumePosition,
  })
  if (changes > 0) return
  throw volumeMissing(chapter)
}

function writeScene(place: Place, scene: PreparedScene, touched: Map<number, number>): void {
  const { db, generation, at } = place
  const chapter = touched.get(scene.chapterPosition) ?? chapterKey(place, scene.chapterPosition)
  touched.set(scene.chapterPosition, chapter)
  const key = statement<number>(
    db,
    `INSERT INTO scenes (id, chapter_key, position, generation, title, words, characters, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (chapter_key, position) DO UPDATE SET
       title = excluded.title, words = excluded.words, characters = excluded.characters, generation = excluded.generation
     RETURNING key`,
  )
    .pluck()
    .get(
      scene.id,
      chapter,
      scene.position,
      generation,
      scene.title ?? null,
      scene.words,
      scene.characters,
      at,
    )
  statement(
    db,
    'INSERT INTO scene_texts (scene_key, content) VALUES (?, ?) ON CONFLICT (scene_key) DO UPDATE SET content = excluded.content',
  ).run(key, scene.content)
}

/** A chapter that only an earlier attempt wrote does not count: it goes when the draft is published. */
function chapterKey({ db, novel, generation }: Place, position: number): number {
  const key = statement<number>(
    db,
    'SELECT key FROM chapters WHERE novel_key = ? AND position = ? AND generation = ?',
  )
    .pluck()
    .get(novel, position, generation)
  if (key !== undefined) return key
  throw chapterMissing(position)
}

/** Makes the sums of a chapter anew. */
export function countChapter(db: Database, chapter: number): void {
  statement(
    db,
    `UPDATE chapters SET (scenes, words, characters) =
       (SELECT count(*), coalesce(sum(words), 0), coalesce(sum(characters), 0) FROM scenes WHERE chapter_key = :chapter)
     WHERE key = :chapter`,
  ).run({ chapter })
}
