import type { components } from '../api/schema.ts'
import type { Scene } from '../queries/novel-queries.ts'

/** What an author wants of a scene that a model is to write; as it is typed. Empty: no instruction. */
export interface Instructions {
  /** What is to happen, once it is typed; until then the summary of the scene says it. */
  summary: TypedSummary | undefined
  /** Whether what is typed also becomes the summary of the scene. Undefined until it is chosen. */
  keepSummary: boolean | undefined
  instructions: string
  style: string
  tone: string
  /** Words, or characters in a novel that is written in Chinese, Japanese or Korean. */
  length: number | ''
  /** Texts to choose from; empty: one. */
  candidates: number | ''
  /** Id of a model; empty: the first one for prose. */
  model: string
  /** The most tokens and money that may be spent. */
  tokens: number | ''
  cost: number | ''
}

/** What is to happen, as it is typed. */
interface TypedSummary {
  text: string
  /** The summary of the scene that it was typed over. */
  over: string
}

/** How a novel is measured. */
export type Unit = 'words' | 'characters'

/** Returns how the novel is measured, by its language (BCP 47). */
export function unitOf(language: string | undefined): Unit {
  return /^(zh|ja|ko|yue)\b/i.test(language ?? '') ? 'characters' : 'words'
}

/** What is asked where no length is: as docs/writing-tasks.md says. */
export const usualLength: Record<Unit, number> = { words: 800, characters: 1_500 }

/** What the form begins with. */
export const noInstructions: Instructions = {
  summary: undefined,
  keepSummary: undefined,
  instructions: '',
  style: '',
  tone: '',
  length: '',
  candidates: '',
  model: '',
  tokens: '',
  cost: '',
}

/** Returns whether a person typed or chose anything. `since`: what was there before. */
export function isTyped(wanted: Instructions, since = noInstructions): boolean {
  return JSON.stringify(wanted) !== JSON.stringify(since)
}

/** Returns what is to happen. */
export function whatHappens({ summary }: Instructions, scene: Scene): string {
  return summary?.text ?? summaryOf(scene)
}

/** Returns what is to happen, now that it is typed so. As the scene has it: nothing is typed. */
export function typedOver({ summary }: Instructions, scene: Scene, text: string): TypedSummary | undefined {
  const there = summaryOf(scene)
  return text === there ? undefined : { text, over: summary?.over ?? there }
}

/** Returns whether what is typed says something else than the summary of the scene. */
export function isOwnSummary(wanted: Instructions, scene: Scene): boolean {
  const text = whatHappens(wanted, scene).trim()
  return text !== '' && text !== summaryOf(scene).trim()
}

/** Returns whether what is typed is to become the summary of the scene: by itself only where there was none. */
export function isToBeKept({ summary, keepSummary }: Instructions): boolean {
  return keepSummary ?? summary?.over === ''
}

/** Returns whether keeping what is typed would overwrite a summary that the person has not typed over. */
export function isOutrun(wanted: Instructions, scene: Scene): boolean {
  return isToBeKept(wanted) && isOwnSummary(wanted, scene) && wanted.summary?.over !== summaryOf(scene)
}

function summaryOf({ summary }: Scene): string {
  return summary?.text ?? ''
}

/** Returns whether anything says what is to be written. */
export function saysWhat(wanted: Instructions, scene: Scene): boolean {
  return whatHappens(wanted, scene).trim() !== '' || wanted.instructions.trim() !== ''
}

/** Returns whether one of the optional instructions is given. */
export function hasMore({ style, tone, length, candidates, model, tokens, cost }: Instructions): boolean {
  return [style, tone, length, candidates, model, tokens, cost].some(each => each !== '')
}

/** Returns the parameters of GenerateScene. What is the summary of the scene already is left out. `insteadOf`: id of a candidate. */
export function parametersOf(
  wanted: Instructions,
  scene: Scene,
  { unit, insteadOf }: { unit: Unit; insteadOf: string | undefined },
): Record<string, unknown> {
  return {
    novelId: scene.novelId,
    sceneId: scene.id,
    ...(isOwnSummary(wanted, scene) ? written('summary', whatHappens(wanted, scene)) : {}),
    ...optionsOf(wanted, unit),
    ...(insteadOf === undefined ? {} : { insteadOf }),
  }
}

/** What a prompt is made of where nobody says anything else. */
export const usualPrompt = { contextTokens: 8_000, scenesBefore: 20 }

/** Returns what of it decides the prompt. */
export function previewOf(
  wanted: Instructions,
  scene: Scene,
  unit: Unit,
): components['schemas']['ScenePreviewRequest'] {
  const { candidates: _, ...options } = optionsOf(wanted, unit)
  const summary = isOwnSummary(wanted, scene) ? written('summary', whatHappens(wanted, scene)) : {}
  return { ...usualPrompt, ...summary, ...options }
}

/** What an author can have done with a selected passage. */
export const edits = ['rewrite', 'shorten', 'expand', 'continue'] as const

/** What is done with a selected passage. */
export type Edit = (typeof edits)[number]

/** What is selected of the text of a scene; `start` in UTF-16 code units. */
export interface Selected {
  start: number
  text: string
}

/** Returns the parameters of RewriteSelection. */
export function rewriteParametersOf(
  wanted: Instructions,
  { id: sceneId, novelId, version }: Scene,
  { unit, selected, edit }: { unit: Unit; selected: Selected; edit: Edit },
): Record<string, unknown> {
  return { novelId, sceneId, edit, selection: { ...selected, version }, ...optionsOf(wanted, unit) }
}

/** What the author of a batch reads before it goes on: nothing, each scene, or each chapter. */
export const batchReviews = ['none', 'scene', 'chapter'] as const

/** What the author of a batch reads before it goes on. */
export type BatchReview = (typeof batchReviews)[number]

/** Returns the parameters of BatchGenerateScene: each scene has its own summary. */
export function batchParametersOf(
  wanted: Instructions,
  { novelId, unit, review }: { novelId: string; unit: Unit; review: BatchReview },
): Record<string, unknown> {
  return {
    novelId,
    accept: review === 'scene' ? 'by-author' : 'where-empty',
    ...(review === 'chapter' ? { awaitAuthor: 'chapter' } : {}),
    ...optionsOf(wanted, unit),
  }
}

/** Returns what is asked of each text. */
function optionsOf(wanted: Instructions, unit: Unit): Record<string, unknown> {
  return {
    ...written('instructions', wanted.instructions),
    ...written('style', wanted.style),
    ...written('tone', wanted.tone),
    ...written('model', wanted.model),
    ...(wanted.length === '' ? {} : { length: { [unit]: wanted.length } }),
    ...(wanted.candidates === '' ? {} : { candidates: wanted.candidates }),
  }
}

function written(name: string, value: string): Record<string, string> {
  const text = value.trim()
  return text === '' ? {} : { [name]: text }
}

/** Returns the budget of the task, if the person set one. */
export function budgetOf({ tokens, cost }: Pick<Instructions, 'tokens' | 'cost'>) {
  if (tokens === '' && cost === '') return undefined
  return { ...(tokens === '' ? {} : { tokens }), ...(cost === '' ? {} : { cost }) }
}
