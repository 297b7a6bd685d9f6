/**
 * Named snapshots of a novel: which text every scene had. They copy no text: a scene that changed since has it in its history, which drops no text
 * that a snapshot names.
 */
import type { Page, PageRequest } from '../../task/page.ts'

/** Snapshots of a novel. */
export const mostSnapshots = 100

/** A snapshot of a novel. */
export interface Snapshot {
  id: string
  novelId: string
  /** In the author's words; of one that restoring made, the name of the one that was restored. */
  name: string
  /** It was made before another one was restored, so that this can be undone. */
  isBeforeRestoring?: true
  /** It was made before a file replaced texts, so that this can be undone; its name is that of the file. */
  isBeforeAppending?: true
  scenes: number
  words: number
  characters: number
  createdAt: number
}

/** A snapshot to make. */
export interface NewSnapshot
  extends Pick<Snapshot, 'novelId' | 'name' | 'isBeforeRestoring' | 'isBeforeAppending'> {
  /** Made again with the same id, it finds itself. At most 100 characters. */
  id: string
}

/** What became of a scene since a snapshot. */
export const sceneChanges = ['changed', 'added', 'deleted'] as const

/** A scene that is not as it was. */
export interface ChangedScene {
  sceneId: string
  chapterId: string
  /** Absent for a scene without one, and for a deleted one. */
  title?: string
  /** Within its chapter, from 0. */
  position: number
  change: (typeof sceneChanges)[number]
  /** Size at the snapshot; 0 for one that was added. */
  wordsThen: number
  charactersThen: number
  /** Size now; 0 for one that was deleted. */
  wordsNow: number
  charactersNow: number
  /** The entry of its history with the text of the snapshot; absent where that was empty. */
  entryId?: string
}

/** What became of a novel since a snapshot. */
export interface Comparison extends Record<(typeof sceneChanges)[number] | 'unchanged', number> {
  /** The first 1,000 that are not as they were, in reading order. */
  scenes: readonly ChangedScene[]
}

/** A snapshot of a user's novel. */
export interface SnapshotChoice {
  novelId: string
  snapshotId: string
}

/** What restoring did to a scene. `left`: somebody wrote it since the restoring began, or its text is not kept. */
export type SceneRestored = 'restored' | 'unchanged' | 'left'

/** The snapshots of published novels. */
export interface SnapshotStore {
  /** Names the state of a novel, in one write. Throws NOVEL_NOT_FOUND, SNAPSHOTS_FULL. */
  create(userId: string, snapshot: NewSnapshot): Promise<Snapshot>
  /** Newest first. Throws NOVEL_NOT_FOUND. */
  snapshots(userId: string, novelId: string, page: PageRequest): Promise<Page<Snapshot>>
  /** Throws NOVEL_NOT_FOUND, SNAPSHOT_NOT_FOUND. */
  snapshot(userId: string, choice: SnapshotChoice): Promise<Snapshot>
  /** Compares the novel with a snapshot. Throws as `snapshot` does. */
  compare(userId: string, choice: SnapshotChoice): Promise<Comparison>
  /** The scenes of a snapshot in reading order, by chapter. Throws as `snapshot` does. */
  sceneIds(userId: string, choice: SnapshotChoice): Promise<readonly string[]>
  /**
   * Gives scenes of a snapshot its texts, each in a write of its own; what was there goes into the history. `beforeId`: the snapshot that was made
   * before: a scene that was written since is left. Throws as `snapshot` does.
   */
  restore(
    userId: string,
    wanted: SnapshotChoice & { beforeId: string; sceneIds: readonly string[] },
  ): Promise<ReadonlyMap<string, SceneRestored>>
  /** Deletes a snapshot; the texts stay in the histories. Throws as `snapshot` does. */
  remove(userId: string, choice: SnapshotChoice): Promise<void>
}
