import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { detectLanguage } from '../ai/text/language.ts'
import { type Engine, hashedId, QuillworkError, type SubmitOptions } from '../index.ts'
import { defined } from '../task/defined.ts'
import { fileSource } from './import/source.ts'
import { surveyText } from './import/survey.ts'
import { confirmUpload, importNovel } from './import-novel.ts'
import { novelIdOf } from './library/ids.ts'
import type { Confirmation, Upload } from './library/uploads.ts'
import { type NovelServices, unlessFailed } from './services.ts'
import { subjectTags } from './subject-tags.ts'
import { storeUpload } from './upload-files.ts'

/** Texts that are part of the product, for trying it without a text of one's own. */

/** A text that can be imported by its name. */
export interface Sample {
  /** Name of its file, without the extension. */
  readonly name: string
  readonly title: string
  /** BCP 47; absent where it is unknown. */
  readonly language?: string
  readonly chapters: number
  readonly words: number
}

/** Returns the samples of a folder, by name: its `.txt` files, each read once for its content. None where the folder does not exist. */
export async function listSamples(folder: URL | string | undefined): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const file of await sampleFiles(folder)) samples.push(await describe(file))
  return samples
}

/** A request for the import of a sample. */
export interface SampleImport extends Pick<SubmitOptions, 'traceparent'> {
  readonly name: string
  readonly userId: string
  /** A second import with the same key returns the first; without a key, each import makes a novel. */
  readonly idempotencyKey?: string | undefined
}

/**
 * Uploads a sample and confirms it. Throws ROUTE_NOT_FOUND for an unknown name, IDEMPOTENCY_KEY_REUSED for the key of an import whose task
 * no longer exists, and what uploads and submissions throw.
 */
export async function importSample(
  engine: Pick<Engine, 'submit' | 'find'> & { tasks: Pick<Engine['tasks'], 'get'> },
  services: NovelServices,
  { folder, ...asked }: SampleImport & { folder: URL | string | undefined },
): Promise<Confirmation & { isNew: boolean }> {
  const { name, userId, idempotencyKey, traceparent } = asked
  const file = (await sampleFiles(folder)).find(each => nameOf(each) === name)
  if (file === undefined)
    throw new QuillworkError('ROUTE_NOT_FOUND', `There is no sample ${name}; GET /v1/samples lists them.`)
  const id =
    idempotencyKey === undefined ? undefined : hashedId(`sample\n${userId}\n${name}\n${idempotencyKey}`)
  const earlier = id === undefined ? undefined : await earlierImport(engine, services, { userId, id })
  if (earlier !== undefined && 'taskId' in earlier) return { ...earlier, isNew: false }
  const source = await fileSource(file)
  const upload =
    earlier ??
    (await storeUpload(services, {
      userId,
      fileName: source.name,
      content: source.read(),
      ...defined({ id }),
    }))
  const uploadId = upload.id
  const derivedTags = subjectTags(importNovel.type, { uploadId })
  const choice = { userId, uploadId, derivedTags, ...defined({ traceparent }) }
  const confirmation = await confirmUpload(engine, services, choice)
  return { ...confirmation, isNew: earlier?.confirmation === undefined }
}

/** Returns the upload of an earlier import with the same key, or, where its file is gone, what became of it. */
async function earlierImport(
  engine: Pick<Engine, 'find'>,
  { library }: NovelServices,
  { userId, id }: Pick<Upload, 'userId' | 'id'>,
): Promise<Upload | Confirmation | undefined> {
  const upload = await unlessFailed('UPLOAD_NOT_FOUND', () => library.uploads.upload(userId, id))
  if (upload !== undefined) return upload
  const novelId = novelIdOf(id)
  const novel = await library.drafts.find(novelId)
  if (novel?.userId !== userId || novel.status !== 'published') return undefined
  const { importTaskId: taskId } = novel
  if (taskId !== undefined && (await engine.find(importNovel, taskId)) !== undefined)
    return { taskId, novelId }
  throw new QuillworkError(
    'IDEMPOTENCY_KEY_REUSED',
    `The idempotency key belongs to the import of novel ${novelId}, whose task no longer exists; use a new key.`,
  )
}

async function sampleFiles(folder: URL | string | undefined): Promise<string[]> {
  if (folder === undefined) return []
  const root = typeof folder === 'string' ? folder : fileURLToPath(folder)
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith('.txt'))
    .map(entry => path.join(root, entry.name))
    .sort()
}

function nameOf(file: string): string {
  return path.basename(file, '.txt')
}

async function describe(file: string): Promise<Sample> {
  const source = await fileSource(file)
  const { title, volumes } = await surveyText(source)
  const chapters = volumes.flatMap(volume => volume.chapters)
  const words = chapters.reduce((sum, chapter) => sum + chapter.words, 0)
  const { tag } = detectLanguage(await beginningOf(source.read()))
  const language = tag === 'und' ? {} : { language: tag }
  return { name: nameOf(file), title, ...language, chapters: chapters.length, words }
}

/** Returns the first piece of a text. */
async function beginningOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const piece of pieces) return new TextDecoder().decode(piece)
  return ''
}
