/** The use of models by what is made of a file: of all its chapters, of some, or of those that a novel does not have. */

import type { EmbeddingModel } from '../ai/model.ts'
import { cooperate } from '../runtime/cooperate.ts'
import type { appendToNovel } from './append-to-novel.ts'
import { compareUpload } from './compare-upload.ts'
import { chosenSummarizer } from './generate-summary.ts'
import { editedSteps, type ImportEdit, isTaken } from './import/edited-outline.ts'
import type { TextSurvey } from './import/survey.ts'
import type { importNovel } from './import-novel.ts'
import { areSameKind, type VectorKind } from './library/passage-index.ts'
import type { NovelOverview } from './library/shelf.ts'
import { type AskedOf, type Estimate, estimateOf, noCalls } from './model-estimates.ts'
import { summaryExpectations, vectorsExpectation } from './models/expected.ts'
import { sceneSizes, surveyOf } from './preview.ts'
import { loadPrompts } from './prompts/prompts.ts'
import { unlessFailed, vectorModel } from './services.ts'

/** Returns the use of an import. */
export function importUse(asked: AskedOf<typeof importNovel>): Promise<Estimate> {
  const { chapters, edits = [], removeLines } = asked.parameters
  const wanted = chapters && new Set(chapters)
  return fileUse(asked, async ({ volumes }) => {
    const edited = await cooperate(editedSteps(volumes, edits), asked.signal)
    const outline = edited.flatMap(volume => volume.chapters)
    const isWanted = (at: number) => outline.slice(at, at + 1).some(one => isTaken(one, wanted))
    return { isWanted, edits, removeLines }
  })
}

/** Returns the use of an addition: the summaries of what is new, and the vectors that the index does not have. */
export function appendUse(asked: AskedOf<typeof appendToNovel>): Promise<Estimate> {
  const { services, userId, parameters, signal } = asked
  return fileUse(asked, async () => {
    const { chapters } = await compareUpload(services, { ...parameters, userId, signal })
    const { library } = services
    const { vectors, outOfDateScenes } = await library.index.state(userId, parameters.novelId)
    const model = await unlessFailed('PROVIDER_NOT_CONFIGURED', () => vectorModel(asked))
    const isKnown = model && areSameKind(vectors, kindOf(model)) && outOfDateScenes === 0
    const there = isKnown ? nothing : await library.shelf.about(userId, parameters.novelId)
    const replaced = new Set(parameters.replace)
    const added = parameters.chapters && new Set(parameters.chapters)
    const isWanted = (at: number) => {
      const status = chapters[at]?.status
      if (replaced.has(at)) return status === 'changed'
      return added === undefined ? status === 'new' : added.has(at) && status !== 'known'
    }
    return { isWanted, there }
  })
}

/** The kind of the vectors that a model makes. */
function kindOf({ id: model, space, dimensions }: EmbeddingModel): VectorKind {
  return { model, space, dimensions }
}

const nothing = { characters: 0, scenes: 0 }

/** What of a file is meant: which chapters, as the edits leave them. `there`: what else has no vectors of the novel that it is added to. */
interface Choice {
  isWanted: (chapter: number) => boolean
  edits?: readonly ImportEdit[]
  removeLines?: readonly string[] | undefined
  there?: Pick<NovelOverview, 'characters' | 'scenes'>
}

async function fileUse(
  asked: AskedOf<typeof importNovel> | AskedOf<typeof appendToNovel>,
  choose: (survey: TextSurvey) => Promise<Choice>,
): Promise<Estimate> {
  const { services, userId, parameters, signal } = asked
  const summarizer = parameters.summarise ? chosenSummarizer(asked, parameters) : undefined
  // An import whose embedding model cannot be used indexes words alone.
  const vectors = await unlessFailed('PROVIDER_NOT_CONFIGURED', () => vectorModel(asked))
  if (summarizer?.kind !== 'generative' && vectors === undefined) return noCalls
  const upload = await services.library.uploads.upload(userId, parameters.uploadId)
  const survey = await surveyOf(services, upload, { encoding: parameters.encoding, signal })
  const { isWanted, there, edits, removeLines } = await choose(survey)
  const byChapter = await sceneSizes(services, { upload, survey, edits, removeLines, signal })
  const scenes = byChapter.filter((_, at) => isWanted(at)).flat()
  const found = survey.volumes.flatMap(volume => volume.chapters)
  const language = found.some(({ words, characters: seen }) => words * 2 > seen) ? 'zh' : 'en'
  const parts: Estimate[] = []
  if (summarizer?.kind === 'generative') {
    const expected = summaryExpectations(summarizer.model, {
      prompts: loadPrompts(services.promptsFolder),
      language,
    })
    parts.push(estimateOf(summarizer.model, scenes.map(expected)))
  }
  if (vectors !== undefined && (there === undefined || scenes.length > 0)) {
    const { characters: before, scenes: scenesBefore } = there ?? nothing
    // Of an archive the scenes that have a summary are among the chapters, and not among those that get one.
    const sizes = survey.kind === 'archive' ? found.map(chapter => chapter.characters) : scenes
    const characters = sizes.reduce((sum, size) => sum + size, before)
    const size = { characters, scenes: sizes.length + scenesBefore, language }
    parts.push(estimateOf(vectors, vectorsExpectation(vectors, size)))
  }
  return { byModel: parts.flatMap(part => part.byModel) }
}
