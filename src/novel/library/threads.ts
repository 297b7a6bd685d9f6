/**
 * The threads of the stories of a library. How far one is at a place is worked out with each reading, from its events and the texts that are there. Every
 * write names the version that its writer has read, and is refused when the thread changed since.
 */
import type { Page, PageRequest } from '../../task/page.ts'
import type { PlacedEvent, PlacedThread, Standing, ThreadFields } from '../threads/thread.ts'
import type { ScenePlace, StoryPlace } from './shelf.ts'

/** A thread as it is kept. */
export interface Thread extends ThreadFields {
  /** Unique within the novel. */
  readonly id: string
  readonly novelId: string
  /** Of a new thread the time, and rises by one with every change: one that was deleted and made again has no version of before. */
  readonly version: number
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** A thread with how far it is at a place. */
export interface ThreadThere extends Omit<Thread, 'events'>, Pick<Standing, 'state' | 'isOverdue' | 'isDue'> {
  readonly events: readonly PlacedEvent[]
}

/** What of a thread a model may be told: its note is left out, and so is what happens at the place or behind it. */
export type ToldThread = Pick<Thread, 'id' | 'title' | 'plan'> & PlacedThread

/** The threads of a novel as they are at a place. */
export interface ThreadsAtPlace {
  readonly threads: readonly ToldThread[]
  readonly place: ScenePlace
}

/** Names a thread of a novel. */
export interface ThreadChoice {
  readonly novelId: string
  readonly threadId: string
  /** The scene right before which it is asked how far the thread is. Default: behind the last scene that has a text. */
  readonly before?: string | undefined
}

/** A thread that somebody has read; version 0 where there was none. */
export interface ThreadRead extends Pick<ThreadChoice, 'novelId' | 'threadId'> {
  readonly expectedVersion: number
}

/** What became of a write. `conflict`: somebody changed the thread since it was read; `version` is the one that is there now. */
export interface ThreadWritten {
  readonly outcome: 'applied' | 'conflict'
  readonly version: number
}

/** The threads of the novels of a library. */
export interface ThreadStore {
  /** In the order in which they were made. Throws NOVEL_NOT_FOUND, SCENE_NOT_FOUND. */
  threads(
    userId: string,
    of: Pick<ThreadChoice, 'novelId' | 'before'>,
    page: PageRequest,
  ): Promise<Page<ThreadThere>>
  /** Throws NOVEL_NOT_FOUND, SCENE_NOT_FOUND, THREAD_NOT_FOUND. */
  thread(userId: string, choice: ThreadChoice): Promise<ThreadThere>
  /** What a prompt at a place may be told. Throws NOVEL_NOT_FOUND, SCENE_NOT_FOUND. */
  atPlace(userId: string, place: StoryPlace): Promise<ThreadsAtPlace>
  /**
   * Writes a whole thread, a new one over version 0. Throws NOVEL_NOT_FOUND, THREADS_FULL, THREAD_NOT_FOUND for one that is gone, QUOTATION_NOT_FOUND for a
   * new event of which the text of the scene has no such quotation, SCENE_NOT_FOUND, and OPTION_INVALID for fields that are not taken.
   */
  put(userId: string, read: ThreadRead, fields: ThreadFields): Promise<ThreadWritten>
  /** A thread that is gone counts as removed. Throws NOVEL_NOT_FOUND. */
  remove(userId: string, read: ThreadRead): Promise<ThreadWritten>
}
