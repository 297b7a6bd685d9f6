/** Import of texts: a survey tells what a text holds, a read gives its volumes, chapters and scenes. */
export { isSurveyOf, type Piece, readChapters } from './chapters.ts'
export { bytesSource, fileSource, type TextSource } from './source.ts'
export { surveyText, type TextSurvey } from './survey.ts'
