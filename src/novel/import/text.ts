/** Import of texts: a survey tells what a text holds, a read gives its volumes, chapters and scenes. */
export {
  type ChapterPiece,
  type MatterPiece,
  type Piece,
  type ReadOptions,
  readChapters,
  type ScenePiece,
  type VolumePiece,
} from './chapters.ts'
export { bytesSource, fileSource, type TextSource } from './source.ts'
export {
  type ReadingPlan,
  type SurveyChapter,
  type SurveyOptions,
  type SurveyVolume,
  surveyText,
  type TextSurvey,
} from './survey.ts'
export type { SurveyWarning, WarningCode } from './warnings.ts'
