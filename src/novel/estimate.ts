import { z } from 'zod'
import type { EmbeddingModel, LanguageModel } from '../ai/model.ts'
import { QuillworkError, type TaskType } from '../index.ts'
import { everyItem } from '../task/page.ts'
import { batchGenerateScene, isUnwritten } from './batch-generate-scene.ts'
import { batchGenerateSummary, needsSummary } from './batch-generate-summary.ts'
import { eraseNovel } from './erase-novel.ts'
import { eraseUser } from './erase-user.ts'
import { generateScene, writingFor } from './generate-scene.ts'
import { chosenSummarizer, generateSummary, readScene } from './generate-summary.ts'
import { importNovel } from './import-novel.ts'
import type { NovelOverview, SceneOverview } from './library/shelf.ts'
import {
  type ExpectedUse,
  sceneExpectation,
  summaryExpectations,
  vectorsExpectation,
} from './models/expected.ts'
import { textLanguage, tokensFor, writingOf } from './models/lengths.ts'
import { usualSummary } from './models/summarise-text.ts'
import { parseFile } from './parse-file.ts'
import { sceneSizes, surveyOf } from './preview.ts'
import { rangeOf } from './scene-batch.ts'
import { sceneBrief } from './scene-brief.ts'
import { admitScene } from './scene-target.ts'
import { type NovelServices, unlessFailed, vectorModel } from './services.ts'
import { vectorize } from './vectorize.ts'

/** The expected use of one model by a task, rather too high than too low. */
export interface ModelEstimate {
  /** Id of the model. */
  readonly model: string
  /** Key of its limits. */
  readonly limit: string
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** In `currency`; absent where no price is known. */
  readonly cost?: number
  /** ISO 4217. */
  readonly currency?: string
}

/** The expected use of models by a task and its sub-tasks. Empty: it uses none. */
export interface Estimate {
  readonly byModel: readonly ModelEstimate[]
}

/** A task before its submission. */
export interface EstimateRequest {
  readonly userId: string
  readonly taskType: string
  /** The parameters of the submission. */
  readonly parameters: unknown
  readonly signal?: AbortSignal
}

/** The input of an estimate: parameters as the schema of the type parsed them. */
interface Asked<P> {
  readonly services: NovelServices
  readonly userId: string
  readonly parameters: P
  readonly signal: AbortSignal | undefined
}

type AskedOf<Task extends { readonly parameters: z.ZodType }> = Asked<z.output<Task['parameters']>>

type Estimator = (services: NovelServices, request: EstimateRequest) => Promise<Estimate>

/** The estimate of quotations, lexical indexes, briefs, files and deletions, which need no model. */
const noCalls: Estimate = { byModel: [] }

/** One estimator for each task type of the novel; a test compares the list with `novelTasks`. */
const estimators: ReadonlyMap<string, Estimator> = new Map([
  estimator(importNovel, importUse),
  estimator(parseFile, async () => noCalls),
  estimator(batchGenerateScene, scenesUse),
  estimator(batchGenerateSummary, summariesUse),
  estimator(generateScene, sceneUse),
  estimator(generateSummary, summaryUse),
  estimator(sceneBrief, async () => noCalls),
  estimator(vectorize, vectorsUse),
  estimator(eraseNovel, async () => noCalls),
  estimator(eraseUser, async () => noCalls),
])

async function summaryUse(asked: AskedOf<typeof generateSummary>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const { kind, model } = chosenSummarizer(services, parameters)
  if (kind === 'extractive') return noCalls
  const scene = await readScene(asked)
  if (scene.summary !== undefined && !parameters.overwriteExisting) return noCalls
  const novel = await services.library.shelf.novel(userId, parameters.novelId)
  const language = textLanguage(scene.content, novel.language)
  return of(model, [summaryExpectations(services, model, { ...parameters, language })(scene.characters)])
}

async function summariesUse(asked: AskedOf<typeof batchGenerateSummary>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const { kind, model } = chosenSummarizer(services, parameters)
  if (kind === 'extractive') return noCalls
  const { language = 'und' } = await services.library.shelf.novel(userId, parameters.novelId)
  const expected = summaryExpectations(services, model, { ...parameters, language })
  const scenes = await scenesOf(asked, scene => needsSummary(scene, parameters.overwriteExisting))
  const uses = scenes.map(({ characters }) => expected(characters))
  return of(model, uses)
}

async function importUse(asked: AskedOf<typeof importNovel>): Promise<Estimate> {
  const { services, userId, parameters, signal } = asked
  const summarizer = parameters.summarise ? chosenSummarizer(services, parameters) : undefined
  // An import whose embedding model cannot be used indexes words alone.
  const vectors = await unlessFailed('PROVIDER_NOT_CONFIGURED', () => vectorModel(services))
  if (summarizer?.kind !== 'generative' && vectors === undefined) return noCalls
  const upload = await services.library.uploads.upload(userId, parameters.uploadId)
  const survey = await surveyOf(services, upload, { encoding: parameters.encoding, signal })
  const wanted = parameters.chapters && new Set(parameters.chapters)
  const isWanted = (_: unknown, at: number) => wanted?.has(at) ?? true
  const chosen = survey.volumes.flatMap(volume => volume.chapters).filter(isWanted)
  const scenes = (await sceneSizes(services, { upload, survey, signal })).filter(isWanted).flat()
  const language = chosen.some(({ words, characters: seen }) => words * 2 > seen) ? 'zh' : 'en'
  const parts: Estimate[] = []
  if (summarizer?.kind === 'generative') {
    const expected = summaryExpectations(services, summarizer.model, { language })
    parts.push(of(summarizer.model, scenes.map(expected)))
  }
  if (vectors !== undefined) {
    const characters = scenes.reduce((sum, size) => sum + size, 0)
    const size = { characters, scenes: scenes.length, language }
    parts.push(of(vectors, vectorsExpectation(vectors, size)))
  }
  return { byModel: parts.flatMap(part => part.byModel) }
}

async function sceneUse(asked: AskedOf<typeof generateScene>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const model = services.models.languageModel('prose', parameters.model)
  await admitScene(asked, parameters)
  const { novelId, sceneId, summary, instructions = '', overwriteExisting } = parameters
  const novel = await services.library.shelf.novel(userId, novelId)
  const scene = sceneId === undefined ? undefined : await services.library.scenes.scene(userId, sceneId)
  if (scene?.empty === false && !overwriteExisting) return noCalls
  const brief = summary ?? scene?.summary?.text ?? ''
  const language = novel.language ?? textLanguage(`${brief} ${instructions}`, undefined)
  return of(model, [expectedScene(asked, model, { novel, language, brief })])
}

async function scenesUse(asked: AskedOf<typeof batchGenerateScene>): Promise<Estimate> {
  const { services, userId, parameters } = asked
  const model = services.models.languageModel('prose', parameters.model)
  const novel = await services.library.shelf.novel(userId, parameters.novelId)
  const { language = 'und' } = novel
  const brief =
    writingOf(language) === 'cjk' ? '一'.repeat(usualSummary.cjk) : 'a '.repeat(usualSummary.spaced / 2)
  const each = expectedScene(asked, model, { novel, language, brief })
  const scenes = await scenesOf(asked, scene => isUnwritten(scene, parameters.overwriteExisting))
  const uses = scenes.map(() => each)
  return of(model, uses)
}

function expectedScene(
  { services, parameters }: AskedOf<typeof generateScene> | AskedOf<typeof batchGenerateScene>,
  model: LanguageModel,
  { novel, language, brief }: { novel: NovelOverview; language: string; brief: string },
): ExpectedUse {
  const writing = writingFor(parameters, { brief, novel: novel.title, language })
  const available = tokensFor(model, { characters: novel.characters }, writing.writing) * 2
  const mostMaterial = Math.min(parameters.contextTokens, available)
  return sceneExpectation(services, model, { ...writing, mostMaterial })
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

async function vectorsUse({ services, userId, parameters }: AskedOf<typeof vectorize>): Promise<Estimate> {
  const model = vectorModel(services, parameters.model)
  const novel = await services.library.shelf.novel(userId, parameters.novelId)
  return model === undefined ? noCalls : of(model, vectorsExpectation(model, novel))
}

function of(model: LanguageModel | EmbeddingModel, uses: readonly ExpectedUse[]): Estimate {
  if (uses.length === 0) return noCalls
  const sum = (part: keyof ExpectedUse) => uses.reduce((total, use) => total + use[part], 0)
  const tokens = { inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens') }
  const cost = model.costOf(tokens)
  const priced =
    cost === undefined || model.price === undefined ? {} : { cost, currency: model.price.currency }
  return { byModel: [{ model: model.id, limit: model.limit, calls: sum('calls'), ...tokens, ...priced }] }
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
