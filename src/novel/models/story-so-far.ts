/** What happened before a scene, told the shorter the longer ago it was. */
import type { LevelUnit, PartSummary } from '../library/levels.ts'
import type { SceneSummary, StoryPlace } from '../library/shelf.ts'
import type { NovelServices } from '../services.ts'
import type { BlockSource, LeftOutSource } from './blocks.ts'
import type { MaterialText } from './context.ts'

/** Chapters right before that of the scene that are told in full where the budget allows; what is before them is shortened, and never left out for them. */
const nearChapters = 5
/** Most summaries of scenes that are read. */
const mostSummaries = 60

/** The story before a scene. */
export interface StorySoFar {
  /** Nearest first. */
  readonly told: readonly MaterialText[]
  readonly leftOut: readonly LeftOutSource[]
}

/**
 * Returns the summaries of what is before a place: of scenes in its chapter, of the chapters before it in its volume, or of stretches of them, and of the
 * volumes before. A chapter of which a scene is shown by its text (`without`), and one without a summary, is told by the summaries of its scenes. Nothing
 * of the scene's own chapter, volume or book as a whole is told: that would tell what comes later. Throws SCENE_NOT_FOUND, NOVEL_NOT_FOUND.
 */
export async function storySoFar(
  { userId, services }: { userId: string; services: NovelServices },
  {
    novelId,
    before: place,
    chapter: ofPlace,
    without,
  }: { novelId: string; before: StoryPlace; chapter: number; without: ReadonlySet<string> },
): Promise<StorySoFar> {
  const { levels, shelf } = services.library
  const [{ units }, { items }] = await Promise.all([
    levels.outline(userId, novelId),
    shelf.summariesBefore(userId, place, { pageSize: mostSummaries }),
  ])
  const ofScenes = byChapter(items.filter(summary => !without.has(summary.sceneId)))
  // The end of a novel is right behind its last chapter.
  const chapter = Math.min(ofPlace, 1 + Math.max(-1, ...units.map(({ lastChapter }) => lastChapter)))
  const before = unitsBefore(units, { chapter, isEnd: typeof place !== 'string' })
  const summaries = await levels.parts(
    userId,
    novelId,
    before.map(({ id }) => id),
  )
  const ofChapters = units.filter(({ level }) => level === 'chapter')
  const titles = new Map(ofChapters.map(({ firstChapter, title }) => [firstChapter, title]))
  const firstNear = chapter - nearChapters
  const told: MaterialText[] = ofScenes.filter(({ at }) => at === chapter).map(({ text }) => text)
  const leftOut: LeftOutSource[] = []
  for (const unit of before.toReversed()) {
    const isShown = unit.level === 'chapter' && unit.parts.some(part => without.has(part))
    const scenes = ofScenes.find(({ at }) => unit.level === 'chapter' && at === unit.firstChapter)?.text
    const summary = isShown ? undefined : summaries.get(unit.id)
    const text = summary === undefined ? scenes : textOf(unit, summary, titles)
    if (text !== undefined) told.push({ ...text, ...(unit.lastChapter < firstNear && { isFar: true }) })
    else if (!isShown) leftOut.push({ ...sourceOf(unit, titles), reason: 'no-summary' })
  }
  return { told, leftOut }
}

/**
 * Returns the units that tell what is before a chapter, in reading order: volumes, what they do not tell by stretches, and the rest by chapters. One
 * without a summary is told by its parts; so is the last volume at the end of the novel, where the story goes on in it.
 */
function unitsBefore(
  units: readonly LevelUnit[],
  { chapter, isEnd }: { chapter: number; isEnd: boolean },
): readonly LevelUnit[] {
  const taken: LevelUnit[] = []
  const isTold = ({ firstChapter, lastChapter }: LevelUnit) =>
    taken.some(unit => unit.firstChapter <= firstChapter && unit.lastChapter >= lastChapter)
  const goesOn = ({ level, lastChapter }: LevelUnit) =>
    level === 'volume' && isEnd && lastChapter === chapter - 1
  for (const level of ['volume', 'stretch', 'chapter'] as const)
    for (const unit of units) {
      if (unit.level !== level || unit.lastChapter >= chapter || unit.state === 'empty') continue
      if (level !== 'chapter' && (unit.state === 'missing' || goesOn(unit))) continue
      if (!isTold(unit)) taken.push(unit)
    }
  return taken.toSorted((one, other) => one.firstChapter - other.firstChapter)
}

/** The titles of the chapters, by their positions. */
type Titles = ReadonlyMap<number, string>

function sourceOf(
  { level, id, title, firstChapter, lastChapter, state }: LevelUnit,
  titles: Titles,
): BlockSource {
  const named = level === 'stretch' ? `${titles.get(firstChapter)} – ${titles.get(lastChapter)}` : title
  return { of: level, id, title: named, ...(state === 'out-of-date' && { isOutOfDate: true as const }) }
}

function textOf(unit: LevelUnit, { text }: PartSummary, titles: Titles): MaterialText {
  const source = sourceOf(unit, titles)
  return { text: source.title === '' ? text : `${source.title}: ${text}`, source }
}

/** Returns one text per chapter, nearest chapter first; within it in reading order. */
function byChapter(nearestFirst: readonly SceneSummary[]): readonly { at: number; text: MaterialText }[] {
  const chapters = new Map<string, { title: string; at: number; summaries: string[] }>()
  for (const { chapterId, chapterPosition: at, chapterTitle: title, summary } of nearestFirst) {
    const chapter = chapters.get(chapterId) ?? { title, at, summaries: [] }
    chapter.summaries.unshift(summary)
    chapters.set(chapterId, chapter)
  }
  return [...chapters].map(([id, { title, at, summaries }]) => ({
    at,
    text: { text: `${title}: ${summaries.join(' ')}`, source: { of: 'chapter', id, title } },
  }))
}
