import { appendCases } from './append-cases.ts'
import { beforeCases } from './before-cases.ts'
import type { LibraryCase } from './case.ts'
import { draftCases } from './draft-cases.ts'
import { indexCases } from './index-cases.ts'
import { sceneCases } from './scene-cases.ts'
import { shelfCases } from './shelf-cases.ts'
import { textCases } from './text-cases.ts'
import { uploadCases } from './upload-cases.ts'

/** What every library does, by capability; each storage runs all of it. */
export const libraryCases: Readonly<Record<string, readonly LibraryCase[]>> = {
  drafts: draftCases,
  shelf: shelfCases,
  'what comes before': beforeCases,
  scenes: sceneCases,
  texts: textCases,
  'new scenes': appendCases,
  uploads: uploadCases,
  index: indexCases,
}
