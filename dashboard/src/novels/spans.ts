/** A stretch of a text, in UTF-16 code units, as the API counts. */
export interface Span {
  start: number
  end: number
}

interface Piece extends Span {
  isMarked: boolean
}

/** Cuts a text where marks begin and end. Marks that reach beyond the text, or into each other, are cut to fit. */
export function pieces(length: number, marks: readonly Span[]): Piece[] {
  const found: Piece[] = []
  let at = 0
  for (const mark of marks) {
    const start = Math.min(Math.max(mark.start, at), length)
    const end = Math.min(mark.end, length)
    if (end <= start) continue
    if (start > at) found.push({ start: at, end: start, isMarked: false })
    found.push({ start, end, isMarked: true })
    at = end
  }
  if (at < length) found.push({ start: at, end: length, isMarked: false })
  return found
}
