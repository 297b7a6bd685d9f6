import { additionCases } from './addition-cases.ts'
import { appendCases } from './append-cases.ts'
import { archiveCases } from './archive-cases.ts'
import { beforeCases } from './before-cases.ts'
import { candidateCases } from './candidate-cases.ts'
import type { LibraryCase } from './case.ts'
import { codexCases } from './codex-cases.ts'
import { draftCases } from './draft-cases.ts'
import { exportCases } from './export-cases.ts'
import { indexCases } from './index-cases.ts'
import { levelCases } from './level-cases.ts'
import { narrationCases } from './narration-cases.ts'
import { promptCases } from './prompt-cases.ts'
import { readingCases } from './reading-cases.ts'
import { referenceCases } from './reference-cases.ts'
import { sceneCases } from './scene-cases.ts'
import { binCases, shapeCases } from './shape-cases.ts'
import { shelfCases } from './shelf-cases.ts'
import { snapshotCases } from './snapshot-cases.ts'
import { textCases } from './text-cases.ts'
import { threadCases } from './thread-cases.ts'
import { uploadCases } from './upload-cases.ts'

/** What every library does, by capability; each storage runs all of it. */
export const libraryCases: Readonly<Record<string, readonly LibraryCase[]>> = {
  drafts: draftCases,
  shelf: shelfCases,
  'what comes before': beforeCases,
  scenes: sceneCases,
  texts: textCases,
  candidates: candidateCases,
  'new scenes': appendCases,
  shape: shapeCases,
  bin: binCases,
  additions: additionCases,
  codex: codexCases,
  readings: readingCases,
  threads: threadCases,
  narration: narrationCases,
  prompts: promptCases,
  references: referenceCases,
  'summaries in levels': levelCases,
  snapshots: snapshotCases,
  uploads: uploadCases,
  exports: exportCases,
  archives: archiveCases,
  index: indexCases,
}
