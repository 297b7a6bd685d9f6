import type { TextSpan } from '../../ai/model.ts'
import { termOccurrences } from './terms.ts'

/**
 * Returns the places of a passage that match a query, for highlighting: ascending, with touching places joined. Marks words and pairs of
 * characters; single characters only where nothing else matches.
 */
export function marksOf(text: string, query: string): TextSpan[] {
  const terms = new Set(Array.from(termOccurrences(query), ({ term }) => term))
  const found = [...termOccurrences(text)].filter(({ term }) => terms.has(term))
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
