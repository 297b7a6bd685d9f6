import { cooperate, type Steps } from '../../runtime/cooperate.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { Summary, SummaryModel, SummaryRequest, TextSpan } from '../model.ts'
import { detectLanguage, namedLanguage, type Writing } from '../text/language.ts'
import { splitSentences } from '../text/sentences.ts'
import { type Candidate, candidateAt } from './candidates.ts'
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
/** Code units that are read before the event loop may run other work. */
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

/** The same as a computation that yields now and then. */
export function* summariseSteps(request: SummaryRequest): Steps<Summary> {
  const { text } = request
  check(request)
  const language =
    request.language === undefined ? detectLanguage(text) : namedLanguage(request.language, text)
  const budget = request.maxCharacters ?? usualCharacters[language.writing]
  const sentences = yield* keySentences(text, language.writing, budget)
  const summary = joinSentences(text, sentences, language.writing)
  return { summary, method: 'extractive', language: language.tag, model: extractiveId, sentences }
}

function check({ text, maxCharacters = mostCharacters, instructions }: SummaryRequest): void {
  if (instructions !== undefined)
    throw notTaken(
      'The extractive model quotes the text and cannot follow instructions. Leave them out or choose another model.',
    )
  const isLength = Number.isInteger(maxCharacters) && maxCharacters >= 1 && maxCharacters <= mostCharacters
  if (!isLength)
    throw notTaken(`maxCharacters must be an integer from 1 to ${mostCharacters}, got ${maxCharacters}.`)
  if (!/[\p{L}\p{N}]/u.test(text))
    throw new QuillworkError('SCENE_EMPTY', 'The text has no letters to summarise.')
}

function notTaken(message: string): QuillworkError {
  return new QuillworkError('OPTION_INVALID', message)
}

function* keySentences(text: string, writing: Writing, budget: number): Steps<readonly TextSpan[]> {
  const candidates = yield* findCandidates(text, writing)
  if (candidates.length >= fewSentences) {
    const picked = yield* pickByCoverage(candidates, budget)
    const spans = picked.flatMap(place => candidates[place] ?? []).map(({ start, end }) => ({ start, end }))
    if (spans.length > 0) return spans.sort((a, b) => a.start - b.start)
  }
  return lead(text, candidates, budget)
}

function* findCandidates(text: string, writing: Writing): Steps<readonly Candidate[]> {
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

/** What speech counts: a sentence that is all speech has this share of its gain taken away. */
const speechPenalty = 0.75
/** Exponent of the length in the value of a sentence: 0 favours long sentences, 1 the shortest. */
const lengthExponent = 0.5
/** Weight of a term that occurs in one sentence only: enough to fill a summary that has told everything else. */
const singleWeight = 0.1
/** Candidates that are scored before the event loop may run other work. */
const candidateStride = 128

/**
 * Picks the sentences that together cover the most of what a text keeps coming back to, within `budget` code units.
 *
 * Every candidate counts for the weights, the telling ones can be picked. A term weighs the number of further sentences
 * that contain it, and counts once. Each step takes the sentence with the greatest new weight per square root of its
 * length (the scaled greedy rule for a budgeted coverage: Lin and Bilmes, "Multi-document summarization via budgeted
 * maximization of submodular functions", NAACL 2010; the objective is that of Gillick and Favre, "A scalable global model
 * for summarization", ILP-NLP 2009). What was covered gains nothing again, so that no second rule against repetition is
 * needed. Since gains only fall, an old gain is an upper bound, and most sentences are scored once: the time grows with
 * the text, not with its square.
 *
 * Returns the places of the picked candidates, best first; none where no telling candidate fits.
 */
function* pickByCoverage(candidates: readonly Candidate[], budget: number): Steps<number[]> {
  const weights = yield* termWeights(candidates)
  const covered = new Set<string>()
  const bounds = new Float64Array(candidates.length).fill(Number.POSITIVE_INFINITY)
  const picked: number[] = []
  // The last sentence needs no space behind it.
  let left = budget + 1
  for (;;) {
    let best = -1
    let bestValue = 0
    for (const [place, candidate] of candidates.entries()) {
      if (place % candidateStride === candidateStride - 1) yield
      if (!candidate.telling || (bounds[place] ?? 0) <= bestValue) continue
      const value = lengthOf(candidate) > left ? 0 : worth(candidate, weights, covered)
      bounds[place] = value
      if (value > bestValue) {
        best = place
        bestValue = value
      }
    }
    const choice = candidates[best]
    if (choice === undefined) return picked
    picked.push(best)
    bounds[best] = 0
    left -= lengthOf(choice)
    for (const term of choice.terms) covered.add(term)
  }
}

/** Length in a summary, with the space that parts it from the next. */
function lengthOf(candidate: Candidate): number {
  return candidate.end - candidate.start + 1
}

function worth(
  candidate: Candidate,
  weights: ReadonlyMap<string, number>,
  covered: ReadonlySet<string>,
): number {
  let gain = 0
  for (const term of candidate.terms) if (!covered.has(term)) gain += weights.get(term) ?? 0
  return (gain * (1 - speechPenalty * candidate.speech)) / lengthOf(candidate) ** lengthExponent
}

function* termWeights(candidates: readonly Candidate[]): Steps<ReadonlyMap<string, number>> {
  const weights = new Map<string, number>()
  for (const [place, candidate] of candidates.entries()) {
    if (place % candidateStride === candidateStride - 1) yield
    for (const term of candidate.terms) weights.set(term, (weights.get(term) ?? singleWeight - 1) + 1)
  }
  return weights
}
