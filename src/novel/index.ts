/** The novel-writing tasks: import a text as a novel, summarise its scenes, write new ones, make it searchable. */
import { appendToNovel } from './append-to-novel.ts'
import { batchGenerateScene } from './batch-generate-scene.ts'
import { batchGenerateSummary } from './batch-generate-summary.ts'
import { checkCodex } from './check-codex.ts'
import { continueWriting } from './continue-writing.ts'
import { eraseNovel } from './erase-novel.ts'
import { eraseUser } from './erase-user.ts'
import { exportNovel } from './export-novel.ts'
import { exportUser } from './export-user.ts'
import { generateLevelSummary } from './generate-level-summary.ts'
import { generateNextSummaries } from './generate-next-summaries.ts'
import { generateScene } from './generate-scene.ts'
import { generateSummary } from './generate-summary.ts'
import { importNovel } from './import-novel.ts'
import { parseFile } from './parse-file.ts'
import { proposeCodexEntries } from './propose-codex-entries.ts'
import { renameInNovel } from './rename-in-novel.ts'
import { replaceInNovel } from './replace-in-novel.ts'
import { restoreSnapshot } from './restore-snapshot.ts'
import { reviewChapter } from './review-chapter.ts'
import { rewriteSelection } from './rewrite-selection.ts'
import { sceneBrief } from './scene-brief.ts'
import { updateSummaries } from './update-summaries.ts'
import { vectorize } from './vectorize.ts'

export {
  type ConfiguredModel,
  createModelCatalogue,
  type ModelCatalogue,
  type ModelCatalogueOptions,
  type ModelDescription,
  type ModelOpener,
} from '../ai/catalogue.ts'
export { extractiveModel } from '../ai/extractive/extractive.ts'
export type {
  CallOptions,
  EmbeddingModel,
  Embeddings,
  EmbedOptions,
  LanguageModel,
  ModelChoice,
  ModelFallback,
  ModelParameters,
  ModelPrice,
  PaidCallOptions,
  SummaryModel,
  TextAnswer,
  TextRequest,
  WriteOptions,
} from '../ai/model.ts'
export { ModelError, type ModelErrorCode } from '../ai/model-error.ts'
export { limitKeyOf, type ModelConfig, type ModelUse } from '../ai/providers/config.ts'
export { createEmbeddingModel } from '../ai/providers/embedding-model.ts'
export { createLanguageModel } from '../ai/providers/language-model.ts'
export { countTokens } from '../ai/providers/tokens.ts'
export { type AppendChoice, appendUpload } from './append-to-novel.ts'
export { type CompareRequest, type Comparison, compareUpload } from './compare-upload.ts'
export { binNovel, deleteNovel, deleteUser, sweepBinnedNovels } from './delete-novel.ts'
export { sweepBins, sweepDrafts } from './drafts.ts'
export { type Estimate, type EstimateRequest, estimateTask, type ModelEstimate } from './estimate.ts'
export { openExport, removeExport } from './export-files.ts'
export { confirmUpload, type ImportChoice } from './import-novel.ts'
export { keepSummaries } from './keep-summaries.ts'
export { novelIdOf } from './library/ids.ts'
export type { NovelLibrary } from './library/library.ts'
export {
  mongoLibrary,
  mongoLibraryRecords,
  sqliteLibrary,
  sqliteLibraryRecords,
} from './library/open.ts'
export { type Preview, type PreviewRequest, previewUpload } from './preview.ts'
export { loadPrompts } from './prompts/prompts.ts'
export { importSample, listSamples, type Sample, type SampleImport } from './samples.ts'
export { type NovelSearchAnswer, searchNovel } from './search-novel.ts'
export { modelsOf, type NovelModels, type NovelServices, scrubDeleted } from './services.ts'
export { type IncomingFile, storeUpload, sweepUploads } from './upload-files.ts'
export type { StoredFile, UploadFiles } from './uploads/files.ts'
export { folderUploads } from './uploads/folder/files.ts'
export { mongodbUploads } from './uploads/mongodb/files.ts'
export {
  appendToNovel,
  batchGenerateScene,
  batchGenerateSummary,
  checkCodex,
  continueWriting,
  eraseNovel,
  eraseUser,
  exportNovel,
  exportUser,
  generateLevelSummary,
  generateNextSummaries,
  generateScene,
  generateSummary,
  importNovel,
  parseFile,
  proposeCodexEntries,
  renameInNovel,
  replaceInNovel,
  restoreSnapshot,
  reviewChapter,
  rewriteSelection,
  sceneBrief,
  updateSummaries,
  vectorize,
}

/** The task types of the novel, for `createEngine({ tasks: novelTasks, services })`. */
export const novelTasks = [
  importNovel,
  parseFile,
  appendToNovel,
  batchGenerateScene,
  batchGenerateSummary,
  continueWriting,
  generateNextSummaries,
  generateScene,
  generateSummary,
  reviewChapter,
  generateLevelSummary,
  updateSummaries,
  rewriteSelection,
  restoreSnapshot,
  exportNovel,
  sceneBrief,
  renameInNovel,
  replaceInNovel,
  proposeCodexEntries,
  checkCodex,
  vectorize,
  eraseNovel,
  eraseUser,
  exportUser,
] as const
