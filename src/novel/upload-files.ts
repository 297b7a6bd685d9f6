import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { QuillworkError } from '../index.ts'
import type { TextSource } from './import/source.ts'
import type { Upload } from './library/uploads.ts'
import { type NovelServices, nowOf } from './services.ts'

/** How long an upload is kept that nobody confirms: 24 hours. */
const keepUploadMs = 86_400_000
/** How long an upload is kept once confirmed, so that its import can be retried: 30 days. */
export const keepConfirmedMs = 30 * 86_400_000
/** Largest upload unless told otherwise, in bytes: 500 MB. */
const largestUpload = 500_000_000

/** A file that arrives. */
export interface IncomingFile {
  userId: string
  /** Default: a new one. A file that arrives again under an id is the first one. */
  id?: string
  /** As the person named it. It is shown and tells the title; no path is made of it. */
  fileName: string
  content: AsyncIterable<Uint8Array>
  /** In bytes; default 500 MB. */
  largest?: number
  signal?: AbortSignal
}

/**
 * Writes a file where uploads are kept, durably, and enters it into the library. Nothing stays behind when that fails. Throws
 * UPLOAD_TOO_LARGE, STORE_FAILED, STORE_FULL, the signal's reason, and what the content throws.
 */
export async function storeUpload(services: NovelServices, file: IncomingFile): Promise<Upload> {
  const { location, bytes } = await services.uploads.write(withinLimit(file))
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
    if (bytes > largest) throw tooLarge(largest)
    yield piece
  }
}

function tooLarge(largest: number): QuillworkError {
  return new QuillworkError(
    'UPLOAD_TOO_LARGE',
    `The file has more than ${largest} bytes; import it in parts.`,
    {
      details: { largest },
    },
  )
}

/** The text of an upload, to be read as a stream. Throws TEXT_UNREADABLE when its file is gone. */
export async function openUpload(services: NovelServices, upload: Upload): Promise<TextSource> {
  const source = await services.uploads.open(upload.location, upload.fileName)
  if (source !== undefined) return source
  throw new QuillworkError(
    'TEXT_UNREADABLE',
    `The file of upload ${upload.id} (${upload.fileName}) is not there any more; upload it again.`,
  )
}

/**
 * Deletes an upload that nobody confirmed, file first. Throws UPLOAD_NOT_FOUND, and UPLOAD_CONFIRMED: its import reads the file.
 */
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

/** Deletes uploads whose time is over, file first, and what writes that were cut off a day ago left behind. Answers how many. */
export async function sweepUploads(services: NovelServices, limit = 100): Promise<number> {
  const expired = await services.library.uploads.expired(limit)
  for (const upload of expired) {
    await services.uploads.remove(upload.location)
    await services.library.uploads.remove(upload.id)
  }
  return expired.length + (await services.uploads.removeUnfinished(keepUploadMs))
}
