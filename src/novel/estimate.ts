import { z } from 'zod'
import type { LanguageModel } from '../ai/model.ts'
import type { Writing } from '../ai/text/language.ts'
import { QuillworkError, type TaskType } from '../index.ts'
import { everyItem } from '../task/page.ts'
import { appendToNovel } from './append-to-novel.ts'
import { batchGenerateScene, isWanted } from './batch-generate-scene.ts'
import { batchGenerateSummary, needsSummary } from './batch-generate-summary.ts'
import { checkCodex, contradictionsReading } from './check-codex.ts'
import { readingUses } from './codex/scene-reading.ts'
import { continueWriting } from './continue-writing.ts'
import { eraseNovel } from './erase-novel.ts'
import { eraseUser } from './erase-user.ts'
import { exportNovel } from './export-novel.ts'
import { exportUser } from './export-user.ts'
import { appendUse, importUse } from './file-estimates.ts'
import { generateLevelSummary, levelLength } from './generate-level-summary.ts'
import { generateNextSummaries } from './generate-next-summaries.ts'
import { generateScene } from './generate-scene.ts'
import { chosenSummarizer, generateSummary, readScene } from './generate-summary.ts'
import { importNovel } from './import-novel.ts'
import type { Level, LevelUnit, ScenePart } from './library/levels.ts'
import type { NovelOverview, SceneOverview } from './library/shelf.ts'
import { type Asked, type AskedOf, type Estimate, estimateOf, merged, noCalls } from './model-estimates.ts'
import { queryText } from './models/embed-texts.ts'
import {
  type ExpectedUse,
  outlinesExpectation,
  sceneExpectation,
  summaryExpectations,
  vectorsExpectation,
} from './models/expected.ts'
import { textLanguage, tokensFor, writingOf } from './models/lengths.ts'
import { usualScenes } from './models/outline-chapter.ts'
import { sceneForm } from './models/scene-prompt.ts'
import { usualSummary } from './models/summarise-text.ts'
import { parseFile } from './parse-file.ts'
import { promptScene } from './preview-scene.ts'
import { type Prompts, withTried } from './prompts/prompts.ts'
import { entriesReading, proposeCodexEntries } from './propose-codex-entries.ts'
import { refuseReference } from './refuse-reference.ts'
import { renameInNovel } from './rename-in-novel.ts'
import { replaceInNovel } from './replace-in-novel.ts'
import { restoreSnapshot } from './restore-snapshot.ts'
import { reviewChapter } from './review-chapter.ts'
import { readSelectionTarget, rewriteSelection, rewritingFor } from './rewrite-selection.ts'
import { rangeOf } from './scene-batch.ts'
import { sceneBrief } from './scene-brief.ts'
import { usualLength, writingFor } from './scene-request.ts'
import { admitScene, isWritten, type Manner, mannerOf } from './scene-target.ts'
import { modelOfVectors } from './search-novel.ts'
import { modelsOf, type NovelServices, promptsFor, vectorModel } from './services.ts'
import { updateSummaries, wantedOf } from './update-summaries.ts'
import { vectorize } from './vectorize.ts'

export type { Estimate, ModelEstimate } from './model-estimates.ts'

/** A task before its submission. */
export interface EstimateRequest {
  readonly userId: string
  readonly taskType: string
  /** The parameters of the submission. */
  readonly parameters: unknown
  readonly signal?: AbortSignal
}

type Estimator = (services: NovelServices, request: EstimateRequest) => Promise<Estimate>

/** One estimator for each task type of the novel; a test compares the list with `novelTasks`. */
const estimators: ReadonlyMap<string, Estimator> = new Map([
  estimator(importNovel, importUse),
  estimator(parseFile, async () => noCalls),
  estimator(appendToNovel, appendUse),
  estimator(batchGenerateScene, scenesUse),
  estimator(batchGenerateSummary, summariesUse),
  estimator(continueWriting, continuationUse),
  estimator(generateNextSummaries, outlinesUse),
  estimator(generateScene, sceneUse),
  estimator(generateSummary, summaryUse),
  estimator(reviewChapter, async () => noCalls),
  estimator(generateLevelSummary, levelUse),
  estimator(updateSummaries, updateUse),
  estimator(rewriteSelection, selectionUse),
  estimator(restoreSnapshot, async () => noCalls),
  estimator(exportNovel, async () => noCalls),
  estimator(exportUser, async () => noCalls),
  estimator(renameInNovel, async () => noCalls),
  estimator(replaceInNovel, async () => noCalls),
  estimator(proposeCodexEntries, async asked => {
    const reading = await entriesReading(asked, asked.parameters)
    return estimateOf(reading.model, await readingUses(reading, asked.parameters, asked.signal))
  }),
  estimator(checkCodex, async asked => {
    const reading = await contradictionsReading(asked, asked.parameters)
    return estimateOf(reading.model, await readingUses(reading, asked.parameters, asked.signal))
  }),
  estimator(sceneBrief, async () => noCalls),
  estimator(vectorize, vectorsUse),
  estimator(eraseNovel, async () => noCalls),
  estimator(eraseUser, async () => noCalls),
])

async function summaryUse(asked: AskedOf<typeof generateSummary>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const { kind, model } = chosenSummarizer(asked, parameters)
  if (kind === 'extractive') return noCalls
  const scene = await readScene(asked)
  if (scene.summary !== undefined && parameters.overwriteExisting === false) return noCalls
  const novel = await services.library.shelf.novel(userId, parameters.novelId)
  const language = textLanguage(scene.content, novel.language)
  const prompts = await promptsFor(asked, novel.id)
  return estimateOf(model, [
    summaryExpectations(model, { ...parameters, prompts, language })(scene.characters),
  ])
}

async function summariesUse(asked: AskedOf<typeof batchGenerateSummary>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const { kind, model } = chosenSummarizer(asked, parameters)
  if (kind === 'extractive') return noCalls
  const { language = 'und' } = await services.library.shelf.novel(userId, parameters.novelId)
  const prompts = await promptsFor(asked, parameters.novelId)
  const expected = summaryExpectations(model, { ...parameters, prompts, language })
  const scenes = await scenesOf(asked, scene => needsSummary(scene, parameters.overwriteExisting))
  const uses = scenes.map(({ characters }) => expected(characters))
  return estimateOf(model, uses)
}

async function levelUse(asked: AskedOf<typeof generateLevelSummary>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const unit = await services.library.levels.unit(userId, parameters)
  const isMade = !unit.isByPerson && unit.state !== 'current' && unit.state !== 'empty'
  return levelsUse(asked, { scenes: [], units: isMade ? [unit] : [] })
}

async function updateUse(asked: AskedOf<typeof updateSummaries>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  return levelsUse(asked, wantedOf(await services.library.levels.outline(userId, parameters.novelId)))
}

/** The use of a model by summaries of scenes, and by those that are made of others, whose length is known before they are there. */
async function levelsUse(
  asked: Asked<{ novelId: string; model?: string | undefined }>,
  { scenes, units }: { scenes: readonly ScenePart[]; units: readonly LevelUnit[] },
): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const { kind, model } = chosenSummarizer(asked, parameters)
  if (kind === 'extractive') return noCalls
  const { language = 'und' } = await services.library.shelf.about(userId, parameters.novelId)
  const writing = writingOf(language)
  const prompts = await promptsFor(asked, parameters.novelId)
  const ofScene = summaryExpectations(model, { prompts, language, maxCharacters: undefined })
  const each: Record<Level, number> = {
    chapter: usualSummary[writing],
    stretch: levelLength.chapter[writing],
    volume: levelLength.stretch[writing],
    book: levelLength.volume[writing],
  }
  const uses = units
    // What has one part takes its summary over.
    .filter(({ parts }) => parts.length > 1)
    .map(({ level, parts }) => {
      const maxCharacters = levelLength[level][writing]
      return summaryExpectations(model, { prompts, language, maxCharacters })(parts.length * each[level])
    })
  return estimateOf(model, [...scenes.map(({ characters }) => ofScene(characters)), ...uses])
}

async function sceneUse(asked: AskedOf<typeof generateScene>): Promise<Estimate> {
  const { services, userId, parameters, signal = new AbortController().signal } = asked
  const model = modelsOf(asked).languageModel('prose', parameters.model)
  await refuseReference(asked, parameters.novelId)
  await admitScene(asked, parameters)
  const { novelId, sceneId, summary = '', instructions = '', skipWritten, candidates } = parameters
  const scene = sceneId === undefined ? undefined : await services.library.scenes.scene(userId, sceneId)
  if (scene !== undefined && skipWritten && isWritten(scene)) return noCalls
  if (scene !== undefined) {
    const { use, about } = await promptScene(
      { services, userId, signal },
      { scene, model, request: parameters },
    )
    const texts = estimateOf(model, Array(candidates).fill(use))
    return merged(texts, await queriesUse(asked, [about]))
  }
  const novel = await services.library.shelf.novel(userId, novelId)
  const language = novel.language ?? textLanguage(`${summary} ${instructions}`, undefined)
  const noted = await notedUnits(asked, novelId)
  const manner = await mannerOf(asked, novelId, undefined)
  const prompts = withTried(await promptsFor(asked, novelId), parameters.prompts ?? {})
  const known = { prompts, novel, language, brief: summary, noted, manner, characters: novel.characters }
  const each = expectedScene(asked, model, known)
  const texts = estimateOf(model, Array(candidates).fill(each))
  return merged(texts, await queriesUse(asked, [`${summary}\n${instructions}`]))
}

async function selectionUse(asked: AskedOf<typeof rewriteSelection>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const model = modelsOf(asked).languageModel('prose', parameters.model)
  await refuseReference(asked, parameters.novelId)
  const target = await readSelectionTarget(asked, parameters)
  const novel = await services.library.shelf.novel(userId, parameters.novelId)
  const rewriting = rewritingFor(parameters, target, model)
  const characters = novel.characters + (await notedUnits(asked, novel.id))
  const each = sceneExpectation(model, {
    ...rewriting,
    ...{ model, prompts: await promptsFor(asked, novel.id) },
    mostMaterial: mostMaterialOf(model, { ...rewriting, ...parameters, characters }),
  })
  const texts = estimateOf(model, Array(parameters.candidates).fill(each))
  const about = `${rewriting.slots.selection}\n${parameters.instructions ?? ''}`
  return merged(texts, await queriesUse(asked, [about]))
}

async function scenesUse(asked: AskedOf<typeof batchGenerateScene>): Promise<Estimate> {
  await refuseReference(asked, asked.parameters.novelId)
  const scenes = await scenesOf(asked, scene => isWanted(scene, asked.parameters.skipWritten))
  return plannedScenesUse(asked, scenes.length)
}

async function outlinesUse(asked: AskedOf<typeof generateNextSummaries>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const { novelId, chapters, scenesPerChapter: scenes, contextTokens } = parameters
  await refuseReference(asked, novelId)
  const model = modelsOf(asked).languageModel('prose', parameters.model)
  const novel = await services.library.shelf.novel(userId, novelId)
  const { language = 'und', title } = novel
  // A scene may be in it by its summary and by the passages that are closest.
  const characters = 2 * (novel.characters + (await notedUnits(asked, novelId)))
  const mostMaterial = mostMaterialOf(model, { characters, writing: writingOf(language), contextTokens })
  const slots = { novel: title, instructions: parameters.instructions ?? '' }
  const prompts = await promptsFor(asked, novelId)
  const chaptersToCome = { model, prompts, count: chapters, scenes, language, slots, mostMaterial }
  const outlines = estimateOf(model, outlinesExpectation(chaptersToCome))
  return merged(outlines, await queriesUse(asked, [slots.instructions]))
}

/** Where the number of scenes of a chapter is left to the model, it is estimated at the most that the model is told. */
async function continuationUse(asked: AskedOf<typeof continueWriting>): Promise<Estimate> {
  const { outlineInstructions: instructions, ...parameters } = asked.parameters
  const { chapters, scenesPerChapter = usualScenes } = parameters
  const outlines = await outlinesUse({ ...asked, parameters: { ...parameters, instructions } })
  const scenes = await plannedScenesUse(asked, chapters * scenesPerChapter)
  return merged(outlines, scenes)
}

/** Returns the use of the model that made the vectors of the novel, which is asked for one of what each text is about. */
async function queriesUse(asked: Asked<{ novelId: string }>, abouts: readonly string[]): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const { vectors: kind } = await services.library.index.state(userId, parameters.novelId)
  const model = kind && modelOfVectors({ models: modelsOf(asked) }, kind)
  if (model === undefined || 'reason' in model) return noCalls
  const uses = abouts
    .filter(about => about.trim() !== '')
    .map(about => ({
      calls: 1,
      inputTokens: model.countTokens(queryText(model, about), 'query'),
      outputTokens: 0,
    }))
  return estimateOf(model, uses)
}

/** Returns the use by scenes of about the usual summary. */
async function plannedScenesUse(
  asked: AskedOf<typeof batchGenerateScene> | AskedOf<typeof continueWriting>,
  scenes: number,
): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const model = modelsOf(asked).languageModel('prose', parameters.model)
  const novel = await services.library.shelf.novel(userId, parameters.novelId)
  const { language = 'und' } = novel
  const brief =
    writingOf(language) === 'cjk'
      ? `${'一'.repeat(19)}。`.repeat(usualSummary.cjk / 20)
      : `A${' a'.repeat(18)}. `.repeat(usualSummary.spaced / 40)
  const noted = await notedUnits(asked, novel.id)
  const manner = await mannerOf(asked, novel.id, undefined)
  const prompts = await promptsFor(asked, novel.id)
  const written = writtenCharacters(parameters, language)
  const uses = Array.from({ length: scenes }, (_, at) => {
    const characters = novel.characters + at * written
    return expectedScene(asked, model, { prompts, novel, language, brief, noted, manner, characters })
  })
  const texts = estimateOf(model, Array.from({ length: parameters.candidates }, () => uses).flat())
  const about = `${brief}\n${parameters.instructions ?? ''}`
  return merged(texts, await queriesUse(asked, Array<string>(scenes).fill(about)))
}

/** Returns about how many characters a scene of a batch has that later ones read: of a word, six. */
function writtenCharacters(
  { length }: Pick<AskedOf<typeof batchGenerateScene>['parameters'], 'length'>,
  language: string,
): number {
  const each = length ?? usualLength[writingOf(language)]
  return 'words' in each ? each.words * 6 : each.characters
}

/** What the prompt of a scene is made of. */
interface ExpectedOf {
  prompts: Prompts
  novel: NovelOverview
  language: string
  brief: string
  /** Length of all that the codex and the threads may tell, UTF-16 code units. */
  noted: number
  manner: Manner
  /** Of the novel when the scene is written. */
  characters: number
}

function expectedScene(
  {
    parameters,
  }: AskedOf<typeof generateScene> | AskedOf<typeof batchGenerateScene> | AskedOf<typeof continueWriting>,
  model: LanguageModel,
  { prompts, novel, language, brief, noted, manner, characters }: ExpectedOf,
): ExpectedUse {
  const writing = writingFor(parameters, { brief, novel: novel.title, language, manner })
  const mostMaterial = mostMaterialOf(model, { ...parameters, ...writing, characters: characters + noted })
  return sceneExpectation(model, { ...writing, form: sceneForm, prompts, model, mostMaterial })
}

/** Returns the most tokens of material in the prompts of a novel of that length. */
function mostMaterialOf(
  model: LanguageModel,
  { characters, writing, contextTokens }: { characters: number; writing: Writing; contextTokens: number },
): number {
  return Math.min(contextTokens, tokensFor(model, { characters }, writing))
}

/** Returns the length of all that the codex and the threads of a novel may tell, UTF-16 code units. */
async function notedUnits(
  { services, userId }: Pick<Asked<unknown>, 'services' | 'userId'>,
  novelId: string,
) {
  const { codex, threads: open } = services.library
  const [entries, { threads }] = await Promise.all([
    codex.all(userId, novelId),
    open.atPlace(userId, { endOf: novelId }),
  ])
  const texts = entries.flatMap(({ name, aliases, text, changes }) => [
    name,
    ...aliases,
    text,
    ...changes.map(change => change.text),
  ])
  for (const { title, plan, events } of threads)
    texts.push(title, plan, ...events.slice(-1).map(({ quotation }) => quotation))
  return texts.reduce((sum, text) => sum + text.length, 0)
}

/** Most scenes of an estimate, and scenes of one read. */
const mostScenes = 50_000
const pageSize = 500

async function scenesOf(
  { services, userId, parameters, signal }: Asked<Parameters<typeof rangeOf>[0]>,
  isWanted: (scene: SceneOverview) => boolean,
): Promise<SceneOverview[]> {
  const range = rangeOf(parameters)
  const wanted: SceneOverview[] = []
  let seen = 0
  for await (const scene of everyItem(pageSize, page => services.library.shelf.scenes(userId, range, page))) {
    signal?.throwIfAborted()
    if (++seen > mostScenes)
      throw new QuillworkError(
        'ESTIMATE_UNAVAILABLE',
        `The range has more than ${mostScenes} scenes; estimate it in parts, by startChapterId and endChapterId.`,
      )
    if (isWanted(scene)) wanted.push(scene)
  }
  return wanted
}

async function vectorsUse(asked: AskedOf<typeof vectorize>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const model = vectorModel(asked, parameters.model)
  const novel = await services.library.shelf.novel(userId, parameters.novelId)
  return model === undefined ? noCalls : estimateOf(model, vectorsExpectation(model, novel))
}

function estimator<P extends z.ZodType>(
  { type, parameters: schema }: TaskType<P>,
  estimate: (asked: Asked<z.output<P>>) => Promise<Estimate>,
): [string, Estimator] {
  return [
    type,
    async (services, { userId, parameters, signal }) => {
      const parsed = await schema.safeParseAsync(parameters)
      if (parsed.success) return estimate({ services, userId, parameters: parsed.data, signal })
      throw new QuillworkError(
        'PARAMETERS_INVALID',
        `The parameters of ${type} are not valid: ${z.prettifyError(parsed.error)}`,
      )
    },
  ]
}

/**
 * Returns the expected use of models by a task before it is submitted. Throws ESTIMATE_UNAVAILABLE for types without an estimate,
 * PARAMETERS_INVALID, PROVIDER_NOT_CONFIGURED, the errors of the novel or scene that it names, and the signal's reason.
 */
export async function estimateTask(services: NovelServices, request: EstimateRequest): Promise<Estimate> {
  const estimate = estimators.get(request.taskType)
  if (estimate !== undefined) return estimate(services, request)
  throw new QuillworkError(
    'ESTIMATE_UNAVAILABLE',
    `There is no estimate for tasks of type ${request.taskType}; there is one for ${[...estimators.keys()].join(', ')}.`,
  )
}
