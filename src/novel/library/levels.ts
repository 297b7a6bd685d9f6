/**
 * The summaries above those of scenes: of each chapter, of stretches of chapters in a long volume, of each volume and of the book. Each is made of
 * the summaries one level below, and remembers by a digest which these were: when one of them changes, or one below it, it is out of date.
 *
 * A summary that a person wrote is never overwritten by a task, also not where it is out of date; what is above it is out of date when the person changes it.
 */
import { hashedId } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import { groupedBy } from '../grouped-by.ts'
import type { Origin, Provenance, TaskWriter } from './provenance.ts'

/** The levels, in the order in which they are made. */
export const levels = ['chapter', 'stretch', 'volume', 'book'] as const

/** What a summary is of. */
export type Level = (typeof levels)[number]

/** Chapters of a stretch. A volume of no more has none. */
export const chaptersPerStretch = 25

/** A scene that has a summary, or a text that can have one. */
export interface ScenePart {
  id: string
  chapterId: string
  characters: number
  /** 0 when it never had a summary. */
  summaryVersion: number
  hasSummary: boolean
  outOfDate: boolean
  /** Its summary is out of date and written by a person: tasks leave it. */
  isKept: boolean
}

/** What has a summary: a chapter, a stretch, a volume, or the book. */
export interface LevelUnit {
  /** That of the chapter, the volume or the novel; a stretch has one that follows from its volume and place. */
  id: string
  level: Level
  /** Empty for a stretch, which is known by its chapters. */
  title: string
  volumeId?: string
  /** Positions of its first and last chapter over the whole novel. */
  firstChapter: number
  lastChapter: number
  /** What its summary is made of, in reading order: scenes for a chapter, else units of the level below. */
  parts: readonly string[]
  /** Changes with everything that its summary is made of. */
  digest: string
  /** `empty`: nothing in it can be summarised. */
  state: 'empty' | 'missing' | 'current' | 'out-of-date'
  /** Of its summary; 0 where there was none. */
  version: number
  /** A person wrote its summary. */
  isByPerson: boolean
}

/** A novel as its summaries see it. Units come after those that they are made of. */
export interface StoryOutline {
  units: readonly LevelUnit[]
  /** In reading order; without those that have nothing to tell. */
  scenes: readonly ScenePart[]
}

/** The summary of a unit. */
export interface LevelSummary extends Origin {
  text: string
  /** BCP 47 tag. */
  language?: string
  /** Rises by one with every change. */
  version: number
}

/** A summary that others are made of, or that a prompt tells. */
export interface PartSummary extends Provenance {
  text: string
  language?: string
}

/** A summary of a unit that a task made. */
export interface LevelWrite extends Provenance {
  novelId: string
  unitId: string
  /** The digest of the unit when its parts were read. */
  digest: string
  /** `version` of the summary that was read; 0 for none. */
  expectedVersion: number
  summary: string
  language?: string
  writer: TaskWriter
}

/** What became of a summary that a person wrote. */
export interface LevelWritten {
  outcome: 'applied' | 'conflict'
  version: number
}

/** The summaries of the levels of novels. */
export interface SummaryLevels {
  /** The novels of all users, in the order of their ids: for keeping their summaries up to date. */
  novels(page: PageRequest): Promise<Page<{ id: string; userId: string; updatedAt: number }>>
  /** Throws NOVEL_NOT_FOUND. */
  outline(userId: string, novelId: string): Promise<StoryOutline>
  /** One unit of the outline; reads what is below it alone. Throws NOVEL_NOT_FOUND, CHAPTER_NOT_FOUND. */
  unit(userId: string, wanted: { novelId: string; unitId: string }): Promise<LevelUnit>
  /** The summaries of units that are there. Throws NOVEL_NOT_FOUND. */
  summaries(
    userId: string,
    novelId: string,
    unitIds: readonly string[],
  ): Promise<ReadonlyMap<string, LevelSummary>>
  /** The summaries of units and of scenes that are there, by id. Throws NOVEL_NOT_FOUND. */
  parts(userId: string, novelId: string, ids: readonly string[]): Promise<ReadonlyMap<string, PartSummary>>
  /**
   * Writes what a task made over the version that it read. Sent again, it finds itself. `conflict`: a person wrote one, or another task did meanwhile.
   */
  write(userId: string, write: LevelWrite): Promise<'applied' | 'conflict' | 'missing'>
  /** Writes what a person says over the version that was read; an empty text leaves it to tasks again. Throws NOVEL_NOT_FOUND, CHAPTER_NOT_FOUND for no such unit. */
  edit(
    userId: string,
    edit: { novelId: string; unitId: string; text: string; expectedVersion: number },
  ): Promise<LevelWritten>
}

/** What an outline is made of, each in reading order. */
export interface OutlineSource {
  novel: { id: string; title: string }
  volumes: readonly { id: string; title: string }[]
  chapters: readonly { id: string; title: string; position: number; volumeId: string }[]
  scenes: readonly ScenePart[]
  /** By the id of the unit. `of`: the digest that it had. */
  summaries: ReadonlyMap<string, { of: string; version: number; isByPerson: boolean; isEmpty: boolean }>
}

/**
 * A part, with what changes when a summary that is made of it is out of date: its summary, and what that is made of, for it will be made anew. What a person
 * wrote stays, so its version alone counts.
 */
interface Digested {
  id: string
  digestInput: readonly unknown[]
}

/** Returns the units of a novel. */
export function outlineOf({ novel, volumes, chapters, scenes, summaries }: OutlineSource): StoryOutline {
  const units: LevelUnit[] = []
  /** Adds a unit; returns it as a part of the next level, none where nothing in it can be summarised. */
  const add = (
    unit: Pick<LevelUnit, 'id' | 'level' | 'title' | 'volumeId'>,
    span: readonly { position: number }[],
    parts: readonly Digested[],
  ): readonly Digested[] => {
    const digest = hashedId(JSON.stringify(parts.map(part => [part.id, ...part.digestInput])))
    const { of, version = 0, isByPerson = false, isEmpty = true } = summaries.get(unit.id) ?? {}
    const made = isEmpty ? 'missing' : of === digest ? 'current' : 'out-of-date'
    units.push({
      ...unit,
      firstChapter: span[0]?.position ?? 0,
      lastChapter: span.at(-1)?.position ?? 0,
      parts: parts.map(part => part.id),
      digest,
      state: parts.length === 0 ? 'empty' : made,
      version,
      isByPerson: isByPerson && !isEmpty,
    })
    if (parts.length === 0) return []
    return [{ id: unit.id, digestInput: isByPerson && !isEmpty ? [version] : [digest, version] }]
  }
  const inChapter = groupedBy(scenes, scene => scene.chapterId)
  const chapterPart = (chapter: OutlineSource['chapters'][number]) => {
    const { id, title, volumeId } = chapter
    const parts = (inChapter.get(id) ?? []).map(scene => ({
      id: scene.id,
      digestInput: [scene.summaryVersion, scene.outOfDate && !scene.isKept],
    }))
    return add({ id, level: 'chapter', title, volumeId }, [chapter], parts)
  }
  const inVolume = groupedBy(chapters, chapter => chapter.volumeId)
  const ofBook = volumes.flatMap(({ id, title }) => {
    const own = inVolume.get(id) ?? []
    const isLong = own.length > chaptersPerStretch
    const stretches = isLong ? chunksOf(own, chaptersPerStretch) : [own]
    const parts = stretches.flatMap((stretch, place) => {
      const inStretch = stretch.flatMap(chapterPart)
      if (!isLong) return inStretch
      return add(
        { id: stretchIdOf(id, place), level: 'stretch', title: '', volumeId: id },
        stretch,
        inStretch,
      )
    })
    return add({ id, level: 'volume', title, volumeId: id }, own, parts)
  })
  add({ id: novel.id, level: 'book', title: novel.title }, chapters, ofBook)
  return { units, scenes }
}

/** The id of a stretch of a volume, from 0. */
export function stretchIdOf(volumeId: string, place: number): string {
  return hashedId(['stretch', volumeId, place].join('\n'))
}

function chunksOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  )
}

/** A summary as a part of others. */
export function partOf<Summary extends PartSummary>(summary: Summary): PartSummary {
  const { text, language, method, model, prompt, parameters, usage, finishReason } = summary
  return { text, method, ...defined({ language, model, prompt, parameters, usage, finishReason }) }
}
