/** The novel-writing tasks: import a text as a novel, summarise its scenes, write new ones, make it searchable. */
import { batchGenerateScene } from './batch-generate-scene.ts'
import { batchGenerateSummary } from './batch-generate-summary.ts'
import { eraseNovel } from './erase-novel.ts'
import { eraseUser } from './erase-user.ts'
import { generateScene } from './generate-scene.ts'
import { generateSummary } from './generate-summary.ts'
import { importNovel } from './import-novel.ts'
import { parseFile } from './parse-file.ts'
import { sceneBrief } from './scene-brief.ts'
import { vectorize } from './vectorize.ts'

export { deleteNovel, deleteUser } from './delete-novel.ts'
export { sweepDrafts } from './drafts.ts'
export { type Estimate, type EstimateRequest, estimateTask, type ModelEstimate } from './estimate.ts'
export { confirmUpload, type ImportChoice } from './import-novel.ts'
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
export { type NovelServices, scrubDeleted } from './services.ts'
export { type IncomingFile, storeUpload, sweepUploads } from './upload-files.ts'
export type { StoredFile, UploadFiles } from './uploads/files.ts'
export { folderUploads } from './uploads/folder/files.ts'
export { mongodbUploads } from './uploads/mongodb/files.ts'
export {
  batchGenerateScene,
  batchGenerateSummary,
  eraseNovel,
  eraseUser,
  generateScene,
  generateSummary,
  importNovel,
  parseFile,
  sceneBrief,
  vectorize,
}

/** The task types of the novel, for `createEngine({ tasks: novelTasks, services })`. */
export const novelTasks = [
  importNovel,
  parseFile,
  batchGenerateScene,
  batchGenerateSummary,
  generateScene,
  generateSummary,
  sceneBrief,
  vectorize,
  eraseNovel,
  eraseUser,
] as const
