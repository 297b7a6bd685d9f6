/**
 * Reading published novels. Every reading is on behalf of a user and sees that user's novels alone: another's is not found.
 *
 * Reading order is that of the chapters over the whole novel, and of the scenes within each. No reading holds a whole novel.
 */

import type { Page, PageRequest } from '../../task/page.ts'
import type { SceneCodex } from '../codex/entry.ts'
import type { Narration, NovelNarration } from '../narration.ts'
import type { NovelCounts } from './drafts.ts'

/** A novel as the shelf shows it. */
export interface NovelOverview extends NovelCounts {
  id: string
  userId: string
  title: string
  author?: string
  language?: string
  /** Words that its author wants it to have; absent for none. */
  targetWords?: number
  /** It gives voice and facts to other novels, and no model writes in it. */
  reference?: true
  /** The references that it names; absent for none. */
  references?: readonly NamedReference[]
  /** Scenes that have a summary, also one of an older text. */
  summaries: number
  /** Rises whenever the text of a scene changes: what was derived from the text at a lower one is out of date. */
  textVersion: number
  /** Rises by one whenever its title, author, language, target or references change, or it becomes a reference or is one no longer. */
  version: number
  /** When it came on the shelf, epoch milliseconds. */
  createdAt: number
  updatedAt: number
}

/** A reference that a novel names. */
export interface NamedReference {
  novelId: string
  /** Absent where the novel is gone. */
  title?: string
  /** `unmarked`: it is a reference no longer. `gone`: it was deleted, or is in the bin. Either gives nothing to prompts. */
  state: 'used' | 'unmarked' | 'gone'
}

/** A novel without what takes reading other records. */
export type NovelAbout = Omit<NovelOverview, 'summaries' | 'references'>

/** A volume of a novel. */
export interface VolumeOverview {
  id: string
  position: number
  title: string
  /** Rises by one whenever its title changes. */
  version: number
  chapters: number
  words: number
}

/** A chapter of a novel. */
export interface ChapterOverview {
  id: string
  novelId: string
  volumeId: string
  /** Over the whole novel, from 0. */
  position: number
  title: string
  /** Rises by one whenever its title or its target changes. */
  version: number
  words: number
  characters: number
  /** Words that its author wants it to have; absent for none. */
  targetWords?: number
  summaries: number
  /** In reading order. */
  sceneIds: readonly string[]
}

/** A scene without its text. */
export interface SceneOverview {
  id: string
  novelId: string
  chapterId: string
  /** Within its chapter, from 0. */
  position: number
  title?: string
  /** How it is told, where that differs from the novel. */
  narration?: Narration
  /** Entries that are told in it, or not, whatever else holds. */
  codex?: SceneCodex
  words: number
  characters: number
  /** Whether nothing can be seen of its text. */
  empty: boolean
  hasSummary: boolean
  /** The summary was made from an older text. */
  summaryOutOfDate: boolean
  /** Texts that wait beside it for the author; absent for none. */
  openCandidates?: number
  /** Rises by one with every change of the scene. */
  version: number
  /** `version` at the last change of the text. */
  textVersion: number
}

/** A scene with its text and summary. */
export interface SceneText extends SceneOverview {
  content: string
  summary?: string
}

/** The same with its place in the novel. */
export interface PlacedText extends SceneText {
  /** Of its chapter over the whole novel, from 0. */
  chapterPosition: number
}

/** Scenes of a novel from one chapter to another, both included; the ends default to the first and the last chapter. */
export interface ChapterRange {
  novelId: string
  startChapterId?: string
  endChapterId?: string
}

/** The summary of a scene, with the place of the scene. */
export interface SceneSummary extends Pick<SceneOverview, 'chapterId' | 'position' | 'title'> {
  sceneId: string
  /** Of the chapter over the whole novel, from 0. */
  chapterPosition: number
  chapterTitle: string
  summary: string
  /** It was made from an older text. */
  outOfDate: boolean
}

/** A place in a novel: right before a scene, by its id, or at the end of all that is there. */
export type StoryPlace = string | { readonly endOf: string }

/** The place of a scene in reading order: the position of its chapter over the whole novel, and its own within the chapter. */
export type ScenePlace = readonly [chapter: number, position: number]

/** Whether a place is before another one. */
export function isBefore([chapter, position]: ScenePlace, other: ScenePlace): boolean {
  return chapter < other[0] || (chapter === other[0] && position < other[1])
}

/** A page of texts that ends early. */
export interface TextPageRequest extends PageRequest {
  /** The text that fills so many code units is the last of the page. Default, and at most: 400,000. */
  units?: number
}

/** The novels that can be read. */
export interface NovelShelf {
  /** The user's novels, newest first. */
  novels(userId: string, page: PageRequest): Promise<Page<NovelOverview>>
  /** Throws NOVEL_NOT_FOUND. */
  novel(userId: string, novelId: string): Promise<NovelOverview>
  /** The same without reading its scenes: for a task of one of them. Throws NOVEL_NOT_FOUND. */
  about(userId: string, novelId: string): Promise<NovelAbout>
  /** The references that it names, in the order in which its author has them. Throws NOVEL_NOT_FOUND. */
  references(userId: string, novelId: string): Promise<readonly NamedReference[]>
  /** The first scenes of each of some stretches of a novel, which are of about as many chapters each. Throws NOVEL_NOT_FOUND. */
  stretches(userId: string, novelId: string, count: number): Promise<readonly (readonly SceneOverview[])[]>
  /** How it is told; version 0 where nobody has said. Throws NOVEL_NOT_FOUND. */
  narration(userId: string, novelId: string): Promise<NovelNarration & { version: number }>
  /** Writes how it is told over the version that was read. Throws NOVEL_NOT_FOUND. */
  setNarration(
    userId: string,
    novelId: string,
    given: { narration: NovelNarration; expectedVersion: number },
  ): Promise<{ outcome: 'applied' | 'conflict'; version: number }>
  /** In reading order. Throws NOVEL_NOT_FOUND. */
  volumes(userId: string, novelId: string): Promise<readonly VolumeOverview[]>
  /** In reading order, over the whole novel or within one volume. Throws NOVEL_NOT_FOUND. */
  chapters(
    userId: string,
    filter: { novelId: string; volumeId?: string },
    page: PageRequest,
  ): Promise<Page<ChapterOverview>>
  /** Throws CHAPTER_NOT_FOUND. */
  chapter(userId: string, chapterId: string): Promise<ChapterOverview>
  /** Scenes in reading order. Throws NOVEL_NOT_FOUND, CHAPTER_NOT_FOUND, and OPTION_INVALID for a range that ends before it starts. */
  scenes(userId: string, range: ChapterRange, page: PageRequest): Promise<Page<SceneOverview>>
  /** The same with their texts; a page ends early after about 400,000 code units. */
  texts(userId: string, range: ChapterRange, page: PageRequest): Promise<Page<PlacedText>>
  /** The texts before a place, nearest first: backwards in reading order, across chapters. Throws SCENE_NOT_FOUND, NOVEL_NOT_FOUND. */
  textsBefore(userId: string, place: StoryPlace, page: TextPageRequest): Promise<Page<SceneText>>
  /** The summaries of the scenes before a place that have one, nearest first, without the texts. Throws SCENE_NOT_FOUND, NOVEL_NOT_FOUND. */
  summariesBefore(userId: string, place: StoryPlace, page: PageRequest): Promise<Page<SceneSummary>>
  /**
   * Takes a novel from the shelf at once and deletes it by one step of at most `limit` scenes, none for 0; `more`: call again, or leave it
   * to the sweep of `NovelDrafts.list`. Throws NOVEL_NOT_FOUND.
   */
  remove(userId: string, novelId: string, limit?: number): Promise<'more' | 'done'>
}
