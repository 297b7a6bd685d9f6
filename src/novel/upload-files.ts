import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { type Engine, hashedId, QuillworkError } from '../index.ts'
import { sweepExports } from './export-files.ts'
import type { TextSource } from './import/source.ts'
import { isWhole } from './library/drafts.ts'
import { novelIdOf } from './library/ids.ts'
import type { Confirmation, Upload } from './library/uploads.ts'
import {
  eraseTypes,
  isOver,
  markDeleted,
  type NovelServices,
  nowOf,
  sumOfAll,
  unlessFailed,
} from './services.ts'

/** Retention of an unconfirmed upload: 24 hours. */
const keepUploadMs = 86_400_000
/** Default limit of an upload, in bytes: 500 MB. */
const largestUpload = 500_000_000

/** A file that arrives. */
export interface IncomingFile {
  userId: string
  /** Default: a new one. A second file with the same id returns the first upload. */
  id?: string
  /** The name that the user gave it. It is displayed and may become the title; it never becomes a path. */
  fileName: string
  content: AsyncIterable<Uint8Array>
  /** In bytes; default 500 MB. */
  largest?: number
  /** What the user may have, with this file; default: any number. */
  allowance?: UploadAllowance
  signal?: AbortSignal
}

/** What a user may have uploaded and not imported, with what arrives. */
export interface UploadAllowance {
  files: number
  bytes: number
}

/**
 * Stores a file durably and adds the upload to the library. A failure leaves nothing behind. Throws UPLOAD_TOO_LARGE, USER_UPLOADS_FULL,
 * UPLOAD_NOT_FOUND when all of its user was deleted meanwhile, STORE_FAILED, STORE_FULL, the signal's reason, and what the content throws.
 */
export async function storeUpload(services: NovelServices, file: IncomingFile): Promise<Upload> {
  const arrival: Arrival = { userId: file.userId, bytes: 0, startedAt: nowOf(services) }
  const all = arriving.get(services) ?? new Set<Arrival>()
  arriving.set(services, all.add(arrival))
  try {
    const upload = await storeContent(services, file, await withinAllowance(services, file, { arrival, all }))
    if (arrival.isRefused !== true) return upload
    await forget(services, upload)
    throw refused()
  } finally {
    all.delete(arrival)
  }
}

async function storeContent(
  services: NovelServices,
  file: IncomingFile,
  content: AsyncIterable<Uint8Array>,
): Promise<Upload> {
  const { location, bytes } = await services.uploads.write(content)
  try {
    const expiresAt = nowOf(services) + keepUploadMs
    const fileName = path.basename(file.fileName.replaceAll('\\', '/')).slice(0, 255) || 'untitled.txt'
    const { id = randomUUID(), userId } = file
    const upload = await services.library.uploads.add({ id, userId, fileName, bytes, location, expiresAt })
    if (upload.location !== location) await services.uploads.remove(location)
    return upload
  } catch (error) {
    await services.uploads.remove(location).catch(() => undefined)
    throw error
  }
}

async function* withinLimit(file: IncomingFile, arrival: Arrival): AsyncGenerator<Uint8Array> {
  const { content, largest = largestUpload, signal } = file
  let bytes = 0
  for await (const piece of content) {
    signal?.throwIfAborted()
    if (arrival.isRefused === true) throw refused()
    bytes += piece.length
    if (bytes > largest) {
      const message = `The file has more than ${largest} bytes; import it in parts.`
      throw new QuillworkError('UPLOAD_TOO_LARGE', message, { details: { largest } })
    }
    yield piece
  }
}

/** A file that arrives, with the bytes that have. */
interface Arrival {
  userId: string
  bytes: number
  /** By the clock of the services. */
  startedAt: number
  /** What its user had then is being deleted. */
  isRefused?: true
}

/** The files that arrive in this process now. */
const arriving = new WeakMap<NovelServices, Set<Arrival>>()

/** Ends the arrival of the files of a user that began at this time or earlier, in this process: nothing of them is kept. */
export function refuseArrivals(services: NovelServices, userId: string, until: number): void {
  for (const arrival of arriving.get(services) ?? [])
    if (arrival.userId === userId && arrival.startedAt <= until) arrival.isRefused = true
}

function refused(): QuillworkError {
  const message = 'All that the user had was deleted while the file arrived; upload it again.'
  return new QuillworkError('UPLOAD_NOT_FOUND', message)
}

/** Returns the content, which throws USER_UPLOADS_FULL as soon as the user has more than is allowed; throws it where that is so already. */
async function withinAllowance(
  services: NovelServices,
  file: IncomingFile,
  { arrival, all }: { arrival: Arrival; all: ReadonlySet<Arrival> },
): Promise<AsyncIterable<Uint8Array>> {
  const { userId, allowance } = file
  const content = withinLimit(file, arrival)
  if (allowance === undefined) return content
  let kept = await services.library.uploads.held(userId)
  const check = () => {
    const own = [...all].filter(each => each.userId === userId)
    const files = kept.files + own.length
    const bytes = own.reduce((sum, each) => sum + each.bytes, kept.bytes)
    if (files <= allowance.files && bytes <= allowance.bytes) return
    const message = `One user may have ${allowance.files} files of ${allowance.bytes} bytes in all that were not imported; import or delete one, or wait until one expires.`
    throw new QuillworkError('USER_UPLOADS_FULL', message, { details: { ...allowance } })
  }
  check()
  return (async function* counted() {
    for await (const piece of content) {
      arrival.bytes += piece.length
      check()
      yield piece
    }
    // Others may have arrived meanwhile.
    kept = await services.library.uploads.held(userId)
    check()
  })()
}

/** Returns the text of an upload, to be read as a stream. Throws TEXT_UNREADABLE when its file is missing. */
export async function openUpload(
  services: Pick<NovelServices, 'uploads'>,
  upload: Upload,
): Promise<TextSource> {
  const source = await services.uploads.open(upload.location, upload.fileName)
  if (source !== undefined) return source
  throw new QuillworkError(
    'TEXT_UNREADABLE',
    `The file of upload ${upload.id} (${upload.fileName}) no longer exists; upload it again.`,
  )
}

/** Returns until when the file of an import is kept that was confirmed now, or is live now: so that it can be retried. */
export function keptUntil(services: Pick<NovelServices, 'now' | 'originalsMs'>): number {
  return nowOf(services) + (services.originalsMs ?? keepUploadMs)
}

type Tasks<Names extends keyof Engine['tasks'] = 'get'> = { tasks: Pick<Engine['tasks'], Names> }

/**
 * Deletes an upload, file first. What an import of it left that made no novel goes by a task: its warnings and errors name the text. Throws
 * UPLOAD_NOT_FOUND, and UPLOAD_CONFIRMED where an import has yet to read the file.
 */
export async function removeUpload(
  engine: Tasks<'get' | 'submit'>,
  services: NovelServices,
  { userId, uploadId }: { userId: string; uploadId: string },
): Promise<void> {
  const upload = await services.library.uploads.upload(userId, uploadId)
  const { confirmation } = upload
  if (confirmation !== undefined && !(await wasRead(engine, services, upload, confirmation))) {
    throw new QuillworkError(
      'UPLOAD_CONFIRMED',
      `Task ${confirmation.taskId} imports upload ${uploadId}; cancel that task, or wait until it has read the file.`,
    )
  }
  const novel = confirmation && (await services.library.drafts.find(confirmation.novelId))
  if (confirmation !== undefined && novel === undefined && isOfImport(upload)) {
    const { novelId } = confirmation
    const options = { userId, idempotencyKey: `erase ${novelId} ${upload.createdAt}` }
    await engine.tasks.submit(eraseTypes.novel, { novelId }, options)
  }
  await forget(services, upload)
  markDeleted(services.library)
}

/** Whether an upload was confirmed as the novel that is made of it, and not as an addition to another one. */
function isOfImport({ id, confirmation }: Upload): boolean {
  return confirmation?.novelId === novelIdOf(id)
}

/** Whether no task needs the file any more: the novel that is made of it is there, or the task has ended. */
async function wasRead(
  engine: Tasks,
  { library }: NovelServices,
  upload: Upload,
  { taskId, novelId }: Confirmation,
): Promise<boolean> {
  if (!isOfImport(upload)) return isOver(engine, taskId)
  const novel = await library.drafts.find(novelId)
  return (novel !== undefined && isWhole(novel)) || isOver(engine, taskId)
}

/** Deletes an upload for good, file first: what a crash leaves behind is found by the row, and by the sweep. */
export async function forget(
  { library, uploads }: NovelServices,
  { id, location }: Pick<Upload, 'id' | 'location'>,
): Promise<void> {
  await uploads.remove(location)
  await library.uploads.remove(id)
}

/**
 * Deletes expired uploads and exports, file first; the file of a live import is kept on. Files that have had no row for a day get one, which expires in a day.
 * Deletes the remains of writes that began a day ago. Returns the number of deletions. What cannot be deleted stops no other deletion; its error is
 * thrown at the end.
 */
export async function sweepUploads(engine: Tasks, services: NovelServices, limit = 100): Promise<number> {
  const expired = await services.library.uploads.expired(limit)
  return sumOfAll([
    ...expired.map(upload => () => sweepUpload(engine, services, upload)),
    () => sweepExports(services, limit),
    () => adoptOrphans(services),
    () => services.uploads.removeUnfinished(keepUploadMs),
  ])
}

/** Deletes an expired upload, or keeps that of a live import. Returns the number of deletions. */
async function sweepUpload(engine: Tasks, services: NovelServices, upload: Upload): Promise<number> {
  const { library } = services
  const { confirmation } = upload
  if (confirmation !== undefined && !(await isOver(engine, confirmation.taskId))) {
    // Somebody may have deleted it meanwhile.
    await unlessFailed('UPLOAD_NOT_FOUND', () => library.uploads.keep(upload, keptUntil(services)))
    return 0
  }
  await forget(services, upload)
  markDeleted(library)
  return 1
}

/**
 * Adds uploads of nobody for files of which no upload and no export knows: the process ended before it was added, or after it was deleted. They expire in a day, and
 * not at once: the server may have been started with another store than that of the files. Returns 0, the number of deletions.
 */
async function adoptOrphans(services: NovelServices): Promise<number> {
  const { library, uploads } = services
  const stored = await uploads.stored(keepUploadMs)
  if (stored.length === 0) return 0
  const kept = [...(await library.uploads.every()), ...(await library.exports.every())]
  const known = new Set(kept.map(({ location }) => location))
  const orphans = stored.filter(location => !known.has(location))
  const nobodys = { userId: '', fileName: '', bytes: 0, expiresAt: nowOf(services) + keepUploadMs }
  for (const location of orphans)
    await library.uploads.add({ ...nobodys, id: hashedId(`orphan\n${location}`), location })
  return 0
}
