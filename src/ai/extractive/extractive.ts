import { cooperate } from '../../runtime/cooperate.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { Summary, SummaryModel, SummaryRequest, TextSpan } from '../model.ts'
import { detectLanguage, namedLanguage, type Writing } from '../text/language.ts'
import { splitSentences } from '../text/sentences.ts'
import { type Candidate, candidateAt } from './candidates.ts'
import { pickByCoverage } from './coverage.ts'
import { beginningOf, joinSentences } from './join.ts'

/** Id of the model that needs no provider, no network and no key. */
const extractiveId = 'extractive'
/** Longest summary that can be asked for, in code units. */
const mostCharacters = 10_000
/** Length of a summary where none is asked for: about 150 Chinese characters, about 60 English words. */
const usualCharacters: Record<Writing, number> = { cjk: 160, spaced: 360 }
/** A text with fewer sentences has nothing to weigh: its first sentences stand for it. */
const fewSentences = 5
/** Sentences that are weighed at most. Of a longer text, every second one is, or every fourth, and so on: memory is bounded. */
const mostCandidates = 10_000
/** Code units that are read before the event loop may have its turn. */
const stride = 2_000

/**
 * The default summary model: key sentences of the text itself, verbatim, in their order. It invents nothing, costs
 * nothing and answers the same for the same text.
 */
export function extractiveModel(): SummaryModel {
  return {
    id: extractiveId,
    method: 'extractive',
    takesInstructions: false,
    summarise: async (request, options) => cooperate(summariseSteps(request), options?.signal),
  }
}

/** The same as a computation that yields now and then: `runThrough` gives the answer at once. */
export function* summariseSteps(request: SummaryRequest): Generator<void, Summary> {
  const { text } = request
  check(request)
  const language =
    request.language === undefined ? detectLanguage(text) : namedLanguage(request.language, text)
  const budget = request.maxCharacters ?? usualCharacters[language.writing]
  const sentences = yield* keySentences(text, language.writing, budget)
  const summary = joinSentences(text, sentences, language.writing)
  return { summary, method: 'extractive', language: language.tag, model: extractiveId, sentences }
}

function check({ text, maxCharacters, instructions }: SummaryRequest): void {
  if (instructions !== undefined) {
    throw new QuillworkError(
      'OPTION_INVALID',
      'The extractive model quotes the text and cannot follow instructions. Leave them out or choose another model.',
    )
  }
  if (
    maxCharacters !== undefined &&
    !(Number.isInteger(maxCharacters) && maxCharacters >= 1 && maxCharacters <= mostCharacters)
  ) {
    throw new QuillworkError(
      'OPTION_INVALID',
      `maxCharacters must be an integer from 1 to ${mostCharacters}, got ${maxCharacters}.`,
    )
  }
  if (!/[\p{L}\p{N}]/u.test(text)) {
    throw new QuillworkError('SCENE_EMPTY', 'The text has no letters to summarise.')
  }
}

function* keySentences(text: string, writing: Writing, budget: number): Generator<void, readonly TextSpan[]> {
  const candidates = yield* findCandidates(text, writing)
  if (candidates.length >= fewSentences) {
    const picked = yield* pickByCoverage(candidates, budget)
    const spans = picked.flatMap(place => candidates[place] ?? []).map(({ start, end }) => ({ start, end }))
    if (spans.length > 0) return spans.sort((a, b) => a.start - b.start)
  }
  return lead(text, candidates, budget)
}

function* findCandidates(text: string, writing: Writing): Generator<void, readonly Candidate[]> {
  let candidates: Candidate[] = []
  let found = 0
  let every = 1
  let turnEnds = stride
  for (const sentence of splitSentences(text)) {
    const candidate = candidateAt(text, sentence, writing)
    if (candidate !== undefined && found++ % every === 0) candidates.push(candidate)
    if (candidates.length > mostCandidates) {
      candidates = candidates.filter((_, place) => place % 2 === 0)
      every *= 2
    }
    if (sentence.end < turnEnds) continue
    yield
    turnEnds = sentence.end + stride
  }
  return candidates
}

/** The first sentences that fit; where none does, the beginning of the first one. */
function lead(text: string, candidates: readonly Candidate[], budget: number): readonly TextSpan[] {
  const spans: TextSpan[] = []
  let left = budget
  for (const { start, end } of candidates) {
    if (end - start > left) break
    spans.push({ start, end })
    left -= end - start + 1
  }
  if (spans.length > 0) return spans
  return [beginningOf(text, candidates[0] ?? { start: 0, end: text.trimEnd().length }, budget)]
}
