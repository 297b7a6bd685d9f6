/**
 * Writing all that a user has as one ZIP: each novel as of its own archive, the files of uploads, the tasks, what calls of models used. Memory is bounded by the largest
 * novel's number of scenes, by ten tasks, and by the numbers of novels and uploads.
 */
import { createHash } from 'node:crypto'
import { errorCatalogue, type OwnTasks, QuillworkError } from '../../index.ts'
import { version } from '../../runtime/version.ts'
import { defined } from '../../task/defined.ts'
import { everyItem } from '../../task/page.ts'
import { writeNovelArchive } from '../archive/write.ts'
import { type ArchiveFile, archived } from '../export/archive.ts'
import { distinctFileName } from '../export/file-name.ts'
import { exportFormats } from '../export/formats.ts'
import type { BinnedNovel } from '../library/bin.ts'
import type { NovelCounts } from '../library/drafts.ts'
import type { Upload } from '../library/uploads.ts'
import { countsOf } from '../library/write-draft.ts'
import type { NovelServices } from '../services.ts'
import { openUpload } from '../upload-files.ts'
import { leftOut, userArchiveFiles, userArchiveFormat, userArchiveVersion } from './kinds.ts'

/** Whose archive, and of what it is made. */
export interface UserArchiveSource {
  userId: string
  /** Number of the attempt that writes it. */
  attempt: number
  services: Pick<NovelServices, 'library' | 'uploads'>
  ownTasks: OwnTasks
  signal: AbortSignal
  /** Epoch milliseconds. */
  now: number
  /** Called when novels were listed, and after each of them. */
  onNovel(done: number, total: number): void
}

/** Something that could not be read, and why. */
interface Missing {
  what: 'novel' | 'upload'
  id: string
  title: string
  code: string
  why: string
}

/** A file of the archive, as the manifest names it. */
interface WrittenFile {
  file: string
  bytes: number
  sha256: string
}

/** A novel, on the shelf or in the bin. */
interface OwnNovel extends NovelCounts {
  id: string
  title: string
  bin?: Pick<BinnedNovel, 'binnedAt' | 'expiresAt'>
}

/** What was written so far; the manifest comes last. */
class Written {
  readonly novels: (WrittenFile & Record<string, unknown>)[] = []
  readonly uploads: (WrittenFile & Record<string, unknown>)[] = []
  readonly missing: Missing[] = []
  readonly total = { chapters: 0, scenes: 0, words: 0 }
  tasks = 0

  counts() {
    const { novels, uploads, missing, tasks } = this
    return { novels: novels.length, uploads: uploads.length, tasks, missing: missing.length }
  }
}

/**
 * Returns the bytes of the archive of a user, in pieces, and what is in it once they were read. A novel or an upload that cannot be read is named in the manifest, and
 * the others are there. Throws what the store throws while it is away, and what is read throws when it is deleted meanwhile.
 */
export function writeUserArchive(source: UserArchiveSource) {
  const written = new Written()
  return {
    content: archived(filesOf(source, written), source.now),
    contents: () => ({ ...written.total, archive: written.counts() }),
  }
}

async function* filesOf(source: UserArchiveSource, written: Written): AsyncGenerator<ArchiveFile> {
  yield* novelFiles(source, written)
  yield* uploadFiles(source, written)
  yield { name: 'tasks.jsonl', content: lines(tasksOf(source, written)) }
  yield { name: 'usage.jsonl', content: lines(usageOf(source)) }
  yield { name: 'manifest.json', content: jsonOf(manifestOf(source, written)) }
}

const jsonOf = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`
const timeOf = (at: number) => new Date(at).toISOString()

async function* lines(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`
}

async function* novelFiles(source: UserArchiveSource, written: Written): AsyncGenerator<ArchiveFile> {
  const { userId, services, onNovel } = source
  const library = services.library.withBin()
  const { extension } = exportFormats.archive
  const novels = await novelsOf(source)
  for (const [done, { id, title, bin, volumes: _, ...counts }] of novels.entries()) {
    onNovel(done, novels.length)
    const name = `novels/${bin === undefined ? '' : 'bin/'}${distinctFileName(title, { id, extension })}`
    const read = () => writeNovelArchive(library, { userId, novelId: id })
    const of = { what: 'novel', id, title } as const
    const whole = yield* wholeFile(source, written, { of, as: { name, isStored: true }, read })
    if (whole === undefined) continue
    const inBin = bin && { binnedAt: timeOf(bin.binnedAt), expiresAt: timeOf(bin.expiresAt) }
    written.novels.push({ ...whole, id, title, ...counts, ...defined({ inBin }) })
    for (const kind of ['chapters', 'scenes', 'words'] as const) written.total[kind] += counts[kind]
  }
  onNovel(novels.length, novels.length)
}

/** Novels read at a time. */
const perPage = 100

/** The bin twice: one that is put back, or into it, meanwhile is in one of the lists. */
async function novelsOf({ userId, services }: UserArchiveSource): Promise<readonly OwnNovel[]> {
  const { shelf, binnedNovels } = services.library
  const found = new Map<string, OwnNovel>()
  const addBinned = async () => {
    for (const { id, title, binnedAt, expiresAt, ...counts } of await binnedNovels.list(userId))
      found.set(id, { id, title, ...countsOf(counts), bin: { binnedAt, expiresAt } })
  }
  await addBinned()
  for await (const { id, title, ...counts } of everyItem(perPage, page => shelf.novels(userId, page)))
    found.set(id, { id, title, ...countsOf(counts) })
  await addBinned()
  return [...found.values()]
}

async function* uploadFiles(source: UserArchiveSource, written: Written): AsyncGenerator<ArchiveFile> {
  const { userId, services } = source
  for (const upload of await services.library.uploads.every(userId)) {
    const { id, fileName, createdAt, confirmation } = upload
    async function* read() {
      yield* (await openUpload(services, upload)).read()
    }
    const of = { what: 'upload', id, title: fileName } as const
    const as = { name: `uploads/${uploadNameOf(upload)}` }
    const whole = yield* wholeFile(source, written, { of, as, read })
    if (whole === undefined) continue
    const { novelId } = confirmation ?? {}
    written.uploads.push({
      ...{ ...whole, id, fileName, createdAt: timeOf(createdAt) },
      ...defined({ novelId }),
    })
  }
}

function uploadNameOf({ id, fileName }: Pick<Upload, 'id' | 'fileName'>): string {
  const [, title = fileName, extension = 'bin'] = /^(.*)\.(\w{1,10})$/.exec(fileName) ?? []
  return distinctFileName(title, { id, extension })
}

/** A novel or an upload, and the file of the archive that it becomes. */
interface OwnFile {
  of: Pick<Missing, 'what' | 'id' | 'title'>
  as: Omit<ArchiveFile, 'content'>
  /** Reads all of it, from the beginning. */
  read(): AsyncIterable<Uint8Array>
}

/**
 * Yields a file, and returns what the manifest has of it once it was written. It is read to its end before any of it is written, because what is written cannot be taken
 * back; one that cannot be read is noted.
 */
async function* wholeFile(
  source: UserArchiveSource,
  { missing }: Written,
  file: OwnFile,
): AsyncGenerator<ArchiveFile, WrittenFile | undefined> {
  const { of, as, read } = file
  const problem = await problemOf(file, source)
  if (problem !== undefined) {
    // A novel that was deleted since it was listed.
    if (problem.code !== 'NOVEL_NOT_FOUND') missing.push({ ...of, ...problem })
    return undefined
  }
  const { content, digest } = digested(read(), source.signal)
  yield { ...as, content }
  return { file: as.name, ...digest() }
}

/** How often a novel is read of which a scene is deleted meanwhile. */
const mostReads = 3
/** Attempts that take an upload which cannot be read now for a storage that is away; to a later one the upload is broken. */
const mostWaits = 3

/** Returns why something cannot be read to its end; undefined where it can. */
async function problemOf(
  { of: { what }, read }: OwnFile,
  { signal, attempt }: UserArchiveSource,
): Promise<Pick<Missing, 'code' | 'why'> | undefined> {
  const isWaited = what === 'novel' || attempt <= mostWaits
  for (let reads = 1; ; reads += 1) {
    try {
      for await (const _ of read()) signal.throwIfAborted()
      return undefined
    } catch (error) {
      signal.throwIfAborted()
      const code = error instanceof QuillworkError ? error.code : 'INTERNAL'
      // The store is away, and not the novel damaged.
      if (isWaited && errorCatalogue[code].retryable && code !== 'INTERNAL') throw error
      if (code !== 'SCENE_NOT_FOUND' || reads === mostReads) return { code, why: (error as Error).message }
    }
  }
}

/** Returns a content with what is known of it once it was read. Reading it throws the reason of the signal once that is aborted. */
function digested(content: AsyncIterable<Uint8Array>, signal: AbortSignal) {
  const hash = createHash('sha256')
  let bytes = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      signal.throwIfAborted()
      hash.update(piece)
      bytes += piece.length
      yield piece
    }
  }
  return { content: counted(), digest: () => ({ bytes, sha256: hash.digest('hex') }) }
}

async function* tasksOf({ ownTasks }: UserArchiveSource, written: Written): AsyncGenerator<unknown> {
  for await (const task of ownTasks.every()) {
    written.tasks += 1
    yield task
  }
}

async function* usageOf({ ownTasks, signal }: UserArchiveSource): AsyncGenerator<unknown> {
  for (const by of ['day', 'subject', 'model'] as const)
    for await (const { key, ...used } of ownTasks.usage(by)) {
      signal.throwIfAborted()
      yield { by, [by]: key, ...used }
    }
}

function manifestOf({ userId, now }: UserArchiveSource, written: Written) {
  const { novels, uploads, missing } = written
  return {
    ...{ format: userArchiveFormat, version: userArchiveVersion, madeBy: `Quillwork ${version}` },
    ...{ userId, exportedAt: timeOf(now), counts: { ...written.counts(), ...written.total } },
    ...{ has: userArchiveFiles, hasNot: leftOut(), missing, novels, uploads },
  }
}
