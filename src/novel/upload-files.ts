import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { QuillworkError } from '../index.ts'
import type { TextSource } from './import/source.ts'
import type { Upload } from './library/uploads.ts'
import { type NovelServices, nowOf } from './services.ts'

/** Retention of an unconfirmed upload: 24 hours. */
const keepUploadMs = 86_400_000
/** Retention of a confirmed upload, so that its import can be retried: 30 days. */
export const keepConfirmedMs = 30 * 86_400_000
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
 * STORE_FAILED, STORE_FULL, the signal's reason, and what the content throws.
 */
export async function storeUpload(services: NovelServices, file: IncomingFile): Promise<Upload> {
  const arrival = { userId: file.userId, bytes: 0 }
  const all = arriving.get(services) ?? new Set<Arrival>()
  arriving.set(services, all.add(arrival))
  try {
    return await storeContent(services, file, await withinAllowance(services, file, { arrival, all }))
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

async function* withinLimit(file: IncomingFile): AsyncGenerator<Uint8Array> {
  const { content, largest = largestUpload, signal } = file
  let bytes = 0
  for await (const piece of content) {
    signal?.throwIfAborted()
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
}

/** The files that arrive in this process now. */
const arriving = new WeakMap<NovelServices, Set<Arrival>>()

/** Returns the content, which throws USER_UPLOADS_FULL as soon as the user has more than is allowed; throws it where that is so already. */
async function withinAllowance(
  services: NovelServices,
  file: IncomingFile,
  { arrival, all }: { arrival: Arrival; all: ReadonlySet<Arrival> },
): Promise<AsyncIterable<Uint8Array>> {
  const { userId, allowance } = file
  const content = withinLimit(file)
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
export async function openUpload(services: NovelServices, upload: Upload): Promise<TextSource> {
  const source = await services.uploads.open(upload.location, upload.fileName)
  if (source !== undefined) return source
  throw new QuillworkError(
    'TEXT_UNREADABLE',
    `The file of upload ${upload.id} (${upload.fileName}) no longer exists; upload it again.`,
  )
}

/** Deletes an unconfirmed upload, file first. Throws UPLOAD_NOT_FOUND, and UPLOAD_CONFIRMED where an import reads the file. */
export async function removeUpload(services: NovelServices, userId: string, uploadId: string): Promise<void> {
  const upload = await services.library.uploads.upload(userId, uploadId)
  if (upload.confirmation !== undefined) {
    throw new QuillworkError(
      'UPLOAD_CONFIRMED',
      `Task ${upload.confirmation.taskId} imports upload ${uploadId}; cancel that task instead.`,
    )
  }
  await services.uploads.remove(upload.location)
  await services.library.uploads.remove(uploadId)
}

/** Deletes expired uploads, file first, and the remains of writes that began a day ago. Returns the number of deletions. */
export async function sweepUploads(services: NovelServices, limit = 100): Promise<number> {
  const expired = await services.library.uploads.expired(limit)
  for (const upload of expired) {
    await services.uploads.remove(upload.location)
    await services.library.uploads.remove(upload.id)
  }
  return expired.length + (await services.uploads.removeUnfinished(keepUploadMs))
}
