/** What the listings of what comes before a scene have in common, whatever stores them. */
import type { Listing } from './page-token.ts'
import { pageUnits } from './range.ts'
import { notTaken } from './refusal.ts'
import type { TextPageRequest } from './shelf.ts'

/** The listing of what comes before a scene. Sort keys: position of the chapter, position of the scene in it. */
export function beforeListing(name: 'texts before' | 'summaries before', sceneId: string): Listing {
  return { name, filter: [sceneId], keys: 2 }
}

/** Code units after which a page of texts ends. Throws OPTION_INVALID. */
export function unitsOf({ units = pageUnits }: TextPageRequest): number {
  if (Number.isInteger(units) && units >= 1) return Math.min(units, pageUnits)
  throw notTaken(`units is ${units}; give a whole number of at least 1.`)
}
