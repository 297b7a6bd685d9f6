import type { TextSpan } from '../../ai/model.ts'
import { letterRuns, normaliseWord } from '../../ai/text/terms.ts'

/** One occurrence of a term, with its place in the text in UTF-16 code units. */
export interface TermOccurrence {
  readonly term: string
  readonly start: number
  readonly end: number
  /** `character` and `pair` in Chinese, Japanese and Korean, `word` elsewhere. */
  readonly kind: 'character' | 'pair' | 'word'
}

/**
 * Yields the terms of a text for the lexical index. A run of Chinese, Japanese or Korean gives every character and every pair of
 * neighbours: pairs match names of two characters exactly, characters match other wordings. Other words give their normalised form.
 * Traditional and simplified characters are different terms.
 */
export function* termOccurrences(text: string): Generator<TermOccurrence, void> {
  for (const run of letterRuns(text)) {
    const letters = text.slice(run.start, run.end)
    if (run.kind === 'word')
      yield { term: normaliseWord(letters), start: run.start, end: run.end, kind: 'word' }
    else yield* unspacedTerms(letters, run.start)
  }
}

function* unspacedTerms(letters: string, offset: number): Generator<TermOccurrence, void> {
  const folded = letters.normalize('NFKC')
  const run = folded.length === letters.length ? folded : letters
  let previous = ''
  let at = offset
  for (const character of run) {
    const end = at + character.length
    if (previous !== '') yield { term: previous + character, start: at - previous.length, end, kind: 'pair' }
    yield { term: character, start: at, end, kind: 'character' }
    previous = character
    at = end
  }
}

/**
 * Returns the places of a passage that match a query, for highlighting: ascending, with touching places joined. Marks words and pairs of
 * characters; single characters only where nothing else matches.
 */
export function marksOf(text: string, query: string): TextSpan[] {
  const terms = new Set<string>()
  for (const { term } of termOccurrences(query)) terms.add(term)
  const longer: TextSpan[] = []
  const characters: TextSpan[] = []
  for (const { term, kind, start, end } of termOccurrences(text))
    if (terms.has(term)) join(kind === 'character' ? characters : longer, start, end)
  return longer.length > 0 ? longer : characters
}

/** Adds a place; one that touches the last one makes it longer. */
function join(spans: TextSpan[], start: number, end: number): void {
  const last = spans.at(-1)
  if (last === undefined || start > last.end) spans.push({ start, end })
  else spans[spans.length - 1] = { start: last.start, end: Math.max(end, last.end) }
}
