import { type ChangeObject, diffArrays } from 'diff'

/** A stretch of a text: in both, only in the older one, or only in the newer one. */
export interface Stretch {
  value: string
  is: 'same' | 'added' | 'removed'
}

/** Paragraphs, and words of a paragraph, that may differ; with more they are shown as replaced: the time grows with their square. */
const mostEdits = { paragraphs: 500, words: 400 }
/** Share of the longer paragraph that has to be the same for them to be compared word by word. */
const leastAlike = 0.4

/** Returns what changed from one text to another: its paragraphs, each in stretches. The time is linear in the texts. */
export function compare(before: string, after: string): Stretch[][] {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const changes = diffArrays(old, now, { maxEditLength: mostEdits.paragraphs })
  if (changes === undefined)
    return [...old.map(value => replaced(value, 'removed')), ...now.map(value => replaced(value, 'added'))]
  return changes.flatMap((change, at) => {
    const [last, next] = [changes[at - 1], changes[at + 1]]
    if (change.removed && next?.added) return comparePairs(change.value, next.value)
    if (change.added && last?.removed) return []
    return change.value.map(value => [{ value, is: kindOf(change) }])
  })
}

function replaced(value: string, is: Stretch['is']): Stretch[] {
  return [{ value, is }]
}

function kindOf({ added, removed }: Pick<ChangeObject<unknown>, 'added' | 'removed'>): Stretch['is'] {
  if (added) return 'added'
  return removed ? 'removed' : 'same'
}

/** Paragraphs that stand for each other, by their order. */
function comparePairs(before: readonly string[], after: readonly string[]): Stretch[][] {
  const length = Math.max(before.length, after.length)
  return Array.from({ length }, (_, at) => {
    const [old, now] = [before[at], after[at]]
    if (old === undefined) return [{ value: now ?? '', is: 'added' }]
    if (now === undefined) return [{ value: old, is: 'removed' }]
    return compareWords(old, now)
  })
}

/** Code units that are cut into words at once: the time for each word grows with the text. */
const windowUnits = 1_000

/** Words of Chinese have no spaces between them: the browser knows where they end. */
function wordsOf(text: string): string[] {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })
  const words: string[] = []
  for (let start = 0; start < text.length; ) {
    const found = Array.from(segmenter.segment(text.slice(start, start + windowUnits)), each => each.segment)
    // The last word may go on behind the window.
    if (start + windowUnits < text.length && found.length > 1) found.pop()
    words.push(...found)
    start += found.reduce((sum, word) => sum + word.length, 0)
  }
  return words
}

function compareWords(before: string, after: string): Stretch[] {
  const changes = diffArrays(wordsOf(before), wordsOf(after), { maxEditLength: mostEdits.words })
  const stretches = changes?.map((change): Stretch => ({ value: change.value.join(''), is: kindOf(change) }))
  if (stretches !== undefined && isAlike(stretches, Math.max(before.length, after.length))) return stretches
  return [
    { value: before, is: 'removed' },
    { value: after, is: 'added' },
  ]
}

/** Returns whether enough is the same for a comparison word by word to be read; else one paragraph stands after the other. */
function isAlike(stretches: readonly Stretch[], length: number): boolean {
  const same = stretches.reduce((sum, { value, is }) => sum + (is === 'same' ? value.length : 0), 0)
  return same >= length * leastAlike
}
