/** The kinds of records of snapshots. */
import { defineKind } from '../../records/records.ts'
import type { GuardedScene } from './scene-guard.ts'
import type { SceneOverview } from './shelf.ts'
import type { Snapshot } from './snapshots.ts'

/** A named snapshot of a novel. */
export interface SnapshotRecord extends Snapshot {
  /** Rises within the novel. */
  order: number
}

export const snapshots = defineKind<SnapshotRecord>({
  name: 'library_snapshots',
  fields: { novelId: 'text', order: 'integer' },
  indexes: { in_order: ['novelId', 'order'] },
})

/** A scene as a snapshot names it. */
export interface SnapshotScene
  extends Pick<SceneOverview, 'id' | 'words' | 'characters'>,
    Pick<GuardedScene, 'textVersion' | 'title'> {}

/** The scenes of a chapter in a snapshot, in reading order. */
export interface SnapshotChapterRecord {
  id: string
  snapshotId: string
  novelId: string
  chapterId: string
  /** Its position. */
  chapter: number
  scenes: readonly SnapshotScene[]
}

export const snapshotChapters = defineKind<SnapshotChapterRecord>({
  name: 'library_snapshot_chapters',
  fields: { snapshotId: 'text', novelId: 'text', chapter: 'integer' },
  large: { scenes: 'json' },
  indexes: { of_snapshot: ['snapshotId', 'chapter'], of_chapter: ['novelId', 'chapter'] },
})

/** Returns the id of what a snapshot knows of a chapter. */
export function snapshotRowId(snapshotId: string, chapterId: string): string {
  return `${snapshotId} ${chapterId}`
}
