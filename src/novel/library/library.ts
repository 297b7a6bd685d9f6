/**
 * The novel library: novels, volumes, chapters and scenes, with their summaries, uploads and search index. Small ports by
 * capability, the same for every store; times are epoch milliseconds, offsets are UTF-16 code units.
 */
import type { NovelDrafts } from './drafts.ts'
import type { PassageIndex } from './passage-index.ts'
import type { SceneStore } from './scenes.ts'
import type { NovelShelf } from './shelf.ts'
import type { UploadStore } from './uploads.ts'

/** Everything that the novel tasks and the API need to know of novels. */
export interface NovelLibrary {
  readonly drafts: NovelDrafts
  readonly shelf: NovelShelf
  readonly scenes: SceneStore
  readonly uploads: UploadStore
  readonly index: PassageIndex
}
