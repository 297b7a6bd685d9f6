import type { TextSpan } from '../../ai/model.ts'
import { type TermOccurrence, termOccurrences } from './terms.ts'

/**
 * Where a passage answers a query, for highlighting: ascending, touching places joined. Pairs of characters and words are
 * marked; single characters only where the query has no more to go by.
 */
export function marksOf(text: string, query: string): TextSpan[] {
  const terms = new Set<string>()
  for (const { term } of termOccurrences(query)) terms.add(term)
  const found: TermOccurrence[] = []
  for (const occurrence of termOccurrences(text)) if (terms.has(occurrence.term)) found.push(occurrence)
  const longer = found.filter(occurrence => occurrence.kind !== 'character')
  return joined(longer.length > 0 ? longer : found)
}

function joined(spans: readonly TextSpan[]): TextSpan[] {
  const result: TextSpan[] = []
  for (const { start, end } of spans) {
    const last = result.at(-1)
    if (last !== undefined && start <= last.end)
      result[result.length - 1] = { start: last.start, end: Math.max(end, last.end) }
    else result.push({ start, end })
  }
  return result
}
