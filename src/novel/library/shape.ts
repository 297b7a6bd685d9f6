/**
 * Making a novel, and changing of what it is made: volumes, chapters and scenes are added, renamed, moved, split and merged. Each change is one
 * commit, all of it or nothing; what has an id keeps it, with its text, history, candidates and summaries.
 *
 * A place is said by what is to follow it: `before` a volume, chapter or scene, by its id; absent: at the end.
 */
import type { BinEntry } from './bin.ts'
import type { SceneWritten } from './scenes.ts'
import type { ChapterOverview, NovelOverview, VolumeOverview } from './shelf.ts'

/** Most words that a novel or a chapter can be wanted to have. */
export const mostTargetWords = 100_000_000

/** Most references that a novel names. */
export const mostReferences = 3

/** A novel that a person begins. */
export interface NewNovel {
  userId: string
  /** Chosen by the caller, at most 100 characters: the novel of that user that has it already is found. */
  id: string
  title: string
  author?: string
  /** BCP 47 tag of the text, such as `zh` or `en`. */
  language?: string
}

/** What a novel is called, how long it is to be, and what it is to others. An empty author or language is none, and so is a target of 0 words. */
export interface NovelNames extends Partial<Pick<NewNovel, 'title' | 'author' | 'language'>> {
  targetWords?: number
  /** Whether it gives voice and facts to other novels, and no model writes in it. One that is marked no longer names references. */
  reference?: boolean
  /** Ids of the references that it names, at most `mostReferences`; none for an empty list. */
  references?: readonly string[]
}

/** What a writer has read: where it is given, nothing is written over a newer version. */
export interface SeenVersion {
  expectedVersion?: number
}

/** What of a volume changes. */
export interface VolumeEdit extends SeenVersion {
  novelId: string
  volumeId: string
  title: string
}

/** What of a chapter changes; a target of 0 words is none. */
export interface ChapterEdit extends SeenVersion {
  novelId: string
  chapterId: string
  title?: string
  targetWords?: number
}

/** A volume that is to be added, empty. */
export interface NewVolume {
  novelId: string
  /** Chosen by the caller, at most 100 characters: the one that has it already is found. */
  id: string
  title: string
  before?: string
}

/** A chapter that is to be added, without scenes. */
export interface NewChapter extends NewVolume {
  /** Default: that of the chapter that follows, else the last one. */
  volumeId?: string
}

/** Where a volume is to be. */
export interface VolumeMove {
  novelId: string
  volumeId: string
  before?: string
}

/** Where a chapter is to be. */
export interface ChapterMove {
  novelId: string
  chapterId: string
  /** Default: that of the chapter that follows, else the last one. */
  volumeId?: string
  before?: string
}

/** Where a scene is to be. */
export interface SceneMove {
  sceneId: string
  /** Default: the chapter that it is in. */
  chapterId?: string
  before?: string
}

/** Where a chapter is cut in two. */
export interface ChapterSplit {
  novelId: string
  chapterId: string
  /** Id of the scene that begins the new chapter; not the first one. */
  at: string
  /** Of the new chapter, chosen by the caller, at most 100 characters. */
  id: string
  title: string
}

/** Where a scene is cut in two. */
export interface SceneSplit {
  sceneId: string
  /** `version` of the scene that was read. */
  expectedVersion: number
  /** Where in that text the new scene begins, in code units; text is on both sides. */
  at: number
  /** Of the new scene, chosen by the caller, at most 100 characters. */
  id: string
  title?: string
}

/** Scenes that are cut in two, and joined. Both throw SCENE_NOT_FOUND. */
export interface SceneShape {
  /**
   * What follows a place becomes a scene of its own, right behind; blank lines at the place go. The whole text stays in the history of the first one.
   * Split again with the same id, it changes nothing. Throws CHAPTER_FULL, and OPTION_INVALID where a side has no text, or the id is taken.
   */
  splitScene(userId: string, split: SceneSplit): Promise<SceneWritten>
  /**
   * The text of the scene that follows in the chapter is put behind that of this one, and that scene into the bin. Throws OPTION_INVALID where `next`
   * does not follow, or the text would be too long.
   */
  mergeScenes(userId: string, unit: { sceneId: string; next: string }): Promise<BinEntry>
}

/** The shapes of novels. All throw NOVEL_NOT_FOUND, VOLUME_NOT_FOUND, CHAPTER_NOT_FOUND, SCENE_NOT_FOUND for what a user does not have. */
export interface NovelShape {
  /** Puts a novel on the shelf: one chapter with one empty scene. Throws OPTION_INVALID where another has the id. */
  create(novel: NewNovel): Promise<NovelOverview>
  /**
   * Changes what is given. Throws NOVEL_CHANGED, NOVEL_IS_REFERENCE, NOVEL_NOT_REFERENCE, and OPTION_INVALID for a novel that names itself or too many.
   */
  rename(userId: string, novelId: string, names: NovelNames & SeenVersion): Promise<NovelOverview>
  /** Throws VOLUME_CHANGED. */
  renameVolume(userId: string, edit: VolumeEdit): Promise<void>
  /** Changes what is given. Throws CHAPTER_CHANGED. */
  editChapter(userId: string, edit: ChapterEdit): Promise<void>
  /** Throws OPTION_INVALID where something else has the id. */
  addVolume(userId: string, volume: NewVolume): Promise<VolumeOverview>
  /** Throws OPTION_INVALID where something else has the id, or the place is in another volume. */
  addChapter(userId: string, chapter: NewChapter): Promise<ChapterOverview>
  /** With its chapters. */
  moveVolume(userId: string, move: VolumeMove): Promise<void>
  /** Throws OPTION_INVALID where the place is in another volume. */
  moveChapter(userId: string, move: ChapterMove): Promise<void>
  /** Within its novel. Throws CHAPTER_FULL, and OPTION_INVALID where the place is in another chapter. */
  moveScene(userId: string, move: SceneMove): Promise<void>
  /** The scenes from `at` on become a chapter of their own, right behind. Throws OPTION_INVALID for the first scene. */
  splitChapter(userId: string, split: ChapterSplit): Promise<ChapterOverview>
  /** The scenes of the chapter that follows go to the end of this one, and that one is gone. Throws CHAPTER_FULL, and OPTION_INVALID where `next` does not follow. */
  mergeChapters(userId: string, unit: { novelId: string; chapterId: string; next: string }): Promise<void>
}
