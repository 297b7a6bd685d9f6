/** What the listings of a range of chapters have in common, whatever stores them. */
import type { QuillworkError } from '../../index.ts'
import type { Listing } from './page-token.ts'
import { notTaken } from './refusal.ts'
import type { ChapterRange } from './shelf.ts'

/** Code units after which a page of texts ends: it is what one reading holds in memory. */
export const pageUnits = 400_000

/** The listing of a range. Sort keys: position of the chapter, position of the scene in it. */
export function rangeListing(name: 'scenes' | 'texts', range: ChapterRange): Listing {
  return { name, filter: [range.novelId, range.startChapterId, range.endChapterId], keys: 2 }
}

/** OPTION_INVALID: the last chapter is read before the first. */
export function rangeIsBackwards(): QuillworkError {
  return notTaken('The range ends before it starts: its last chapter is read before its first.')
}
