import { between, type Candidate } from './candidate.ts'

/**
 * Leaves out the headings of tables of contents: runs of headings with no prose between them, which stand elsewhere
 * again or before all prose. Takes and returns candidates in order.
 */
export function withoutContents(candidates: readonly Candidate[]): Candidate[] {
  const listed = new Set<Candidate>()
  const keys = candidates.map(keyOf)
  const everywhere = tally(keys)
  for (const run of runsOf(candidates)) markRun(run, { candidates, keys, everywhere }, listed)
  const left = candidates.filter(candidate => !listed.has(candidate))
  return withoutLongContents(left)
}

/** A run of candidates with no prose between them: the indexes of its first and last one. */
interface Run {
  readonly first: number
  readonly last: number
}

function runsOf(candidates: readonly Candidate[]): Run[] {
  const runs: Run[] = []
  let first = 0
  for (let i = 1; i <= candidates.length; i++) {
    const a = candidates[i - 1]
    const b = candidates[i]
    if (a !== undefined && b !== undefined && isTouching(a, b)) continue
    if (i - first >= 3) runs.push({ first, last: i - 1 })
    first = i
  }
  return runs
}

/** Nothing but the rest of a title stands between. */
function isTouching(a: Candidate, b: Candidate): boolean {
  const { lines, sentences } = between(a, b)
  return sentences === 0 && lines <= 2
}

interface Document {
  readonly candidates: readonly Candidate[]
  readonly keys: readonly string[]
  readonly everywhere: ReadonlyMap<string, number>
}

function markRun(run: Run, { candidates, keys, everywhere }: Document, listed: Set<Candidate>): void {
  const inside = tally(keys.slice(run.first, run.last + 1))
  const empty = emptyOnes(run, candidates)
  const lastEmpty = empty.at(-1)
  if (lastEmpty === undefined) return
  const isOutside = (key = '') => (everywhere.get(key) ?? 0) > (inside.get(key) ?? 0)
  const again = empty.filter(i => isOutside(keys[i]) || (inside.get(keys[i] ?? '') ?? 0) > 1)
  if (again.length * 2 <= empty.length && !(run.first === 0 && empty.length >= 3)) return
  const seen = new Set<string>()
  for (let i = run.first; i <= run.last; i++) {
    const candidate = candidates[i]
    const key = keys[i] ?? ''
    if (candidate === undefined) continue
    const ends = isOutside(key) && (!seen.has(key) || isNextOf(candidates[i - 1], candidate))
    if (i <= lastEmpty || ends) listed.add(candidate)
    seen.add(key)
  }
}

/** Candidates that another of their depth, or of a higher one, follows at once. */
function emptyOnes(run: Run, candidates: readonly Candidate[]): number[] {
  const empty: number[] = []
  for (let i = run.first; i < run.last; i++) {
    const here = candidates[i]
    const next = candidates[i + 1]
    if (here !== undefined && next !== undefined && next.heading.depth <= here.heading.depth) empty.push(i)
  }
  return empty
}

function isNextOf(a: Candidate | undefined, b: Candidate): boolean {
  return a?.heading.style === b.heading.style && b.heading.number === (a.heading.number ?? Number.NaN) + 1
}

function tally(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/**
 * A table of contents with a summary under each heading: the whole sequence stands twice, the first time with
 * hardly any text.
 */
function withoutLongContents(candidates: readonly Candidate[]): Candidate[] {
  const keys = candidates.map(keyOf)
  const second = keys.indexOf(keys[0] ?? '', 1)
  if (second < 3 || second > candidates.length - second) return [...candidates]
  const later = new Set(keys.slice(second))
  const again = keys.slice(0, second).filter(key => later.has(key)).length
  const perChapterBefore = spread(candidates, 0, second) / second
  const perChapterAfter = spread(candidates, second, candidates.length - 1) / (candidates.length - 1 - second)
  const isContents = again >= 0.9 * second && perChapterBefore * 10 < perChapterAfter
  return candidates.slice(isContents ? second : 0)
}

function spread(candidates: readonly Candidate[], from: number, to: number): number {
  return (candidates[to]?.before.characters ?? 0) - (candidates[from]?.before.characters ?? 0)
}

/** Equal for headings that say the same, within their volume or not. */
function keyOf({ heading }: Candidate): string {
  if (heading.number !== undefined && heading.style !== 'marked') return `${heading.style} ${heading.number}`
  return `${heading.style} ${comparable(heading.title)}`
}

/** A title without what print changes: case, spaces and punctuation. */
export function comparable(title: string): string {
  return title.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}
