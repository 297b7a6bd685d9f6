import type { LibraryCase } from './case.ts'
import { draftCases } from './draft-cases.ts'
import { indexCases } from './index-cases.ts'
import { sceneCases } from './scene-cases.ts'
import { shelfCases } from './shelf-cases.ts'
import { uploadCases } from './upload-cases.ts'

/** What every library does, by capability; each storage runs all of it. */
export const libraryCases: Readonly<Record<string, readonly LibraryCase[]>> = {
  drafts: draftCases,
  shelf: shelfCases,
  scenes: sceneCases,
  uploads: uploadCases,
  index: indexCases,
}
