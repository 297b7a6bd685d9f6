import { QuillworkError } from '../index.ts'

const highest = 100_000

/**
 * The chapters that a text such as `1-10,12` names, as indexes from 0, ascending, each once. Chapters are numbered from 1 over all
 * volumes, as the preview prints them. Throws USAGE_INVALID.
 */
export function parseChapters(text: string): number[] {
  const chosen = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?$/.exec(part)
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])]
    if (!(first >= 1 && last >= first && last <= highest)) {
      throw new QuillworkError(
        'USAGE_INVALID',
        `--chapters ${text}: ${JSON.stringify(part)} names no chapters. Write numbers and ranges from 1, such as 1-10,12.`,
      )
    }
    for (let number = first; number <= last; number++) chosen.add(number - 1)
  }
  return [...chosen].sort((a, b) => a - b)
}
