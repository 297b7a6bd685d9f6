import { z } from 'zod'
import { sceneChanges } from '../../novel/library/snapshots.ts'
import { id, named, plainLine, time } from './fields.ts'

const counts = { words: z.int(), characters: z.int() }

/** A named snapshot of a novel. */
export const snapshotSchema = named(
  'Snapshot',
  z.object({
    id: z.string(),
    novelId: z.string(),
    name: z
      .string()
      .describe(
        'Of one that restoring made: the name of the one that was restored; of one that was made before a file replaced texts: that of the file',
      ),
    isBeforeRestoring: z
      .literal(true)
      .optional()
      .describe('It was made before another one was restored: restoring it undoes that'),
    isBeforeAppending: z
      .literal(true)
      .optional()
      .describe('It was made before a file replaced texts: restoring it undoes that'),
    scenes: z.int(),
    ...counts,
    createdAt: time,
  }),
)

/** A snapshot to make. */
export const newSnapshotBody = z.strictObject({ name: plainLine(300).min(1) })

/** What became of a novel since a snapshot. */
export const comparisonSchema = named(
  'SnapshotComparison',
  z.object({
    unchanged: z.int(),
    changed: z.int(),
    added: z.int(),
    deleted: z.int(),
    scenes: z
      .array(
        z.object({
          sceneId: z.string(),
          chapterId: z.string(),
          title: z.string().optional(),
          position: z.int().describe('Within its chapter, from 0'),
          change: z.enum(sceneChanges),
          wordsThen: z.int(),
          charactersThen: z.int(),
          wordsNow: z.int(),
          charactersNow: z.int(),
          entryId: z
            .string()
            .optional()
            .describe('The entry of its history with the text of the snapshot; absent where that had none'),
        }),
      )
      .describe('The first 1,000 that are not as they were'),
  }),
)

/** Ids in paths. */
export const snapshotParams = z.object({ novelId: id, snapshotId: id })
