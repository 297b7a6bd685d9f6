import type { TextSpan } from '../../ai/model.ts'
import { termOccurrences } from './terms.ts'

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
