import type { newCodexEntry } from '../src/novel/codex/entry.ts'
import type { detectEntries, fitEntries } from '../src/novel/codex/select-entries.ts'

/** What is compared: what the product does, whichever build of it. */
export interface SelectionProduct {
  readonly detectEntries: typeof detectEntries
  readonly fitEntries: typeof fitEntries
  readonly newCodexEntry: typeof newCodexEntry
}

/** Counts of the entries in the prompts of the scenes of a book. */
export interface FoundSelection {
  readonly scenes: number
  readonly listed: number
  readonly given: number
  readonly right: number
  readonly broken: number
  readonly differences: readonly {
    readonly scene: number
    readonly missing: readonly string[]
    readonly beside: readonly string[]
  }[]
}

export function selectionOf(
  product: SelectionProduct,
  from: { readonly book: object; readonly text: string },
): FoundSelection
