import { decode, type Engine, QuillworkError, taskStatuses } from '../index.ts'
import { defined } from '../task/defined.ts'
import { everyItem } from '../task/page.ts'
import type { Piece } from './import/read-chapters.ts'
import type {
  ChapterDraft,
  DraftState,
  DraftWriter,
  NewDraft,
  NovelCounts,
  NovelDrafts,
  PublishedAs,
  SceneDraft,
  VolumeDraft,
} from './library/drafts.ts'
import { novelNotFound } from './library/refusal.ts'
import { eraseTypes, isOver, markDeleted, type NovelServices } from './services.ts'

/** Code units and rows of a batch: an import holds one batch in memory. */
const batchUnits = 250_000
const batchRows = 400

/** The amounts read from the file so far. */
export type Read = Omit<NovelCounts, 'characters'>

/**
 * Writes the pieces of a text into a draft, batch by batch. Positions count the written pieces, so that an import of some chapters leaves
 * no gaps.
 */
export class PieceWriter {
  readonly read: Read = { volumes: 0, chapters: 0, scenes: 0, words: 0 }
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

  /** Adds a piece. Returns whether a batch was written. Throws ATTEMPT_STALE when the draft no longer belongs to this attempt. */
  async add(piece: Piece): Promise<boolean> {
    this.#take(piece)
    const rows = this.#volumes.length + this.#chapters.length + this.#scenes.length
    if (this.#units < batchUnits && rows < batchRows) return false
    await this.#flush()
    return true
  }

  /** Writes the last batch and publishes the novel. Throws ATTEMPT_STALE, INTERNAL when rows are missing, the signal's reason. */
  async publish(signal: AbortSignal, as?: PublishedAs): Promise<NovelCounts> {
    await this.#flush()
    signal.throwIfAborted()
    const published = await this.#drafts.publish(this.#draft, this.read, as)
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
    } else if (piece.kind === 'scene') {
      const position = this.#sceneInChapter++
      const { title, text: content } = piece
      this.#scenes.push({ chapterPosition: read.chapters - 1, position, ...defined({ title }), content })
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

/**
 * Creates the draft of an import, or takes it over. First completes the deletion of a draft that is being deleted. Throws NOVEL_NOT_FOUND for the novel of another user: its
 * id is a parameter, which anybody may have sent.
 */
export async function openDraft(drafts: NovelDrafts, draft: NewDraft): Promise<DraftState> {
  const { novelId, userId } = draft
  if (((await drafts.find(novelId))?.userId ?? userId) !== userId) throw novelNotFound(novelId)
  for (;;) {
    const state = await drafts.create(draft)
    if (state.status !== 'deleting') return state
    await discardDraft(drafts, { novelId })
  }
}

/** Deletes a draft step by step; with `generation`, only if no later attempt has taken it over. Returns whether it is gone. A published novel is kept. */
export async function discardDraft(
  drafts: NovelDrafts,
  { novelId, generation }: Pick<DraftWriter, 'novelId'> & Partial<DraftWriter>,
): Promise<'done' | 'kept'> {
  for (;;) {
    const step = await drafts.discard(novelId, defined({ generation }))
    if (step !== 'more') return step
  }
}

function staleDraft({ novelId }: DraftWriter): QuillworkError {
  return new QuillworkError(
    'ATTEMPT_STALE',
    `The draft of novel ${novelId} was deleted, or a later attempt writes it.`,
  )
}

/**
 * Deletes the drafts of imports that have ended, and completes interrupted deletions. Call it regularly: an import deletes its draft
 * itself, except when it was cancelled while it waited, or when its process ended. What a task deletes for good is left to that task. Returns the
 * number of deleted novels.
 */
export async function sweepDrafts(
  { library }: Pick<NovelServices, 'library'>,
  engine: Pick<Engine, 'tasks'>,
): Promise<number> {
  let swept = 0
  for await (const draft of everyItem(100, page => library.drafts.list(page))) {
    if (draft.status === 'deleting') {
      if (await isBeingErased(engine, draft)) continue
      await discardDraft(library.drafts, { novelId: draft.novelId })
    }
    // A later retry of the import has raised the generation, which keeps the draft.
    else if (draft.importTaskId !== undefined && (await isOver(engine, draft.importTaskId)))
      await discardDraft(library.drafts, draft)
    else continue
    swept++
    markDeleted(library)
  }
  return swept
}

/** Deletes for good what was in the bins of novels for 30 days. Call it regularly. Returns the number of entries. */
export async function sweepBins({ library }: Pick<NovelServices, 'library'>): Promise<number> {
  for (let swept = 0; ; ) {
    const { isMore, purged } = await library.bin.purge()
    swept += purged
    if (purged > 0) markDeleted(library)
    if (!isMore) return swept
  }
}

/**
 * Whether a task has yet to delete the novel for good: it says how much that was. One that failed or was cancelled is retried by whoever asks again, who
 * finds it by the novel.
 */
async function isBeingErased(
  { tasks }: Pick<Engine, 'tasks'>,
  { novelId, userId }: DraftState,
): Promise<boolean> {
  const filter = { taskType: Object.values(eraseTypes), status: unfinished }
  for await (const { parameters } of everyItem(100, page => tasks.list(filter, page))) {
    const named = decode(parameters) as { novelId?: string; userId?: string }
    if (named.novelId === novelId || named.userId === userId) return true
  }
  return false
}

const unfinished = taskStatuses.filter(status => status !== 'COMPLETED')
