import { mapped, type Steps } from '../../runtime/cooperate.ts'
import { chooseNumerals, continueNumerals, fitting, withoutQuoted } from './choose-by-number.ts'
import { comparable, isContentsHeader, isTouching, withoutContents } from './contents.ts'
import {
  between,
  blankAfter,
  byStyle,
  type Candidate,
  type Chosen,
  countedBy,
  filtered,
  perStep,
  type Role,
  type TextFacts,
} from './heading-candidate.ts'

/**
 * Returns the headings of a text among its candidates, in order. The whole document decides: what is a table of contents, which unit
 * counts the chapters, whether numbers rise, which lines stand alone. Yields between its steps, each of which looks at all candidates.
 */
export function* chooseHeadings(found: readonly Candidate[], facts: TextFacts): Steps<Chosen[]> {
  const candidates = withoutTitle(found)
  yield
  const marked = yield* chooseMarked(candidates, facts)
  if (marked !== undefined) return marked
  yield
  const trusted = yield* trustPrefixes(
    yield* filtered(candidates, candidate => candidate.heading.sureness !== 'weak'),
  )
  yield
  const strong = yield* withoutContents(trusted, facts)
  yield
  const alone = yield* isolated(strong)
  yield
  const { kept, again } = yield* withoutRepeats(alone)
  yield
  const accepted = yield* acceptedByStyle(kept)
  yield
  const numbered = yield* filtered(accepted, candidate => candidate.heading.style !== 'named')
  const hasChapters = numbered.some(candidate => candidate.heading.depth >= 4)
  const numerals = hasChapters
    ? continueNumerals(candidates, numbered, facts)
    : yield* chooseNumerals(candidates, accepted, facts)
  yield
  const all = yield* withoutNames(inOrder([...accepted, ...numerals]))
  yield
  const roles = yield* assignRoles(all)
  yield
  const chosen = new Set(all)
  // A repeat counts only if the line that it repeats is a heading.
  const repeats = again.filter(({ first }) => chosen.has(first))
  const doubles = repeats.map(({ candidate }) => ({ candidate, role: 'again' as const }))
  return [...roles, ...doubles].sort((a, b) => a.candidate.line - b.candidate.line)
}

/** A prefix of three headings or more is the title of the book or of a part; otherwise it may be a sentence. */
function* trustPrefixes(candidates: readonly Candidate[]): Steps<Candidate[]> {
  const counts = yield* countedBy(candidates, ({ heading }) => heading.prefix)
  return yield* mapped(candidates, (candidate): Candidate => {
    const { prefix } = candidate.heading
    const isKnown = prefix !== undefined && (counts.get(prefix) ?? 0) >= 3
    return isKnown ? { ...candidate, heading: { ...candidate.heading, sureness: 'sure' } } : candidate
  })
}

/** Drops a Prologue or Introduction that is the name of the bare number above it. */
function withoutNames(candidates: readonly Candidate[]): Steps<Candidate[]> {
  return filtered(candidates, ({ heading, line }, i) => {
    const before = candidates[i - 1]
    if (heading.style !== 'named' || heading.name !== '' || before === undefined) return true
    const isBare = before.heading.style !== 'named' && before.heading.depth >= 4 && before.heading.name === ''
    return !(isBare && before.followingLine === line)
  })
}

/**
 * Where most sure headings stand alone, one that does not is only doubtful: wrapped prose breaks lines anywhere. Headings without a
 * number must stand alone: they have no other sign.
 */
function* isolated(candidates: readonly Candidate[]): Steps<Candidate[]> {
  const sure = yield* filtered(
    candidates,
    ({ heading }) => heading.sureness === 'sure' && heading.style !== 'named',
  )
  const alone = yield* filtered(sure, candidate => candidate.blankBefore)
  if (sure.length > 0 && alone.length < 0.35 * sure.length)
    return yield* filtered(candidates, one => one.heading.style !== 'named' || one.afterSentence)
  const parted = (yield* filtered(alone, blankAfter)).length >= 0.8 * alone.length
  const standsAlone = (candidate: Candidate) => candidate.blankBefore && (!parted || blankAfter(candidate))
  const known = new Set((yield* filtered(alone, standsAlone)).map(({ heading }) => heading.style))
  const kept: Candidate[] = []
  for (const [i, candidate] of candidates.entries()) {
    if (i % perStep === 0) yield
    const { heading } = candidate
    if (standsAlone(candidate)) kept.push(candidate)
    else if (heading.style !== 'named' && (heading.sureness !== 'sure' || known.has(heading.style)))
      kept.push({ ...candidate, heading: { ...heading, sureness: 'doubtful' } })
  }
  return kept
}

/**
 * Separates page headers, doubled titles and volumes named on every chapter from real headings: `again` has the headings that are printed
 * again, each with the first one.
 */
function* withoutRepeats(candidates: readonly Candidate[]) {
  const kept: Candidate[] = []
  const again: { candidate: Candidate; first: Candidate }[] = []
  const last = new Map<string, { key: string; candidate: Candidate }>()
  const keys = yield* mapped(candidates, repeatKey)
  const groups = yield* countedBy(keys, key => key)
  for (const [i, candidate] of candidates.entries()) {
    if (i % perStep === 0) yield
    const { heading } = candidate
    const key = keys[i] ?? ''
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

function repeatKey({ heading, comparable: title }: Candidate): string {
  const inner = heading.inner === undefined ? '' : `/${comparable(heading.inner.title)}`
  const isBare = heading.name === '' && heading.number !== undefined
  return `${heading.style} ${heading.number ?? ''} ${isBare ? '' : title}${inner}`
}

function isRepeat(first: Candidate, second: Candidate, rank: string, count: number): boolean {
  const { lines, sentences } = between(first, second)
  if (lines <= 1 && sentences === 0) return true
  if (first.heading.style === 'named') return !second.afterSentence
  return rank === 'volume' || count >= 3 || !second.afterSentence
}

/** Returns the sure candidates, and the doubtful ones that fill a place in the sequence of their style. */
function* acceptedByStyle(candidates: readonly Candidate[]): Steps<Candidate[]> {
  const accepted: Candidate[] = []
  for (const [style, list] of byStyle(candidates)) {
    yield
    const kept = style === 'named' ? list : yield* withoutQuoted(yield* fitting(list))
    yield
    for (const candidate of kept) accepted.push(candidate)
  }
  yield
  const ordered = inOrder(accepted)
  yield
  return yield* withMainStyle(ordered)
}

/** Keeps the commonest of several units of chapters; others only outside its range, or where they continue its numbers. */
function* withMainStyle(candidates: readonly Candidate[]): Steps<Candidate[]> {
  const chapters = yield* filtered(
    candidates,
    ({ heading }) => heading.depth === 4 && heading.style !== 'named',
  )
  const counts = yield* countedBy(chapters, ({ heading }) => heading.style)
  const [main] = [...counts].sort((a, b) => b[1] - a[1])
  if (main === undefined || counts.size === 1) return [...candidates]
  const first = candidates.findIndex(candidate => candidate.heading.style === main[0])
  const last = candidates.findLastIndex(candidate => candidate.heading.style === main[0])
  let number = Number.NaN
  return yield* filtered(candidates, ({ heading }, i) => {
    if (heading.depth !== 4 || heading.style === 'named') return true
    const kept = heading.style === main[0] || i < first || i > last || heading.number === number + 1
    if (kept) number = heading.number ?? number
    return kept
  })
}

/** Chapters are the deepest unit down to depth 4; higher units are volumes if most of them contain chapters. */
function* assignRoles(candidates: readonly Candidate[]): Steps<Chosen[]> {
  const numbered = yield* filtered(candidates, candidate => candidate.heading.style !== 'named')
  const depths = new Set(yield* mapped(numbered, ({ heading }) => heading.inner?.depth ?? heading.depth))
  const above = [...depths].filter(depth => depth <= 4)
  const chapterDepth = above.length === 0 ? 5 : Math.max(...above)
  yield
  const roles = yield* mapped(candidates, (candidate, i) => ({
    candidate,
    role: opensVolume(candidates, i) ? ('volume' as const) : roleOf(candidate, chapterDepth),
  }))
  yield
  return volumesAreFilled(roles)
    ? roles
    : yield* mapped(roles, ({ candidate, role }) => ({
        candidate,
        role: role === 'volume' ? ('chapter' as const) : role,
      }))
}

/** An Epilogue whose chapter numbers restart is a volume. */
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

/**
 * Returns the marked headings with their roles by level; undefined when the text is not structured by marks. A single heading above all
 * others names the book. The chapters are the level whose headings say so, else the first level with text of its own.
 */
function* chooseMarked(candidates: readonly Candidate[], facts: TextFacts): Steps<Chosen[] | undefined> {
  const marked = candidates.filter(candidate => candidate.level !== undefined)
  const others = candidates.filter(({ level, heading }) => level === undefined && heading.sureness === 'sure')
  const title = titleHeading(marked)
  yield
  // The heading of a table of contents starts no chapter.
  const parts = marked.filter(candidate => candidate !== title && !isContentsHeader(candidate.heading.title))
  if (parts.length === 0 || (!facts.declared && (parts.length < 2 || others.length > parts.length)))
    return undefined
  yield
  const levels = [...new Set(parts.map(candidate => candidate.level ?? 6))].sort((a, b) => a - b)
  const chapterLevel = levelOfChapters(parts, levels)
  yield
  if (!facts.structured) return parts.map(candidate => ({ candidate, role: roleAt(candidate, chapterLevel) }))
  const counted = parts.some(({ level, heading }) => level === chapterLevel && isChapter(heading))
  return parts.map((candidate, i) => ({
    candidate,
    role: roleInStructure(candidate, parts[i + 1], chapterLevel, counted),
  }))
}

/**
 * A book may list a prologue or a letter beside its parts, with nothing below it, and its parts beside their chapters. `counted`: the
 * titles of chapters say that they are chapters.
 */
function roleInStructure(
  candidate: Candidate,
  next: Candidate | undefined,
  chapterLevel: number,
  counted: boolean,
): Role {
  const { level = 6, heading } = candidate
  const below = next?.level ?? 0
  if (level < chapterLevel && below <= level) return 'chapter'
  const isPart = level === chapterLevel && counted && heading.depth < 4 && isNumbered(heading.style)
  return isPart && below === level ? 'volume' : roleAt(candidate, chapterLevel)
}

function isChapter({ style, depth }: Candidate['heading']): boolean {
  return isNumbered(style) && depth === 4
}

/** Returns the headings below the title of a document, which has level 0. A document with several of that level and no other uses it for chapters. */
function withoutTitle(candidates: readonly Candidate[]): readonly Candidate[] {
  const titles = candidates.filter(({ level }) => level === 0).length
  const others = candidates.length - titles
  return titles > 0 && (titles === 1 || others > 0)
    ? candidates.filter(({ level }) => level !== 0)
    : candidates
}

/** Returns the only heading of the highest level, if it comes first and is not a chapter by its words: the title of the book. */
export function titleHeading(marked: readonly Candidate[]): Candidate | undefined {
  const [first, second] = marked
  if (first === undefined || second === undefined || first.heading.style !== 'marked') return undefined
  const alone = marked.every(candidate => candidate === first || (candidate.level ?? 6) > (first.level ?? 6))
  return alone ? first : undefined
}

function roleAt(candidate: Candidate, chapterLevel: number): Role {
  const level = candidate.level ?? 6
  if (level < chapterLevel) return candidate.heading.style === 'named' ? 'chapter' : 'volume'
  return level === chapterLevel ? 'chapter' : 'section'
}

function levelOfChapters(parts: readonly Candidate[], levels: readonly number[]): number {
  const [first = 6, second] = levels
  if (second === undefined) return first
  const counted = levels.find(level => parts.some(part => part.level === level && isChapter(part.heading)))
  if (counted !== undefined) return counted
  const upper = parts.filter(candidate => candidate.level === first && candidate.heading.style !== 'named')
  if (upper.some(({ heading }) => heading.depth < 4)) return second
  // Containers have no text before the first heading within them.
  const containers = parts.filter((candidate, i) => {
    const next = parts[i + 1]
    if (candidate.level !== first || candidate.heading.style === 'named' || next === undefined) return false
    return next.level === second && between(candidate, next).sentences === 0
  })
  return containers.length * 2 > upper.length ? second : first
}

function isNumbered(style: string): boolean {
  return style !== 'marked' && style !== 'named'
}
