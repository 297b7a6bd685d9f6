import { mapped, type Steps } from '../../runtime/cooperate.ts'
import { withoutControls } from '../../task/controls.ts'
import { plainSpaces } from './heading.ts'
import { type Candidate, type Chosen, filtered, perStep } from './heading-candidate.ts'
import { readHeading } from './read-heading.ts'
import { isSentence } from './scan.ts'

/** Share of the headings without a name that must have one on the next line, so that any is read that way. */
const ENOUGH = 0.6
const LONGEST_NAME = { cased: 160, uncased: 40 } as const
/** Chinese, Japanese, Korean and Arabic have no capitals, which tell a name elsewhere. */
const UNCASED = /[\u3400-\u9fff\u3041-\u30ff\uac00-\ud7a3\u0620-\u06ff]/

/**
 * Returns the names that stand in the lines below their headings: "CHAPTER I", blank line, "Down the Rabbit-Hole". Decides for all
 * headings of a role together, because a first paragraph can be as short as a name.
 */
export function* namesBelow(
  chosen: readonly Chosen[],
  usesBlanks: boolean,
): Steps<Map<Candidate, readonly string[]>> {
  const taken = new Set(yield* mapped(chosen, ({ candidate }) => candidate.line))
  const names = new Map<Candidate, readonly string[]>()
  for (const role of ['volume', 'chapter'] as const) {
    const own = yield* filtered(chosen, one => one.role === role && one.candidate.level === undefined)
    const bare = yield* filtered(own, ({ candidate: { heading } }) => (heading.inner ?? heading).name === '')
    const found: { candidate: Candidate; lines: readonly string[] }[] = []
    for (const [i, { candidate }] of bare.entries()) {
      if (i % perStep === 0) yield
      const lines = nameBelow(candidate, taken, usesBlanks)
      if (lines !== undefined) found.push({ candidate, lines })
    }
    const numbered = bare.filter(({ candidate }) => candidate.heading.style !== 'named').length
    if (found.length < ENOUGH * Math.max(1, numbered) || (found.length < 2 && !usesBlanks)) continue
    for (const { candidate, lines } of found) names.set(candidate, lines)
  }
  for (const [i, { candidate }] of chosen.entries()) {
    if (i % perStep === 0) yield
    const rest = restOfName(candidate, taken)
    if (rest !== undefined) names.set(candidate, rest)
  }
  return names
}

function nameBelow(
  candidate: Candidate,
  taken: ReadonlySet<number>,
  usesBlanks: boolean,
): string[] | undefined {
  const lines = usesBlanks ? candidate.following : candidate.following.slice(0, 1)
  if (lines.length === 0 || lines.length > 3 || (usesBlanks && !candidate.followingEnds)) return undefined
  // Without blank lines, only further text distinguishes a name from the text.
  if (!usesBlanks && candidate.following.length < 2) return undefined
  for (let i = 0; i < lines.length; i++) if (taken.has(candidate.followingLine + i)) return undefined
  // A bare numeral below a heading numbers a section.
  if (lines.length === 1 && readHeading(lines[0] ?? '')?.name === '') return undefined
  return isName(lines.join(' ')) ? lines : undefined
}

function isName(text: string): boolean {
  const uncased = UNCASED.test(text)
  if (text.length > (uncased ? LONGEST_NAME.uncased : LONGEST_NAME.cased)) return false
  if (/^["'“‘「『《—–-]/.test(text) || /[,;:，；：、،؛]$/.test(text)) return false
  if (uncased) return !isSentence(text) && !/[。；]/.test(text)
  const letters = text.replace(/[^\p{L}\s]/gu, '')
  if (letters.trim() === '') return false
  if (letters === letters.toUpperCase()) return true
  return isTitle(text) && (!isSentence(text) || (/[.?!)]_?$/.test(text) && text.split(/\s+/).length <= 8))
}

/** Whether a text and most of its longer words start with a capital. */
function isTitle(text: string): boolean {
  const words = text.split(/\s+/).filter(word => /\p{L}{4}/u.test(word))
  const large = words.filter(word => /^\P{L}*\p{Lu}/u.test(word)).length
  const first = /\p{L}/u.exec(text)?.[0] ?? ''
  return first === first.toUpperCase() && large * 2 >= words.length
}

/** Returns the rest of a long name that is wrapped: the lines directly below, in capitals or up to the next blank line. */
function restOfName(candidate: Candidate, taken: ReadonlySet<number>): readonly string[] | undefined {
  const { heading, following, followingLine, followingEnds, line } = candidate
  if (heading.name === '' || !followingEnds || followingLine !== line + 1 || taken.has(followingLine))
    return undefined
  const rest = following.join(' ')
  if (UNCASED.test(rest) || rest.length > LONGEST_NAME.cased) return undefined
  const capitals = (text: string) => text === text.toUpperCase() && /\p{L}{2}/u.test(text)
  if (capitals(heading.name)) return capitals(rest) ? following : undefined
  if (heading.title.length < 45 || !isTitle(rest) || /[.!?”"]$/.test(heading.title)) return undefined
  return rest.length < 60 || !/[.!?”"]$/.test(rest) ? following : undefined
}

/** Returns a heading joined with its name from below, without controls. */
export function joinedTitle(title: string, name: readonly string[], isRest: boolean): string {
  const own = withoutControls(title)
  const below = withoutControls(plainSpaces(name.join(' ').replace(/^_(.*)_$/, '$1')))
  if (below === '') return own
  if (isRest || /[\u3400-\u9fff]/.test(own + below)) return `${own} ${below}`
  return `${own.replace(/(?<![.:—–-])[.:—–-]+$/, '')}: ${below}`
}
