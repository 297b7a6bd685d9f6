const MARKS = new Set('*＊·•●○◆◇■□▲△★☆※~～#＃_=-—–―─━+§❖✦✧⁂⁎❦❧♦♥☙◎◈'.split(''))
/** Marks that prose and lists use singly or doubly; a separator has at least three of them. */
const LINES = new Set('~～_=-–+·•'.split(''))

/**
 * Whether a trimmed line is only a mark between scenes: ***, * * *, ---, ———, ◇◇◇, #, ※※※.
 * A line of dots is not: it is a pause in speech.
 */
export function isSeparator(line: string): boolean {
  const first = line[0]
  if (first === undefined || line.length > 100 || !MARKS.has(first)) return false
  let marks = 0
  let lines = 0
  for (const character of line) {
    if (character.trim() === '') continue
    if (!MARKS.has(character)) return false
    marks++
    if (LINES.has(character)) lines++
  }
  if (lines === marks) return marks >= 3
  return marks > 1 || first !== '—'
}
