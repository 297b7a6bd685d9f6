/** A text as the difference to another one: versions of a scene differ in little, so most of a version is ranges of an earlier one. */

/** The text, piece by piece: words of its own, or a range of the base in UTF-16 code units. */
export type TextDelta = readonly (string | readonly [start: number, end: number])[]

/** Code units of a block by which equal ranges are found; shorter ones are stored as words. */
const blockUnits = 32
/** What a range takes in storage, as code units. */
const rangeUnits = 12
/** A delta takes at most the eighth of its text: an author who goes on writing has a whole copy every now and then. */
const smallestSaving = 8

/** Returns the delta that makes a text of its base; undefined where it would save little. */
export function deltaOf(base: string, text: string): TextDelta | undefined {
  const blocks = blocksOf(base)
  const most = text.length / smallestSaving
  const delta: (string | readonly [number, number])[] = []
  let done = 0
  let units = 0
  const addWords = (end: number) => {
    if (end > done) delta.push(text.slice(done, end))
    units += end - done
    done = end
  }
  for (let at = 0; at + blockUnits <= text.length && units + at - done <= most; ) {
    const place = blocks.get(text.slice(at, at + blockUnits))
    if (place === undefined) {
      at += 1
      continue
    }
    const range = widened({ base, text, place, at, done })
    addWords(range.start + at - place)
    delta.push([range.start, range.end])
    units += rangeUnits
    done += range.end - range.start
    at = done
  }
  addWords(text.length)
  return units <= most ? delta : undefined
}

/** Returns the text that a delta makes of its base. */
export function textOfDelta(base: string, delta: TextDelta): string {
  return delta.map(piece => (typeof piece === 'string' ? piece : base.slice(...piece))).join('')
}

function blocksOf(base: string): ReadonlyMap<string, number> {
  const blocks = new Map<string, number>()
  for (let at = 0; at + blockUnits <= base.length; at += blockUnits) {
    const block = base.slice(at, at + blockUnits)
    if (!blocks.has(block)) blocks.set(block, at)
  }
  return blocks
}

/** Where a block of the base stands in the text, of which the first code units are done. */
interface EqualBlock {
  base: string
  text: string
  place: number
  at: number
  done: number
}

/** Returns the range of the base that a block is widened to while both texts are equal. It cuts no character in half. */
function widened({ base, text, place, at, done }: EqualBlock): { start: number; end: number } {
  const ahead = at - place
  let start = place
  let end = place + blockUnits
  while (start > 0 && start + ahead > done && base[start - 1] === text[start - 1 + ahead]) start -= 1
  while (end < base.length && base[end] === text[end + ahead]) end += 1
  if (/[\uDC00-\uDFFF]/.test(base[start] ?? '')) start += 1
  if (/[\uD800-\uDBFF]/.test(base[end - 1] ?? '')) end -= 1
  return { start, end }
}
