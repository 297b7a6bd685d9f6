import { QuillworkError } from '../index.ts'
import type { Piece } from './import/read-chapters.ts'
import type {
  ChapterDraft,
  DraftState,
  DraftWriter,
  NewDraft,
  NovelCounts,
  NovelDrafts,
  SceneDraft,
  VolumeDraft,
} from './library/drafts.ts'

/** Code units and rows after which a batch is written: what an import holds in memory. */
const batchUnits = 250_000
const batchRows = 400

/** What of the file has been read. */
export interface Read {
  volumes: number
  chapters: number
  scenes: number
  words: number
  /** Characters around the book (title page, contents, licence), which are not part of the novel. */
  matter: number
}

/**
 * Writes the pieces of a text into a draft, batch by batch. Positions count what is written, so that they have no gaps when only
 * some chapters are.
 */
export class PieceWriter {
  readonly read: Read = { volumes: 0, chapters: 0, scenes: 0, words: 0, matter: 0 }
  readonly #drafts: NovelDrafts
  readonly #draft: DraftWriter
  #volumes: VolumeDraft[] = []
  #chapters: ChapterDraft[] = []
  #scenes: SceneDraft[] = []
  #units = 0
  #sceneInChapter = 0

  constructor(drafts: NovelDrafts, draft: DraftWriter) {
    this.#drafts = drafts
    this.#draft = draft
  }

  /** Takes a piece. Answers whether a batch was written. Throws ATTEMPT_STALE when the draft is not this attempt's any more. */
  async add(piece: Piece): Promise<boolean> {
    this.#take(piece)
    const rows = this.#volumes.length + this.#chapters.length + this.#scenes.length
    if (this.#units < batchUnits && rows < batchRows) return false
    await this.#flush()
    return true
  }

  /** Writes the rest and puts the novel on the shelf. Throws ATTEMPT_STALE, INTERNAL when rows are missing, the signal's reason. */
  async publish(signal: AbortSignal): Promise<NovelCounts> {
    await this.#flush()
    signal.throwIfAborted()
    const published = await this.#drafts.publish(this.#draft, this.read)
    if (published.outcome === 'published') return published.counts
    if (published.outcome === 'stale') throw staleDraft(this.#draft)
    throw new QuillworkError('INTERNAL', 'Rows of the novel are missing, so it was not put on the shelf.', {
      details: { read: this.read, written: published.counts },
    })
  }

  #take(piece: Piece): void {
    const { read } = this
    if (piece.kind === 'volume') this.#volumes.push({ position: read.volumes++, title: piece.title })
    else if (piece.kind === 'chapter') {
      const volumePosition = read.volumes - 1
      this.#chapters.push({ position: read.chapters++, volumePosition, title: piece.title })
      this.#sceneInChapter = 0
    } else if (piece.kind === 'matter') read.matter += piece.characters
    else {
      const position = this.#sceneInChapter++
      this.#scenes.push({ chapterPosition: read.chapters - 1, position, content: piece.text })
      this.#units += piece.text.length
      read.scenes++
      read.words += piece.words
    }
  }

  async #flush(): Promise<void> {
    const batch = { volumes: this.#volumes, chapters: this.#chapters, scenes: this.#scenes }
    this.#volumes = []
    this.#chapters = []
    this.#scenes = []
    this.#units = 0
    const written = await this.#drafts.write(this.#draft, batch)
    if (written !== 'written') throw staleDraft(this.#draft)
  }
}

/** Makes the draft of an import, or takes it up; one that is being deleted is deleted to the end first. */
export async function openDraft(drafts: NovelDrafts, draft: NewDraft): Promise<DraftState> {
  for (;;) {
    const state = await drafts.create(draft)
    if (state.status !== 'deleting') return state
    await discardDraft(drafts, { novelId: draft.novelId })
  }
}

/** Deletes a draft step by step; with `generation`, only if no attempt has taken it up since. */
export async function discardDraft(
  drafts: NovelDrafts,
  { novelId, generation }: { novelId: string; generation?: number },
): Promise<void> {
  const options = generation === undefined ? {} : { generation }
  while ((await drafts.discard(novelId, options)) === 'more');
}

function staleDraft({ novelId }: DraftWriter): QuillworkError {
  return new QuillworkError(
    'ATTEMPT_STALE',
    `The draft of novel ${novelId} was discarded, or a later attempt writes it.`,
  )
}
