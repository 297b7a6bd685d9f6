import { between, type Candidate, type Chosen, type Role, type TextFacts } from './candidate.ts'

/**
 * Chooses the headings that are marked, by their levels. Undefined when the text is not structured that way.
 * One heading above all others names the book. Then a level that says chapters is chapters; else the first level
 * with text of its own is.
 */
export function chooseMarked(candidates: readonly Candidate[], facts: TextFacts): Chosen[] | undefined {
  const marked = candidates.filter(candidate => candidate.level !== undefined)
  const others = candidates.filter(({ level, heading }) => level === undefined && heading.sureness === 'sure')
  const title = bookTitle(marked)
  const parts = marked.filter(candidate => candidate !== title && !CONTENTS.test(candidate.heading.title))
  if (parts.length === 0 || (!facts.declared && (parts.length < 2 || others.length > parts.length)))
    return undefined
  const levels = [...new Set(parts.map(candidate => candidate.level ?? 6))].sort((a, b) => a - b)
  const chapterLevel = levelOfChapters(parts, levels)
  if (!facts.structured) return parts.map(candidate => ({ candidate, role: roleAt(candidate, chapterLevel) }))
  const counted = parts.some(({ level, heading }) => level === chapterLevel && isChapter(heading))
  return parts.map((candidate, i) => {
    const next = parts[i + 1]
    return { candidate, role: roleInStructure(candidate, next, chapterLevel, counted) }
  })
}

/**
 * A book may list a prologue or a letter beside its parts, with nothing below it, and its parts beside their chapters. `counted`: the
 * chapters say that they are some.
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

/** The headings below the title of a document, which has level 0; a document that has others of that level only uses it for them. */
export function withoutTitle(candidates: readonly Candidate[]): readonly Candidate[] {
  const titles = candidates.filter(({ level }) => level === 0).length
  const others = candidates.length - titles
  return titles > 0 && (titles === 1 || others > 0)
    ? candidates.filter(({ level }) => level !== 0)
    : candidates
}

/** The heading of a table of contents starts no chapter. */
const CONTENTS = /^(?:(?:table of )?contents|目[\s　]?[录錄次])$/i

/** The only heading of the highest level, where it comes first and is no chapter by its words. */
export function bookTitle(marked: readonly Candidate[]): Candidate | undefined {
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
  for (const level of levels) {
    const words = parts.filter(({ level: own, heading }) => own === level && isNumbered(heading.style))
    if (words.some(({ heading }) => heading.depth === 4)) return level
  }
  const upper = parts.filter(candidate => candidate.level === first && candidate.heading.style !== 'named')
  if (upper.some(({ heading }) => heading.depth < 4)) return second
  // Containers have no text of their own before the first heading within them.
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
