import { splitSentences } from '../../ai/text/sentences.ts'

/** Beats that a brief lists. */
const mostBeats = 50
const clauseEnd = /(?<=[;；])\s*/u

/** What happens in a summary, step by step: its sentences, in their order and words; those with semicolons are parted there. */
export function beatsOf(summary: string): string[] {
  return [...splitSentences(summary)]
    .flatMap(({ start, end }) => summary.slice(start, end).split(clauseEnd))
    .map(beat => beat.replace(/\s+/gu, ' ').trim())
    .filter(beat => /[\p{L}\p{N}]/u.test(beat))
    .slice(0, mostBeats)
}
