import type { LanguageModel } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import { promptTokens } from '../../ai/providers/tokens.ts'
import { isInCharacter, wholeAt } from '../../ai/text/characters.ts'
import { splitSentences } from '../../ai/text/sentences.ts'
import { QuillworkError } from '../../index.ts'
import type { Steps } from '../../runtime/cooperate.ts'
import { defined } from '../../task/defined.ts'
import {
  betweenEntries,
  type CodexSelection,
  type DetectedEntries,
  fitEntries,
  type WhyTold,
} from '../codex/select-entries.ts'
import type { RenderedPrompt } from '../prompts/prompts.ts'
import type { BlockSource, BlockSources, LeftOutSource, PassagesBy, ShownSource, WhyShown } from './blocks.ts'
import {
  type AsideSlot,
  asideShares,
  asideSlots,
  codexShare,
  cutMark,
  type Share,
  type SharingSlot,
  shares,
  sharingSlots,
} from './shares.ts'

/** A text that a prompt may show. */
export interface MaterialText {
  readonly text: string
  readonly source: BlockSource
  /** Of a passage: by what it was found. */
  readonly by?: PassagesBy
  /** It tells of what is long ago: it is shortened before it is left out. */
  readonly isFar?: boolean
  /** Where it is not that of all texts of its slot. */
  readonly why?: WhyShown
  /** Of an entry of the codex of a reference: why it is told. */
  readonly reason?: WhyTold
}

/** A slot of a prompt that material fills. */
export type MaterialSlot = 'codex' | AsideSlot | SharingSlot | 'textBefore'

const materialSlots: readonly MaterialSlot[] = ['codex', ...asideSlots, ...sharingSlots, 'textBefore']

function bySlot<Slot extends MaterialSlot, T>(
  slots: readonly Slot[],
  make: (slot: Slot) => T,
): Record<Slot, T> {
  return Object.fromEntries(slots.map(slot => [slot, make(slot)])) as Record<Slot, T>
}

/**
 * Optional material about the novel in a prompt. It fills the rest of the context window of the model: each kind has a share, and the text
 * before the scene has the remainder. Texts of what was before are nearest first, others most important first.
 */
export interface Material extends Readonly<Record<Exclude<MaterialSlot, 'codex'>, readonly MaterialText[]>> {
  /** The entries of the codex that the scene is about. Those that are always told are no optional material. */
  readonly codex: DetectedEntries
  /** What is in no prompt of the scene, however large the window is. */
  readonly leftOut: Readonly<Partial<Record<MaterialSlot, readonly LeftOutSource[]>>>
}

/** What a slot of a prompt shows: in reading order, empty where nothing fits. */
interface FittedSlot extends BlockSources {
  readonly text: string
}

/** The material for the slots of a prompt. */
export type FittedMaterial = Readonly<Record<MaterialSlot, FittedSlot>>

const between = '\n\n'
const noMaterial: FittedMaterial = bySlot(materialSlots, () => ({ text: '', shown: [], leftOut: [] }))

/** Returns a material of nothing but the codex. */
export function onlyCodex(codex: DetectedEntries): Material {
  return { ...bySlot(materialSlots, () => []), codex, leftOut: {} }
}

/** Returns the entries of the codex in a prompt with so many tokens of material. */
function fitCodex(codex: DetectedEntries, tokens: number, countTokens: CountTokens): CodexSelection {
  return fitEntries(codex, Math.floor(tokens * codexShare), countTokens)
}

/** Fits material into a number of tokens. The entries of the codex that are always told stay, whatever the number is. */
export function fitMaterial(material: Material, tokens: number, countTokens: CountTokens): FittedMaterial {
  const codex = codexSlot(fitCodex(material.codex, tokens, countTokens))
  const aside = bySlot(asideSlots, slot => {
    const share = asideShares[slot]
    return firstFitting(material[slot], share, { left: Math.floor(tokens * share.part), countTokens })
  })
  const besides = [codex, ...Object.values(aside)].reduce((sum, { text }) => sum + countTokens(text), 0)
  const left = Math.max(0, tokens - besides)
  const sharing = bySlot(sharingSlots, slot => {
    const share = shares[slot]
    return fitting(material[slot], share, { left: Math.floor(left * share.part), countTokens })
  })
  const used = Object.values(sharing).reduce((sum, { text }) => sum + countTokens(text), 0)
  const textBefore = fittingText(material.textBefore, left - used, countTokens)
  const fitted: FittedMaterial = { codex, ...aside, textBefore, ...sharing }
  return bySlot(materialSlots, slot => ({
    ...fitted[slot],
    leftOut: [...fitted[slot].leftOut, ...(material.leftOut[slot] ?? [])],
  }))
}

function codexSlot({ told, leftOut }: CodexSelection): FittedSlot {
  return {
    text: told.map(({ text }) => text).join(betweenEntries),
    shown: told.map(({ id, name: title, reason, tokens }) => ({ of: 'entry', id, title, reason, tokens })),
    leftOut: leftOut.map(({ id, name: title, ...why }) => ({ of: 'entry', id, title, ...why })),
  }
}

/** Space for texts. */
interface Space {
  readonly left: number
  readonly countTokens: CountTokens
}

/** Returns the first texts that fit, and behind them, shortened where they are too long, those of long ago: they have at least half of the space. */
function fitting(texts: readonly MaterialText[], share: Share, { left, countTokens }: Space): FittedSlot {
  const tokensOf = ({ text }: MaterialText) => countTokens(`${text}${between}`)
  const near = texts.filter(({ isFar }) => isFar !== true)
  const far = texts.filter(({ isFar }) => isFar === true)
  if (far.length === 0) return firstFitting(texts, share, { left, countTokens })
  const needed = near.reduce((sum, text) => sum + tokensOf(text), 0)
  const longAgo = shortened(far, share, { left: Math.max(Math.floor(left / 2), left - needed), countTokens })
  const used = longAgo.shown.reduce((sum, { tokens }) => sum + tokens, 0)
  const recent = firstFitting(near, share, { left: left - used, countTokens })
  return {
    text: [longAgo.text, recent.text].filter(text => text !== '').join(share.joint ?? between),
    shown: [...longAgo.shown, ...recent.shown],
    leftOut: [...recent.leftOut, ...longAgo.leftOut],
  }
}

/** Returns the beginnings of texts, which share the space: what one does not need is for the others. */
function shortened(
  nearestFirst: readonly MaterialText[],
  { why }: Share,
  { left: all, countTokens }: Space,
): FittedSlot {
  const counted = nearestFirst.map(text => ({ ...text, tokens: countTokens(`${text.text}${between}`) }))
  let left = all
  const quota = new Map<MaterialText, number>()
  for (const [at, text] of counted.toSorted((one, other) => one.tokens - other.tokens).entries()) {
    const each = Math.min(text.tokens, Math.floor(left / (counted.length - at)))
    quota.set(text, each)
    left -= each
  }
  const taken: { text: string; source: ShownSource }[] = []
  const missing: MaterialText[] = []
  for (const one of counted.toReversed()) {
    const most = quota.get(one) ?? 0
    const isCut = most < one.tokens
    const begun = isCut
      ? startByTokens(one.text, most - countTokens(`${cutMark}${between}`), countTokens)
      : one.text
    if (begun === '') {
      missing.push(one)
      continue
    }
    const text = isCut ? `${begun} ${cutMark.trim()}` : begun
    const tokens = countTokens(`${text}${between}`)
    taken.push({ text, source: { ...one.source, reason: { why }, tokens, ...(isCut && { isCut }) } })
  }
  return {
    text: taken.map(({ text }) => text).join(between),
    shown: taken.map(({ source }) => source),
    leftOut: overBudget(missing),
  }
}

/** Returns the texts that fit: the first ones, or those that are not passed over. */
function firstFitting(
  texts: readonly MaterialText[],
  { why, joint = between, mark, passesOver = false }: Share,
  { left: all, countTokens }: Space,
): FittedSlot {
  let left = all
  const taken: { text: string; source: ShownSource }[] = []
  const used = new Set<MaterialText>()
  const take = (text: string, of: MaterialText, isCut?: true) => {
    const tokens = countTokens(`${text}${between}`)
    left -= tokens
    used.add(of)
    const reason = of.reason ?? { why: of.why ?? why, ...defined({ by: of.by }) }
    taken.push({ text, source: { ...of.source, reason, tokens, ...defined({ isCut }) } })
  }
  for (const each of texts) {
    const { text } = each
    if (countTokens(`${text}${between}`) <= left) {
      take(text, each)
      continue
    }
    if (passesOver) continue
    const space = mark === undefined ? 0 : left - countTokens(`${mark}${between}`)
    const end = lastSentences(text, space, countTokens)
    if (end !== '') take(`${mark}${end}`, each, true)
    break
  }
  const inOrder = mark === undefined ? taken : taken.toReversed()
  return {
    text: inOrder.map(({ text }) => text).join(joint),
    shown: inOrder.map(({ source }) => source),
    leftOut: overBudget(texts.filter(text => !used.has(text))),
  }
}

function overBudget(texts: readonly MaterialText[]): readonly LeftOutSource[] {
  return texts.map(({ source }) => ({ ...source, reason: 'over-budget' }))
}

/** Returns the nearest texts that fit, and the last sentences of the next one, in reading order. */
function fittingText(texts: readonly MaterialText[], most: number, countTokens: CountTokens): FittedSlot {
  let left = most
  const taken: string[] = []
  const shown: ShownSource[] = []
  for (const { text, source } of texts) {
    const cut = taken.length === 0 ? endByTokens : lastSentences
    const end = cut(text, left - countTokens(between), countTokens)
    if (end === '') break
    const tokens = countTokens(`${end}${between}`)
    const isCut = end.length < text.trim().length
    taken.unshift(end)
    shown.unshift({ ...source, reason: { why: 'before' }, tokens, ...(isCut && { isCut }) })
    left -= tokens
    if (isCut) break
  }
  return { text: taken.join(between), shown, leftOut: overBudget(texts.slice(taken.length)) }
}

/** The limits of a prompt, and its text. */
interface Fitting {
  readonly model: Pick<LanguageModel, 'id' | 'contextTokens' | 'countTokens'>
  /** Most tokens of the answer. */
  readonly outputTokens: number
  /** Most tokens of material: each token costs money. */
  readonly mostMaterial: number
  /** Returns the prompt with material; its mandatory part is always included. */
  render(material: Readonly<Record<MaterialSlot, string>>): RenderedPrompt
}

/** A prompt with the material that is in it. */
export interface FittedPrompt extends RenderedPrompt {
  readonly fitted: FittedMaterial
}

/**
 * Returns the prompt with as much material as the context window of the model allows beside the answer. Throws MODEL_CONTEXT_EXCEEDED, with
 * the numbers, where the prompt is too long without optional material, CODEX_TOO_LARGE where the entries of the codex that are always told have
 * more tokens than all material may have.
 */
export function fitPrompt(material: Material, fitting: Fitting): FittedPrompt {
  const { model, outputTokens, mostMaterial } = fitting
  const window = model.contextTokens - outputTokens
  const render = (fitted: FittedMaterial): FittedPrompt => {
    return { ...fitting.render(bySlot(materialSlots, slot => fitted[slot].text)), fitted }
  }
  const frame = promptTokens(model, render(noMaterial))
  const countAll = (text: string) => model.countTokens(text)
  const least = render(fitMaterial(material, 0, countAll))
  const needed = promptTokens(model, least)
  if (needed - frame > mostMaterial) throw codexTooLarge(needed - frame, mostMaterial)
  if (needed > window) throw contextExceeded(fitting, needed)
  let tokens = Math.min(mostMaterial, window - frame)
  while (tokens > 0) {
    const prompt = render(fitMaterial(material, tokens, countAll))
    const over = promptTokens(model, prompt) - Math.min(window, frame + mostMaterial)
    if (over <= 0) return prompt
    // The marks around the material have tokens too.
    tokens -= over
  }
  return least
}

/** Returns the error CODEX_TOO_LARGE. */
function codexTooLarge(neededTokens: number, contextTokens: number): QuillworkError {
  return new QuillworkError(
    'CODEX_TOO_LARGE',
    `The entries of the codex that are always told have about ${neededTokens} tokens, and contextTokens allows ${contextTokens}. Raise contextTokens, shorten them, or tell some of them only when they are detected.`,
    { details: { neededTokens, contextTokens } },
  )
}

/** Returns the error MODEL_CONTEXT_EXCEEDED. */
export function contextExceeded(
  { model, outputTokens }: Pick<Fitting, 'model' | 'outputTokens'>,
  needed: number,
): ModelError {
  const { id, contextTokens } = model
  return new ModelError(
    'MODEL_CONTEXT_EXCEEDED',
    `The request has about ${needed} tokens and the answer may have ${outputTokens}, but the model ${id} takes ${contextTokens} in all. Shorten the text or the instructions, ask for a shorter answer, or choose a model with a larger context.`,
    { details: { model: id, neededTokens: needed, outputTokens, contextTokens } },
  )
}

/** Counts the tokens of a text, rather too many than too few. */
type CountTokens = (text: string) => number

/**
 * Splits a text into parts that tile it, each of at most `most` tokens: between sentences, or between whole characters in a sentence that is
 * too long. Yields after each sentence, so that a long text does not block the event loop. Returns the parts.
 */
export function* splitByTokens(
  text: string,
  most: number,
  countTokens: CountTokens,
): Steps<readonly string[]> {
  const parts: string[] = []
  let part = ''
  let size = 0
  for (const { start, end } of splitSentences(text)) {
    let sentence = text.slice(start, end)
    const tokens = countTokens(sentence)
    if (size + tokens > most && part !== '') {
      parts.push(part)
      part = ''
      size = 0
    }
    for (let left = tokens; left > most; left = countTokens(sentence)) {
      const cut = Math.max(wholeFrom(sentence, 1), fittingStart(sentence, most, countTokens))
      parts.push(sentence.slice(0, cut))
      sentence = sentence.slice(cut)
    }
    part += sentence
    size += countTokens(sentence)
    yield
  }
  if (part !== '') parts.push(part)
  return parts
}

/** Most characters of a token. */
const charactersPerToken = 12

/**
 * Returns the end of a text, of at most `most` tokens: whole sentences, or the last characters of a sentence that does not fit. Empty where
 * nothing fits.
 */
export function endByTokens(text: string, most: number, countTokens: CountTokens): string {
  const end = text.trimEnd()
  if (most <= 0) return ''
  return lastSentences(end, most, countTokens) || endOfSentence(possibleEnd(end, most), most, countTokens)
}

/** Returns the beginning of a text, of at most `most` tokens: whole sentences, or the first characters of one that does not fit. */
export function startByTokens(text: string, most: number, countTokens: CountTokens): string {
  const all = text.trimStart()
  const start = all.slice(
    0,
    fittingStart(all.slice(0, Math.max(0, most) * charactersPerToken), most, countTokens),
  )
  let whole = 0
  // Of the whole text: a sentence that ends at the limit is told from one that is cut there.
  for (const sentence of splitSentences(all)) {
    const end = sentence.start + all.slice(sentence.start, sentence.end).trimEnd().length
    if (end > start.length) break
    whole = end
  }
  return whole === 0 ? start : start.slice(0, whole)
}

/** Returns the last sentences of a text that fit into `most` tokens; empty where none does. */
function lastSentences(text: string, most: number, countTokens: CountTokens): string {
  if (most <= 0) return ''
  const end = text.trimEnd()
  const seen = possibleEnd(end, most)
  if (seen.length === end.length && countTokens(end) <= most) return end.trimStart()
  // The first sentence may be cut.
  const whole = [...splitSentences(seen)].slice(seen.length === end.length ? 0 : 1)
  let start = seen.length
  let left = most
  for (const sentence of whole.reverse()) {
    left -= countTokens(seen.slice(sentence.start, sentence.end))
    if (left < 0) break
    start = sentence.start
  }
  return seen.slice(start).trimStart()
}

/** Returns the longest end of a text that a number of tokens can have. */
function possibleEnd(text: string, most: number): string {
  return text.slice(wholeFrom(text, Math.max(0, text.length - most * charactersPerToken)))
}

/** Returns as many whole characters of the end as fit, from white space if possible. */
function endOfSentence(text: string, most: number, countTokens: CountTokens): string {
  const fits = (length: number) => countTokens(text.slice(text.length - length)) <= most
  const from = wholeFrom(text, text.length - longest(text.length, fits))
  if (from >= text.length) return ''
  const rest = text.slice(from)
  const word = from === 0 ? 0 : rest.search(/\s\S/u) + 1
  return rest.slice(word > 0 && word < rest.length / 2 ? word : 0).trimStart()
}

/** Returns the length of the longest beginning, between whole characters, of at most `most` tokens. */
function fittingStart(text: string, most: number, countTokens: CountTokens): number {
  const fits = (length: number) => countTokens(text.slice(0, length)) <= most
  return wholeAt(text, longest(text.length, fits))
}

/** Returns the greatest length up to `most` that fits; each shorter one fits too. */
function longest(most: number, fits: (length: number) => boolean): number {
  let low = 0
  let high = most
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

/** Returns the place, or the next one where it would cut a character. */
function wholeFrom(text: string, at: number): number {
  return isInCharacter(text, at) ? at + 1 : at
}
