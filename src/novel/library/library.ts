/**
 * The novel library: novels, volumes, chapters and scenes, with their summaries, uploads and search index. Small ports by
 * capability, over records of any store; times are epoch milliseconds, offsets are UTF-16 code units.
 */
import type { Records } from '../../records/records.ts'
import { passageIndex } from './build-index.ts'
import type { NovelDrafts } from './drafts.ts'
import { uploadStore } from './keep-uploads.ts'
import type { PassageIndex } from './passage-index.ts'
import { novelShelf } from './read-shelf.ts'
import type { SceneStore } from './scenes.ts'
import type { NovelShelf } from './shelf.ts'
import type { UploadStore } from './uploads.ts'
import { novelDrafts } from './write-draft.ts'
import { sceneStore } from './write-scene.ts'

/** Everything that the novel tasks and the API need to know of novels. */
export interface NovelLibrary {
  readonly drafts: NovelDrafts
  readonly shelf: NovelShelf
  readonly scenes: SceneStore
  readonly uploads: UploadStore
  readonly index: PassageIndex
}

/** Options of a library. */
export interface LibraryOptions {
  /** The clock, epoch milliseconds. Default: that of the process. */
  now?: () => number
}

/** The library that records of the `libraryKinds` are. */
export function novelLibrary(records: Records, { now = Date.now }: LibraryOptions = {}): NovelLibrary {
  const parts = { records, now }
  return {
    drafts: novelDrafts(parts),
    shelf: novelShelf(parts),
    scenes: sceneStore(parts),
    uploads: uploadStore(parts),
    index: passageIndex(parts),
  }
}
