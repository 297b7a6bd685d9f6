import { between, blankAfter, type Candidate, type Chosen, type Role, type TextFacts } from './candidate.ts'
import { chooseNumerals, continueNumerals, fitting, withoutStrays } from './choose-by-number.ts'
import { chooseMarked, withoutTitle } from './choose-marked.ts'
import { comparable, isTouching, withoutContents } from './contents.ts'

/**
 * Chooses the headings of a text among its candidates, in order. One line tells little; the document decides:
 * what is a table of contents, which unit the chapters are counted in, whether numbers rise, what stands alone.
 */
export function chooseHeadings(found: readonly Candidate[], facts: TextFacts): Chosen[] {
  const candidates = withoutTitle(found)
  const marked = chooseMarked(candidates, facts)
  if (marked !== undefined) return marked
  const strong = withoutContents(
    trustPrefixes(candidates.filter(candidate => candidate.heading.sureness !== 'weak')),
    facts,
  )
  const { kept, again } = withoutRepeats(isolated(strong))
  const accepted = byStyle(kept)
  const numbered = accepted.filter(candidate => candidate.heading.style !== 'named')
  const numerals = hasChapters(numbered)
    ? continueNumerals(candidates, numbered, facts)
    : chooseNumerals(candidates, accepted, facts)
  const all = withoutNames(inOrder([...accepted, ...numerals]))
  const roles = assignRoles(all)
  const chosen = new Set(all)
  // What repeats a line that turned out to be no heading is none either.
  const repeats = again.filter(({ first }) => chosen.has(first))
  return chosenInOrder([...roles, ...repeats.map(({ candidate }) => ({ candidate, role: 'again' as const }))])
}

function hasChapters(numbered: readonly Candidate[]): boolean {
  return numbered.some(candidate => candidate.heading.depth >= 4)
}

/** What stands before many headings is the title of the book or of a part; once or twice, it may be a sentence. */
function trustPrefixes(candidates: readonly Candidate[]): Candidate[] {
  const counts = new Map<string, number>()
  for (const { heading } of candidates) {
    if (heading.prefix !== undefined) counts.set(heading.prefix, (counts.get(heading.prefix) ?? 0) + 1)
  }
  return candidates.map(candidate => {
    const { prefix } = candidate.heading
    const isKnown = prefix !== undefined && (counts.get(prefix) ?? 0) >= 3
    return isKnown ? { ...candidate, heading: { ...candidate.heading, sureness: 'sure' } } : candidate
  })
}

/** Leaves out a Prologue or Introduction that is the name of the bare number above it. */
function withoutNames(candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ heading, line }, i) => {
    const before = candidates[i - 1]
    if (heading.style !== 'named' || heading.name !== '' || before === undefined) return true
    const isBare = before.heading.style !== 'named' && before.heading.depth >= 4 && before.heading.name === ''
    return !(isBare && before.followingLine === line)
  })
}

/**
 * Where most sure headings stand alone, one that does not is only doubtful: wrapped prose breaks lines anywhere.
 * Headings without a number have nothing else to be known by, so that they must stand alone.
 */
function isolated(candidates: readonly Candidate[]): Candidate[] {
  const sure = candidates.filter(({ heading }) => heading.sureness === 'sure' && heading.style !== 'named')
  const alone = sure.filter(candidate => candidate.blankBefore)
  if (sure.length > 0 && alone.length < 0.35 * sure.length) {
    return candidates.filter(one => one.heading.style !== 'named' || one.afterSentence)
  }
  const parted = alone.filter(blankAfter).length >= 0.8 * alone.length
  const standsAlone = (candidate: Candidate) => candidate.blankBefore && (!parted || blankAfter(candidate))
  const known = new Set(alone.filter(standsAlone).map(({ heading }) => heading.style))
  const kept: Candidate[] = []
  for (const candidate of candidates) {
    const { style, sureness } = candidate.heading
    if (standsAlone(candidate)) kept.push(candidate)
    else if (style !== 'named' && (sureness !== 'sure' || known.has(style))) kept.push(doubted(candidate))
  }
  return kept
}

function doubted(candidate: Candidate): Candidate {
  return { ...candidate, heading: { ...candidate.heading, sureness: 'doubtful' } }
}

/** A heading that is printed again, and the one that it repeats. */
interface Repeat {
  readonly candidate: Candidate
  readonly first: Candidate
}

/** Tells page headers, doubled titles and volumes named on every chapter from real headings. */
function withoutRepeats(candidates: readonly Candidate[]): { kept: Candidate[]; again: Repeat[] } {
  const kept: Candidate[] = []
  const again: Repeat[] = []
  const last = new Map<string, { key: string; candidate: Candidate }>()
  const groups = repeatCounts(candidates)
  for (const candidate of candidates) {
    const { heading } = candidate
    const key = repeatKey(candidate)
    const rank = heading.depth < 4 ? 'volume' : 'chapter'
    const before = last.get(rank)
    const same = before !== undefined && before.key === key
    if (rank === 'volume' && !same) last.delete('chapter')
    if (same && isRepeat(before.candidate, candidate, rank, groups.get(key) ?? 1)) {
      if (heading.inner === undefined) again.push({ candidate, first: before.candidate })
      else kept.push(candidate)
      continue
    }
    last.set(rank, { key, candidate })
    kept.push(candidate)
  }
  return { kept, again }
}

function repeatCounts(candidates: readonly Candidate[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const candidate of candidates) {
    const key = repeatKey(candidate)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

function repeatKey({ heading }: Candidate): string {
  const inner = heading.inner === undefined ? '' : `/${comparable(heading.inner.title)}`
  return `${heading.style} ${heading.number ?? ''} ${comparable(heading.name === '' && heading.number !== undefined ? '' : heading.title)}${inner}`
}

function isRepeat(first: Candidate, second: Candidate, rank: string, count: number): boolean {
  const { lines, sentences } = between(first, second)
  if (lines <= 1 && sentences === 0) return true
  if (first.heading.style === 'named') return !second.afterSentence
  return rank === 'volume' || count >= 3 || !second.afterSentence
}

/** For each style, the sure candidates and those doubtful ones that fill a place in the sequence. */
function byStyle(candidates: readonly Candidate[]): Candidate[] {
  const styles = new Map<string, Candidate[]>()
  for (const candidate of candidates) {
    const { style } = candidate.heading
    const list = styles.get(style)
    if (list === undefined) styles.set(style, [candidate])
    else list.push(candidate)
  }
  const accepted: Candidate[] = []
  for (const [style, list] of styles)
    accepted.push(...(style === 'named' ? list : withoutStrays(fitting(list))))
  return withMainStyle(inOrder(accepted))
}

/** Of several units of chapters, the commonest one; the others only outside of it, or where they carry its numbers on. */
function withMainStyle(candidates: readonly Candidate[]): Candidate[] {
  const counts = new Map<string, number>()
  for (const { heading } of candidates) {
    if (heading.depth === 4 && heading.style !== 'named')
      counts.set(heading.style, (counts.get(heading.style) ?? 0) + 1)
  }
  const [main] = [...counts].sort((a, b) => b[1] - a[1])
  if (main === undefined || counts.size === 1) return [...candidates]
  const first = candidates.findIndex(candidate => candidate.heading.style === main[0])
  const last = candidates.findLastIndex(candidate => candidate.heading.style === main[0])
  let number = Number.NaN
  return candidates.filter(({ heading }, i) => {
    if (heading.depth !== 4 || heading.style === 'named') return true
    const kept = heading.style === main[0] || i < first || i > last || heading.number === number + 1
    if (kept) number = heading.number ?? number
    return kept
  })
}

/** Chapters are the deepest unit down to depth 4; what is above are volumes where chapters stand in most of them. */
function assignRoles(candidates: readonly Candidate[]): Chosen[] {
  const numbered = candidates.filter(candidate => candidate.heading.style !== 'named')
  const depths = new Set(numbered.map(({ heading }) => heading.inner?.depth ?? heading.depth))
  const above = [...depths].filter(depth => depth <= 4)
  const chapterDepth = above.length === 0 ? 5 : Math.max(...above)
  const roles = candidates.map((candidate, i) => ({
    candidate,
    role: opensVolume(candidates, i) ? ('volume' as const) : roleOf(candidate, chapterDepth),
  }))
  return volumesAreFilled(roles)
    ? roles
    : roles.map(({ candidate, role }) => ({ candidate, role: role === 'volume' ? 'chapter' : role }))
}

/** An Epilogue whose chapters are numbered anew is a volume. */
function opensVolume(candidates: readonly Candidate[], i: number): boolean {
  const [before, here, next] = [candidates[i - 1], candidates[i], candidates[i + 1]]
  if (here?.heading.style !== 'named' || before === undefined || next === undefined) return false
  const restarts =
    next.heading.depth === 4 && next.heading.style !== 'named' && (next.heading.number ?? 2) <= 1
  return restarts && (before.heading.number ?? 0) > 1 && isTouching(here, next)
}

function roleOf({ heading }: Candidate, chapterDepth: number): Role {
  if (heading.inner !== undefined) return 'volume'
  if (heading.style === 'named' || heading.depth === chapterDepth) return 'chapter'
  return heading.depth < chapterDepth ? 'volume' : 'section'
}

function volumesAreFilled(roles: readonly Chosen[]): boolean {
  let volumes = 0
  let filled = 0
  let open = false
  let depth = 0
  for (const { candidate, role } of roles) {
    if (role === 'volume') {
      // A volume directly within a larger one fills it.
      if (open && candidate.heading.depth > depth) filled++
      volumes++
      open = candidate.heading.inner === undefined
      depth = candidate.heading.depth
      if (!open) filled++
    } else if (role === 'chapter' && open && candidate.heading.style !== 'named') {
      filled++
      open = false
    }
  }
  return volumes === 0 || filled * 2 >= volumes
}

function inOrder(candidates: Candidate[]): Candidate[] {
  return candidates.sort((a, b) => a.line - b.line)
}

function chosenInOrder(chosen: Chosen[]): Chosen[] {
  return chosen.sort((a, b) => a.candidate.line - b.candidate.line)
}
