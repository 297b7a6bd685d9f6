import type { LanguageModel } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import type { RenderedPrompt } from '../prompts/prompts.ts'
import { type CountTokens, endByTokens, lastSentences } from './split-text.ts'

/**
 * What a prompt may tell of the novel beside what it must tell. It is fitted into what the window of the model leaves: each kind has a
 * share, and the text before the scene has whatever the others leave over.
 */
export interface Material {
  /** Texts of the scenes before, nearest first. */
  readonly textBefore: readonly string[]
  /** Nearest first. */
  readonly chapterSummaries: readonly string[]
  /** Best first. */
  readonly passages: readonly string[]
  /** Most important first. */
  readonly names: readonly string[]
}

/** The material as the slots of a prompt take it: in reading order, empty where nothing fits. */
export type FittedMaterial = Record<keyof Material, string>

/** Shares of the room; the text before the scene has the rest, half of it at least. */
const shares = { chapterSummaries: 0.2, passages: 0.2, names: 0.1 } as const

const between = '\n\n'
const nothing: FittedMaterial = { textBefore: '', chapterSummaries: '', passages: '', names: '' }

/** Fits material into so many tokens. */
export function fitMaterial(material: Material, room: number, countTokens: CountTokens): FittedMaterial {
  const share = (part: number) => Math.floor(room * part)
  const summaries = fitting(material.chapterSummaries, share(shares.chapterSummaries), countTokens, cutMark)
  const others = {
    chapterSummaries: summaries.reverse().join(between),
    passages: fitting(material.passages, share(shares.passages), countTokens).join(between),
    names: fitting(material.names, share(shares.names), countTokens).join('\n'),
  }
  const used = Object.values(others).reduce((sum, text) => sum + countTokens(text), 0)
  return { textBefore: fittingText(material.textBefore, room - used, countTokens), ...others }
}

/** Begins what was cut. */
const cutMark = '… '

/** Items from the first on, as long as they fit; with a mark, also the last sentences of the one that does not, behind it. */
function fitting(items: readonly string[], room: number, countTokens: CountTokens, mark?: string): string[] {
  let left = room
  const taken: string[] = []
  for (const item of items) {
    const tokens = countTokens(`${item}${between}`)
    if (tokens > left) {
      if (mark === undefined) return taken
      const end = lastSentences(item, left - countTokens(`${mark}${between}`), countTokens)
      return end === '' ? taken : [...taken, mark + end]
    }
    left -= tokens
    taken.push(item)
  }
  return taken
}

/** Whole texts, nearest first, and the last sentences of the one that does not fit; in reading order. */
function fittingText(texts: readonly string[], room: number, countTokens: CountTokens): string {
  let left = room
  const taken: string[] = []
  for (const text of texts) {
    const cut = taken.length === 0 ? endByTokens : lastSentences
    const end = cut(text, left - countTokens(between), countTokens)
    if (end === '') break
    taken.unshift(end)
    left -= countTokens(`${end}${between}`)
    if (end.length < text.trim().length) break
  }
  return taken.join(between)
}

/** How a prompt is fitted. */
export interface Fitting {
  readonly model: Pick<LanguageModel, 'id' | 'contextTokens' | 'countTokens'>
  /** Tokens that the answer may have. */
  readonly outputTokens: number
  /** Most tokens of material, however much room there is: what is sent is paid. */
  readonly mostMaterial: number
  /** The prompt with so much material; what it must tell is in it in any case. */
  render(material: FittedMaterial): RenderedPrompt
}

/** Tokens that providers add for the roles of the messages, at most. */
const framingTokens = 16

/** About how many tokens a prompt is, rather too many than too few. */
export function promptTokens(
  { countTokens }: Pick<LanguageModel, 'countTokens'>,
  { system = '', prompt }: { system?: string; prompt: string },
): number {
  return countTokens(system) + countTokens(prompt) + framingTokens
}

/**
 * The prompt with as much of the material as the window of the model takes beside the answer. Throws MODEL_CONTEXT_EXCEEDED, with the
 * numbers, where it is too long without any.
 */
export function fitPrompt(material: Material, fitting: Fitting): RenderedPrompt {
  const { model, outputTokens, mostMaterial, render } = fitting
  const window = model.contextTokens - outputTokens
  const bare = render(nothing)
  const needed = promptTokens(model, bare)
  if (needed > window) throw contextExceeded(fitting, needed)
  let room = Math.min(mostMaterial, window - needed)
  while (room > 0) {
    const prompt = render(fitMaterial(material, room, text => model.countTokens(text)))
    const over = promptTokens(model, prompt) - Math.min(window, needed + mostMaterial)
    if (over <= 0) return prompt
    // The marks around the material count too.
    room -= over
  }
  return bare
}

/** MODEL_CONTEXT_EXCEEDED. */
export function contextExceeded(
  { model, outputTokens }: Pick<Fitting, 'model' | 'outputTokens'>,
  needed: number,
): ModelError {
  const { id, contextTokens } = model
  return new ModelError(
    'MODEL_CONTEXT_EXCEEDED',
    `The request has about ${needed} tokens and the answer may have ${outputTokens}, but the model ${id} takes ${contextTokens} in all. Shorten the text or the wishes, ask for a shorter answer, or choose a model with a larger context.`,
    { details: { model: id, neededTokens: needed, outputTokens, contextTokens } },
  )
}
