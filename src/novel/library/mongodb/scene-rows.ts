/** How documents of scenes are told. */
import type { SceneOverview, SceneText } from '../shelf.ts'
import type { SceneDocument } from './schema.ts'

/** A document of which the texts were not read. */
export type SceneRow = Omit<SceneDocument, 'content' | 'summary'>

/** Leaves out the texts. */
export const withoutTexts = { content: 0, summary: 0 } as const

/** The overview of a scene. */
export function overviewOf(scene: SceneRow): SceneOverview {
  const { textVersion, summaryOf } = scene
  return {
    id: scene._id,
    novelId: scene.novelId,
    chapterId: scene.chapterId,
    position: scene.position,
    ...(scene.title === undefined ? {} : { title: scene.title }),
    words: scene.words,
    characters: scene.characters,
    empty: scene.characters === 0,
    hasSummary: summaryOf !== undefined,
    summaryOutOfDate: summaryOf !== undefined && summaryOf < textVersion,
    version: scene.version,
    textVersion,
  }
}

/** The scene with its texts. */
export function textOf(scene: SceneDocument): SceneText {
  return {
    ...overviewOf(scene),
    content: scene.content,
    ...(scene.summary === undefined ? {} : { summary: scene.summary.text }),
  }
}
