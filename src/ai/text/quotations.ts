/** All marks that open or close a quotation. An apostrophe is no closing mark where a Latin letter follows. */
const marks = /[“”「」『』〝〞"`‘]|['’](?![A-Za-z])/g
const openingPair = /[“「『〝]/
const closingPair = /[”」』〞]/
const sentenceMark = /[.,!?…，。！？]/
const openingSingle = /[`‘]/

/** The quotations that are open at some place: marks of a pair, single marks, and the straight mark that serves both ends. */
export interface OpenQuotations {
  readonly pairs: number
  readonly singles: number
  readonly straight: boolean
}

/** What the marks of a piece of text say. */
export interface QuotationScan {
  /** What is open behind the piece. */
  readonly open: OpenQuotations
  /** Code units between marks. */
  readonly quoted: number
  /** Whether a closing mark has no partner before it. */
  readonly stray: boolean
}

const noneOpen: OpenQuotations = { pairs: 0, singles: 0, straight: false }

/** Follows the quotation marks through a piece of text; `before` is what was open where it begins. */
export function scanQuotations(piece: string, before: OpenQuotations = noneOpen): QuotationScan {
  let { pairs, singles, straight } = before
  let quoted = 0
  let stray = false
  let from = 0
  for (const found of piece.matchAll(marks)) {
    const mark = found[0]
    if (pairs + singles > 0 || straight) quoted += found.index - from
    from = found.index + 1
    if (openingPair.test(mark)) pairs += 1
    else if (openingSingle.test(mark)) singles += 1
    else if (mark === '"') straight = !straight
    else if (closingPair.test(mark)) {
      stray ||= pairs === 0
      pairs = Math.max(0, pairs - 1)
    } else {
      // Behind a letter it may be the apostrophe of a plural.
      stray ||= singles === 0 && sentenceMark.test(piece.charAt(found.index - 1))
      singles = Math.max(0, singles - 1)
    }
  }
  if (pairs + singles > 0 || straight) quoted += piece.length - from
  return { open: { pairs, singles, straight }, quoted, stray }
}

/** Whether no quotation is open. */
export function isClosed(open: OpenQuotations): boolean {
  return open.pairs === 0 && open.singles === 0 && !open.straight
}
